/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/summary.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

/* The service requests of a Meter Data Retriever (MP162). */
static const char *const matrix_srvs[] = {
	"4.1.1", "4.2", "4.6.1", "4.6.2", "4.8.1", "4.8.3", "4.17", "5.1", "5.2", "5.3", "8.2"};

#define MATRIX_ROWS (sizeof(matrix_srvs) / sizeof(matrix_srvs[0]))

struct matrix_cell {
	uint64_t sent;
	uint64_t accepted;
	uint64_t delivered;
	bool allowed; /* for an MDR on this generation */
	bool to_device;
};

struct quantile {
	const char *name;
	uint32_t parts_per_million;
};

static const struct quantile quantiles[] = {
	{"p50", 500000}, {"p90", 900000}, {"p99", 990000}, {"p99_9", 999000}, {"max", 1000000}};

#define QUANTILE_COUNT (sizeof(quantiles) / sizeof(quantiles[0]))

/* ---- the counts ---- */

static void require(struct summary *summary, const char *what, uint64_t found, uint64_t wanted)
{
	assert(summary->check_count < SUMMARY_CHECKS_MAX);
	summary->checks[summary->check_count++] = (struct summary_check){what, found, wanted};
	if (found != wanted)
		summary->balanced = false;
}

/* Exchanges of which something is not exactly as it should be, although the sums may agree. */
static uint64_t count_uneven(const struct simulation *simulation)
{
	uint64_t uneven = 0;
	for (uint32_t i = 0; i < simulation->ledger.used; i++) {
		const struct exchange *exchange = &simulation->ledger.exchanges[i];
		if (!exchange->sent && !exchange->scheduled)
			uneven++;
		else if (exchange->sent && !exchange->accepted && exchange->dispatched > 0)
			uneven++;
		else if ((exchange->accepted || exchange->scheduled) &&
			 (exchange->dispatched != 1 || exchange->answered != 1 ||
				 exchange->delivered != 1))
			uneven++;
	}
	return uneven;
}

static void require_exchanges(struct summary *summary, const struct simulation *simulation)
{
	const struct simulation_counters *counters = &simulation->counters;
	uint64_t delivered = counters->delivered + counters->delivered_scheduled;
	for (uint32_t i = 0; i < simulation->ledger.used; i++)
		summary->exchanges += simulation->ledger.exchanges[i].accepted;
	for (uint32_t i = 0; i < simulation->plan.schedule_count; i++)
		summary->schedules_due += simulation->plan.schedules[i].due;
	require(summary, "dispatched = accepted for a device", counters->dispatched,
		summary->exchanges);
	require(summary, "answered = accepted for a device", counters->answered,
		summary->exchanges);
	require(summary, "delivered = accepted for a device", counters->delivered,
		summary->exchanges);
	require(summary, "scheduled: dispatched = due", counters->dispatched_scheduled,
		summary->schedules_due);
	require(summary, "scheduled: answered = due", counters->answered_scheduled,
		summary->schedules_due);
	require(summary, "scheduled: delivered = due", counters->delivered_scheduled,
		summary->schedules_due);
	require(summary, "delivered = verified + unsigned failures of devices",
		counters->verified + counters->verified_scheduled + counters->delivered_failures,
		delivered);
}

void summary_make(struct summary *summary, const struct simulation *simulation)
{
	const struct simulation_counters *counters = &simulation->counters;
	uint64_t schedules_left = 0;
	memset(summary, 0, sizeof(*summary));
	summary->balanced = true;
	require(summary, "sent = planned", counters->sent, simulation->plan.count);
	require(summary, "accepted + refused = sent", counters->accepted + counters->refused,
		counters->sent);
	require(summary, "answered in another way than expected", counters->unexpected, 0);
	require(summary, "requests without an answer", counters->lost, 0);
	require_exchanges(summary, simulation);
	for (uint32_t i = 0; i < simulation->plan.schedule_count; i++)
		schedules_left += !simulation->plan.schedules[i].deleted;
	require(summary, "schedules not created or not deleted", schedules_left, 0);
	require(summary, "received more than once", counters->delivered_repeated, 0);
	require(summary, "refused by a receive endpoint", counters->receive_refused, 0);
	require(summary, "refused by a provider", counters->dispatch_refused, 0);
	require(summary, "refused by the transform provider", counters->transform_refused, 0);
	require(summary, "device answers refused by the gateway", counters->answer_refused, 0);
	require(summary, "exchanges not dispatched, answered and delivered exactly once",
		count_uneven(simulation), 0);
	require(summary, "ended by its deadline", simulation->deadline_passed, 0);
}

/* ---- the table of the 11 service requests ---- */

static void fill_matrix(const struct simulation *simulation, struct matrix_cell cells[][2])
{
	const struct plan *plan = &simulation->plan;
	const struct reference_user *mdr = &simulation->reference.users[plan->mdr];
	for (size_t row = 0; row < MATRIX_ROWS; row++)
		for (unsigned g = 0; g < 2; g++) {
			const struct reference_srv *srv =
				reference_srv(&simulation->reference, matrix_srvs[row]);
			cells[row][g].to_device = srv && !srv->non_device;
			cells[row][g].allowed =
				srv && (srv->non_device || reference_may_send(mdr, srv, 1,
								   MW_GENERATION_SMETS1 + g));
		}
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct plan_sending *sending = &plan->sendings[i];
		if (!sending->matrix || sending->device == PLAN_NONE)
			continue;
		unsigned g = simulation->reference.devices[sending->device].generation -
			     MW_GENERATION_SMETS1;
		const char *srv = plan->templates->templates[sending->template].srv;
		size_t row = 0;
		while (row < MATRIX_ROWS && strcmp(matrix_srvs[row], srv) != 0)
			row++;
		if (row == MATRIX_ROWS)
			continue;
		cells[row][g].sent += sending->state == PLAN_DONE;
		cells[row][g].accepted += sending->accepted;
		const struct exchange *exchange =
			sending->expected.exchange
				? ledger_find((struct ledger *)&simulation->ledger, &sending->id)
				: NULL;
		cells[row][g].delivered += exchange && exchange->verified > 0;
	}
}

static void print_cell(const struct matrix_cell *cell, FILE *out)
{
	if (!cell->allowed)
		fprintf(out, "  %21s", "not allowed");
	else if (cell->to_device)
		fprintf(out, "  %6" PRIu64 " %6" PRIu64 " %7" PRIu64, cell->sent, cell->accepted,
			cell->delivered);
	else
		fprintf(out, "  %6" PRIu64 " %6" PRIu64 " %7s", cell->sent, cell->accepted, "-");
}

static void print_matrix(const struct simulation *simulation, FILE *out)
{
	struct matrix_cell cells[MATRIX_ROWS][2];
	memset(cells, 0, sizeof(cells));
	fill_matrix(simulation, cells);
	fprintf(out, "Service requests of the Meter Data Retriever\n"
		     "           -------- SMETS1 -------  ------- SMETS2+ -------\n"
		     "  SRV        sent accept. verified    sent accept. verified\n");
	for (size_t row = 0; row < MATRIX_ROWS; row++) {
		fprintf(out, "  %-7s", matrix_srvs[row]);
		print_cell(&cells[row][0], out);
		fputs("  ", out);
		print_cell(&cells[row][1], out);
		fputc('\n', out);
	}
}

/* ---- for a person ---- */

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void print_latency(const char *name, const struct histogram *histogram, FILE *out)
{
	fprintf(out, "  %-22s %8" PRIu64, name, histogram->count);
	for (size_t i = 0; i < QUANTILE_COUNT; i++)
		fprintf(out, " %9.2f",
			ms(histogram_quantile(histogram, quantiles[i].parts_per_million)));
	fputc('\n', out);
}

static void print_damages(const struct simulation *simulation, FILE *out)
{
	fprintf(out, "Wrong on purpose                        as expected  otherwise\n");
	for (int i = PLAN_DAMAGE_NONE + 1; i < PLAN_DAMAGE_COUNT; i++)
		if (simulation->damage_expected[i] || simulation->damage_unexpected[i])
			fprintf(out, "  %-38s %10" PRIu64 " %10" PRIu64 "\n",
				plan_damage_text((enum plan_damage)i),
				simulation->damage_expected[i], simulation->damage_unexpected[i]);
}

static void print_requests(const struct simulation *simulation, FILE *out)
{
	const struct simulation_counters *counters = &simulation->counters;
	uint64_t ran_ns = simulation->end_ns - simulation->start_ns;
	fprintf(out,
		"motorway-sim: %" PRIu64 " requests at %" PRIu64 "/s, %.1f s, seed %" PRIu64 "\n\n",
		counters->sent, simulation->options.rate_tps, ms(ran_ns) / 1000,
		simulation->options.seed);
	print_matrix(simulation, out);
	fputc('\n', out);
	print_damages(simulation, out);
	fprintf(out,
		"\nRequests   sent %" PRIu64 ", accepted %" PRIu64 ", refused as expected %" PRIu64
		", unexpected %" PRIu64 ", lost %" PRIu64 ", sent again after 503 %" PRIu64
		"\n  refused by code:",
		counters->sent, counters->accepted, counters->refused, counters->unexpected,
		counters->lost, counters->busy);
	for (uint32_t i = 0; i < simulation->code_count; i++)
		fprintf(out, "%s %s %" PRIu64, i ? "," : "", simulation->codes[i].code,
			simulation->codes[i].count);
	fputc('\n', out);
}

static void print_counts(
	const struct summary *summary, const struct simulation *simulation, FILE *out)
{
	const struct simulation_counters *counters = &simulation->counters;
	fputs("On demand ", out);
	if (simulation->options.mode == SIM_MODE_DEMO)
		fprintf(out, " accepted for a device %" PRIu64 ",", summary->exchanges);
	fprintf(out,
		" dispatched %" PRIu64 ", answered %" PRIu64 ", delivered %" PRIu64
		", verified %" PRIu64 "\nScheduled ",
		counters->dispatched, counters->answered, counters->delivered, counters->verified);
	if (simulation->options.mode == SIM_MODE_DEMO)
		fprintf(out, " due %" PRIu64 ",", summary->schedules_due);
	fprintf(out,
		" dispatched %" PRIu64 ", answered %" PRIu64 ", delivered %" PRIu64
		", verified %" PRIu64 "\n",
		counters->dispatched_scheduled, counters->answered_scheduled,
		counters->delivered_scheduled, counters->verified_scheduled);
	if (counters->alerts > 0)
		fprintf(out, "Alerts     received and verified %" PRIu64 "\n", counters->alerts);
	fprintf(out, "Transform  answered %" PRIu64 "; device failures (E20, E21) %" PRIu64 "\n",
		counters->transforms, counters->answers_failed);
}

static void print_latencies(const struct simulation *simulation, FILE *out)
{
	fputs("\nLatency, ms               count       p50       p90       p99     p99.9"
	      "       max\n",
		out);
	print_latency("synchronous reply", &simulation->reply_ns, out);
	print_latency("on demand, to the user", &simulation->on_demand_ns, out);
	print_latency("scheduled, from due", &simulation->scheduled_ns, out);
	fputc('\n', out);
}

void summary_print(const struct summary *summary, const struct simulation *simulation, FILE *out)
{
	bool demo = simulation->options.mode == SIM_MODE_DEMO;
	if (demo)
		print_requests(simulation, out);
	print_counts(summary, simulation, out);
	uint64_t kept = simulation->counters.problems < SIM_PROBLEMS_MAX
				? simulation->counters.problems
				: SIM_PROBLEMS_MAX;
	for (uint64_t i = 0; i < kept; i++)
		fprintf(out, "  noted: %s\n", simulation->problems[i]);
	if (simulation->counters.problems > kept)
		fprintf(out, "  noted: %" PRIu64 " more\n", simulation->counters.problems - kept);
	if (!demo)
		return;
	print_latencies(simulation, out);
	for (uint32_t i = 0; i < summary->check_count; i++)
		if (summary->checks[i].found != summary->checks[i].wanted)
			fprintf(out, "  does not add up: %s: %" PRIu64 ", should be %" PRIu64 "\n",
				summary->checks[i].what, summary->checks[i].found,
				summary->checks[i].wanted);
	fprintf(out, "%s\n", summary->balanced ? "Every count adds up." : "FAILED.");
}

/* ---- JSON ---- */

static json_t *latency_json(const struct histogram *histogram)
{
	json_t *object = json_object();
	json_object_set_new(object, "count", json_integer((json_int_t)histogram->count));
	json_object_set_new(object, "mean_ns", json_integer((json_int_t)histogram_mean(histogram)));
	for (size_t i = 0; i < QUANTILE_COUNT; i++) {
		char name[32];
		uint64_t value = histogram_quantile(histogram, quantiles[i].parts_per_million);
		snprintf(name, sizeof(name), "%s_ns", quantiles[i].name);
		json_object_set_new(object, name, json_integer((json_int_t)value));
	}
	return object;
}

static json_t *matrix_json(const struct simulation *simulation)
{
	static const char *const generations[] = {"SMETS1", "SMETS2"};
	struct matrix_cell cells[MATRIX_ROWS][2];
	json_t *object = json_object();
	memset(cells, 0, sizeof(cells));
	fill_matrix(simulation, cells);
	for (size_t row = 0; row < MATRIX_ROWS; row++) {
		json_t *line = json_object();
		for (unsigned g = 0; g < 2; g++) {
			const struct matrix_cell *cell = &cells[row][g];
			json_t *numbers = json_object();
			json_object_set_new(numbers, "allowed", json_boolean(cell->allowed));
			json_object_set_new(numbers, "sent", json_integer((json_int_t)cell->sent));
			json_object_set_new(
				numbers, "accepted", json_integer((json_int_t)cell->accepted));
			if (cell->to_device)
				json_object_set_new(numbers, "verified",
					json_integer((json_int_t)cell->delivered));
			json_object_set_new(line, generations[g], numbers);
		}
		json_object_set_new(object, matrix_srvs[row], line);
	}
	return object;
}

static json_t *scheduled_json(
	const struct summary *summary, const struct simulation_counters *counters)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "due", (json_int_t)summary->schedules_due,
		"dispatched", (json_int_t)counters->dispatched_scheduled, "answered",
		(json_int_t)counters->answered_scheduled, "delivered",
		(json_int_t)counters->delivered_scheduled, "verified",
		(json_int_t)counters->verified_scheduled);
}

static void set(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *refused_json(const struct simulation *simulation)
{
	json_t *codes = json_object();
	json_t *causes = json_object();
	for (uint32_t i = 0; i < simulation->code_count; i++)
		set(codes, simulation->codes[i].code, simulation->codes[i].count);
	for (int i = PLAN_DAMAGE_NONE + 1; i < PLAN_DAMAGE_COUNT; i++)
		if (simulation->damage_expected[i])
			set(causes, plan_damage_text((enum plan_damage)i),
				simulation->damage_expected[i]);
	json_t *object = json_object();
	set(object, "total", simulation->counters.refused);
	json_object_set_new(object, "by_code", codes);
	json_object_set_new(object, "by_cause", causes);
	return object;
}

static json_t *checks_json(const struct summary *summary)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < summary->check_count; i++) {
		const struct summary_check *check = &summary->checks[i];
		json_array_append_new(array,
			json_pack("{s:s,s:I,s:I}", "what", check->what, "found",
				(json_int_t)check->found, "wanted", (json_int_t)check->wanted));
	}
	return array;
}

int summary_print_json(
	const struct summary *summary, const struct simulation *simulation, FILE *out)
{
	const struct simulation_counters *counters = &simulation->counters;
	json_t *object = json_object();
	json_t *latency = json_object();
	json_t *problems = json_array();
	bool demo = simulation->options.mode == SIM_MODE_DEMO;

	set(object, "sent", counters->sent);
	set(object, "accepted", counters->accepted);
	json_object_set_new(object, "refused", refused_json(simulation));
	set(object, "dispatched", counters->dispatched);
	set(object, "answered", counters->answered);
	set(object, "delivered", counters->delivered);
	set(object, "verified", counters->verified);
	json_object_set_new(latency, "reply", latency_json(&simulation->reply_ns));
	json_object_set_new(latency, "on_demand", latency_json(&simulation->on_demand_ns));
	json_object_set_new(latency, "scheduled", latency_json(&simulation->scheduled_ns));
	json_object_set_new(object, "latency", latency);
	json_object_set_new(object, "scheduled", scheduled_json(summary, counters));
	if (demo) {
		json_object_set_new(object, "service_requests", matrix_json(simulation));
		json_object_set_new(object, "checks", checks_json(summary));
		json_object_set_new(object, "balanced", json_boolean(summary->balanced));
	}
	json_t *all = json_object();
#define SET_COUNTER(name, meaning) set(all, #name, counters->name);
	SIM_COUNTERS(SET_COUNTER)
#undef SET_COUNTER
	json_object_set_new(object, "counters", all);
	for (uint64_t i = 0; i < counters->problems && i < SIM_PROBLEMS_MAX; i++)
		json_array_append_new(problems, json_string(simulation->problems[i]));
	json_object_set_new(object, "problems", problems);
	set(object, "rate_tps", simulation->options.rate_tps);
	set(object, "seed", simulation->options.seed);
	set(object, "ran_ms", (simulation->end_ns - simulation->start_ns) / NS_PER_MS);
	int result = json_dumpf(object, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(object);
	return result == 0 ? 0 : -ENOMEM;
}

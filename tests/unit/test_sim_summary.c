/* SPDX-License-Identifier: Apache-2.0 */
/* A demo's verdict: everything adds up, and nothing that is missing or too much goes unnoticed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bench/sim/summary.h"

static struct simulation simulation;
static struct summary summary;
static struct reference_user user = {
	.eui = 0x90b3d51f30010009, .roles = MW_ROLE_MDR, .active = true};
static struct reference_device device = {0x00db1234567890a0, 0, MW_GENERATION_SMETS2, "ESME", 0};
static struct reference_srv srv = {
	"4.8.1", "4.8", MW_ROLE_MDR, 1u << 1, false, false, 1u << MW_GENERATION_SMETS2, "", 0};
static struct template template = {.srv = "4.8.1", .command_variant = 1};
static struct template_set templates = {&template, 1};
static struct plan_sending sendings[2];
static struct plan_schedule schedule;

/* One read on demand, one request that was refused as expected, one scheduled read. */
static void prepare(void)
{
	struct mw_request_id id = {user.eui, device.device_id, 1};
	struct mw_request_id due = {0x90b3d51f30000002, device.device_id, 2};
	struct simulation_counters *counters = &simulation.counters;
	memset(&simulation, 0, sizeof(simulation));
	simulation.options.mode = SIM_MODE_DEMO;
	simulation.reference.users = &user;
	simulation.reference.user_count = 1;
	simulation.reference.devices = &device;
	simulation.reference.device_count = 1;
	simulation.reference.srvs = &srv;
	simulation.reference.srv_count = 1;
	cr_assert_eq(ledger_create(&simulation.ledger, 8), 0);
	*ledger_enter(&simulation.ledger, &id) = (struct exchange){.id = id,
		.used = true,
		.sent = true,
		.accepted = true,
		.dispatched = 1,
		.answered = 1,
		.delivered = 1,
		.verified = 1,
		.next = LEDGER_NONE};
	struct exchange *scheduled = ledger_enter(&simulation.ledger, &due);
	scheduled->scheduled = true;
	scheduled->dispatched = scheduled->answered = scheduled->delivered = 1;
	scheduled->verified = 1;
	memset(sendings, 0, sizeof(sendings));
	sendings[0].matrix = sendings[0].accepted = true;
	sendings[0].expected.exchange = true;
	sendings[0].state = PLAN_DONE;
	sendings[0].id = id;
	sendings[1].damage = PLAN_DAMAGE_UNSIGNED;
	sendings[1].device = PLAN_NONE;
	schedule = (struct plan_schedule){.due = true, .created = true, .deleted = true};
	simulation.plan = (struct plan){.templates = &templates,
		.reference = &simulation.reference,
		.sendings = sendings,
		.count = 2,
		.schedules = &schedule,
		.schedule_count = 1};
	counters->sent = 2;
	counters->accepted = counters->refused = 1;
	counters->dispatched = counters->answered = counters->delivered = counters->verified = 1;
	counters->dispatched_scheduled = counters->answered_scheduled = 1;
	counters->delivered_scheduled = counters->verified_scheduled = 1;
	simulation.damage_expected[PLAN_DAMAGE_UNSIGNED] = 1;
	simulation.end_ns = 1;
}

static void clean(void)
{
	ledger_destroy(&simulation.ledger);
}

TestSuite(sim_summary, .init = prepare, .fini = clean);

static bool balanced(void)
{
	summary_make(&summary, &simulation);
	return summary.balanced;
}

Test(sim_summary, what_is_complete_adds_up)
{
	cr_assert(balanced());
	cr_assert_eq(summary.exchanges, 1);
	cr_assert_eq(summary.schedules_due, 1);
}

/* Each counter that is part of the verdict, one too many. */
Test(sim_summary, every_counter_counts)
{
	struct simulation_counters *counters = &simulation.counters;
	uint64_t *const all[] = {&counters->sent, &counters->accepted, &counters->refused,
		&counters->unexpected, &counters->lost, &counters->dispatched,
		&counters->dispatched_scheduled, &counters->dispatch_refused, &counters->answered,
		&counters->answered_scheduled, &counters->answer_refused,
		&counters->transform_refused, &counters->delivered, &counters->delivered_scheduled,
		&counters->delivered_repeated, &counters->verified, &counters->verified_scheduled,
		&counters->receive_refused};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		(*all[i])++;
		cr_assert_not(balanced(), "counter %zu", i);
		(*all[i])--;
	}
	cr_assert(balanced());
}

/* Sums may agree although one exchange has too little and another too much. */
Test(sim_summary, every_exchange_counts)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct exchange *exchange = &simulation.ledger.exchanges[i];
		uint32_t *const all[] = {
			&exchange->dispatched, &exchange->answered, &exchange->delivered};
		for (size_t j = 0; j < sizeof(all) / sizeof(all[0]); j++) {
			*all[j] = 0;
			cr_assert_not(balanced());
			*all[j] = 2;
			cr_assert_not(balanced());
			*all[j] = 1;
		}
	}
	simulation.ledger.exchanges[0].accepted = false;
	simulation.counters.dispatched = simulation.counters.answered = 0;
	simulation.counters.delivered = simulation.counters.verified = 0;
	cr_assert_not(balanced(), "dispatched although it was not accepted");
}

Test(sim_summary, leftovers_and_deadline_count)
{
	schedule.deleted = false;
	cr_assert_not(balanced());
	schedule.deleted = true;
	simulation.deadline_passed = true;
	cr_assert_not(balanced());
	simulation.deadline_passed = false;
	simulation.plan.count = 1;
	cr_assert_not(balanced(), "more was sent than planned");
}

/* A device failure comes without signature: delivered, but nothing to verify. */
Test(sim_summary, unsigned_failures_are_allowed_for)
{
	simulation.counters.verified = 0;
	cr_assert_not(balanced());
	simulation.counters.delivered_failures = 1;
	cr_assert(balanced());
}

Test(sim_summary, json_has_its_keys)
{
	static const char *const keys[] = {"sent", "accepted", "refused", "dispatched", "answered",
		"delivered", "verified", "latency", "scheduled", "service_requests", "checks",
		"counters", "problems"};
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	histogram_record(&simulation.on_demand_ns, 5000000);
	cr_assert(balanced());
	cr_assert_eq(summary_print_json(&summary, &simulation, out), 0);
	fclose(out);
	cr_assert_eq(strchr(text, '\n'), text + length - 1, "one line");
	json_t *json = json_loads(text, 0, NULL);
	cr_assert_not_null(json);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		cr_assert_not_null(json_object_get(json, keys[i]), "%s", keys[i]);
	cr_assert(json_is_true(json_object_get(json, "balanced")));
	json_t *latency = json_object_get(json_object_get(json, "latency"), "on_demand");
	cr_assert_eq(json_integer_value(json_object_get(latency, "count")), 1);
	cr_assert_eq(json_integer_value(json_object_get(latency, "max_ns")), 5000000);
	json_t *row = json_object_get(json_object_get(json, "service_requests"), "4.8.1");
	json_t *cell = json_object_get(row, "SMETS2");
	cr_assert_eq(json_integer_value(json_object_get(cell, "verified")), 1);
	cr_assert(json_is_false(json_object_get(json_object_get(row, "SMETS1"), "allowed")));
	json_decref(json);
	free(text);
}

Test(sim_summary, text_says_what_does_not_add_up)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	simulation.counters.delivered = 0;
	cr_assert_not(balanced());
	summary_print(&summary, &simulation, out);
	fclose(out);
	cr_assert_not_null(strstr(text, "delivered = accepted for a device: 0, should be 1"));
	cr_assert_not_null(strstr(text, "FAILED."));
	cr_assert_null(strstr(text, "adds up."));
	free(text);
}

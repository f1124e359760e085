/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of motorway-sim volumetrics, and the caps in the form of conf/windows.yaml. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "bench/sim/volumetrics.h"
#include "bench/sim/volumetrics_read.h"
#include "motorway/window_record.h"

#define NUMBER_SIZE 40
#define WORDS_SIZE 32

/* 12345678 as 12,345,678. */
static const char *grouped(int64_t number, char *text)
{
	char digits[24];
	int length = snprintf(
		digits, sizeof(digits), "%" PRIu64, (uint64_t)(number < 0 ? -number : number));
	char *out = text;

	if (number < 0)
		*out++ = '-';
	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return text;
}

#define GROUPED(number) grouped((int64_t)(number), (char[NUMBER_SIZE]){0})

/* Thousandths with three decimals. */
static const char *decimals(uint64_t milli, char *text)
{
	snprintf(text, NUMBER_SIZE, "%" PRIu64 ".%03" PRIu64, milli / 1000, milli % 1000);
	return text;
}

#define DECIMALS(milli) decimals(milli, (char[NUMBER_SIZE]){0})

/* Thousandths of a percent with one decimal, rounded half up. */
static const char *percent(uint64_t milli, char *text)
{
	uint64_t tenths = (milli + 50) / 100;

	snprintf(text, NUMBER_SIZE, "%" PRIu64 ".%" PRIu64 " %%", tenths / 10, tenths % 10);
	return text;
}

#define PERCENT(milli) percent(milli, (char[NUMBER_SIZE]){0})

static const char *clock_time(uint32_t day_s, char *text)
{
	if (day_s == DEMAND_NEVER)
		snprintf(text, NUMBER_SIZE, "-");
	else
		snprintf(text, NUMBER_SIZE, "%02u:%02u:%02u", day_s / 3600, day_s / 60 % 60,
			day_s % 60);
	return text;
}

#define CLOCK(day_s) clock_time(day_s, (char[NUMBER_SIZE]){0})

static const char *hour(uint32_t day_s, char *text)
{
	snprintf(text, NUMBER_SIZE, "%02u:%02u", day_s / 3600, day_s / 60 % 60);
	return text;
}

#define HOUR(day_s) hour(day_s, (char[NUMBER_SIZE]){0})

static uint64_t value(const struct volumetrics_report *report, enum volumetrics_input input)
{
	return report->demand->model.numbers[input].value;
}

/* ---- demand ---- */

static void print_meters(const struct volumetrics_report *report, FILE *out)
{
	const struct demand *demand = report->demand;
	uint64_t sums[3] = {0};

	fprintf(out, "METERS\n%-18s %-6s %12s %12s %12s %12s\n", "provider", "", "all", "supplier",
		"MDR", "with export");
	for (unsigned p = 0; p < VOLUMETRICS_PROVIDERS; p++) {
		uint64_t counts[3] = {0}; /* of suppliers, of MDRs, with export */

		for (unsigned i = 0; i < DEMAND_CELLS; i++) {
			if (demand->cells[i].provider != p)
				continue;
			counts[demand->cells[i].user] += demand->cells[i].count;
			counts[2] += demand->cells[i].has_export ? demand->cells[i].count : 0;
		}
		fprintf(out, "%-18s %-6s %12s %12s %12s %12s\n", volumetrics_providers[p],
			volumetrics_generations[volumetrics_generation_of(p)],
			GROUPED(demand->provider_meters[p]), GROUPED(counts[0]), GROUPED(counts[1]),
			GROUPED(counts[2]));
		for (int i = 0; i < 3; i++)
			sums[i] += counts[i];
	}
	fprintf(out, "%-18s %-6s %12s %12s %12s %12s\n", "all", "", GROUPED(demand->meters),
		GROUPED(sums[0]), GROUPED(sums[1]), GROUPED(sums[2]));
}

static const char *window_word(enum volumetrics_window window)
{
	return window == VOLUMETRICS_NO_WINDOW ? "none" : volumetrics_windows[window];
}

static void print_line(
	const struct demand_line *line, const char *provider, const char *generation, FILE *out)
{
	fprintf(out, "%-18s %-6s %-8s %-6s %-5s %-7s %-9s %-8s %11s %11s %11s\n", provider,
		generation, volumetrics_users[line->user], volumetrics_directions[line->direction],
		line->srv, volumetrics_frequencies[line->frequency], volumetrics_modes[line->mode],
		window_word(line->window), GROUPED(line->schedules), GROUPED(line->runs),
		GROUPED(line->additional));
}

static bool same_but_provider(const struct demand_line *a, const struct demand_line *b)
{
	return volumetrics_generation_of(a->provider) == volumetrics_generation_of(b->provider) &&
	       a->user == b->user && a->direction == b->direction && a->frequency == b->frequency &&
	       a->mode == b->mode && strcmp(a->srv, b->srv) == 0;
}

/* Lines that differ in the provider alone become one, unless all are wished for. */
static void print_lines(const struct volumetrics_report *report, bool all, FILE *out)
{
	bool shown[DEMAND_LINES_MAX] = {false};

	fprintf(out, "\nREADS\n%-18s %-6s %-8s %-6s %-5s %-7s %-9s %-8s %11s %11s %11s\n",
		"provider", "", "user", "", "SRV", "", "mode", "window", "meters", "a day",
		"additional");
	for (unsigned i = 0; i < report->line_count; i++) {
		struct demand_line line = report->lines[i];
		const char *generation =
			volumetrics_generations[volumetrics_generation_of(line.provider)];

		if (all) {
			print_line(&line, volumetrics_providers[line.provider], generation, out);
			continue;
		}
		if (shown[i])
			continue;
		for (unsigned k = i + 1; k < report->line_count; k++) {
			if (!same_but_provider(&line, &report->lines[k]))
				continue;
			shown[k] = true;
			line.schedules += report->lines[k].schedules;
			line.runs += report->lines[k].runs;
			line.additional += report->lines[k].additional;
		}
		print_line(&line, "all", generation, out);
	}
}

static void print_sum(const char *words, int64_t number, const char *unit, FILE *out)
{
	fprintf(out, "%-58s %15s %s\n", words, GROUPED(number), unit);
}

static void print_totals(const struct volumetrics_report *report, FILE *out)
{
	const struct demand_totals *totals = &report->totals;

	fprintf(out, "\nSUMS\n");
	print_sum("schedules", (int64_t)totals->schedules, "", out);
	print_sum("reads a day, first attempts", (int64_t)totals->runs, "", out);
	print_sum("  of these existing", (int64_t)totals->existing, "", out);
	print_sum("  of these additional", (int64_t)totals->additional, "", out);
	if (totals->stated) {
		print_sum("stated", (int64_t)value(report, VOLUMETRICS_STATED_REQUESTS), "", out);
		print_sum("residual", totals->residual, "", out);
	}
	print_sum("octets of the additional reads' answers", (int64_t)totals->response_bytes, "B",
		out);
	print_sum("octets of their commands", (int64_t)totals->command_bytes, "B", out);
	if (totals->stated) {
		print_sum("stated", (int64_t)value(report, VOLUMETRICS_STATED_BYTES), "B", out);
		print_sum("residual, if answers alone are meant", totals->residual_bytes, "B", out);
		print_sum("residual, if commands are meant as well", totals->residual_bytes_two,
			"B", out);
	}
	fprintf(out, "Not in these sums, by assumption:\n");
	print_sum("retries by the DSP in windows", (int64_t)totals->retries, "", out);
	print_sum("runs that fail for good", (int64_t)totals->failed, "", out);
	print_sum(
		"on demand by users for what failed", (int64_t)totals->on_demand_retries, "", out);
	print_sum(
		"on demand by users for other reasons", (int64_t)totals->on_demand_other, "", out);
}

static void print_readings(const struct volumetrics_report *report, FILE *out)
{
	fprintf(out, "\nOTHER READINGS OF THE DOCUMENTS\n%-38s %13s %13s %17s %19s\n", "reading",
		"additional", "residual", "answers, octets", "Off Peak need, TPS");
	for (unsigned i = 0; i < report->reading_count; i++) {
		const struct demand_totals *totals = &report->readings[i];

		fprintf(out, "%-38s %13s %13s %17s %19s\n", report->demand->model.readings[i].name,
			GROUPED(totals->additional),
			totals->stated ? GROUPED(totals->residual) : "-",
			GROUPED(totals->response_bytes), DECIMALS(report->reading_most_milli[i]));
	}
}

/* ---- windows ---- */

/* Seconds between finish and end; 0 where it never finishes. */
static uint32_t margin_s(const struct demand_window *window)
{
	return window->finish_s < window->to_s ? window->to_s - window->finish_s : 0;
}

/* `least_s` is what a window that finishes has as margin. */
static const char *margin(const struct demand_window *window, uint32_t least_s, char *text)
{
	if (window->finish_s == DEMAND_NEVER)
		snprintf(text, NUMBER_SIZE, "%s left", GROUPED(window->left));
	else
		clock_time(least_s, text);
	return text;
}

static const char *caps(const struct demand_window *window, char *text)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < window->slot_count && used < NUMBER_SIZE; i++)
		used += (size_t)snprintf(text + used, NUMBER_SIZE - used, "%s%u", i > 0 ? "/" : "",
			window->cap_tps[i]);
	return text;
}

static void print_window(const struct demand_window *window, const char *name, bool of_total,
	uint32_t least_s, FILE *out)
{
	fprintf(out, "%-18s %s-%s %12s %9s %11s %9s %13s %10s %s\n", name, HOUR(window->from_s),
		HOUR(window->to_s), GROUPED(window->volume), GROUPED(window->retries),
		DECIMALS(window->need_milli), of_total ? PERCENT(window->share_milli_percent) : "-",
		caps(window, (char[NUMBER_SIZE]){0}), CLOCK(window->finish_s),
		margin(window, least_s, (char[NUMBER_SIZE]){0}));
}

static void print_windows(const struct volumetrics_report *report, FILE *out)
{
	for (unsigned kind = 0; kind < VOLUMETRICS_WINDOWS; kind++) {
		bool off_peak = kind == VOLUMETRICS_OFF_PEAK;
		const struct demand_window *total = &report->day.total[kind];
		uint32_t least_s = UINT32_MAX; /* of the providers */

		fprintf(out, "\nWINDOWS, %s\n%-18s %-11s %12s %9s %11s %9s %13s %10s %s\n",
			volumetrics_windows[kind], "provider", "window", "volume", "retries",
			"need, TPS", off_peak ? "of total" : "", "cap, TPS", "finish", "margin");
		for (unsigned p = 0; p < VOLUMETRICS_GATES; p++) {
			const struct demand_window *window = &report->day.windows[p][kind];

			print_window(
				window, volumetrics_providers[p], off_peak, margin_s(window), out);
			if (p != VOLUMETRICS_DCO && margin_s(window) < least_s)
				least_s = margin_s(window);
		}
		print_window(total, "total", off_peak, least_s, out);
		fprintf(out, "Most is needed from %s on: %s TPS",
			HOUR(report->day.need_most_s[kind]),
			DECIMALS(report->day.need_most_milli[kind]));
		if (off_peak)
			fprintf(out, ", %s of %u TPS", PERCENT(total->share_milli_percent),
				total->cap_tps[0]);
		fprintf(out, ".\n");
	}
	fprintf(out,
		"need: volume and retries spread over the window. cap: need / %s of loading, up "
		"to a whole TPS.\nfinish, margin: if all send at their caps, and Off Peak at "
		"most %" PRIu64 " TPS in all; the total has the least margin.\nThe DCO is "
		"passed by S1SP-1's reads alone and is in no sum.\n",
		PERCENT(value(report, VOLUMETRICS_LOADING_PERCENT)),
		value(report, VOLUMETRICS_OFF_PEAK_TPS));
}

/* ---- CSP North ---- */

static void print_decimal(const char *words, uint64_t milli, const char *unit, FILE *out)
{
	fprintf(out, "%-58s %15s %s\n", words, DECIMALS(milli), unit);
}

static void print_channels(const struct volumetrics_report *report, FILE *out)
{
	const struct demand_channels *channels = &report->channels;

	fprintf(out, "\nCSP NORTH, RADIO CHANNELS (FIA 5.3)\n");
	print_sum("hubs of CSP North, of which the enrolled ones are a share",
		(int64_t)channels->hubs_all, "", out);
	print_sum("hubs enrolled, without Fylingdales", (int64_t)channels->hubs, "", out);
	print_sum("kits at the least, if all had the highest load", (int64_t)channels->kits_least,
		"", out);
	print_sum("hubs at the highest-loaded kit", (int64_t)value(report, VOLUMETRICS_KIT_HUBS),
		"", out);
	print_sum("Off Peak reads a day at this kit", (int64_t)channels->kit_reads, "", out);
	print_decimal("  an hour of the window", channels->kit_hourly_milli, "", out);
	print_decimal("channels added, at their loading", channels->usable_milli, "channels", out);
	print_decimal("so a channel must carry, reads an hour, at least",
		channels->channel_least_milli, "", out);
	if (channels->channel_below_milli > 0)
		print_decimal("  and less than (else fewer channels would do)",
			channels->channel_below_milli, "", out);
	print_sum("hubs of a kit at which the added channels would be full",
		(int64_t)channels->kit_hubs_full, "", out);
	print_sum("channels at a kit then", (int64_t)channels->channels_total, "", out);
	if (channels->channels_needed == 0) {
		fprintf(out, "The text has no rate of a channel (channel_reads_per_hour): whether "
			     "three are enough cannot be reckoned,\nonly what they must carry.\n");
		return;
	}
	print_sum("channels needed at the given rate", (int64_t)channels->channels_needed, "", out);
	print_sum("headroom", channels->channels_headroom, "channels", out);
	fprintf(out, "%-58s %15s\n", "loading of those added",
		PERCENT(channels->loading_milli_percent));
}

/* ---- sources ---- */

static void print_basis(const char *name, const char *number, bool changed,
	const struct volumetrics_basis *basis, FILE *out)
{
	fprintf(out, "%-38s %14s  %s%s\n", name, number,
		changed		 ? "given: instead of: "
		: basis->assumed ? "assumed: "
				 : "",
		basis->text);
}

static void print_sources(const struct volumetrics *model, FILE *out)
{
	char text[NUMBER_SIZE];

	fprintf(out, "\nSOURCES\n");
	for (int i = 0; i < VOLUMETRICS_INPUTS; i++)
		print_basis(volumetrics_row(i)->name,
			volumetrics_value(model, i, text, sizeof(text)), model->numbers[i].changed,
			&model->numbers[i].basis, out);
	for (uint32_t i = 0; i < model->read_count; i++)
		print_basis(model->reads[i].name, DECIMALS(model->reads[i].percent_milli),
			model->reads[i].changed, &model->reads[i].basis, out);
	for (uint32_t i = 0; i < model->size_count; i++)
		print_basis(model->sizes[i].srv, GROUPED(model->sizes[i].response_bytes), false,
			&model->sizes[i].basis, out);
	for (int i = 0; i < VOLUMETRICS_GATES * VOLUMETRICS_WINDOWS; i++)
		print_basis(volumetrics_providers[i / 2], volumetrics_windows[i % 2], false,
			&model->hours[i / 2][i % 2].basis, out);
	for (uint32_t i = 0; i < model->reading_count; i++)
		print_basis(
			model->readings[i].name, "reading", false, &model->readings[i].basis, out);
}

void volumetrics_print(
	const struct volumetrics_report *report, const struct volumetrics_wish *wish, FILE *out)
{
	print_meters(report, out);
	print_lines(report, wish->lines, out);
	print_totals(report, out);
	print_readings(report, out);
	print_windows(report, out);
	print_channels(report, out);
	if (wish->sources)
		print_sources(&report->demand->model, out);
}

/* ---- caps ---- */

static uint32_t allowed_cap(uint32_t cap_tps)
{
	return cap_tps < MW_WINDOW_CAP_TPS_MAX ? cap_tps : MW_WINDOW_CAP_TPS_MAX;
}

static void print_window_caps(const struct volumetrics_report *report, unsigned gate,
	enum volumetrics_window kind, FILE *out)
{
	const struct demand_window *window = &report->day.windows[gate][kind];
	const struct volumetrics_hours *hours = &report->demand->model.hours[gate][kind];
	bool peak = kind == VOLUMETRICS_PEAK;

	fprintf(out, "      - name: %s\n        kind: %s\n        from: %s\n        to: %s\n",
		peak ? "night" : "day", peak ? "peak" : "off-peak", HOUR(window->from_s),
		HOUR(window->to_s));
	if (window->slot_count == 1)
		fprintf(out, "        cap_tps: %u\n", allowed_cap(window->cap_tps[0]));
	else
		fprintf(out, "        slots:\n");
	for (uint32_t i = 0; window->slot_count > 1 && i < window->slot_count; i++)
		fprintf(out, "          - {from: %s, to: %s, cap_tps: %u}\n",
			HOUR(hours->slots[i].from_s), HOUR(hours->slots[i].to_s),
			allowed_cap(window->cap_tps[i]));
	fprintf(out,
		"        basis: assumed\n        note: \"doc/volumetrics.md: %s a second "
		"needed\"\n",
		DECIMALS(window->need_milli));
}

static void print_gate_caps(const struct volumetrics_report *report, unsigned gate, FILE *out)
{
	fprintf(out, "  - provider: %s\n", volumetrics_providers[gate]);
	if (gate == VOLUMETRICS_DCO)
		fprintf(out, "    before: [%s]\n", volumetrics_providers[VOLUMETRICS_S1SP_1]);
	fprintf(out, "    windows:\n");
	for (unsigned kind = 0; kind < VOLUMETRICS_WINDOWS; kind++)
		print_window_caps(report, gate, kind, out);
}

void volumetrics_print_caps(const struct volumetrics_report *report, FILE *out)
{
	fprintf(out,
		"# Made by motorway-sim volumetrics --caps. The windows are FIA Table 4's, the "
		"caps "
		"follow from\n# doc/volumetrics.md. The Peak caps add up to %u a second, which no "
		"source limits.\n",
		report->day.total[VOLUMETRICS_PEAK].cap_tps[0]);
	fprintf(out, "totals:\n  peak_tps: unlimited\n  off_peak_tps: %u\n\nproviders:\n",
		report->day.total[VOLUMETRICS_OFF_PEAK].cap_tps[0]);
	for (unsigned gate = 0; gate < VOLUMETRICS_PROVIDERS; gate++)
		print_gate_caps(report, gate, out);
	fprintf(out, "\nseries:\n");
	print_gate_caps(report, VOLUMETRICS_DCO, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meters and their schedules. All meters stand in one row of places, those that are alike side by
 * side (a cell); the reads of a choice take stretches of each cell. A meter's number becomes its
 * place by a seeded shuffle, so that a meter's schedules follow from its number, and all meters
 * together have exactly what the cells say.
 */
#include <assert.h>
#include <string.h>

#include "bench/sim/volumetrics.h"
#include "bench/sim/volumetrics_read.h"

#define ALL_MILLI_PERCENT 100000u
#define PARTS_MAX 64u

/* ---- dividing ---- */

void volumetrics_share(uint64_t total, const uint64_t *weights, unsigned count, uint64_t *parts)
{
	uint64_t rests[PARTS_MAX];
	uint64_t sum = 0;
	uint64_t left = total;

	assert(count > 0 && count <= PARTS_MAX);
	for (unsigned i = 0; i < count; i++)
		sum += weights[i];
	assert(sum > 0);
	for (unsigned i = 0; i < count; i++) {
		parts[i] = total * weights[i] / sum;
		rests[i] = total * weights[i] % sum;
		left -= parts[i];
	}
	for (; left > 0; left--) {
		unsigned most = 0;

		for (unsigned i = 1; i < count; i++)
			if (rests[i] > rests[most])
				most = i;
		parts[most]++;
		rests[most] = 0;
	}
}

/* Meters of the providers, of the model's own number. */
static void provider_weights(const struct volumetrics *model, uint64_t *weights)
{
	uint64_t smets1 = volumetrics_smets1_meters(model);
	uint64_t first = model->numbers[VOLUMETRICS_S1SP_1_PERCENT].value;
	uint64_t second = model->numbers[VOLUMETRICS_S1SP_2_PERCENT].value;
	uint64_t shares[] = {first, second, ALL_MILLI_PERCENT - first - second};

	weights[VOLUMETRICS_CSP_NORTH] = model->numbers[VOLUMETRICS_CSP_NORTH_HUBS].value;
	weights[VOLUMETRICS_CSP_SOUTH_CENTRAL] =
		model->numbers[VOLUMETRICS_METERS].value - smets1 - weights[VOLUMETRICS_CSP_NORTH];
	volumetrics_share(smets1, shares, 3, weights + VOLUMETRICS_S1SP_1);
}

/* Meters of each kind: users, of these with and without export, of these by granularity. */
static void kind_counts(const struct volumetrics *model, uint64_t meters, uint64_t *kinds)
{
	const struct volumetrics_number *numbers = model->numbers;
	uint64_t supplier = numbers[VOLUMETRICS_SUPPLIER_PERCENT].value;
	uint64_t export = numbers[VOLUMETRICS_EXPORT_PERCENT].value;
	uint64_t half_hourly = numbers[VOLUMETRICS_HALF_HOURLY_PERCENT].value;
	uint64_t by_day = numbers[VOLUMETRICS_DAILY_PERCENT].value;
	uint64_t users[VOLUMETRICS_USERS];
	uint64_t exports[2];

	volumetrics_share(meters, (uint64_t[]){supplier, ALL_MILLI_PERCENT - supplier}, 2, users);
	for (unsigned user = 0; user < VOLUMETRICS_USERS; user++) {
		volumetrics_share(
			users[user], (uint64_t[]){ALL_MILLI_PERCENT - export, export}, 2, exports);
		for (unsigned has_export = 0; has_export < 2; has_export++) {
			volumetrics_share(exports[has_export],
				(uint64_t[]){half_hourly, by_day,
					ALL_MILLI_PERCENT - half_hourly - by_day},
				VOLUMETRICS_GRANULARITIES, kinds);
			kinds += VOLUMETRICS_GRANULARITIES;
		}
	}
}

/* The cells whose rows are `kinds` and whose columns are `providers`, both of which add up to
 * `meters`: whole parts first; then one more by the size of the rest, where row and column still
 * lack one, as often as needed. It ends, because a row that lacks one and a column that does always
 * meet in a cell. */
static void fill_cells(uint64_t meters, const uint64_t *kinds, const uint64_t *providers,
	uint64_t cells[DEMAND_KINDS][VOLUMETRICS_PROVIDERS])
{
	uint64_t rests[DEMAND_KINDS][VOLUMETRICS_PROVIDERS];
	uint64_t kinds_lack[DEMAND_KINDS];
	uint64_t providers_lack[VOLUMETRICS_PROVIDERS];
	uint64_t left = meters;

	memcpy(kinds_lack, kinds, sizeof(kinds_lack));
	memcpy(providers_lack, providers, sizeof(providers_lack));
	for (unsigned k = 0; k < DEMAND_KINDS; k++) {
		for (unsigned p = 0; p < VOLUMETRICS_PROVIDERS; p++) {
			uint64_t product = kinds[k] * providers[p];

			cells[k][p] = product / meters;
			rests[k][p] = product % meters + 2;
			kinds_lack[k] -= cells[k][p];
			providers_lack[p] -= cells[k][p];
			left -= cells[k][p];
		}
	}
	while (left > 0) {
		uint64_t most = 0;
		unsigned kind = 0;
		unsigned provider = 0;

		for (unsigned k = 0; k < DEMAND_KINDS; k++) {
			for (unsigned p = 0; p < VOLUMETRICS_PROVIDERS; p++) {
				if (kinds_lack[k] == 0 || providers_lack[p] == 0 ||
					rests[k][p] <= most)
					continue;
				most = rests[k][p];
				kind = k;
				provider = p;
			}
		}
		assert(most > 0);
		cells[kind][provider]++;
		kinds_lack[kind]--;
		providers_lack[provider]--;
		left--;
		rests[kind][provider] = 1; /* once more, if nobody else can */
	}
}

/* Give the meters of a cell to the reads of read `first`'s choice. */
static void share_choice(const struct volumetrics *model, struct demand_cell *cell, uint32_t first)
{
	const struct volumetrics_read *read = &model->reads[first];
	uint64_t weights[VOLUMETRICS_READS_MAX + 1];
	uint64_t parts[VOLUMETRICS_READS_MAX + 1];
	uint32_t members[VOLUMETRICS_READS_MAX];
	unsigned count = 0;
	uint64_t used = 0;
	uint64_t place = 0;

	for (uint32_t i = first; i < model->read_count; i++) {
		const struct volumetrics_read *other = &model->reads[i];

		if (strcmp(other->choice, read->choice) != 0 ||
			!volumetrics_read_matches(other, volumetrics_generation_of(cell->provider),
				cell->user, cell->granularity) ||
			(other->direction == VOLUMETRICS_EXPORT && !cell->has_export))
			continue;
		members[count] = i;
		weights[count++] = other->percent_milli;
		used += other->percent_milli;
	}
	if (count == 0)
		return;
	weights[count] = ALL_MILLI_PERCENT - used;
	volumetrics_share(cell->count, weights, count + 1, parts);
	for (unsigned i = 0; i < count; i++) {
		cell->read_first[members[i]] = place;
		cell->read_count[members[i]] = parts[i];
		place += parts[i];
	}
}

/* Whether read `index` is the first of its choice. */
static bool begins_choice(const struct volumetrics *model, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (strcmp(model->reads[i].choice, model->reads[index].choice) == 0)
			return false;
	return true;
}

void demand_make(
	struct demand *demand, const struct volumetrics *model, uint64_t meters, uint64_t seed)
{
	uint64_t weights[VOLUMETRICS_PROVIDERS];
	uint64_t kinds[DEMAND_KINDS];
	uint64_t counts[DEMAND_KINDS][VOLUMETRICS_PROVIDERS];
	uint64_t place = 0;

	assert(meters > 0 && meters <= VOLUMETRICS_METERS_MAX);
	memset(demand, 0, sizeof(*demand));
	demand->model = *model;
	demand->meters = meters;
	provider_weights(model, weights);
	volumetrics_share(meters, weights, VOLUMETRICS_PROVIDERS, demand->provider_meters);
	kind_counts(model, meters, kinds);
	fill_cells(meters, kinds, demand->provider_meters, counts);
	for (unsigned i = 0; i < DEMAND_CELLS; i++) {
		struct demand_cell *cell = &demand->cells[i];
		unsigned kind = i / VOLUMETRICS_PROVIDERS;

		cell->provider = i % VOLUMETRICS_PROVIDERS;
		cell->granularity = kind % VOLUMETRICS_GRANULARITIES;
		cell->has_export = kind / VOLUMETRICS_GRANULARITIES % 2 != 0;
		cell->user = kind / VOLUMETRICS_GRANULARITIES / 2;
		cell->first = place;
		cell->count = counts[kind][cell->provider];
		place += cell->count;
		for (uint32_t read = 0; read < model->read_count; read++)
			if (begins_choice(model, read))
				share_choice(model, cell, read);
	}
	assert(place == meters);
	shuffle_make(&demand->shuffle, meters, seed);
}

/* ---- what follows ---- */

enum volumetrics_window volumetrics_window_of(const struct volumetrics *model,
	enum volumetrics_user user, enum volumetrics_direction direction,
	enum volumetrics_mode mode)
{
	/* A supplier's requests on demand have a short target response time and wait for no window;
	 * an MDR's have 24 hours (FIA 3.3, Table 3) and do (5.1.1). */
	if (mode == VOLUMETRICS_ON_DEMAND && user == VOLUMETRICS_SUPPLIER)
		return VOLUMETRICS_NO_WINDOW;
	if (model->numbers[VOLUMETRICS_PLACEMENT].value == VOLUMETRICS_ALL_OFF_PEAK)
		return VOLUMETRICS_OFF_PEAK;
	return user == VOLUMETRICS_SUPPLIER && direction == VOLUMETRICS_IMPORT
		       ? VOLUMETRICS_PEAK
		       : VOLUMETRICS_OFF_PEAK;
}

/* The day of the month of a monthly read: evenly over the places (BR 2.6.4). */
static uint32_t day_of_place(uint64_t place)
{
	return (uint32_t)(place % VOLUMETRICS_MONTH_DAYS) + 1;
}

/* How many of the places below `end` have this day of the month. */
static uint64_t places_of_day(uint64_t end, uint64_t day)
{
	return (end + VOLUMETRICS_MONTH_DAYS - day) / VOLUMETRICS_MONTH_DAYS;
}

void demand_meter(const struct demand *demand, uint64_t number, struct demand_meter *meter)
{
	const struct volumetrics *model = &demand->model;
	uint64_t place;
	unsigned at = 0;

	assert(number < demand->meters);
	place = shuffle_at(&demand->shuffle, number);
	while (place >= demand->cells[at].first + demand->cells[at].count)
		at++;
	const struct demand_cell *cell = &demand->cells[at];
	meter->provider = cell->provider;
	meter->generation = volumetrics_generation_of(cell->provider);
	meter->user = cell->user;
	meter->has_export = cell->has_export;
	meter->granularity = cell->granularity;
	meter->schedule_count = 0;
	for (uint32_t i = 0; i < model->read_count; i++) {
		const struct volumetrics_read *read = &model->reads[i];

		/* Below read_first the difference is large. */
		if (place - cell->first - cell->read_first[i] >= cell->read_count[i])
			continue;
		struct demand_schedule *schedule = &meter->schedules[meter->schedule_count++];
		*schedule = (struct demand_schedule){
			.read = i,
			.srv = read->srv,
			.direction = (enum volumetrics_direction)read->direction,
			.frequency = (enum volumetrics_frequency)read->frequency,
			.mode = (enum volumetrics_mode)read->mode,
		};
		schedule->window = volumetrics_window_of(
			model, meter->user, schedule->direction, schedule->mode);
		if (schedule->frequency == VOLUMETRICS_MONTHLY)
			schedule->day_of_month = day_of_place(place);
	}
}

static uint64_t runs_of(const struct demand *demand, const struct demand_cell *cell, uint32_t read)
{
	uint64_t day = demand->model.numbers[VOLUMETRICS_DAY_OF_MONTH].value;
	uint64_t first = cell->first + cell->read_first[read];

	if (demand->model.reads[read].frequency == VOLUMETRICS_DAILY)
		return cell->read_count[read];
	if (day > VOLUMETRICS_MONTH_DAYS)
		return 0;
	return places_of_day(first + cell->read_count[read], day) - places_of_day(first, day);
}

static bool same_line(const struct demand_line *a, const struct demand_line *b)
{
	return a->provider == b->provider && a->user == b->user && a->direction == b->direction &&
	       a->frequency == b->frequency && a->mode == b->mode && strcmp(a->srv, b->srv) == 0;
}

/* Add what read `read` is of `user` at `provider`, to a line of its own or one that is like it. */
static unsigned add_line(const struct demand *demand, const struct demand_line *line, uint32_t read,
	struct demand_line *lines, unsigned count)
{
	struct demand_line added = *line;
	const struct volumetrics_read *row = &demand->model.reads[read];

	memcpy(added.srv, row->srv, sizeof(added.srv));
	added.frequency = (enum volumetrics_frequency)row->frequency;
	added.mode = (enum volumetrics_mode)row->mode;
	added.window =
		volumetrics_window_of(&demand->model, added.user, added.direction, added.mode);
	for (unsigned i = 0; i < DEMAND_CELLS; i++) {
		const struct demand_cell *cell = &demand->cells[i];

		if (cell->provider != added.provider || cell->user != added.user)
			continue;
		added.schedules += cell->read_count[read];
		added.runs += runs_of(demand, cell, read);
	}
	if (added.schedules == 0)
		return count;
	for (unsigned i = 0; i < count; i++) {
		if (!same_line(&lines[i], &added))
			continue;
		lines[i].schedules += added.schedules;
		lines[i].runs += added.runs;
		return count;
	}
	lines[count] = added;
	return count + 1;
}

unsigned demand_lines(const struct demand *demand, struct demand_line *lines)
{
	const struct volumetrics *model = &demand->model;
	uint64_t share = model->numbers[VOLUMETRICS_ADDITIONAL_PERCENT].value;
	unsigned count = 0;

	for (unsigned i = 0; i < VOLUMETRICS_PROVIDERS * VOLUMETRICS_USERS * 2; i++) {
		struct demand_line line = {
			.provider = i / 2 / VOLUMETRICS_USERS,
			.user = i / 2 % VOLUMETRICS_USERS,
			.direction = i % 2,
		};

		for (uint32_t read = 0; read < model->read_count; read++)
			if (model->reads[read].direction == (int)line.direction)
				count = add_line(demand, &line, read, lines, count);
	}
	for (unsigned i = 0; i < count; i++) {
		bool existing = lines[i].user == VOLUMETRICS_SUPPLIER &&
				lines[i].direction == VOLUMETRICS_IMPORT;

		lines[i].additional = existing ? (lines[i].runs * share + ALL_MILLI_PERCENT / 2) /
							 ALL_MILLI_PERCENT
					       : lines[i].runs;
	}
	return count;
}

void demand_volumes(
	const struct demand *demand, uint64_t volumes[VOLUMETRICS_PROVIDERS][VOLUMETRICS_WINDOWS])
{
	const struct volumetrics *model = &demand->model;

	memset(volumes, 0, sizeof(uint64_t) * VOLUMETRICS_PROVIDERS * VOLUMETRICS_WINDOWS);
	for (unsigned i = 0; i < DEMAND_CELLS; i++) {
		const struct demand_cell *cell = &demand->cells[i];

		for (uint32_t read = 0; read < model->read_count; read++) {
			const struct volumetrics_read *row = &model->reads[read];
			enum volumetrics_window window = volumetrics_window_of(model, cell->user,
				(enum volumetrics_direction)row->direction,
				(enum volumetrics_mode)row->mode);

			if (window != VOLUMETRICS_NO_WINDOW)
				volumes[cell->provider][window] += runs_of(demand, cell, read);
		}
	}
}

void demand_retries(
	const struct volumetrics *model, uint64_t volume, uint64_t *retries, uint64_t *failed)
{
	uint64_t per_mille = model->numbers[VOLUMETRICS_FAILURE_PER_MILLE].value;
	uint64_t attempts = model->numbers[VOLUMETRICS_ATTEMPTS_MAX].value;

	*retries = 0;
	*failed = volume;
	for (uint64_t attempt = 1; attempt <= attempts; attempt++) {
		*failed = (*failed * per_mille + 500000) / 1000000;
		if (attempt < attempts)
			*retries += *failed;
	}
}

static void add_bytes(const struct volumetrics *model, const struct demand_line *line,
	struct demand_totals *totals)
{
	const struct volumetrics_size *size = volumetrics_size(model, line->srv);
	uint64_t extra = line->mode == VOLUMETRICS_SCHEDULED || line->user == VOLUMETRICS_MDR;

	if (size == NULL)
		return;
	totals->response_bytes +=
		line->additional * (size->response_bytes + extra * size->response_extra_bytes);
	totals->command_bytes +=
		line->additional * (size->command_bytes + extra * size->command_extra_bytes);
}

void demand_total(const struct demand *demand, struct demand_totals *totals)
{
	struct demand_line lines[DEMAND_LINES_MAX];
	const struct volumetrics_number *numbers = demand->model.numbers;
	uint64_t volumes[VOLUMETRICS_PROVIDERS][VOLUMETRICS_WINDOWS];
	unsigned count = demand_lines(demand, lines);

	memset(totals, 0, sizeof(*totals));
	for (unsigned i = 0; i < count; i++) {
		totals->runs += lines[i].runs;
		totals->additional += lines[i].additional;
		if (lines[i].mode == VOLUMETRICS_SCHEDULED)
			totals->schedules += lines[i].schedules;
		add_bytes(&demand->model, &lines[i], totals);
	}
	totals->existing = totals->runs - totals->additional;
	demand_volumes(demand, volumes);
	for (unsigned i = 0; i < VOLUMETRICS_PROVIDERS * VOLUMETRICS_WINDOWS; i++) {
		uint64_t retries;
		uint64_t failed;

		demand_retries(&demand->model,
			volumes[i / VOLUMETRICS_WINDOWS][i % VOLUMETRICS_WINDOWS], &retries,
			&failed);
		totals->retries += retries;
		totals->failed += failed;
	}
	totals->on_demand_retries =
		(totals->failed * numbers[VOLUMETRICS_ON_DEMAND_RETRY_PERCENT].value +
			ALL_MILLI_PERCENT / 2) /
		ALL_MILLI_PERCENT;
	totals->on_demand_other =
		(demand->meters * numbers[VOLUMETRICS_ON_DEMAND_PER_1000_METERS].value + 500000) /
		1000000;
	totals->stated = demand->meters == numbers[VOLUMETRICS_METERS].value;
	if (!totals->stated)
		return;
	int64_t stated_bytes = (int64_t)numbers[VOLUMETRICS_STATED_BYTES].value;
	totals->residual =
		(int64_t)numbers[VOLUMETRICS_STATED_REQUESTS].value - (int64_t)totals->additional;
	totals->residual_bytes = stated_bytes - (int64_t)totals->response_bytes;
	totals->residual_bytes_two = totals->residual_bytes - (int64_t)totals->command_bytes;
}

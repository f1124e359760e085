/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of the model: one row of a table for each, from which reading, --set, the messages
 * and the printed tables derive; and whether they fit together.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bench/sim/volumetrics.h"
#include "bench/sim/volumetrics_read.h"

#define READ_PREFIX "reads."
#define READ_SUFFIX ".percent"
#define DECIMALS 3
#define ALL_MILLI_PERCENT 100000u

const char *const volumetrics_providers[] = {
	"csp-north", "csp-south-central", "s1sp-1", "s1sp-2", "s1sp-3", "dco", NULL};
const char *const volumetrics_generations[] = {"SMETS1", "SMETS2", NULL};
const char *const volumetrics_users[] = {"supplier", "MDR", NULL};
const char *const volumetrics_directions[] = {"import", "export", NULL};
const char *const volumetrics_granularities[] = {"half-hourly", "daily", "monthly", NULL};
const char *const volumetrics_frequencies[] = {"daily", "monthly", NULL};
const char *const volumetrics_modes[] = {"scheduled", "on-demand", NULL};
const char *const volumetrics_windows[] = {"Peak", "Off Peak", NULL};

static const char *const placements[] = {"by-user", "all-off-peak", NULL};

#define METERS VOLUMETRICS_METERS_MAX

static const struct volumetrics_row rows[VOLUMETRICS_INPUTS] = {
	[VOLUMETRICS_METERS] = {"meters", 1, 1, METERS, NULL, "", "ESMEs of the service"},
	[VOLUMETRICS_SUPPLIER_PERCENT] = {"supplier_percent", 1000, 0, 100, NULL, "%",
		"meters read by suppliers; the others by MDRs"},
	[VOLUMETRICS_EXPORT_PERCENT] = {"export_percent", 1000, 0, 100, NULL, "%",
		"meters with an export MPAN that is read"},
	[VOLUMETRICS_HALF_HOURLY_PERCENT] = {"half_hourly_percent", 1000, 0, 100, NULL, "%",
		"meters of half-hourly granularity"},
	[VOLUMETRICS_DAILY_PERCENT] = {"daily_percent", 1000, 0, 100, NULL, "%",
		"meters of daily granularity; the others monthly"},
	[VOLUMETRICS_SMETS1_BOTH_FUELS] = {"smets1_both_fuels", 1, 0, METERS, NULL, "",
		"SMETS1 meters, electricity and gas"},
	[VOLUMETRICS_ELECTRICITY_METERS] = {"electricity_meters", 1, 1, METERS, NULL, "",
		"smart electricity meters: with the next one, the share of electricity"},
	[VOLUMETRICS_GAS_METERS] = {"gas_meters", 1, 0, METERS, NULL, "", "smart gas meters"},
	[VOLUMETRICS_CSP_NORTH_HUBS] = {"csp_north_hubs", 1, 1, METERS, NULL, "",
		"communications hubs enrolled in CSP North; one ESME each"},
	[VOLUMETRICS_S1SP_1_PERCENT] = {"s1sp_1_percent", 1000, 0, 100, NULL, "%",
		"of the SMETS1 meters"},
	[VOLUMETRICS_S1SP_2_PERCENT] = {"s1sp_2_percent", 1000, 0, 100, NULL, "%",
		"of the SMETS1 meters; S1SP-3 has the others"},
	[VOLUMETRICS_ADDITIONAL_PERCENT] = {"supplier_import_additional_percent", 1000, 0, 100,
		NULL, "%", "of import suppliers' reads, what counts as additional"},
	[VOLUMETRICS_PLACEMENT] = {"placement", 1, 0, 1, placements, "",
		"by-user: FIA 4.3; all-off-peak: FIA 3.5"},
	[VOLUMETRICS_DAY_OF_MONTH] = {"day_of_month", 1, 1, 31, NULL, "",
		"the day that is reckoned"},
	[VOLUMETRICS_FAILURE_PER_MILLE] = {"failure_per_mille", 1000, 0, 1000, NULL, "1/1000",
		"of attempts that fail"},
	[VOLUMETRICS_ATTEMPTS_MAX] = {"attempts_max", 1, 1, 8, NULL, "", "of one run, by the DSP"},
	[VOLUMETRICS_ON_DEMAND_RETRY_PERCENT] = {"on_demand_retry_percent", 1000, 0, 100, NULL, "%",
		"of runs that failed, what users repeat on demand"},
	[VOLUMETRICS_ON_DEMAND_PER_1000_METERS] = {"on_demand_per_1000_meters", 1000, 0, 100000,
		NULL, "a day", "other requests on demand"},
	[VOLUMETRICS_LOADING_PERCENT] = {"loading_percent", 1000, 1, 100, NULL, "%",
		"of a cap, what the mean rate may use"},
	[VOLUMETRICS_OFF_PEAK_TPS] = {"off_peak_tps", 1, 1, 16384, NULL, "TPS",
		"cap of the total in Off Peak windows"},
	[VOLUMETRICS_STATED_REQUESTS] = {"stated_requests", 1, 1, 1000000000, NULL, "a day",
		"additional requests, as stated"},
	[VOLUMETRICS_STATED_BYTES] = {"stated_bytes", 1, 1, 1000000000000, NULL, "a day",
		"additional octets, as stated"},
	[VOLUMETRICS_ENROLLED_PERCENT] = {"csp_north_enrolled_percent", 1000, 1, 100, NULL, "%",
		"of all hubs of CSP North, those enrolled"},
	[VOLUMETRICS_KIT_HUBS] = {"kit_hubs", 1, 1, 1000000, NULL, "",
		"hubs at the highest-loaded Transceiver Kit"},
	[VOLUMETRICS_CHANNEL_LOADING_PERCENT] = {"channel_loading_percent", 1000, 1, 100, NULL, "%",
		"most that a channel is used"},
	[VOLUMETRICS_CHANNELS_PRESENT] = {"channels_present", 1, 0, 64, NULL, "",
		"bulk messaging channels of a kit now"},
	[VOLUMETRICS_CHANNELS_ADDED] = {"channels_added", 1, 1, 64, NULL, "",
		"channels that a kit gets"},
	[VOLUMETRICS_CHANNELS_POOL] = {"channels_pool", 1, 1, 256, NULL, "",
		"new channels of the radio network"},
	[VOLUMETRICS_FYLINGDALES_HUBS] = {"fylingdales_hubs", 1, 0, METERS, NULL, "",
		"of the enrolled hubs, those of Fylingdales"},
	[VOLUMETRICS_CHANNEL_READS_PER_HOUR] = {"channel_reads_per_hour", 1000, 0, 1000000, NULL,
		"an hour", "reads that a full channel carries; 0: not given"},
};

const struct volumetrics_row *volumetrics_row(enum volumetrics_input input)
{
	assert(input < VOLUMETRICS_INPUTS);
	return &rows[input];
}

enum volumetrics_generation volumetrics_generation_of(enum volumetrics_provider provider)
{
	return provider <= VOLUMETRICS_CSP_SOUTH_CENTRAL ? VOLUMETRICS_SMETS2 : VOLUMETRICS_SMETS1;
}

/* ---- values ---- */

/* A decimal number with at most three decimals, in thousandths. */
static bool parse_milli(const char *text, uint64_t *milli)
{
	uint64_t number = 0;
	int decimals = -1;

	if (text[0] < '0' || text[0] > '9')
		return false;
	for (; *text != '\0'; text++) {
		if (*text == '.' && decimals < 0) {
			decimals = 0;
			continue;
		}
		if (*text < '0' || *text > '9' || number > UINT64_MAX / 100000 ||
			decimals == DECIMALS)
			return false;
		number = number * 10 + (uint64_t)(*text - '0');
		if (decimals >= 0)
			decimals++;
	}
	if (decimals == 0)
		return false;
	for (int i = decimals < 0 ? 0 : decimals; i < DECIMALS; i++)
		number *= 10;
	*milli = number;
	return true;
}

static bool parse_word(const struct volumetrics_row *row, const char *text, uint64_t *value)
{
	for (uint64_t i = 0; row->words[i] != NULL; i++) {
		*value = i;
		if (strcmp(row->words[i], text) == 0)
			return true;
	}
	return false;
}

int volumetrics_parse(const struct volumetrics_row *row, const char *text, uint64_t *value)
{
	uint64_t milli;

	if (row->words != NULL)
		return parse_word(row, text, value) ? 0 : -ERANGE;
	if (!parse_milli(text, &milli) || milli < row->min * 1000 || milli > row->max * 1000)
		return -ERANGE;
	if (row->scale == 1 && strchr(text, '.') != NULL)
		return -ERANGE;
	*value = row->scale == 1 ? milli / 1000 : milli;
	return 0;
}

const char *volumetrics_allowed(const struct volumetrics_row *row, char *text, size_t size)
{
	if (row->words != NULL)
		snprintf(text, size, "%s or %s", row->words[0], row->words[1]);
	else
		snprintf(text, size, "a number from %" PRIu64 " to %" PRIu64 "%s", row->min,
			row->max, row->scale == 1 ? "" : ", with at most three decimals");
	return text;
}

const struct volumetrics_row volumetrics_percent_row = {
	"percent", 1000, 0, 100, NULL, "%", "of the meters that the read is for"};

static const char *format_value(
	const struct volumetrics_row *row, uint64_t value, char *text, size_t size)
{
	if (row->words != NULL)
		snprintf(text, size, "%s", row->words[value]);
	else if (value % row->scale == 0)
		snprintf(text, size, "%" PRIu64, value / row->scale);
	else
		snprintf(text, size, "%" PRIu64 ".%03" PRIu64, value / 1000, value % 1000);
	return text;
}

const char *volumetrics_value(
	const struct volumetrics *model, enum volumetrics_input input, char *text, size_t size)
{
	return format_value(&rows[input], model->numbers[input].value, text, size);
}

/* ---- names ---- */

/* The read that "reads.NAME.percent" names, or NULL. */
static struct volumetrics_read *find_read(struct volumetrics *model, const char *name)
{
	size_t length = strlen(name);
	size_t around = strlen(READ_PREFIX) + strlen(READ_SUFFIX);

	if (length <= around || strncmp(name, READ_PREFIX, strlen(READ_PREFIX)) != 0 ||
		strcmp(name + length - strlen(READ_SUFFIX), READ_SUFFIX) != 0)
		return NULL;
	for (uint32_t i = 0; i < model->read_count; i++) {
		const char *known = model->reads[i].name;

		if (strlen(known) == length - around &&
			memcmp(known, name + strlen(READ_PREFIX), length - around) == 0)
			return &model->reads[i];
	}
	return NULL;
}

static void list_names(char *reason, size_t size, const char *name)
{
	size_t used = (size_t)snprintf(reason, size,
		"\"%.64s\" is not known; known are " READ_PREFIX "NAME" READ_SUFFIX, name);

	for (int i = 0; i < VOLUMETRICS_INPUTS && used < size; i++)
		used += (size_t)snprintf(reason + used, size - used, ", %s", rows[i].name);
}

int volumetrics_set(struct volumetrics *model, const char *name, const char *value, char *reason,
	size_t reason_size)
{
	const struct volumetrics_row *row = NULL;
	char phrase[128];
	uint64_t parsed;
	int input = 0;

	while (input < VOLUMETRICS_INPUTS && strcmp(rows[input].name, name) != 0)
		input++;
	struct volumetrics_read *read = find_read(model, name);
	if (input < VOLUMETRICS_INPUTS)
		row = &rows[input];
	else if (read != NULL)
		row = &volumetrics_percent_row;
	if (row == NULL) {
		list_names(reason, reason_size, name);
		return -ENOENT;
	}
	if (volumetrics_parse(row, value, &parsed) != 0) {
		snprintf(reason, reason_size, "%s: \"%.32s\" is not allowed; allowed is %s", name,
			value, volumetrics_allowed(row, phrase, sizeof(phrase)));
		return -ERANGE;
	}
	if (read != NULL) {
		read->percent_milli = parsed;
		read->changed = true;
	} else {
		model->numbers[input].value = parsed;
		model->numbers[input].changed = true;
	}
	return 0;
}

int volumetrics_apply(struct volumetrics *model, const char *reading)
{
	char reason[2048];

	for (uint32_t i = 0; i < model->reading_count; i++) {
		/* A copy: setting does not touch it, but the compiler cannot know. */
		struct volumetrics_reading chosen = model->readings[i];

		if (strcmp(chosen.name, reading) != 0)
			continue;
		for (uint32_t k = 0; k < chosen.setting_count; k++) {
			int result = volumetrics_set(
				model, chosen.names[k], chosen.values[k], reason, sizeof(reason));

			assert(result == 0);
			(void)result;
		}
		return 0;
	}
	return -ENOENT;
}

const struct volumetrics_size *volumetrics_size(const struct volumetrics *model, const char *srv)
{
	for (uint32_t i = 0; i < model->size_count; i++)
		if (strcmp(model->sizes[i].srv, srv) == 0)
			return &model->sizes[i];
	return NULL;
}

/* ---- whether they fit together ---- */

bool volumetrics_read_matches(const struct volumetrics_read *read,
	enum volumetrics_generation generation, enum volumetrics_user user,
	enum volumetrics_granularity granularity)
{
	return (read->generation == VOLUMETRICS_GENERATIONS ||
		       read->generation == (int)generation) &&
	       (read->user == VOLUMETRICS_USERS || read->user == (int)user) &&
	       read->granularity == (int)granularity;
}

/* The meters of the kind `kind` that are in read `first`'s choice must not be more than all. */
static int check_choice(const struct volumetrics *model, uint32_t first, unsigned kind,
	char *reason, size_t reason_size)
{
	const struct volumetrics_read *read = &model->reads[first];
	enum volumetrics_generation generation = kind % 2;
	enum volumetrics_user user = kind / 2 % 2;
	enum volumetrics_granularity granularity = kind / 4;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < model->read_count; i++) {
		const struct volumetrics_read *other = &model->reads[i];

		if (strcmp(other->choice, read->choice) == 0 &&
			volumetrics_read_matches(other, generation, user, granularity))
			sum += other->percent_milli;
	}
	if (sum <= ALL_MILLI_PERCENT)
		return 0;
	snprintf(reason, reason_size,
		"the reads of the choice \"%s\" are for %" PRIu64 ".%03" PRIu64
		" %% of the meters of %s, %s, %s; at most 100 is allowed",
		read->choice, sum / 1000, sum % 1000, volumetrics_users[user],
		volumetrics_generations[generation], volumetrics_granularities[granularity]);
	return -EINVAL;
}

static int check_sum(const struct volumetrics *model, enum volumetrics_input first,
	enum volumetrics_input second, char *reason, size_t reason_size)
{
	if (model->numbers[first].value + model->numbers[second].value <= ALL_MILLI_PERCENT)
		return 0;
	snprintf(reason, reason_size, "%s and %s are more than 100 together", rows[first].name,
		rows[second].name);
	return -EINVAL;
}

uint64_t volumetrics_smets1_meters(const struct volumetrics *model)
{
	uint64_t both = model->numbers[VOLUMETRICS_SMETS1_BOTH_FUELS].value;
	uint64_t electricity = model->numbers[VOLUMETRICS_ELECTRICITY_METERS].value;
	uint64_t all = electricity + model->numbers[VOLUMETRICS_GAS_METERS].value;

	return (both * electricity + all / 2) / all;
}

int volumetrics_check(const struct volumetrics *model, char *reason, size_t reason_size)
{
	uint64_t smets1 = volumetrics_smets1_meters(model);
	uint64_t north = model->numbers[VOLUMETRICS_CSP_NORTH_HUBS].value;
	uint64_t meters = model->numbers[VOLUMETRICS_METERS].value;
	int result = check_sum(model, VOLUMETRICS_HALF_HOURLY_PERCENT, VOLUMETRICS_DAILY_PERCENT,
		reason, reason_size);

	if (result == 0)
		result = check_sum(model, VOLUMETRICS_S1SP_1_PERCENT, VOLUMETRICS_S1SP_2_PERCENT,
			reason, reason_size);
	if (result != 0)
		return result;
	if (smets1 + north > meters) {
		snprintf(reason, reason_size,
			"csp_north_hubs (%" PRIu64 ") and the SMETS1 electricity meters (%" PRIu64
			") must not be more than meters (%" PRIu64 ")",
			north, smets1, meters);
		return -EINVAL;
	}
	if (model->numbers[VOLUMETRICS_FYLINGDALES_HUBS].value > north) {
		snprintf(reason, reason_size,
			"fylingdales_hubs must not be more than csp_north_hubs (%" PRIu64 ")",
			north);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < model->read_count && result == 0; i++)
		for (unsigned kind = 0; kind < 4 * VOLUMETRICS_GRANULARITIES && result == 0; kind++)
			result = check_choice(model, i, kind, reason, reason_size);
	return result;
}

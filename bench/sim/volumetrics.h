/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Demand and capacity of half-hourly settlement, as FIA 4.1.3 forecasts it (doc/volumetrics.md).
 *
 *   conf/volumetrics.yaml --volumetrics_read()--> struct volumetrics: numbers, each with its basis
 *                            --demand_make()-->   struct demand: schedules of N meters, exact
 *                               --demand_meter()--> what one meter has, from its number alone
 *                               --demand_day()-->  windows: volume, rate, caps, finish
 *
 * All arithmetic is on whole numbers. What is divided among several is divided by largest
 * remainder, so that parts always add up to the whole; what is rounded is rounded half up; what is
 * needed (rates, caps, seconds) is rounded up.
 *
 * Meters, not devices: one is an ESME with its import and, if it has one, its export MPAN.
 */
#ifndef SIM_VOLUMETRICS_H
#define SIM_VOLUMETRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/sim/shuffle.h"

#define VOLUMETRICS_METERS_MAX 100000000u
#define VOLUMETRICS_TEXT_SIZE 400
#define VOLUMETRICS_NAME_SIZE 48
#define VOLUMETRICS_READS_MAX 48
#define VOLUMETRICS_SIZES_MAX 16
#define VOLUMETRICS_SLOTS_MAX 8
#define VOLUMETRICS_READINGS_MAX 12
#define VOLUMETRICS_SETTINGS_MAX 16
#define VOLUMETRICS_MONTH_DAYS                                                                     \
	28 /* monthly reads are spread over the days that all months have                          \
	    */

/* The providers in the order of FIA Table 4. The DCO has windows and caps, and no meters. */
enum volumetrics_provider {
	VOLUMETRICS_CSP_NORTH,
	VOLUMETRICS_CSP_SOUTH_CENTRAL,
	VOLUMETRICS_S1SP_1,
	VOLUMETRICS_S1SP_2,
	VOLUMETRICS_S1SP_3,
	VOLUMETRICS_PROVIDERS,
	VOLUMETRICS_DCO = VOLUMETRICS_PROVIDERS,
	VOLUMETRICS_GATES,
};

enum volumetrics_generation {
	VOLUMETRICS_SMETS1,
	VOLUMETRICS_SMETS2,
	VOLUMETRICS_GENERATIONS,
};

enum volumetrics_user {
	VOLUMETRICS_SUPPLIER, /* of import: import supplier; of export: export supplier */
	VOLUMETRICS_MDR,
	VOLUMETRICS_USERS,
};

enum volumetrics_direction {
	VOLUMETRICS_IMPORT,
	VOLUMETRICS_EXPORT,
	VOLUMETRICS_DIRECTIONS,
};

/* What the customer has consented to (BR 2.6). */
enum volumetrics_granularity {
	VOLUMETRICS_HALF_HOURLY,
	VOLUMETRICS_BY_DAY,
	VOLUMETRICS_BY_MONTH,
	VOLUMETRICS_GRANULARITIES,
};

enum volumetrics_frequency {
	VOLUMETRICS_DAILY,
	VOLUMETRICS_MONTHLY,
	VOLUMETRICS_FREQUENCIES,
};

enum volumetrics_mode {
	VOLUMETRICS_SCHEDULED,
	VOLUMETRICS_ON_DEMAND,
	VOLUMETRICS_MODES,
};

enum volumetrics_window {
	VOLUMETRICS_PEAK,
	VOLUMETRICS_OFF_PEAK,
	VOLUMETRICS_WINDOWS,
	VOLUMETRICS_NO_WINDOW = VOLUMETRICS_WINDOWS,
};

/* The words of the files and tables. */
extern const char *const volumetrics_providers[VOLUMETRICS_GATES + 1];
extern const char *const volumetrics_generations[VOLUMETRICS_GENERATIONS + 1];
extern const char *const volumetrics_users[VOLUMETRICS_USERS + 1];
extern const char *const volumetrics_directions[VOLUMETRICS_DIRECTIONS + 1];
extern const char *const volumetrics_granularities[VOLUMETRICS_GRANULARITIES + 1];
extern const char *const volumetrics_frequencies[VOLUMETRICS_FREQUENCIES + 1];
extern const char *const volumetrics_modes[VOLUMETRICS_MODES + 1];
extern const char *const volumetrics_windows[VOLUMETRICS_WINDOWS + 1];

enum volumetrics_generation volumetrics_generation_of(enum volumetrics_provider provider);

/* ---- the numbers ---- */

/* One for each row of the table in volumetrics_input.c, which has unit, bounds and help. */
enum volumetrics_input {
	VOLUMETRICS_METERS,
	VOLUMETRICS_SUPPLIER_PERCENT,
	VOLUMETRICS_EXPORT_PERCENT,
	VOLUMETRICS_HALF_HOURLY_PERCENT,
	VOLUMETRICS_DAILY_PERCENT,
	VOLUMETRICS_SMETS1_BOTH_FUELS,
	VOLUMETRICS_ELECTRICITY_METERS,
	VOLUMETRICS_GAS_METERS,
	VOLUMETRICS_CSP_NORTH_HUBS,
	VOLUMETRICS_S1SP_1_PERCENT,
	VOLUMETRICS_S1SP_2_PERCENT,
	VOLUMETRICS_ADDITIONAL_PERCENT,
	VOLUMETRICS_PLACEMENT,
	VOLUMETRICS_DAY_OF_MONTH,
	VOLUMETRICS_FAILURE_PER_MILLE,
	VOLUMETRICS_ATTEMPTS_MAX,
	VOLUMETRICS_ON_DEMAND_RETRY_PERCENT,
	VOLUMETRICS_ON_DEMAND_PER_1000_METERS,
	VOLUMETRICS_LOADING_PERCENT,
	VOLUMETRICS_OFF_PEAK_TPS,
	VOLUMETRICS_STATED_REQUESTS,
	VOLUMETRICS_STATED_BYTES,
	VOLUMETRICS_ENROLLED_PERCENT,
	VOLUMETRICS_KIT_HUBS,
	VOLUMETRICS_CHANNEL_LOADING_PERCENT,
	VOLUMETRICS_CHANNELS_PRESENT,
	VOLUMETRICS_CHANNELS_ADDED,
	VOLUMETRICS_CHANNELS_POOL,
	VOLUMETRICS_FYLINGDALES_HUBS,
	VOLUMETRICS_CHANNEL_READS_PER_HOUR,
	VOLUMETRICS_INPUTS,
};

/* Values of VOLUMETRICS_PLACEMENT. */
enum volumetrics_placement {
	VOLUMETRICS_BY_USER,	  /* FIA 4.3: import suppliers Peak, all others Off Peak */
	VOLUMETRICS_ALL_OFF_PEAK, /* FIA 3.5 */
};

/* Where a number is from: a sentence of a source, or why it is assumed. */
struct volumetrics_basis {
	bool assumed;
	char text[VOLUMETRICS_TEXT_SIZE];
};

struct volumetrics_number {
	uint64_t value; /* in units of 1 / scale of its row */
	bool changed;	/* by volumetrics_set() */
	struct volumetrics_basis basis;
};

/* One read that users of some meters make: a row of "reads". */
struct volumetrics_read {
	char name[VOLUMETRICS_NAME_SIZE];
	char choice[VOLUMETRICS_NAME_SIZE]; /* reads of one choice share its meters */
	char srv[8];
	int direction;	 /* enum volumetrics_direction */
	int generation;	 /* enum volumetrics_generation, VOLUMETRICS_GENERATIONS: any */
	int granularity; /* enum volumetrics_granularity */
	int user;	 /* enum volumetrics_user, VOLUMETRICS_USERS: both */
	int frequency;	 /* enum volumetrics_frequency */
	int mode;	 /* enum volumetrics_mode */
	uint64_t percent_milli;
	bool changed;
	struct volumetrics_basis basis;
};

/* Octets of an SRV's messages. */
struct volumetrics_size {
	char srv[8];
	uint32_t command_bytes;
	uint32_t response_bytes;
	uint32_t command_extra_bytes; /* of a scheduled read, whose originator is the DSP */
	uint32_t response_extra_bytes;
	struct volumetrics_basis basis;
};

struct volumetrics_slot {
	uint32_t from_s; /* since midnight */
	uint32_t to_s;
	uint32_t weight; /* its rate against the window's other slots */
};

struct volumetrics_hours {
	uint32_t slot_count; /* in order of time, without gaps */
	struct volumetrics_slot slots[VOLUMETRICS_SLOTS_MAX];
	struct volumetrics_basis basis;
};

/* Another way to read the sources: its settings instead of the file's. */
struct volumetrics_reading {
	char name[VOLUMETRICS_NAME_SIZE];
	uint32_t setting_count;
	char names[VOLUMETRICS_SETTINGS_MAX][VOLUMETRICS_NAME_SIZE + 16];
	char values[VOLUMETRICS_SETTINGS_MAX][24];
	struct volumetrics_basis basis;
};

struct volumetrics {
	struct volumetrics_number numbers[VOLUMETRICS_INPUTS];
	uint32_t read_count;
	struct volumetrics_read reads[VOLUMETRICS_READS_MAX];
	uint32_t size_count;
	struct volumetrics_size sizes[VOLUMETRICS_SIZES_MAX];
	struct volumetrics_hours hours[VOLUMETRICS_GATES][VOLUMETRICS_WINDOWS];
	uint32_t reading_count;
	struct volumetrics_reading readings[VOLUMETRICS_READINGS_MAX];
};

/* Read and check a file. 0; or -EINVAL or another -errno, every error written to `errors` as
 * "file:line:column: ...". */
int volumetrics_read(const char *path, struct volumetrics *model, FILE *errors);

/* Set an input, or "reads.NAME.percent", to the value that `value` says. 0; -ENOENT: no such name;
 * -ERANGE: the value is not allowed. Then `reason` says what is. */
int volumetrics_set(struct volumetrics *model, const char *name, const char *value, char *reason,
	size_t reason_size);

/* Whether the numbers fit together. 0; -EINVAL and `reason`. */
int volumetrics_check(const struct volumetrics *model, char *reason, size_t reason_size);

/* Apply the settings of a reading. 0, -ENOENT. Its names and values were checked when read. */
int volumetrics_apply(struct volumetrics *model, const char *reading);

/* The row of an input. `scale` 1000: the value has three decimals. */
struct volumetrics_row {
	const char *name;
	uint32_t scale;
	uint64_t min; /* whole units */
	uint64_t max;
	const char *const *words; /* instead of a number; or NULL */
	const char *unit;
	const char *help;
};
const struct volumetrics_row *volumetrics_row(enum volumetrics_input input);

/* The value of an input as its row writes it, in `text`. */
const char *volumetrics_value(
	const struct volumetrics *model, enum volumetrics_input input, char *text, size_t size);

/* The messages of `srv`, or NULL. */
const struct volumetrics_size *volumetrics_size(const struct volumetrics *model, const char *srv);

/* ---- meters and their schedules ---- */

/* Divide `total` in proportion to weights[0 .. count), which are not all 0: by largest remainder,
 * of equal ones the first. total * weight must stay below 2^64. */
void volumetrics_share(uint64_t total, const uint64_t *weights, unsigned count, uint64_t *parts);

/* Meters that are alike in everything but their number: kinds in the order
 * [user][has export][granularity], each at every provider. */
#define DEMAND_KINDS (VOLUMETRICS_USERS * 2 * VOLUMETRICS_GRANULARITIES)
#define DEMAND_CELLS (DEMAND_KINDS * VOLUMETRICS_PROVIDERS)

struct demand_cell {
	enum volumetrics_provider provider;
	enum volumetrics_user user;
	bool has_export;
	enum volumetrics_granularity granularity;
	uint64_t first; /* places: first .. first + count - 1 of all meters */
	uint64_t count;
	/* Of these, read i of the model has meters read_first[i] on, read_count[i] of them; places
	 * relative to `first`. */
	uint64_t read_first[VOLUMETRICS_READS_MAX];
	uint64_t read_count[VOLUMETRICS_READS_MAX];
};

struct demand {
	struct volumetrics model; /* a copy */
	uint64_t meters;
	uint64_t provider_meters[VOLUMETRICS_PROVIDERS];
	struct demand_cell cells[DEMAND_CELLS];
	struct shuffle shuffle;
};

/* The demand of `meters` meters, 1 .. VOLUMETRICS_METERS_MAX, that are divided as those of the
 * model are. Exact at every level: providers, users, users' exports and granularities; and the
 * meters of each choice in each cell. The model has passed volumetrics_check(). */
void demand_make(
	struct demand *demand, const struct volumetrics *model, uint64_t meters, uint64_t seed);

/* What one read of one meter is. */
struct demand_schedule {
	uint32_t read; /* of model.reads */
	const char *srv;
	enum volumetrics_direction direction;
	enum volumetrics_frequency frequency;
	enum volumetrics_mode mode;
	enum volumetrics_window window;
	uint32_t day_of_month; /* monthly: 1 .. VOLUMETRICS_MONTH_DAYS; else 0 */
};

#define DEMAND_SCHEDULES_MAX VOLUMETRICS_READS_MAX

struct demand_meter {
	enum volumetrics_provider provider;
	enum volumetrics_generation generation;
	enum volumetrics_user user;
	bool has_export;
	enum volumetrics_granularity granularity;
	uint32_t schedule_count;
	struct demand_schedule schedules[DEMAND_SCHEDULES_MAX];
};

/* What meter `number` has, 0 .. meters - 1. Pure: the same for the same model, count and seed; over
 * all numbers the totals are those of the cells. */
void demand_meter(const struct demand *demand, uint64_t number, struct demand_meter *meter);

/* The window in which a read of `user` goes. */
enum volumetrics_window volumetrics_window_of(const struct volumetrics *model,
	enum volumetrics_user user, enum volumetrics_direction direction,
	enum volumetrics_mode mode);

/* Schedules that are alike, in all cells. */
struct demand_line {
	enum volumetrics_provider provider;
	enum volumetrics_user user;
	enum volumetrics_direction direction;
	char srv[8];
	enum volumetrics_frequency frequency;
	enum volumetrics_mode mode;
	enum volumetrics_window window;
	uint64_t schedules;
	uint64_t runs;	     /* on the day of the model */
	uint64_t additional; /* of these, what FIA 4.1.3 counts */
};

#define DEMAND_LINES_MAX (VOLUMETRICS_READS_MAX * VOLUMETRICS_PROVIDERS * VOLUMETRICS_USERS)

/* All lines that are not empty, ordered by provider, user, direction and the file's reads. Returns
 * their number; `lines` has room for DEMAND_LINES_MAX. */
unsigned demand_lines(const struct demand *demand, struct demand_line *lines);

struct demand_totals {
	uint64_t schedules;
	uint64_t runs;
	uint64_t additional;
	uint64_t existing;
	uint64_t response_bytes; /* of the additional ones */
	uint64_t command_bytes;
	int64_t residual;	    /* stated - additional; 0 where `meters` is not the model's */
	int64_t residual_bytes;	    /* answers alone */
	int64_t residual_bytes_two; /* answers and commands */
	uint64_t retries;	    /* by the DSP, in windows */
	uint64_t failed;	    /* after the last attempt */
	uint64_t on_demand_retries; /* by users, of the failed */
	uint64_t on_demand_other;   /* by users, for other reasons */
	bool stated;		    /* the residuals are valid */
};
void demand_total(const struct demand *demand, struct demand_totals *totals);

/* ---- the day ---- */

#define DEMAND_NEVER UINT32_MAX

struct demand_window {
	bool open; /* whether there is such a window */
	uint32_t from_s;
	uint32_t to_s;
	uint64_t volume;     /* first attempts */
	uint64_t retries;    /* of these, by the DSP */
	uint64_t need_milli; /* 1/1000 a second: volume and retries spread over the window */
	uint64_t share_milli_percent; /* of the Off Peak total */
	uint32_t slot_count;
	uint32_t cap_tps[VOLUMETRICS_SLOTS_MAX]; /* one for each slot */
	uint32_t finish_s; /* everything gone, at caps; DEMAND_NEVER: not in the window */
	uint64_t left;	   /* what is not gone then */
};

struct demand_day {
	struct demand_window windows[VOLUMETRICS_GATES][VOLUMETRICS_WINDOWS];
	struct demand_window total[VOLUMETRICS_WINDOWS]; /* cap_tps[0]: of the total */
	uint64_t need_most_milli[VOLUMETRICS_WINDOWS];	 /* of all providers, when it is most */
	uint32_t need_most_s[VOLUMETRICS_WINDOWS];	 /* from when on */
};

void demand_day(const struct demand *demand, struct demand_day *day);

/* ---- CSP North's channels (FIA 5.3) ---- */

struct demand_channels {
	uint64_t hubs_all;	   /* of which the enrolled ones are a share */
	uint64_t hubs;		   /* enrolled, without Fylingdales */
	uint64_t kits_least;	   /* if all were loaded as the highest one is */
	uint64_t kit_reads;	   /* a day, Off Peak, at the highest-loaded kit */
	uint64_t kit_hourly_milli; /* 1/1000 an hour of its window */
	uint64_t usable_milli;	   /* channels added, at their loading: 1/1000 channel */
	/* What a channel carries if the text is right: reads an hour, in 1/1000, at least and less
	 * than (0: no bound), or fewer channels would do. */
	uint64_t channel_least_milli;
	uint64_t channel_below_milli;
	uint64_t kit_hubs_full;	 /* hubs at which the channels added would be full */
	uint64_t channels_total; /* at a kit */
	/* With the rate of a channel, if it is given; else needed is 0. */
	uint64_t channels_needed;
	int64_t channels_headroom;	/* added less needed */
	uint64_t loading_milli_percent; /* of those added */
};
void demand_channels(const struct demand *demand, struct demand_channels *channels);

/* ---- the command ---- */

/* The subcommand: argv[0] is "volumetrics". Returns the exit status. */
int sim_volumetrics_main(int argc, char **argv);

#endif

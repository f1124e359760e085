/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows in which requests go south (conf/windows.yaml, doc/windows.md): for each provider and
 * for each gate in series, any number of windows a day, in local time; what all providers together
 * may take; and the table of who goes where. Read whole, checked whole, then never changed: another
 * one takes its place. What becomes of it on a certain day is windows_expand.h.
 *
 * Source: FIA 4.3, 5.1.1, 5.1.3, 5.5, 5.6, Table 4. Start-up and reload; one thread.
 */
#ifndef CONTROL_WINDOWS_CONF_H
#define CONTROL_WINDOWS_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "control/reference.h"
#include "control/time_zone.h"
#include "motorway/access_terms.h"
#include "motorway/duis_terms.h"
#include "motorway/window_record.h"

#define WINDOW_NAME_SIZE 32
#define WINDOW_NOTE_SIZE 256
#define WINDOWS_OF_GATE_MAX 32
#define WINDOW_SLOTS_MAX 24
#define WINDOW_CLASS_ROWS_MAX 64
#define WINDOW_CLASS_SRVS_MAX 32
#define WINDOW_GATES_MAX (MW_GATE_COUNT - 2) /* without those of the totals */

/* ---- the windows */

struct window_slot {
	int32_t from_s; /* after the window's beginning, as local clocks count */
	int32_t to_s;
	uint32_t cap_tps;
};

enum window_gap {
	WINDOW_GAP_NEXT, /* until the gate's next window begins */
	WINDOW_GAP_NONE,
	WINDOW_GAP_UNTIL, /* gap_s long */
	WINDOW_GAP_COUNT,
};

struct window_conf {
	char name[WINDOW_NAME_SIZE]; /* unique in its gate */
	enum mw_window_kind kind;
	int32_t from_s;	  /* local time of day, 0 .. 86399 */
	int32_t length_s; /* as local clocks count, 1 .. 86400: it may reach into the next day */
	enum mw_window_pace pace;
	enum window_gap gap;
	int32_t gap_s; /* of WINDOW_GAP_UNTIL, as local clocks count; otherwise 0 */
	bool on_demand_counts;
	bool assumed; /* its rate is no source's */
	uint32_t slot_count;
	struct window_slot slots[WINDOW_SLOTS_MAX]; /* one behind the other, from 0 to length_s */
	char note[WINDOW_NOTE_SIZE];
};

/* The windows of one gate, in the order of the file. */
struct window_gate {
	char name[MW_NAME_SIZE]; /* of the provider */
	uint8_t gate;		 /* motorway/window_record.h */
	uint8_t series;		 /* the gate to be passed as well, or `gate` */
	uint32_t window_count;
	struct window_conf windows[WINDOWS_OF_GATE_MAX];
};

/* ---- who goes where */

/* How a request came to be one that may have to wait. */
enum window_mode {
	WINDOW_SCHEDULED,	/* a run of a schedule */
	WINDOW_FUTURE_DATED,	/* with an ExecutionDateTime that the DSP keeps */
	WINDOW_ON_DEMAND_DAY,	/* on demand, with a target response time of 24 hours */
	WINDOW_ON_DEMAND_SHORT, /* on demand, with a shorter one: never waits */
	WINDOW_MODE_COUNT,
};

enum window_class {
	WINDOW_CLASS_PEAK,
	WINDOW_CLASS_OFF_PEAK,
	WINDOW_CLASS_ANY, /* in whichever window comes first */
	WINDOW_CLASS_NOW, /* waits for no window */
	WINDOW_CLASS_COUNT,
};

enum window_preset {
	WINDOW_PRESET_FIA_4_3,
	WINDOW_PRESET_FIA_3_5,
	WINDOW_PRESET_COUNT,
};

enum window_lane {
	WINDOW_LANE_BY_MODE, /* scheduled for runs of schedules, otherwise on demand */
	WINDOW_LANE_ON_DEMAND,
	WINDOW_LANE_SCHEDULED,
	WINDOW_LANE_CHOICES,
};

/* What fits all of the sets belongs to `class`. */
struct window_class_row {
	uint32_t roles;	     /* set of enum mw_role; 0: all */
	uint32_t modes;	     /* set of 1 << enum window_mode; 0: all that may wait */
	uint32_t directions; /* set of 1 << enum mw_direction; 0: all */
	uint32_t srv_count;  /* 0: all */
	char srvs[WINDOW_CLASS_SRVS_MAX][MW_SRV_SIZE];
	enum window_class class;
	enum window_lane lane;
	char note[WINDOW_NOTE_SIZE];
};

struct windows_conf {
	char zone_name[TIME_ZONE_NAME_SIZE];
	struct time_zone *zone;
	uint32_t total_cap_tps[MW_WINDOW_KIND_COUNT]; /* of all providers; 0: unlimited */
	enum window_preset preset;
	uint32_t row_count;
	struct window_class_row rows[WINDOW_CLASS_ROWS_MAX]; /* the first that fits, then preset */
	uint32_t gate_count;
	struct window_gate gates[WINDOW_GATES_MAX]; /* providers first, in the file's order */
};

/* Read and check the file. `known` has the providers and SRVs that it may name. Returns 0 and the
 * configuration, which the caller frees, or -EINVAL (each error is one line of `errors`:
 * file:line:column) or another -errno. */
int windows_conf_read(
	const char *path, const struct reference *known, FILE *errors, struct windows_conf **conf);
void windows_conf_free(struct windows_conf *conf);

/* A copy, with a zone of its own, or NULL with errno. */
struct windows_conf *windows_conf_copy(const struct windows_conf *conf);

/* Write the configuration in the form that windows_conf_read() reads. Notes are kept, comments are
 * not. Returns 0 or -EIO. */
int windows_conf_write(const struct windows_conf *conf, FILE *file);

/* The gate of that name (a provider's), or NULL. */
const struct window_gate *windows_conf_gate(const struct windows_conf *conf, const char *name);

/* The words of the file, each list in the order of its enum and ended by NULL. */
extern const char *const window_kind_names[];
extern const char *const window_pace_names[];
extern const char *const window_class_names[];
extern const char *const window_mode_names[];
extern const char *const window_preset_names[];
extern const char *const window_lane_names[];

/* ---- the table */

/* The mode of a request, by how it is carried out (one of enum mw_mode) and its target response
 * time. What the device keeps (FUTURE_DATED_DEVICE) goes as on demand. */
enum window_mode window_mode_of(enum mw_mode mode, uint32_t trt_s);

/* In which windows a request goes: of a user in `role` (one of enum mw_role: the one that entitles
 * him), for `srv`, which tells of energy in `direction` (of the access matrix). Pure; any thread.
 */
enum window_class windows_class(const struct windows_conf *conf, uint32_t role, const char *srv,
	enum mw_direction direction, enum window_mode mode);

/* The lane in which its answer goes north: FIA 4.4 puts what is scheduled behind what is on demand.
 */
enum mw_lane windows_lane(const struct windows_conf *conf, uint32_t role, const char *srv,
	enum mw_direction direction, enum window_mode mode);

#endif

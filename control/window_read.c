/* SPDX-License-Identifier: Apache-2.0 */
/* One window of windows.yaml: its row is read as it stands, then turned into times that are
 * relative to its beginning, then compared with the gate's other windows. */
#include "control/window_read.h"

#include <stddef.h>
#include <string.h>

#include "control/reference_files.h"
#include "control/window_check.h"
#include "control/window_time.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NO_TIME (-1)

const char *const window_kind_names[] = {"peak", "off-peak", NULL};
const char *const window_pace_names[] = {"spread", "cap", NULL};

_Static_assert(MW_WINDOW_PEAK == 0 && MW_WINDOW_OFF_PEAK == 1, "order of window_kind_names");
_Static_assert(MW_WINDOW_SPREAD == 0 && MW_WINDOW_AT_CAP == 1, "order of window_pace_names");

struct gap_row {
	enum window_gap gap;
	int32_t until_s;
};

struct window_row {
	char name[WINDOW_NAME_SIZE];
	int kind;
	int32_t from_s;
	int32_t to_s;
	bool next_day;
	uint32_t cap_tps;
	const struct yaml_node *slots;
	struct gap_row gap;
	int pace;
	bool on_demand_counts;
	int basis;
	char note[WINDOW_NOTE_SIZE];
};

struct slot_row {
	int32_t from_s;
	int32_t to_s;
	uint32_t cap_tps;
};

static void read_time(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	int32_t *time_s = target;

	if (!yaml_expect(document, node, YAML_SCALAR))
		return;
	if (window_time_parse(node->text, time_s) != 0)
		yaml_error(document, node, "\"%.64s\" is not a time; allowed is %s", node->text,
			WINDOW_TIME_ALLOWED);
}

static void read_gap(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	struct gap_row *row = target;

	if (!yaml_expect(document, node, YAML_SCALAR))
		return;
	if (strcmp(node->text, "next") == 0)
		row->gap = WINDOW_GAP_NEXT;
	else if (strcmp(node->text, "none") == 0)
		row->gap = WINDOW_GAP_NONE;
	else if (window_time_parse(node->text, &row->until_s) == 0)
		row->gap = WINDOW_GAP_UNTIL;
	else
		yaml_error(document, node,
			"\"gap\" has a value that is not allowed; allowed is next, none, or %s",
			WINDOW_TIME_ALLOWED);
}

static void read_slots(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	if (yaml_expect(document, node, YAML_SEQUENCE))
		*(const struct yaml_node **)target = node;
}

#define AT(member) offsetof(struct window_row, member)
#define CAP(row)                                                                                   \
	.name = "cap_tps", .type = YAML_U32, .offset = offsetof(struct row, cap_tps), .min = 1,    \
	.max = MW_WINDOW_CAP_TPS_MAX

static const struct yaml_field window_fields[] = {
	{.name = "name",
		.type = YAML_TEXT,
		.required = true,
		.offset = AT(name),
		.min = 1,
		.max = WINDOW_NAME_SIZE - 1},
	{.name = "kind",
		.type = YAML_CHOICE,
		.required = true,
		.offset = AT(kind),
		.choices = window_kind_names},
	{.name = "from",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = AT(from_s),
		.read = read_time},
	{.name = "to",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = AT(to_s),
		.read = read_time},
	{.name = "next_day", .type = YAML_BOOL, .offset = AT(next_day), .fallback = "no"},
	{CAP(window_row)},
	{.name = "slots", .type = YAML_CUSTOM, .offset = AT(slots), .read = read_slots},
	{.name = "gap", .type = YAML_CUSTOM, .offset = AT(gap), .read = read_gap},
	{.name = "pace",
		.type = YAML_CHOICE,
		.offset = AT(pace),
		.choices = window_pace_names,
		.fallback = "spread"},
	{.name = "on_demand_counts",
		.type = YAML_BOOL,
		.offset = AT(on_demand_counts),
		.fallback = "no"},
	{.name = "basis",
		.type = YAML_CHOICE,
		.offset = AT(basis),
		.choices = reference_basis_names,
		.fallback = "assumed"},
	{.name = "note",
		.type = YAML_TEXT,
		.offset = AT(note),
		.max = WINDOW_NOTE_SIZE - 1,
		.fallback = ""},
};

static const struct yaml_field slot_fields[] = {
	{.name = "from",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct slot_row, from_s),
		.read = read_time},
	{.name = "to",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct slot_row, to_s),
		.read = read_time},
	{CAP(slot_row), .required = true},
};

/* A time of day as seconds after the window's beginning: 0 .. 86399. */
static int32_t after_s(const struct window_conf *window, int32_t time_s)
{
	return (time_s - window->from_s + WINDOW_DAY_S) % WINDOW_DAY_S;
}

/* A slot begins where the one before it ended, and ends within the window. */
static bool place_slot(struct yaml_document *document, const struct yaml_node *item,
	const struct slot_row *row, struct window_conf *window)
{
	struct window_slot *slot = &window->slots[window->slot_count];
	int32_t begin_s = slot == window->slots ? 0 : slot[-1].to_s;
	char expected[WINDOW_TIME_SIZE];

	slot->from_s = after_s(window, row->from_s);
	slot->to_s = after_s(window, row->to_s);
	slot->cap_tps = row->cap_tps;
	if (slot->to_s == 0)
		slot->to_s = WINDOW_DAY_S;
	window_time_format((window->from_s + begin_s) % WINDOW_DAY_S, expected);
	if (slot->from_s >= window->length_s || slot->to_s > window->length_s)
		yaml_error(document, item, "the slot lies outside its window");
	else if (slot->from_s != begin_s)
		yaml_error(document, yaml_child(item, "from"),
			"the slot must begin at %s, where %s; slots follow one another without "
			"gap or overlap",
			expected, begin_s == 0 ? "the window begins" : "the one before it ends");
	else if (slot->to_s <= slot->from_s)
		yaml_error(document, yaml_child(item, "to"), "the slot ends before it starts");
	else
		return true;
	return false;
}

static void read_slot_list(
	struct yaml_document *document, const struct yaml_node *list, struct window_conf *window)
{
	char end[WINDOW_TIME_SIZE];

	if (list->count == 0 || list->count > WINDOW_SLOTS_MAX) {
		yaml_error(document, list, "a window has 1 to %d slots", WINDOW_SLOTS_MAX);
		return;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct slot_row row = {0};

		if (!yaml_read_fields(document, item, slot_fields, COUNT(slot_fields), &row) ||
			!place_slot(document, item, &row, window))
			return;
		window->slot_count++;
	}
	int32_t ends_s = window->slots[window->slot_count - 1].to_s;
	window_time_format((window->from_s + window->length_s - 1) % WINDOW_DAY_S + 1, end);
	if (ends_s != window->length_s)
		yaml_error(document, yaml_child(list->last, "to"),
			"the last slot must end with its window, at %s", end);
}

static bool place_window(struct yaml_document *document, const struct yaml_node *item,
	const struct window_row *row, struct window_conf *window)
{
	const struct yaml_node *to = yaml_child(item, "to");

	window->from_s = row->from_s;
	window->length_s = window_length_s(row->from_s, row->to_s, row->next_day);
	if (row->from_s == WINDOW_DAY_S)
		yaml_error(
			document, yaml_child(item, "from"), "a window begins at 00:00 to 23:59:59");
	else if (window->length_s == 0)
		yaml_error(document, to,
			"the window ends before it starts; one that goes over midnight has "
			"\"next_day: yes\"");
	else if (window->length_s < 0)
		yaml_error(document, to, "the window is longer than 24 hours");
	else
		return true;
	return false;
}

static void place_gap(struct yaml_document *document, const struct yaml_node *item,
	const struct window_row *row, struct window_conf *window)
{
	window->gap = row->gap.gap;
	if (window->gap != WINDOW_GAP_UNTIL)
		return;
	window->gap_s = (row->gap.until_s - window->from_s - window->length_s + 2 * WINDOW_DAY_S) %
			WINDOW_DAY_S;
	if (window->gap_s == 0)
		yaml_error(document, yaml_child(item, "gap"),
			"the gap ends where it begins; allowed is none, or a later time");
}

/* Read one item into the place behind the gate's windows. Returns whether it is a window in itself.
 */
static bool read_window(
	struct yaml_document *document, const struct yaml_node *item, struct window_gate *gate)
{
	struct window_row row = {.from_s = NO_TIME, .to_s = NO_TIME};
	struct window_conf *window = &gate->windows[gate->window_count];
	unsigned before = yaml_errors(document);

	memset(window, 0, sizeof(*window));
	if (!yaml_read_fields(document, item, window_fields, COUNT(window_fields), &row))
		return false;
	memcpy(window->name, row.name, sizeof(window->name));
	memcpy(window->note, row.note, sizeof(window->note));
	window->kind = (enum mw_window_kind)row.kind;
	window->pace = (enum mw_window_pace)row.pace;
	window->on_demand_counts = row.on_demand_counts;
	window->assumed = row.basis == 1;
	if (!window_name_valid(window->name))
		yaml_error(document, yaml_child(item, "name"),
			"allowed in a name are letters, digits, '-', '_' and '.'; it is not digits "
			"alone");
	if ((yaml_child(item, "cap_tps") != NULL) == (row.slots != NULL))
		yaml_error(document, item, "a window has either \"cap_tps\" or \"slots\"");
	if (!place_window(document, item, &row, window))
		return false;
	place_gap(document, item, &row, window);
	if (row.slots != NULL) {
		read_slot_list(document, row.slots, window);
	} else {
		window->slot_count = 1;
		window->slots[0] = (struct window_slot){0, window->length_s, row.cap_tps};
	}
	return yaml_errors(document) == before;
}

void window_read_list(
	struct yaml_document *document, const struct yaml_node *list, struct window_gate *gate)
{
	const struct yaml_node *items[WINDOWS_OF_GATE_MAX];
	char reason[WINDOW_REASON_SIZE];
	bool good = true;

	if (list->count == 0 || list->count > WINDOWS_OF_GATE_MAX) {
		yaml_error(document, list, "1 to %d windows are allowed here", WINDOWS_OF_GATE_MAX);
		return;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		if (!read_window(document, item, gate)) {
			good = false;
			continue;
		}
		items[gate->window_count++] = item;
		enum window_fault fault = window_check_others(gate, gate->window_count - 1, reason);
		if (fault != WINDOW_GOOD)
			yaml_error(document,
				yaml_child(item, fault == WINDOW_FAULT_NAME ? "name" : "from"),
				"%s", reason);
		good &= fault == WINDOW_GOOD;
	}
	for (uint32_t i = 0; good && i < gate->window_count; i++)
		if (window_check_gap(gate, i, reason) != WINDOW_GOOD)
			yaml_error(document, yaml_child(items[i], "gap"), "%s", reason);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A change in one line: words, of which each has its column for the message. The words say what to
 * do, then it is done to the copy, then the rules for windows are asked as for a file. */
#include "control/windows_change.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "control/window_check.h"
#include "control/window_time.h"

#define WORDS_MAX 32
#define NUMBER_DIGITS_MAX 9

struct word {
	const char *text; /* the key, when there is an '=' */
	const char *value;
	size_t column; /* from 1 */
	bool used;
};

struct change {
	FILE *errors;
	unsigned error_count;
	char text[WINDOWS_CHANGE_BYTES_MAX];
	struct word words[WORDS_MAX];
	size_t count;
	size_t length; /* of the text */
	struct windows_conf *conf;
};

__attribute__((format(printf, 3, 4))) static void report(
	struct change *change, const struct word *word, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* Words are quoted in messages; a terminal shall not obey them. */
	for (char *byte = text; *byte != '\0'; byte++)
		if ((unsigned char)*byte < 0x20 || *byte == 0x7f)
			*byte = '?';
	change->error_count++;
	fprintf(change->errors, "change:1:%zu: %s\n",
		word != NULL ? word->column : change->length + 1, text);
}

static int split(struct change *change, const char *text)
{
	char *rest;

	change->length = strlen(text);
	if (change->length >= sizeof(change->text)) {
		report(change, NULL, "longer than %d bytes", WINDOWS_CHANGE_BYTES_MAX - 1);
		return -EINVAL;
	}
	memcpy(change->text, text, change->length + 1);
	for (char *word = strtok_r(change->text, " \t", &rest); word != NULL;
		word = strtok_r(NULL, " \t", &rest)) {
		struct word *next = &change->words[change->count];

		if (change->count == WORDS_MAX) {
			report(change, NULL, "more than %d words", WORDS_MAX);
			return -EINVAL;
		}
		*next = (struct word){.text = word, .column = (size_t)(word - change->text) + 1};
		char *equals = strchr(word, '=');
		if (equals != NULL) {
			*equals = '\0';
			next->value = equals + 1;
		}
		change->count++;
	}
	return 0;
}

/* The word at `index` that is no KEY=VALUE; NULL and an error that says what is expected. */
static struct word *expect_word(struct change *change, size_t index, const char *expected)
{
	struct word *word = index < change->count ? &change->words[index] : NULL;

	if (word != NULL && word->value == NULL) {
		word->used = true;
		return word;
	}
	report(change, word, "expected here is %s", expected);
	return NULL;
}

/* The value of KEY=VALUE, once; NULL: not there. */
static struct word *take_key(struct change *change, const char *key)
{
	struct word *found = NULL;

	for (size_t i = 0; i < change->count; i++) {
		struct word *word = &change->words[i];

		if (word->value == NULL || strcmp(word->text, key) != 0)
			continue;
		if (found != NULL)
			report(change, word, "\"%s\" stands here a second time", key);
		word->used = true;
		found = word;
	}
	return found;
}

static void report_unused(struct change *change, const char *known)
{
	for (size_t i = 0; i < change->count; i++)
		if (!change->words[i].used)
			report(change, &change->words[i],
				"\"%.64s\" is not known here; known are: %s", change->words[i].text,
				known);
}

static bool parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *number)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > NUMBER_DIGITS_MAX || text[digits] != '\0')
		return false;
	uint32_t value = (uint32_t)strtoul(text, NULL, 10);
	if (value < min || value > max)
		return false;
	*number = value;
	return true;
}

static void take_cap(
	struct change *change, const struct word *word, bool unlimited, uint32_t *cap_tps)
{
	if (unlimited && strcmp(word->value, "unlimited") == 0)
		*cap_tps = 0;
	else if (!parse_number(word->value, 1, MW_WINDOW_CAP_TPS_MAX, cap_tps))
		report(change, word,
			"\"%s\" has a value that is not allowed; allowed is a number "
			"from 1 to %d%s",
			word->text, MW_WINDOW_CAP_TPS_MAX, unlimited ? ", or unlimited" : "");
}

static void take_choice(
	struct change *change, const char *key, const char *const *words, int *chosen)
{
	const struct word *word = take_key(change, key);
	char allowed[128] = "";

	if (word == NULL)
		return;
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], word->value) == 0) {
			*chosen = i;
			return;
		}
		size_t used = strlen(allowed);
		snprintf(allowed + used, sizeof(allowed) - used, "%s%s", i > 0 ? ", " : "",
			words[i]);
	}
	report(change, word, "\"%s\" has a value that is not allowed; allowed is one of: %s", key,
		allowed);
}

static void take_bool(struct change *change, const char *key, bool *value)
{
	static const char *const words[] = {"no", "yes", NULL};
	int chosen = *value;

	take_choice(change, key, words, &chosen);
	*value = chosen != 0;
}

/* ---- times, slots and gap of a window */

/* The slots keep their places in the day; the first and the last one go with the window. */
static void move_slots(struct change *change, const struct word *place,
	const struct window_conf *old, struct window_conf *window)
{
	/* How much later the window begins now: the shorter way round the clock. */
	int32_t later_s = window->from_s - old->from_s;
	if (later_s > WINDOW_DAY_S / 2)
		later_s -= WINDOW_DAY_S;
	else if (later_s <= -WINDOW_DAY_S / 2)
		later_s += WINDOW_DAY_S;
	for (uint32_t i = 0; i < window->slot_count; i++) {
		struct window_slot *slot = &window->slots[i];
		bool last = i + 1 == window->slot_count;

		slot->from_s = i == 0 ? 0 : slot->from_s - later_s;
		slot->to_s = last ? window->length_s : slot->to_s - later_s;
		if (slot->from_s < 0 || slot->to_s <= slot->from_s ||
			slot->to_s > window->length_s) {
			report(change, place,
				"slot %u would have no time left; change the slots in the file",
				i + 1);
			return;
		}
	}
}

static struct word *take_time(struct change *change, const char *key, int32_t *time_s)
{
	struct word *word = take_key(change, key);

	if (word != NULL && window_time_parse(word->value, time_s) != 0)
		report(change, word, "\"%s\" has a value that is not allowed; allowed is %s", key,
			WINDOW_TIME_ALLOWED);
	return word;
}

static void take_times(struct change *change, struct window_conf *window, const struct word **place)
{
	const struct window_conf old = *window;
	int32_t from_s = old.from_s;
	int32_t to_s = old.from_s + old.length_s;
	bool next_day = to_s > WINDOW_DAY_S;
	unsigned before = change->error_count;

	if (next_day)
		to_s -= WINDOW_DAY_S;
	const struct word *from = take_time(change, "from", &from_s);
	const struct word *to = take_time(change, "to", &to_s);
	take_bool(change, "next_day", &next_day);
	*place = to != NULL ? to : from;
	if (*place == NULL)
		*place = take_key(change, "next_day");
	if (*place == NULL || change->error_count > before)
		return;
	window->from_s = from_s;
	window->length_s = window_length_s(from_s, to_s, next_day);
	if (from_s == WINDOW_DAY_S)
		report(change, from, "a window begins at 00:00 to 23:59:59");
	else if (window->length_s == 0)
		report(change, *place,
			"the window ends before it starts; one that goes over midnight has "
			"next_day=yes");
	else if (window->length_s < 0)
		report(change, *place, "the window is longer than 24 hours");
	else
		move_slots(change, *place, &old, window);
	if (change->error_count == before && old.gap == WINDOW_GAP_UNTIL) {
		int32_t gap_end_s = old.from_s + old.length_s + old.gap_s;

		window->gap_s = (gap_end_s - window->from_s - window->length_s + 3 * WINDOW_DAY_S) %
				WINDOW_DAY_S;
		if (window->gap_s == 0)
			window->gap = WINDOW_GAP_NONE;
	}
}

static const struct word *take_gap(struct change *change, struct window_conf *window)
{
	const struct word *word = take_key(change, "gap");
	int32_t until_s;

	if (word == NULL)
		return NULL;
	window->gap_s = 0;
	if (strcmp(word->value, "next") == 0) {
		window->gap = WINDOW_GAP_NEXT;
	} else if (strcmp(word->value, "none") == 0) {
		window->gap = WINDOW_GAP_NONE;
	} else if (window_time_parse(word->value, &until_s) != 0) {
		report(change, word,
			"\"gap\" has a value that is not allowed; allowed is next, none, or %s",
			WINDOW_TIME_ALLOWED);
	} else {
		window->gap = WINDOW_GAP_UNTIL;
		window->gap_s = (until_s - window->from_s - window->length_s + 2 * WINDOW_DAY_S) %
				WINDOW_DAY_S;
		if (window->gap_s == 0)
			report(change, word,
				"the gap ends where it begins; allowed is none, or a later time");
	}
	return word;
}

/* ---- who is changed */

static struct window_gate *find_gate(struct change *change, const struct word *name)
{
	char allowed[512] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < change->conf->gate_count; i++) {
		struct window_gate *gate = &change->conf->gates[i];

		if (strcmp(gate->name, name->text) == 0)
			return gate;
		if (used < sizeof(allowed))
			used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
				i > 0 ? ", " : "", gate->name);
	}
	report(change, name, "\"%.64s\" has no windows; allowed is one of: %s", name->text,
		allowed);
	return NULL;
}

static struct window_conf *find_window(
	struct change *change, struct window_gate *gate, const struct word *name)
{
	char allowed[512] = "";
	size_t used = 0;
	uint32_t number;

	if (parse_number(name->text, 1, gate->window_count, &number))
		return &gate->windows[number - 1];
	for (uint32_t i = 0; i < gate->window_count; i++) {
		if (strcmp(gate->windows[i].name, name->text) == 0)
			return &gate->windows[i];
		if (used < sizeof(allowed))
			used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
				i > 0 ? ", " : "", gate->windows[i].name);
	}
	report(change, name,
		"\"%s\" has no window \"%.32s\"; allowed is a number from 1 to %u, or one of: %s",
		gate->name, name->text, gate->window_count, allowed);
	return NULL;
}

static void check_gate(struct change *change, const struct window_gate *gate,
	const struct word *times, const struct word *gap)
{
	char reason[WINDOW_REASON_SIZE];

	for (uint32_t i = 0; i < gate->window_count; i++) {
		if (window_check_others(gate, i, reason) != WINDOW_GOOD) {
			report(change, times, "%s", reason);
			return;
		}
	}
	for (uint32_t i = 0; i < gate->window_count; i++)
		if (window_check_gap(gate, i, reason) != WINDOW_GOOD)
			report(change, gap != NULL ? gap : times, "%s", reason);
}

/* provider NAME window WINDOW slot NUMBER cap_tps=VALUE */
static void change_slot(struct change *change, struct window_conf *window)
{
	struct word *number = expect_word(change, 5, "the number of a slot");
	const struct word *cap = take_key(change, "cap_tps");
	uint32_t slot;

	change->words[4].used = true;
	report_unused(change, "cap_tps");
	if (number == NULL)
		return;
	if (!parse_number(number->text, 1, window->slot_count, &slot))
		report(change, number, "the window's slots have the numbers 1 to %u",
			window->slot_count);
	else if (cap == NULL)
		report(change, NULL, "expected here is cap_tps=NUMBER");
	else
		take_cap(change, cap, false, &window->slots[slot - 1].cap_tps);
}

static void change_window(
	struct change *change, const struct window_gate *gate, struct window_conf *window)
{
	const struct word *times;
	int kind = (int)window->kind;
	int pace = (int)window->pace;

	take_times(change, window, &times);
	const struct word *gap = take_gap(change, window);
	const struct word *cap = take_key(change, "cap_tps");
	if (cap != NULL && window->slot_count > 1)
		report(change, cap,
			"the window has %u slots, each with its rate; write: slot NUMBER "
			"cap_tps=VALUE",
			window->slot_count);
	else if (cap != NULL)
		take_cap(change, cap, false, &window->slots[0].cap_tps);
	take_choice(change, "kind", window_kind_names, &kind);
	take_choice(change, "pace", window_pace_names, &pace);
	take_bool(change, "on_demand_counts", &window->on_demand_counts);
	window->kind = (enum mw_window_kind)kind;
	window->pace = (enum mw_window_pace)pace;
	report_unused(change,
		"kind, from, to, next_day, cap_tps, pace, gap, on_demand_counts; or slot NUMBER");
	if (change->count == 4)
		report(change, NULL, "expected here is KEY=VALUE");
	if (change->error_count == 0)
		check_gate(change, gate, times, gap);
}

static void change_provider(struct change *change)
{
	const struct word *name = expect_word(change, 1, "the name of a provider");
	const struct word *word = name != NULL ? expect_word(change, 2, "\"window\"") : NULL;

	if (word == NULL)
		return;
	if (strcmp(word->text, "window") != 0) {
		report(change, word, "expected here is \"window\"");
		return;
	}
	const struct word *wanted = expect_word(change, 3, "the name or number of a window");
	struct window_gate *gate = wanted != NULL ? find_gate(change, name) : NULL;
	struct window_conf *window = gate != NULL ? find_window(change, gate, wanted) : NULL;
	if (window == NULL)
		return;
	if (change->count > 4 && change->words[4].value == NULL &&
		strcmp(change->words[4].text, "slot") == 0)
		change_slot(change, window);
	else
		change_window(change, gate, window);
}

static void change_total(struct change *change)
{
	static const char *const keys[] = {"peak_tps", "off_peak_tps"};

	for (int kind = 0; kind < MW_WINDOW_KIND_COUNT; kind++) {
		const struct word *word = take_key(change, keys[kind]);

		if (word != NULL)
			take_cap(change, word, true, &change->conf->total_cap_tps[kind]);
	}
	report_unused(change, "peak_tps, off_peak_tps");
	if (change->count == 1)
		report(change, NULL, "expected here is peak_tps=VALUE or off_peak_tps=VALUE");
}

int windows_override(const struct windows_conf *in_force, const char *text, FILE *errors,
	struct windows_conf **changed)
{
	struct change change = {.errors = errors};

	*changed = NULL;
	if (split(&change, text) != 0)
		return -EINVAL;
	change.conf = windows_conf_copy(in_force);
	if (change.conf == NULL)
		return -ENOMEM;
	const struct word *first = expect_word(&change, 0, "\"provider\" or \"total\"");
	if (first != NULL && strcmp(first->text, "provider") == 0)
		change_provider(&change);
	else if (first != NULL && strcmp(first->text, "total") == 0)
		change_total(&change);
	else if (first != NULL)
		report(&change, first, "expected here is \"provider\" or \"total\"");
	if (change.error_count == 0) {
		*changed = change.conf;
		return 0;
	}
	windows_conf_free(change.conf);
	return -EINVAL;
}

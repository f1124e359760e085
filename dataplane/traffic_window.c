/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/traffic_window.h"

#include <errno.h>
#include <stdlib.h>

#include "dataplane/traffic_state.h"

int window_create(struct traffic_windows *state, uint32_t pending_max, uint64_t now_ns)
{
	state->places = calloc(pending_max, sizeof(*state->places));
	if (!state->places)
		return -ENOMEM;
	for (unsigned id = 0; id < PROVIDERS_MAX; id++) {
		struct window_queue *queue = &state->queues[id];
		queue->waiting = release_create(state->places, USERS_MAX);
		if (!queue->waiting)
			return -ENOMEM;
		for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++)
			queue->ready[lane].head = queue->ready[lane].tail = PENDING_NONE;
	}
	for (unsigned number = 0; number < MW_GATE_COUNT; number++)
		if (gate_create(&state->gates[number], now_ns) != 0)
			return -ENOMEM;
	return 0;
}

void window_destroy(struct traffic_windows *state)
{
	for (unsigned id = 0; id < PROVIDERS_MAX; id++)
		release_destroy(state->queues[id].waiting);
	for (unsigned number = 0; number < MW_GATE_COUNT; number++)
		gate_destroy(&state->gates[number]);
	windows_destroy(state->windows);
	free(state->places);
}

void window_take_table(struct traffic *traffic, struct windows *windows)
{
	struct traffic_windows *state = &traffic->windows;

	windows_destroy(state->windows);
	state->windows = windows;
	/* The table's numbers may name other windows now. */
	for (unsigned id = 0; id < PROVIDERS_MAX; id++)
		state->queues[id].opened = false;
}

void traffic_set_wall(struct traffic *traffic, uint64_t now_ns, int64_t wall_ms)
{
	traffic->windows.wall_at_ns = now_ns;
	traffic->windows.wall_ms = wall_ms;
}

static const struct mw_window_record *stretch_at(
	const struct traffic_windows *state, uint32_t gate, uint64_t now_ns)
{
	int64_t until_ms;
	int64_t since_ms = (int64_t)((now_ns - state->wall_at_ns) / 1000000);

	return windows_at(state->windows, gate, state->wall_ms + since_ms, &until_ms);
}

bool window_governs(const struct traffic *traffic, const struct pending *entry)
{
	return entry->route == ACCESS_ROUTE_DEVICE && entry->window_kind != RELEASE_NOW &&
	       traffic->windows.windows &&
	       windows_has(traffic->windows.windows, entry->provider_id);
}

bool window_counts(const struct traffic *traffic, const struct pending *entry)
{
	const struct traffic_windows *state = &traffic->windows;

	if (entry->route != ACCESS_ROUTE_DEVICE || !state->windows)
		return false;
	const struct mw_window_record *stretch =
		stretch_at(state, entry->provider_id, state->wall_at_ns);
	return stretch && stretch->on_demand_counts;
}

static enum release_kind kind_of(const struct mw_window_record *stretch)
{
	return stretch->kind == MW_WINDOW_PEAK ? RELEASE_PEAK : RELEASE_OFF_PEAK;
}

static struct pending *entry_at(struct traffic *traffic, uint32_t number)
{
	return &traffic->pending.entries[number];
}

static uint32_t number_of(struct traffic *traffic, const struct pending *entry)
{
	return pending_refer(&traffic->pending, entry).index;
}

static struct window_queue *queue_of(struct traffic *traffic, const struct pending *entry)
{
	return &traffic->windows.queues[entry->provider_id];
}

/* Windowed entries are ready in one list, on-demand ones that use the allowance in the other. */
static struct pending_queue *ready_of(struct traffic *traffic, const struct pending *entry)
{
	bool waited = entry->window_kind != RELEASE_NOW;

	return &queue_of(traffic, entry)->ready[waited ? MW_LANE_SCHEDULED : MW_LANE_ON_DEMAND];
}

void window_put(struct traffic *traffic, struct pending *entry)
{
	const struct release_terms terms = {
		.deadline_ns = entry->deadline_ns,
		.user = entry->lane_user,
		.kind = (enum release_kind)entry->window_kind,
		.retry = entry->attempts > 0,
	};

	entry->state = PENDING_QUEUED;
	entry->windowed = true;
	release_put(queue_of(traffic, entry)->waiting, number_of(traffic, entry), &terms);
	traffic->south_queued++;
	traffic->windows.held++;
}

void window_remove(struct traffic *traffic, struct pending *entry)
{
	struct window_queue *queue = queue_of(traffic, entry);

	traffic->windows.held--;
	if (entry->windowed) {
		entry->windowed = false;
		release_remove(queue->waiting, number_of(traffic, entry));
		traffic->south_queued--;
		return;
	}
	assert(entry->state == PENDING_READY);
	pending_queue_remove(&traffic->pending, ready_of(traffic, entry), entry);
	entry->asks_gate = false;
	queue->ahead--;
}

bool window_has_room(struct traffic *traffic, const struct pending *entry)
{
	return queue_of(traffic, entry)->ahead < WINDOW_AHEAD_MAX;
}

void window_intend(struct traffic *traffic, struct pending *entry)
{
	queue_of(traffic, entry)->ahead++;
	traffic->windows.held++;
	entry->asks_gate = true;
	south_intend(traffic, entry);
}

void window_ready(struct traffic *traffic, struct pending *entry)
{
	if (entry->state != PENDING_INTENT) {
		/* Answered or given up meanwhile: do not send it any more. */
		entry->asks_gate = false;
		queue_of(traffic, entry)->ahead--;
		traffic->windows.held--;
		return;
	}
	entry->state = PENDING_READY;
	pending_queue_append(&traffic->pending, ready_of(traffic, entry), entry);
}

/* Take the intent back: nothing has been sent. */
static void withdraw(struct traffic *traffic, struct pending *entry)
{
	window_remove(traffic, entry);
	south_forgo(entry);
	south_queue_append(traffic, entry);
}

static bool fits(const struct pending *entry, const struct mw_window_record *stretch)
{
	if (entry->window_kind != RELEASE_ANY && entry->window_kind != kind_of(stretch))
		return false;
	return !stretch->gap || entry->attempts > 1 || entry->in_doubt;
}

static void withdraw_unfit(
	struct traffic *traffic, struct window_queue *queue, const struct mw_window_record *stretch)
{
	struct pending_queue *ready = &queue->ready[MW_LANE_SCHEDULED];
	uint32_t number = ready->head;

	while (number != PENDING_NONE) {
		struct pending *entry = entry_at(traffic, number);
		number = entry->queue_next;
		if (!stretch || !fits(entry, stretch))
			withdraw(traffic, entry);
	}
}

/* The next one that may go in a window of `kind`, or in the gap behind it; NULL: there is none. It
 * does not wait any longer. */
static struct pending *take_waiting(
	struct traffic *traffic, struct window_queue *queue, enum release_kind kind, bool gap)
{
	uint32_t number = release_take(queue->waiting, kind, gap);

	if (number == RELEASE_NONE)
		return NULL;
	struct pending *entry = entry_at(traffic, number);
	entry->windowed = false;
	traffic->south_queued--;
	traffic->windows.held--;
	return entry;
}

/* Choose who comes before the gate next, and make the intent durable. */
static unsigned choose(struct traffic *traffic, struct window_queue *queue,
	const struct mw_window_record *stretch, unsigned budget)
{
	unsigned done = 0;

	while (done < budget && queue->ahead < WINDOW_AHEAD_MAX) {
		struct pending *entry =
			take_waiting(traffic, queue, kind_of(stretch), stretch->gap);
		if (!entry)
			break;
		window_intend(traffic, entry);
		done++;
	}
	return done;
}

/* The gates before a provider in a stretch: its own, one in series, the total of its kind. */
struct way {
	struct gate *gates[3];
	uint8_t numbers[3];
	unsigned count;
};

static void add_gate(struct way *way, struct traffic_windows *state, uint32_t number, uint32_t cap)
{
	way->numbers[way->count] = (uint8_t)number;
	way->gates[way->count] = &state->gates[number];
	gate_set_cap(way->gates[way->count++], cap);
}

/* Find the gates, with the caps that are in force now. */
static struct way way_of(
	struct traffic_windows *state, const struct mw_window_record *stretch, uint64_t now_ns)
{
	struct way way = {.count = 0};
	uint32_t total =
		stretch->kind == MW_WINDOW_PEAK ? MW_GATE_TOTAL_PEAK : MW_GATE_TOTAL_OFF_PEAK;

	add_gate(&way, state, stretch->gate, stretch->cap_tps);
	if (stretch->series != stretch->gate) {
		const struct mw_window_record *other = stretch_at(state, stretch->series, now_ns);
		add_gate(&way, state, stretch->series, other ? other->cap_tps : 0);
	}
	if (windows_has(state->windows, total)) {
		const struct mw_window_record *whole = stretch_at(state, total, now_ns);
		add_gate(&way, state, total, whole ? whole->cap_tps : 0);
	}
	return way;
}

static bool way_is_open(const struct way *way, uint64_t now_ns)
{
	for (unsigned number = 0; number < way->count; number++)
		if (!gate_is_open(way->gates[number], now_ns))
			return false;
	return true;
}

static void pass(struct traffic *traffic, struct pending *entry, const struct way *way,
	uint64_t now_ns, struct traffic_actions *out)
{
	window_remove(traffic, entry);
	entry->passed_ns = now_ns;
	entry->gate_count = (uint8_t)way->count;
	for (unsigned number = 0; number < way->count; number++) {
		entry->gates[number] = way->numbers[number];
		gate_pass(way->gates[number], now_ns);
	}
	struct action *action = south_post(traffic, entry, out);
	action->expires_ns = now_ns + WINDOW_PERMISSION_NS;
}

/* Let one that is ready pass. */
static bool release_one(struct traffic *traffic, uint32_t id, const struct way *way,
	uint64_t now_ns, struct traffic_actions *out)
{
	const struct window_queue *queue = &traffic->windows.queues[id];

	for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++) {
		uint32_t first = queue->ready[lane].head;
		if (first == PENDING_NONE)
			continue;
		if (!south_may_post(traffic, id, out) || !way_is_open(way, now_ns))
			return false;
		pass(traffic, entry_at(traffic, first), way, now_ns, out);
		return true;
	}
	return false;
}

/* The provider has no windows any more: what waited for them goes the way of all others. */
static unsigned dissolve(struct traffic *traffic, struct window_queue *queue, unsigned budget)
{
	unsigned done = 0;

	while (done < budget && release_count(queue->waiting) > 0) {
		struct pending *entry = take_waiting(traffic, queue, RELEASE_PEAK, false);
		if (!entry)
			entry = take_waiting(traffic, queue, RELEASE_OFF_PEAK, false);
		south_queue_append(traffic, entry);
		done++;
	}
	return done;
}

/* Bring what waits for a provider before its gates. Sets *way to the gates; none: the provider has
 * no window now, and only on-demand entries that used its allowance are ready. */
static unsigned prepare(
	struct traffic *traffic, uint32_t id, uint64_t now_ns, unsigned budget, struct way *way)
{
	struct traffic_windows *state = &traffic->windows;
	struct window_queue *queue = &state->queues[id];
	bool governed = state->windows && windows_has(state->windows, id);
	const struct mw_window_record *stretch = governed ? stretch_at(state, id, now_ns) : NULL;

	withdraw_unfit(traffic, queue, stretch);
	*way = (struct way){.count = 0};
	if (!governed)
		return dissolve(traffic, queue, budget);
	if (!stretch)
		return 0;
	if (!queue->opened || queue->number != stretch->number) {
		if (queue->opened)
			release_carry_over(queue->waiting, kind_of(stretch));
		queue->opened = true;
		queue->number = stretch->number;
	}
	*way = way_of(state, stretch, now_ns);
	return choose(traffic, queue, stretch, budget);
}

unsigned window_pump(
	struct traffic *traffic, uint64_t now_ns, unsigned budget, struct traffic_actions *out)
{
	struct traffic_windows *state = &traffic->windows;
	struct way ways[PROVIDERS_MAX];
	uint32_t ids[PROVIDERS_MAX];
	unsigned count = 0, done = 0;

	if (state->held == 0)
		return 0;
	for (unsigned looked_at = 0; looked_at < PROVIDERS_MAX; looked_at++) {
		uint32_t id = (state->turn + looked_at) % PROVIDERS_MAX;
		if (window_waiting_for(traffic, id) == 0)
			continue;
		done += prepare(traffic, id, now_ns, budget, &ways[count]);
		ids[count++] = id;
	}
	/* One of each in turn, so that they share what they share. */
	for (unsigned passed = 1; passed > 0 && done < budget;) {
		passed = 0;
		for (unsigned number = 0; number < count; number++) {
			if (!release_one(traffic, ids[number], &ways[number], now_ns, out))
				continue;
			state->turn = (ids[number] + 1) % PROVIDERS_MAX;
			passed++;
		}
		done += passed;
	}
	return done;
}

void window_ended(struct traffic *traffic, struct pending *entry, uint64_t now_ns, bool sent)
{
	for (unsigned number = 0; number < entry->gate_count; number++) {
		struct gate *gate = &traffic->windows.gates[entry->gates[number]];
		if (sent)
			gate_answered(gate, entry->passed_ns, now_ns);
		else
			gate_give_back(gate);
	}
	entry->gate_count = 0;
}

void window_view(struct traffic *traffic, uint32_t number, struct window_view *view)
{
	struct traffic_windows *state = &traffic->windows;

	*view = (struct window_view){.until_ms = INT64_MAX};
	if (state->windows && windows_has(state->windows, number)) {
		const struct mw_window_record *stretch =
			windows_at(state->windows, number, state->wall_ms, &view->until_ms);
		view->state = WINDOW_STATE_CLOSED;
		if (stretch) {
			view->state = stretch->gap ? WINDOW_STATE_GAP : WINDOW_STATE_OPEN;
			view->kind = stretch->kind;
			view->cap_tps = stretch->cap_tps;
		}
	}
	if (number >= PROVIDERS_MAX)
		return;
	struct window_queue *queue = &state->queues[number];
	uint32_t all = release_count(queue->waiting);
	uint32_t peak = release_count_for(queue->waiting, RELEASE_PEAK, false);
	uint32_t off_peak = release_count_for(queue->waiting, RELEASE_OFF_PEAK, false);
	/* What may go in any is in both numbers. */
	view->waiting_any = peak + off_peak - all;
	view->waiting_peak = all - off_peak;
	view->waiting_off_peak = all - peak;
	view->ready = queue->ahead;
}

uint32_t window_waiting_for(const struct traffic *traffic, uint32_t provider_id)
{
	const struct window_queue *queue = &traffic->windows.queues[provider_id];

	return release_count(queue->waiting) + queue->ahead;
}

uint32_t window_waiting(const struct traffic *traffic)
{
	return traffic->windows.held;
}

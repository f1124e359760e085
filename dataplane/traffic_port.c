/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/traffic_port.h"
#include "dataplane/clock.h"
#include "dataplane/traffic_window.h"

#include <assert.h>

#include <rte_ring_elem.h>

/* How many actions fit wherever they go. */
static uint32_t room_for_actions(const struct traffic_port *port)
{
	uint32_t room = TRAFFIC_ACTIONS_MAX;
	for (unsigned i = 0; i < TRAFFIC_PORTS; i++) {
		if (!port->actions[i])
			continue;
		uint32_t free_count = rte_ring_free_count(port->actions[i]);
		if (free_count < room)
			room = free_count;
	}
	return room;
}

static void flush(struct traffic_port *port, struct traffic_actions *out)
{
	for (uint32_t i = 0; i < out->count; i++) {
		unsigned to = out->destination[i];
		int status = rte_ring_sp_enqueue_elem(
			port->actions[to], &out->actions[i], sizeof(out->actions[i]));
		assert(status == 0); /* room_for_actions() */
		(void)status;
	}
	for (unsigned to = 0; to < TRAFFIC_PORTS && out->count > 0; to++)
		if (port->actions[to] && !rte_ring_empty(port->actions[to]))
			wake_signal(port->wakes[to]);
}

static void publish(struct traffic_port *port)
{
	struct traffic_view view = traffic_view(port->traffic);
	atomic_store_explicit(&port->pending, view.pending, memory_order_relaxed);
	atomic_store_explicit(&port->pending_max, view.pending_max, memory_order_relaxed);
	atomic_store_explicit(&port->quarantined, view.quarantined, memory_order_relaxed);
	atomic_store_explicit(&port->alerts, view.alerts, memory_order_relaxed);
	atomic_store_explicit(&port->replay_scopes, view.replay_scopes, memory_order_relaxed);
	atomic_store_explicit(&port->south_queued, view.south_queued, memory_order_relaxed);
	atomic_store_explicit(&port->window_waiting, view.window_waiting, memory_order_relaxed);
	atomic_store_explicit(&port->south_in_flight, view.south_in_flight, memory_order_relaxed);
	for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++) {
		atomic_store_explicit(
			&port->lane_waiting[lane], view.lane_waiting[lane], memory_order_relaxed);
		atomic_store_explicit(&port->lane_in_flight[lane], view.lane_in_flight[lane],
			memory_order_relaxed);
	}
}

static void publish_gate(struct traffic_port_gate *gate, const struct window_view *view)
{
	atomic_store_explicit(&gate->state, view->state, memory_order_relaxed);
	atomic_store_explicit(&gate->kind, view->kind, memory_order_relaxed);
	atomic_store_explicit(&gate->cap_tps, view->cap_tps, memory_order_relaxed);
	atomic_store_explicit(&gate->until_ms, view->until_ms, memory_order_relaxed);
	atomic_store_explicit(&gate->waiting_peak, view->waiting_peak, memory_order_relaxed);
	atomic_store_explicit(
		&gate->waiting_off_peak, view->waiting_off_peak, memory_order_relaxed);
	atomic_store_explicit(&gate->waiting_any, view->waiting_any, memory_order_relaxed);
	atomic_store_explicit(&gate->ready, view->ready, memory_order_relaxed);
}

/* Windows open and close also when nothing is done. */
static void publish_gates(struct traffic_port *port, uint64_t now_ns)
{
	struct window_view view;

	if (now_ns < port->gates_due_ns)
		return;
	port->gates_due_ns = now_ns + TRAFFIC_PORT_GATES_NS;
	for (uint32_t number = 0; number < MW_GATE_COUNT; number++) {
		window_view(port->traffic, number, &view);
		publish_gate(&port->gates[number], &view);
	}
}

static void take_thresholds(struct traffic_port *port, uint64_t now_ns, struct traffic_actions *out)
{
	if (!atomic_load_explicit(&port->thresholds, memory_order_relaxed))
		return;
	const struct traffic_event event = {
		.type = EVENT_THRESHOLDS,
		.anomaly = atomic_exchange_explicit(&port->thresholds, NULL, memory_order_acquire),
	};
	traffic_step(port->traffic, now_ns, &event, out);
}

static void take_windows(struct traffic_port *port, uint64_t now_ns, struct traffic_actions *out)
{
	if (!atomic_load_explicit(&port->windows, memory_order_relaxed))
		return;
	const struct traffic_event event = {
		.type = EVENT_WINDOWS,
		.windows = atomic_exchange_explicit(&port->windows, NULL, memory_order_acquire),
	};
	traffic_step(port->traffic, now_ns, &event, out);
}

unsigned traffic_port_poll(struct traffic_port *port, uint64_t now_ns)
{
	struct traffic_actions out;
	struct traffic_event event;
	unsigned done = 0;

	out.count = 0;
	out.capacity = room_for_actions(port);
	traffic_set_wall(port->traffic, now_ns, clock_wall_ms(now_ns));
	/* While there is no room for actions nothing is taken. */
	if (out.capacity >= ACTIONS_PER_STEP) {
		take_windows(port, now_ns, &out);
		take_thresholds(port, now_ns, &out);
	}
	/* Half of the room is for events, half for what time brings. */
	for (unsigned i = 0; i < TRAFFIC_PORTS; i++) {
		struct rte_ring *ring = port->events[(port->turn + i) % TRAFFIC_PORTS];
		while (ring && out.count + ACTIONS_PER_STEP <= out.capacity / 2 && done < BURST &&
			rte_ring_sc_dequeue_elem(ring, &event, sizeof(event)) == 0) {
			traffic_step(port->traffic, now_ns, &event, &out);
			done++;
		}
	}
	port->turn = (port->turn + 1) % TRAFFIC_PORTS;
	done += traffic_tick(port->traffic, now_ns, &out);
	flush(port, &out);
	if (done > 0)
		publish(port);
	publish_gates(port, now_ns);
	return done;
}

bool traffic_port_has_work(const struct traffic_port *port)
{
	for (unsigned i = 0; i < TRAFFIC_PORTS; i++)
		if (port->events[i] && !rte_ring_empty(port->events[i]))
			return true;
	return false;
}

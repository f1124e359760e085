/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/lcore.h"

#include <poll.h>
#include <time.h>

#include <rte_pause.h>

#include "dataplane/clock.h"
#include "dataplane/limits.h"

/* Turns without work before an lcore begins to rest, and how the rests grow. */
#define SPIN_TURNS 256
#define FIRST_REST_NS 20000

static bool has_work(const struct lcore *self)
{
	return (self->traffic && traffic_port_has_work(self->traffic)) ||
	       (self->edge && edge_has_work(self->edge));
}

static void account(struct lcore *self, uint64_t now_ns, unsigned work)
{
	stats_increase(
		work ? &self->stats->busy_ns : &self->stats->idle_ns, now_ns - self->turn_ns);
	self->turn_ns = now_ns;
}

/* Wait on the eventfd when there is no edge whose transport could wait. */
static void rest_without_edge(struct wake *wake, uint64_t timeout_ns)
{
	struct pollfd fd = {.fd = wake->fd, .events = POLLIN};
	const struct timespec timeout = {.tv_nsec = (long)timeout_ns};
	uint64_t count;
	if (ppoll(&fd, 1, &timeout, NULL) > 0)
		(void)!read(wake->fd, &count, sizeof(count));
}

static void rest(struct lcore *self)
{
	self->idle_turns++;
	if (self->idle == CONF_IDLE_SPIN || self->idle_turns < SPIN_TURNS) {
		rte_pause();
		return;
	}
	unsigned doublings = self->idle_turns - SPIN_TURNS;
	uint64_t timeout_ns = doublings < 6 ? FIRST_REST_NS << doublings : REST_NS_MAX;
	if (timeout_ns > REST_NS_MAX)
		timeout_ns = REST_NS_MAX;
	/* A resting lcore reads no shared table: the link need not wait for it. */
	rte_rcu_qsbr_thread_offline(self->readers, self->reader);
	wake_begin(&self->wake);
	if (!has_work(self)) {
		if (self->edge)
			edge_rest(self->edge, timeout_ns);
		else
			rest_without_edge(&self->wake, timeout_ns);
	}
	wake_end(&self->wake);
	rte_rcu_qsbr_thread_online(self->readers, self->reader);
}

/* Has everything come to its end? Main asks when it drains. */
static bool quiet(const struct lcore *self)
{
	return !has_work(self) && (!self->edge || edge_idle(self->edge)) &&
	       (!self->traffic || traffic_idle(self->traffic->traffic));
}

int lcore_run(void *argument)
{
	struct lcore *self = argument;

	rte_rcu_qsbr_thread_register(self->readers, self->reader);
	rte_rcu_qsbr_thread_online(self->readers, self->reader);
	self->turn_ns = clock_now_ns();
	while (!atomic_load_explicit(self->ended, memory_order_acquire)) {
		uint64_t now_ns = clock_now_ns();
		unsigned work = 0;
		if (self->edge)
			work += edge_poll(self->edge, now_ns);
		if (self->traffic)
			work += traffic_port_poll(self->traffic, now_ns);
		rte_rcu_qsbr_quiescent(self->readers, self->reader);
		account(self, clock_now_ns(), work);
		if (work > 0) {
			self->idle_turns = 0;
			atomic_store_explicit(&self->quiet, false, memory_order_release);
			continue;
		}
		atomic_store_explicit(&self->quiet, quiet(self), memory_order_release);
		rest(self);
	}
	rte_rcu_qsbr_thread_offline(self->readers, self->reader);
	rte_rcu_qsbr_thread_unregister(self->readers, self->reader);
	return 0;
}

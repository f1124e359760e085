/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driving struct traffic event by event on a clock of the test's own: shared by the tests of its
 * cases and the long random run.
 */
#ifndef TESTS_TRAFFIC_HARNESS_H
#define TESTS_TRAFFIC_HARNESS_H

#include <criterion/criterion.h>

#include "traffic_fakes.h"

#define SECOND 1000000000ull
#define PROVIDER 3
#define OTHER_PROVIDER 4
#define TRANSFORM 9
#define USER_A 0xaaaa000000000001ull
#define USER_B 0xaaaa000000000002ull
#define DEVICE 0xdddd000000000001ull

static struct traffic *traffic;
static struct stats stats;
static uint64_t now_ns;
static struct traffic_actions out; /* of the last step or tick */

static const struct traffic_limits default_limits = {
	.pending_max = 64,
	.lane_items_max = 4,
	.edges = 2,
	.provider_in_flight_max = 2,
	.user_in_flight_max = 2,
	.delivery_in_flight_max = 8,
	.dispatch_attempts_max = 3,
	.dispatch_backoff_ns = SECOND / 10,
	.transform_timeout_ns = 5 * SECOND,
	.service_timeout_ns = 5 * SECOND,
	.response_timeout_ns = 30 * SECOND,
	.delivery_backoff_ns = SECOND,
	.delivery_backoff_max_ns = 60 * SECOND,
	.secret = 42,
	.replay = {.scope = REPLAY_ORIGINATOR, .window = 64, .scopes_max = 4096},
	.unreachable_code = "E20",
	.silent_code = "E21",
	.deleted_code = "E100",
	.quarantine_max = 8,
	.alerts_max = 8,
};

static inline void start(const struct traffic_limits *limits)
{
	messages_live = 0;
	fake_durable = 0;
	fake_journal_holds = false;
	now_ns = SECOND;
	memset(&stats, 0, sizeof(stats));
	traffic = traffic_create(limits, &stats);
	cr_assert_not_null(traffic);
}

static inline void setup(void)
{
	start(&default_limits);
}

/* Whatever a test leaves pending is freed with the state, and nothing else was ever lost. */
static inline void teardown(void)
{
	traffic_destroy(traffic);
	cr_expect_eq(messages_live, 0, "%d messages leaked", messages_live);
}

static inline void step(const struct traffic_event *event)
{
	out.count = 0;
	out.capacity = TRAFFIC_ACTIONS_MAX;
	traffic_step(traffic, now_ns, event, &out);
}

static inline void tick(void)
{
	out.count = 0;
	out.capacity = TRAFFIC_ACTIONS_MAX;
	traffic_tick(traffic, now_ns, &out);
}

/* The only action of the last step or tick, checked for type and destination. */
static inline struct action only(enum action_type type, unsigned destination)
{
	cr_assert_eq(out.count, 1, "%u actions, expected one of type %d", out.count, type);
	cr_assert_eq(out.actions[0].type, type);
	cr_assert_eq(out.destination[0], destination);
	return out.actions[0];
}

static inline struct traffic_event request_event(uint64_t counter, uint64_t user)
{
	struct traffic_event event = {
		.type = EVENT_REQUEST,
		.edge = 1,
		.provider_id = PROVIDER,
		.transform_provider_id = TRANSFORM,
		.route = ACCESS_ROUTE_DEVICE,
		.exchange = {.connection = 7, .generation = 1},
		.message = fake_message(MESSAGE_EDGE),
		.user = user,
		.received_ns = now_ns,
		.terms = {.request_id = {user, DEVICE, counter},
			.service_reference = "4.8",
			.srv = "4.8.1",
			.command_variant = 1},
	};
	return event;
}

static inline struct traffic_event due_event(uint64_t counter, uint64_t user)
{
	struct traffic_event event = request_event(counter, user);
	event.type = EVENT_DUE_READ;
	event.message->owner = MESSAGE_LINK;
	event.terms.request_id.originator = 0x90b3d51f30000002ull;
	event.schedule_id = 77;
	event.occurrence = 5;
	event.attempt = 1;
	return event;
}

static inline struct traffic_event ended_event(
	enum traffic_event_type type, const struct action *action, int status)
{
	return (struct traffic_event){.type = (uint8_t)type,
		.edge = 0,
		.provider_id = action->provider_id,
		.status = (int16_t)status,
		.reference = action->reference};
}

static inline struct traffic_event response_event(const struct mw_request_id *id, const char *code)
{
	struct traffic_event event = {
		.type = EVENT_RESPONSE,
		.edge = 0,
		.provider_id = PROVIDER,
		.exchange = {.connection = 9, .generation = 2},
		.message = code[0] == 'I' ? fake_message(MESSAGE_EDGE) : NULL,
		.terms = {.request_id = *id},
	};
	snprintf(event.code, sizeof(event.code), "%s", code);
	return event;
}

/* Bring a fresh request to the point where its dispatch action is out. */
static inline struct action accept_request(uint64_t counter, uint64_t user)
{
	struct traffic_event event = request_event(counter, user);
	step(&event);
	cr_assert_eq(out.count, 0, "nothing before the record is durable");
	tick();
	struct action reply = only(ACTION_REPLY, 1);
	cr_assert_eq(reply.reason, ANSWER_ACCEPTED);
	cr_assert_eq(reply.exchange.connection, 7);
	tick(); /* the queue is looked at, the intent recorded and, here, durable at once */
	return only(ACTION_DISPATCH, PROVIDER % 2);
}

static inline void dispatched(const struct action *dispatch)
{
	struct traffic_event event = ended_event(EVENT_DISPATCHED, dispatch, 202);
	step(&event);
	cr_assert_eq(out.count, 0);
	tick();
	cr_assert_eq(out.count, 0);
}

/* The device answers; the provider is told so. Returns without the delivery being looked at. */
static inline void respond(const struct action *dispatch, const char *code)
{
	struct traffic_event event = response_event(&dispatch->terms.request_id, code);
	step(&event);
	cr_assert_eq(out.count, 0, "nothing before the answer is durable");
	tick();
	cr_assert_geq(out.count, 1);
	cr_assert_eq(out.actions[0].type, ACTION_REPLY_PROVIDER);
	cr_assert_eq(out.actions[0].status, 204);
	cr_assert_eq(out.actions[0].exchange.connection, 9);
}

static inline void delivered(const struct action *deliver, int status)
{
	struct traffic_event event = ended_event(EVENT_DELIVERED, deliver, status);
	step(&event);
	tick();
}

static inline uint64_t counter_of(enum stats_counter counter)
{
	return stats.counters[counter];
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that one running simulator holds. One thread, one poll loop:
 *
 *   simulation_turn()  -> http_poll()  -> HTTP_REQUEST   at a provider's path: provider.c
 *                                         HTTP_REQUEST   at the transform's path: transform.c
 *                                         HTTP_REQUEST   at a receive endpoint: receive.c
 *                                         HTTP_RESPONSE  to a user's request: load.c
 *                                         HTTP_RESPONSE  to a device's answer: provider.c
 *                      -> timers       -> what is due: answers of devices, repeated sendings
 *                      -> load_turn()  -> what the users send now
 */
#ifndef SIM_SIMULATION_H
#define SIM_SIMULATION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/sim/buffers.h"
#include "bench/sim/histogram.h"
#include "bench/sim/ledger.h"
#include "bench/sim/options.h"
#include "bench/sim/plan.h"
#include "bench/sim/random.h"
#include "bench/sim/reference.h"
#include "bench/sim/template.h"
#include "bench/sim/text.h"
#include "bench/sim/timers.h"
#include "control/conf.h"
#include "dataplane/duis/reference.h"
#include "dataplane/net/http.h"
#include "dataplane/net/transport.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

/* The largest body that comes in or goes out. */
#define SIM_BODY_BYTES_MAX (1u << 20)

/* The first so many oddities are kept as text for the summary. */
#define SIM_PROBLEMS_MAX 12
#define SIM_PROBLEM_SIZE 256

/* X(NAME, "what is counted") */
#define SIM_COUNTERS(X)                                                                            \
	X(sent, "requests sent by users and answered or lost, each counted once")                  \
	X(accepted, "requests answered with an I code as they should be")                          \
	X(refused, "requests refused, as they should be")                                          \
	X(unexpected, "requests answered in another way than they should be")                      \
	X(lost, "requests without an HTTP answer")                                                 \
	X(busy, "answers 503, after which the request was sent again")                             \
	X(replies_signed, "replies whose signature of the DSP was verified")                       \
	X(dispatched, "on-demand requests taken by providers, repeats left out")                   \
	X(dispatched_scheduled, "scheduled reads taken by providers, repeats left out")            \
	X(dispatch_repeated, "attempts that a provider had taken before")                          \
	X(dispatch_refused, "requests that a provider refused: 400")                               \
	X(answered, "devices' answers to on-demand requests that the gateway took")                \
	X(answered_scheduled, "devices' answers to scheduled reads that the gateway took")         \
	X(answers_failed, "of these: E20 or E21")                                                  \
	X(answer_retries, "devices' answers sent again after 503 or without an answer")            \
	X(answer_refused, "devices' answers that the gateway refused")                             \
	X(transforms, "requests answered by the transform provider")                               \
	X(transform_refused, "requests refused by the transform provider")                         \
	X(delivered, "on-demand responses received, repeats left out")                             \
	X(delivered_scheduled, "scheduled responses received, repeats left out")                   \
	X(delivered_repeated, "responses received more than once")                                 \
	X(verified, "of delivered: signature, schema, ids, code and payload right")                \
	X(verified_scheduled, "of delivered_scheduled: the same")                                  \
	X(delivered_failures, "of both: unsigned E20 or E21, as the device had failed")            \
	X(delivered_nameless, "of delivered_scheduled: failures, which name no schedule")          \
	X(alerts, "DCC Alerts received: signature, schema and ids right")                          \
	X(receive_refused, "deliveries answered with 400")                                         \
	X(problems, "oddities noted")

struct simulation_counters {
#define SIM_COUNTER_FIELD(name, meaning) uint64_t name;
	SIM_COUNTERS(SIM_COUNTER_FIELD)
#undef SIM_COUNTER_FIELD
};

/* A refusal that users met, for the summary: "E19", "HTTP 415". */
#define SIM_CODES_MAX 64
struct simulation_code {
	char code[16];
	uint64_t count;
};

#define LOAD_ENDPOINTS 4 /* the three web services, and a path that does not exist */

struct load {
	int endpoints[LOAD_ENDPOINTS];
	uint32_t in_flight[LOAD_ENDPOINTS];
	uint32_t queue_first[LOAD_ENDPOINTS]; /* index of a sending, PLAN_NONE: empty */
	uint32_t queue_last[LOAD_ENDPOINTS];
	uint32_t queued;
	uint32_t delayed; /* waiting to be sent again */
	uint32_t phase;
	uint32_t cursor; /* the next sending of the phase */
	uint64_t next_ns;
	uint64_t counter;  /* of the last RequestID */
	bool stopped;	   /* nothing more is sent */
	uint64_t check_ns; /* when to see next whether everything has arrived */
	bool finished;
	uint64_t finished_ns;
};

struct transform_answer {
	bool used;
	struct http_exchange exchange;
	struct net_buffer *body;
};

#define TRANSFORM_ANSWERS_MAX 4096

struct simulation {
	struct options options;
	struct conf conf;
	struct reference reference;
	struct template_set templates;
	struct plan plan;
	struct load load;
	struct ledger ledger;
	struct random_source random; /* delays and failures of devices */
	struct timers timers;
	struct buffers buffers;
	struct transport *transport;
	struct http *http;
	struct duis_reference_schemas *schemas;
	struct duis_reference_engine *engine;
	int provider_endpoints[HTTP_ROUTES_MAX]; /* by index of the provider */
	uint8_t route_provider[HTTP_ROUTES_MAX]; /* route -> index of the provider */
	uint32_t route_count;
	struct transform_answer *transforms;
	uint64_t broker_counter;
	struct text scratch; /* COMPOSE_BYTES_MAX */
	struct simulation_counters counters;
	uint64_t damage_expected[PLAN_DAMAGE_COUNT];
	uint64_t damage_unexpected[PLAN_DAMAGE_COUNT];
	struct simulation_code codes[SIM_CODES_MAX];
	uint32_t code_count;
	char problems[SIM_PROBLEMS_MAX][SIM_PROBLEM_SIZE];
	struct histogram reply_ns;     /* intended sending to synchronous reply */
	struct histogram on_demand_ns; /* intended sending to the response at the user */
	struct histogram scheduled_ns; /* due time to the response at the user */
	uint64_t start_ns;
	uint64_t end_ns;
	bool deadline_passed;
};

/* What timers and cookies of http_post() are about: kind in bits 56 to 63 of a cookie. */
enum simulation_kind {
	SIM_LOAD = 1,	   /* index of a sending */
	SIM_PROVIDER = 2,  /* index of an exchange, its RequestID's counter in bits 32 to 55 */
	SIM_TRANSFORM = 3, /* index of a transform answer */
};

/* The clock of the simulator. The wall clock is read through the monotonic one, so that a step of
 * the wall clock does not become a latency. */
uint64_t simulation_now_ns(void);
int64_t simulation_wall_ms(uint64_t now_ns);

/* Count an oddity and keep its text if it is among the first. Values from the network are never
 * part of it. */
void simulation_problem(struct simulation *simulation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Count one refusal under `code`. */
void simulation_count_code(struct simulation *simulation, const char *code);

/* Answer `exchange` with a line of JSON {"code":"...","reason":"..."}, or without body. */
void simulation_refuse(struct simulation *simulation, struct http_exchange exchange,
	const char *code, const char *reason);
void simulation_accept(struct simulation *simulation, struct http_exchange exchange);

/* The header field `name` of a request as text; false when it is missing or too long. */
bool simulation_header(const struct simulation *simulation, struct http_exchange exchange,
	const char *name, char *text, size_t size);

/* Verify the document that the engine read last with the certificate of the DSP (`user` NULL) or of
 * `user`; 0 or -EBADMSG. */
int simulation_verify(struct simulation *simulation, const struct duis_document *document,
	const struct reference_user *user);

/* ---- provider.c ---- */

/* A request at the path of provider `provider`. Consumes event->body. */
void provider_take(struct simulation *simulation, const struct http_event *event, uint32_t provider,
	uint64_t now_ns);

/* A device's answer is due. */
void provider_answer(struct simulation *simulation, uint64_t value, uint64_t now_ns);

/* The gateway has answered to a device's answer. */
void provider_answered(
	struct simulation *simulation, const struct http_event *event, uint64_t now_ns);

/* ---- transform.c ---- */

/* A request at the transform provider's path. Consumes event->body. */
void transform_take(struct simulation *simulation, const struct http_event *event, uint64_t now_ns);

/* An answer of the transform provider is due. */
void transform_answer(struct simulation *simulation, uint64_t value);

/* ---- receive.c ---- */

/* A response at a user's receive endpoint. Consumes event->body. */
void receive_take(struct simulation *simulation, const struct http_event *event, uint64_t now_ns);

/* ---- load.c ---- */

/* Begin with phase 0 at `now_ns`. Returns 0 or -errno with one line in `reason`. */
int load_start(struct simulation *simulation, uint64_t now_ns, char *reason, size_t reason_size);

/* Send what is due; go on to the next phase when the one before is done. */
void load_turn(struct simulation *simulation, uint64_t now_ns);

/* Send nothing more. */
void load_stop(struct simulation *simulation);

/* Is everything finished that was under way, as far as the users and providers know of it? */
bool load_is_settled(const struct simulation *simulation);

/* When load_turn() has something to do next, as far as is known. */
uint64_t load_next_ns(const struct simulation *simulation);

/* Send sending `index` again. */
void load_again(struct simulation *simulation, uint32_t index);

/* A user's request has been answered. Consumes event->body. */
void load_answered(struct simulation *simulation, const struct http_event *event, uint64_t now_ns);

/* ---- simulation.c ---- */

/* Fill what `simulation->options` (already set) asks for: configuration, reference data, templates,
 * schemas, listeners. Returns 0, or -errno after writing what is wrong to stderr. Take it down with
 * simulation_close(), also after a failure. */
int simulation_open(struct simulation *simulation);
void simulation_close(struct simulation *simulation);

/* One turn of the loop; returns how much was done. */
unsigned simulation_turn(struct simulation *simulation, uint64_t now_ns);

/* Wait until something comes in or is due, at most `at_most_ns`. */
void simulation_rest(struct simulation *simulation, uint64_t now_ns, uint64_t at_most_ns);

#endif

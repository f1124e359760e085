/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulated users send in a demo, and what each request must be answered with.
 *
 *   phase 0  schedules are created (5.1), most of them due within the demo
 *   phase 1  the other service requests of a Meter Data Retriever on both device generations, then
 *            mixed requests over all templates and users, some of them wrong on purpose
 *   phase 2  when the scheduled reads have come: the schedules are deleted (5.3)
 *
 * Everything follows from the seed. A sending that others depend on (a schedule's id, a
 * pre-command) is in an earlier phase or causes the other one as its follow-up.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/sim/options.h"
#include "bench/sim/random.h"
#include "bench/sim/reference.h"
#include "bench/sim/template.h"
#include "control/conf.h"
#include "motorway/duis_terms.h"

#define PLAN_PHASES 3
#define PLAN_NONE UINT32_MAX

/* X(NAME, "text", "reason", HTTP status): what is wrong with a request and the refusal it must
 * meet. Status 0: the reason is one of the configuration's answers, which says status and DUIS
 * code; otherwise the answer is JSON whose "code" is the reason ("": not compared). */
#define PLAN_DAMAGES(X)                                                                            \
	X(UNKNOWN_DEVICE, "unknown device", "device-unknown", 0)                                   \
	X(ROLE, "role not permitted", "role-not-permitted", 0)                                     \
	X(WRONG_SERVICE, "wrong web service", "service", 0)                                        \
	X(COMMAND_VARIANT, "command variant 9", "command-variant", 0)                              \
	X(SRV_MISMATCH, "SRV does not match the body", "srv-mismatch", 0)                          \
	X(GENERATION, "device generation not for an MDR", "generation", 0)                         \
	X(TARGET, "non-device request to a device", "target", 0)                                   \
	X(NOT_OFFERED, "service not offered", "service-unavailable", 0)                            \
	X(REPEATED, "RequestID in progress", "request-id-repeated", 0)                             \
	X(UNKNOWN_USER, "unknown user", "user-unknown", 0)                                         \
	X(SUSPENDED, "suspended user", "user-suspended", 0)                                        \
	X(UNSIGNED, "unsigned", "signature-missing", 0)                                            \
	X(DS_OBJECT, "ds:Object in the signature", "signature-profile", 0)                         \
	X(TWO_SIGNATURES, "two signatures", "schema", 400)                                         \
	X(UNKNOWN_CERTIFICATE, "unknown certificate", "certificate-unknown", 0)                    \
	X(FOREIGN_CERTIFICATE, "certificate of another user", "certificate-foreign", 0)            \
	X(DIGEST, "altered digest", "signature-wrong", 0)                                          \
	X(SIGNATURE, "altered signature", "signature-wrong", 0)                                    \
	X(ALTERED, "altered after signing", "signature-wrong", 0)                                  \
	X(NOT_WELL_FORMED, "cut off", "not-well-formed", 400)                                      \
	X(DOCTYPE, "document type declaration", "doctype", 400)                                    \
	X(NAMESPACE, "wrong namespace", "root", 400)                                               \
	X(SCHEMA_VERSION, "unknown schemaVersion", "schema-version", 400)                          \
	X(SCHEMA, "schema violation", "schema", 400)                                               \
	X(NOT_A_REQUEST, "a Response", "not-a-request", 400)                                       \
	X(CONTENT_TYPE, "wrong Content-Type", "", 415)                                             \
	X(PATH, "unknown path", "", 404)

enum plan_damage {
	PLAN_DAMAGE_NONE = 0,
#define PLAN_DAMAGE_ENUM(name, text, reason, status) PLAN_DAMAGE_##name,
	PLAN_DAMAGES(PLAN_DAMAGE_ENUM)
#undef PLAN_DAMAGE_ENUM
	PLAN_DAMAGE_COUNT,
};

enum plan_kind {
	PLAN_TEMPLATE = 0,	 /* as the template stands, for this user and device */
	PLAN_CREATE_SCHEDULE,	 /* 5.1 */
	PLAN_READ_SCHEDULE,	 /* 5.2 */
	PLAN_DELETE_SCHEDULE,	 /* 5.3 */
	PLAN_READ_INVENTORY,	 /* 8.2 */
	PLAN_SIGNED_PRE_COMMAND, /* command variant 5, 6 or 7, after a 4 with the same RequestID */
};

/* The answer that a sending must meet. */
struct plan_expectation {
	uint16_t http_status;
	bool duis; /* a DUIS Response; else one line of JSON */
	bool accepted;
	bool body;     /* a signed Response with a body */
	bool exchange; /* a device will answer, too */
	bool any_code; /* code and reason are not compared */
	char code[MW_CODE_SIZE];
	char reason[48]; /* Motorway-Reason, or "code" of the JSON */
};

enum plan_state {
	PLAN_WAITING = 0,
	PLAN_QUEUED,
	PLAN_ON_THE_WIRE,
	PLAN_DONE,
};

struct plan_sending {
	enum plan_kind kind;
	enum plan_damage damage;
	enum mw_service service;
	uint32_t template; /* index */
	uint32_t user;	   /* index: originator and signer */
	uint32_t signer;   /* index: FOREIGN_CERTIFICATE signs as another */
	uint32_t device;   /* index: target, or the subject of 5.x and 8.2; PLAN_NONE */
	uint32_t schedule; /* index; PLAN_NONE */
	uint8_t command_variant;
	bool matrix;	/* one of the requests of a Meter Data Retriever that the table shows */
	bool follow_up; /* its acceptance causes another sending */
	enum plan_damage follow_up_damage;
	uint8_t follow_up_variant;
	struct plan_expectation expected;
	/* filled while it is sent */
	enum plan_state state;
	uint32_t attempts;
	uint32_t next; /* behind it in a queue */
	struct mw_request_id id;
	uint64_t intended_ns;
	bool accepted;
	bool unexpected;
};

struct plan_schedule {
	uint32_t user;
	uint32_t device;
	char srv[MW_SRV_SIZE];
	bool due;	     /* falls due in the demo */
	int64_t due_wall_ms; /* start of its first run */
	bool created;
	bool deleted;
	uint64_t id; /* DSPScheduleID */
	uint32_t dispatched;
	uint32_t answered;
	uint32_t delivered; /* scheduled reads received */
	uint32_t verified;
};

struct plan {
	const struct template_set *templates;
	const struct reference *reference;
	const struct conf *conf;
	struct random_source random;
	struct plan_sending *sendings;
	uint32_t count;
	uint32_t capacity;
	uint32_t phase_begin[PLAN_PHASES]; /* index of the first sending of each phase */
	uint32_t phase_end[PLAN_PHASES];   /* index behind the last; follow-ups lie elsewhere */
	struct plan_schedule *schedules;
	uint32_t schedule_count;
	uint32_t mdr; /* index of the user that acts as the Meter Data Retriever */
	/* what a valid request can be made of: pairs of template and user */
	struct plan_choice {
		uint32_t template;
		uint32_t user;
	} * choices;
	uint32_t choice_count;
};

/* Make the plan. `now_wall_ms` (UTC) is when the demo starts. Returns 0, or -EINVAL or -ENOMEM with
 * one line in `reason`: reference data without an MDR that can sign, without devices, ... Free with
 * plan_destroy(). */
int plan_create(struct plan *plan, const struct options *options, const struct conf *conf,
	const struct reference *reference, const struct template_set *templates,
	int64_t now_wall_ms, char *reason, size_t reason_size);
void plan_destroy(struct plan *plan);

/* Append the sending that `index`'s acceptance causes. Returns its index, or PLAN_NONE when memory
 * is short. Pointers to sendings are stale afterwards. */
uint32_t plan_add_follow_up(struct plan *plan, uint32_t index);

/* Append phase 2. Returns 0 or -ENOMEM. */
int plan_add_deletions(struct plan *plan);

/* The web service that takes `command_variant`. */
enum mw_service plan_service(uint8_t command_variant);

/* The schedulable read `srv` as an element of CreateSchedule, or NULL. */
const char *plan_schedule_element(const char *srv);

/* The name of a damage, for people. */
const char *plan_damage_text(enum plan_damage damage);

/* ---- for plan_damage.c ---- */

/* Append an empty sending; NULL when memory is short. */
struct plan_sending *plan_append(struct plan *plan);

/* Fill *sending with a valid request: any choice of the plan, or a read of a Meter Data Retriever
 * on a device of its generation. */
void plan_make_choice(struct plan *plan, struct plan_sending *sending);
void plan_make_read(struct plan *plan, struct plan_sending *sending);

/* A random device of `generation` (0: any); PLAN_NONE when there is none. */
uint32_t plan_pick_device(struct plan *plan, enum mw_generation generation);

/* Turn *sending into a request that is wrong in the given way. Returns false when the reference
 * data do not allow it (no such user, device or service). */
bool plan_make_damaged(struct plan *plan, struct plan_sending *sending, enum plan_damage damage);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may send what, to which device, for which time (doc/access.md). Pure: rules, a described
 * document whose sender is proven, and a device in; a decision out. No clock, no look-up, no
 * allocation. Any lcore; motorway-control explains decisions with the same code.
 *
 *     access.c               the order, the decision, the explanation
 *     access_checks.c        the checks
 *     access_describe.c      what each check looked at, in words
 *     access_entitlement.c   is a time covered by what the sender is to the device
 *     access_rules.c         the rules as masks
 *
 * A user holds a set of roles and may do what one of them may: not one role for this check and
 * another for the next. So each check says for which roles it is satisfied, the roles that are left
 * grow fewer from check to check, and the check that leaves none is the one that refuses. Whether a
 * request is permitted does not depend on the order of the checks; only which refusal is given
 * does.
 */
#ifndef DATAPLANE_ACCESS_H
#define DATAPLANE_ACCESS_H

#include "dataplane/answer.h"
#include "dataplane/duis/document.h"
#include "dataplane/registry.h"
#include "dataplane/registry_image.h"

/* What a permitted request needs next. */
enum access_route {
	ACCESS_ROUTE_DEVICE = 1,	   /* to the device's provider: command variant 1 */
	ACCESS_ROUTE_TRANSFORM,		   /* to the transform provider: 2 4 6 */
	ACCESS_ROUTE_TRANSFORM_AND_DEVICE, /* first the one, then the other: 3 5 7 */
	ACCESS_ROUTE_CONTROL,		   /* answered by motorway-control: 5.1 5.2 5.3 8.2 */
};

/* The time of which data is asked for: both ends belong to it. Fractions of a second are rounded
 * outwards by whoever fills it in. */
struct access_period {
	bool present;
	int64_t start_s; /* since 1970, UTC */
	int64_t end_s;
};

/* Everything that a decision depends on beside the rules; borrowed. */
struct access_request {
	const struct registry_user *user;
	const struct duis_document *document; /* a Request with a proven signature */
	enum mw_service service;	      /* that it came to; of no interest when scheduled */
	bool scheduled;			      /* sent by the DCC as the user's schedule says */
	uint32_t version;		      /* of DUIS, from access_version() */
	struct access_period period;	      /* ReadLogPeriod, or the schedule's offsets applied */
	int64_t execution_s;		      /* ExecutionDateTime, when the document has one */
	int64_t now_s;			      /* wall clock */
	uint64_t dsp_eui;		      /* the target that non-device requests must name */
	const struct registry_image_device *device; /* the target; NULL: there is no such device */
	bool device_busy; /* it cannot be read now (-EAGAIN); device is NULL */
};

struct access_decision {
	enum answer_reason reason;	/* ANSWER_ACCEPTED: permitted; ANSWER_CAPACITY: ask again */
	const char *code;		/* of the refusal by a check; NULL: that of the reason */
	enum access_route route;	/* when permitted */
	const struct registry_srv *srv; /* NULL when there is none of that name */
	uint8_t provider_id;		/* of the device, for the routes that reach one */
	uint8_t generation;		/* of the device, too: enum mw_generation */
	uint8_t check;	     /* enum mw_access_check that refused; MW_ACCESS_CHECK_COUNT: none */
	uint32_t roles;	     /* of the user's, those in which it is permitted */
	int64_t uncovered_s; /* NOT_ENTITLED: the first instant of the time asked for without
				entitlement in any of the roles that were left */
};

/* Decide. The pointers in the decision live as long as the registry. */
struct access_decision access_check(
	const struct registry *registry, const struct access_request *request);

enum access_verdict {
	ACCESS_PASSED,	     /* for at least one role that was left */
	ACCESS_REFUSED,	     /* this check decides */
	ACCESS_ALSO_REFUSED, /* would refuse, but an earlier one did */
	ACCESS_NOT_ASKED,    /* has nothing to say about such a request */
};

#define ACCESS_DATA_SIZE 320

struct access_explanation {
	const char *name; /* of the check, static */
	const char *code; /* that a refusal by it has; lives as long as the registry */
	enum access_verdict verdict;
	uint32_t roles;		     /* of the user's, those for which it is satisfied */
	char data[ACCESS_DATA_SIZE]; /* what it looked at: plain text, no octets of the request but
					printable ones */
};

/* The word for a verdict: "passed", "refused", "also refused", "not asked". Static. */
const char *access_verdict_name(enum access_verdict verdict);

/* Decide, and tell of every check in order, also of those behind the refusal. explanations takes
 * MW_ACCESS_CHECK_COUNT items; *count is set to how many there are (0: no rules have come). The
 * decision is that of access_check(). For admin threads: formats text. */
struct access_decision access_explain(const struct registry *registry,
	const struct access_request *request, struct access_explanation *explanations,
	size_t *count);

/* Does `service` take command variant `command_variant` (1 .. 9)? Source: DUIS XSD, comment
 * on CommandVariant. */
bool access_service_takes(enum mw_service service, uint8_t command_variant);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each refusal is answered: reason -> HTTP status and DUIS ResponseCode (doc/answers.md). The
 * codes are data, because the meaning of many is not public: those of access control come with its
 * rules (conf/access/checks.yaml), the others from the configuration.
 */
#ifndef DATAPLANE_ANSWER_H
#define DATAPLANE_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "control/conf.h"
#include "motorway/access_terms.h"
#include "motorway/duis_terms.h"

/* X(NAME, "text-name"): reasons that are answered with a DUIS Response. */
#define ANSWER_REASONS(X)                                                                          \
	X(USER_UNKNOWN, "user-unknown")                                                            \
	X(SIGNATURE_MISSING, "signature-missing")                                                  \
	X(SIGNATURE_PROFILE, "signature-profile")                                                  \
	X(CERTIFICATE_UNKNOWN, "certificate-unknown")                                              \
	X(CERTIFICATE_FOREIGN, "certificate-foreign")                                              \
	X(SIGNATURE_WRONG, "signature-wrong")                                                      \
	MW_ACCESS_CHECKS(X)                                                                        \
	X(REQUEST_ID_REPEATED, "request-id-repeated")                                              \
	X(REQUEST_ID_OLD, "request-id-old")                                                        \
	X(SERVICE_UNAVAILABLE, "service-unavailable")                                              \
	X(TRANSFORM_UNAVAILABLE, "transform-unavailable")                                          \
	X(TRANSFORM_FAILED, "transform-failed")                                                    \
	X(DEVICE_UNREACHABLE, "device-unreachable")                                                \
	X(DEVICE_SILENT, "device-silent")                                                          \
	X(THRESHOLD_EXCEEDED, "threshold-exceeded")                                                \
	X(QUARANTINE_DELETED, "quarantine-deleted")

enum answer_reason {
	ANSWER_ACCEPTED = 0, /* no refusal: I99, or the code that comes with it */
#define ANSWER_ENUM(name, text) ANSWER_##name,
	ANSWER_REASONS(ANSWER_ENUM)
#undef ANSWER_ENUM
	ANSWER_REASON_COUNT,
	/* No DUIS answer at all: HTTP 503 with Retry-After. */
	ANSWER_CAPACITY = ANSWER_REASON_COUNT,
};

struct answer {
	char code[MW_CODE_SIZE]; /* "": the refusal brings its own */
	uint16_t http_status;	 /* 200, or 403 when the sender is not proven */
};

struct answer_table {
	struct answer answers[ANSWER_REASON_COUNT];
};

/* Fill the table from the configuration's answers. Returns 0, or -EINVAL and the name of the first
 * reason that has no entry in *missing. Start-up. */
int answer_table_fill(struct answer_table *table, const struct conf *conf, const char **missing);

/* Is it a check of access control that refuses so? Any thread. */
static inline bool answer_is_access(enum answer_reason reason)
{
	return reason >= ANSWER_USER_ROLE && reason < ANSWER_USER_ROLE + MW_ACCESS_CHECK_COUNT;
}

/* The text name of a reason ("accepted" for ANSWER_ACCEPTED). Any thread. */
const char *answer_reason_name(enum answer_reason reason);

#endif

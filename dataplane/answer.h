/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each refusal is answered: reason -> HTTP status and DUIS ResponseCode (doc/answers.md). The
 * codes are data from the configuration, because the meaning of many is not public.
 */
#ifndef DATAPLANE_ANSWER_H
#define DATAPLANE_ANSWER_H

#include <stdint.h>

#include "control/conf.h"
#include "motorway/duis_terms.h"

/* X(NAME, "text-name"): reasons that are answered with a DUIS Response. */
#define ANSWER_REASONS(X)                                                                          \
	X(USER_UNKNOWN, "user-unknown")                                                            \
	X(SIGNATURE_MISSING, "signature-missing")                                                  \
	X(SIGNATURE_PROFILE, "signature-profile")                                                  \
	X(CERTIFICATE_UNKNOWN, "certificate-unknown")                                              \
	X(CERTIFICATE_FOREIGN, "certificate-foreign")                                              \
	X(SIGNATURE_WRONG, "signature-wrong")                                                      \
	X(USER_SUSPENDED, "user-suspended")                                                        \
	X(SRV_MISMATCH, "srv-mismatch")                                                            \
	X(COMMAND_VARIANT, "command-variant")                                                      \
	X(SERVICE, "service")                                                                      \
	X(ROLE_NOT_PERMITTED, "role-not-permitted")                                                \
	X(DEVICE_UNKNOWN, "device-unknown")                                                        \
	X(TARGET, "target")                                                                        \
	X(GENERATION, "generation")                                                                \
	X(REQUEST_ID_REPEATED, "request-id-repeated")                                              \
	X(SERVICE_UNAVAILABLE, "service-unavailable")                                              \
	X(TRANSFORM_UNAVAILABLE, "transform-unavailable")                                          \
	X(TRANSFORM_FAILED, "transform-failed")                                                    \
	X(DEVICE_UNREACHABLE, "device-unreachable")                                                \
	X(DEVICE_SILENT, "device-silent")

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
	char code[MW_CODE_SIZE];
	uint16_t http_status; /* 200, or 403 when the sender is not proven */
};

struct answer_table {
	struct answer answers[ANSWER_REASON_COUNT];
};

/* Fill the table from the configuration's answers. Returns 0, or -EINVAL and the name of the first
 * reason that has no entry in *missing. Start-up. */
int answer_table_fill(struct answer_table *table, const struct conf *conf, const char **missing);

/* The text name of a reason ("accepted" for ANSWER_ACCEPTED). Any thread. */
const char *answer_reason_name(enum answer_reason reason);

#endif

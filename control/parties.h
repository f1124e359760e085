/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the users' certificates are in force. A certificate stands in the store from the day it
 * is added, and in the set for the data plane only while its time runs, its issuer is trusted and
 * has not revoked it, and its role fits its user: polling cores see no dates. This module judges
 * them, remembers until when each verdict holds, and says when the next one is due.
 *
 * One thread. Time is an argument.
 */
#ifndef CONTROL_PARTIES_H
#define CONTROL_PARTIES_H

#include <stdio.h>

#include "control/certificate.h"
#include "control/conf.h"
#include "control/reference.h"
#include "control/store.h"
#include "control/trust.h"

/* How a certificate stands: the states of trust.h, and: */
enum party_standing {
	PARTY_VALID = TRUST_VALID, /* in force */
	PARTY_MISFIT = 5,	   /* its role does not fit its user's (any more) */
	PARTY_DUPLICATE = 6,	   /* another one in force has the same issuer and serial number */
	PARTY_UNUSABLE = 7,	   /* not what certificate_read() takes */
	PARTY_WITHDRAWN = 8,	   /* by an operator, for good */
};

/* "valid", ..., "role-does-not-fit", "duplicate", "unusable", "withdrawn". */
const char *party_standing_name(enum party_standing standing);

struct parties;

/* `conf` is borrowed. Reads trust anchors and revocation lists; says in `log` what is not checked.
 * NULL: what is wrong was written there, too. */
struct parties *parties_open(const struct conf *conf, FILE *log);
void parties_close(struct parties *parties);

/* Read anchors and lists again, when they changed or `always`. Returns 1: there are new ones, 0:
 * none changed, -EINVAL: errors in them (told in the log, once for each change); the old ones stay.
 */
int parties_reload(struct parties *parties, bool always);

const struct trust *parties_trust(const struct parties *parties);
const struct conf *parties_conf(const struct parties *parties);

/* Take out of the set what is not in force at `now_ms` (since 1970) and make its checksum anew.
 * What became different since the last time is told in the log. */
void parties_admit(struct parties *parties, struct reference *reference, int64_t now_ms);

/* When the next verdict is due, ms since 1970; INT64_MAX: never. INT64_MIN when nothing has been
 * admitted yet. */
int64_t parties_next_ms(const struct parties *parties);

/* Whether verdicts are due: also when the clock was set back. */
bool parties_due(const struct parties *parties, int64_t now_ms);

/* How a row stands at `now_ms`; `roles` are its user's. */
enum party_standing parties_judge(const struct parties *parties,
	const struct store_certificate *row, uint32_t roles, int64_t now_ms);

/* Whether two certificates of the set have the same issuer and serial number: the data plane takes
 * no such set. `mark` begins the fingerprint of one of them. */
bool parties_find_duplicate(
	const struct parties *parties, const struct reference *reference, char mark[17]);

/* Certificates that are in the store but not in force (and not withdrawn). */
size_t parties_left_out(const struct parties *parties);

#endif

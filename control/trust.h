/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is trusted to issue users' certificates, and what issuers have revoked: trust anchors (PEM
 * files of CA certificates) and revocation lists (PEM or DER files), read whole and then never
 * changed; another reading makes another one. Each list must be signed by an anchor.
 *
 * A certificate's state holds until an instant that is told with it, so that whoever asks need not
 * ask again before. Time is an argument. One thread.
 */
#ifndef CONTROL_TRUST_H
#define CONTROL_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/x509.h>

#define TRUST_PATHS_MAX 16 /* of each kind; a folder counts as one */
#define TRUST_ANCHORS_MAX 64
#define TRUST_LISTS_MAX 64
#define TRUST_FILE_BYTES_MAX (64u * 1024 * 1024)

/* Paths of files or of folders, whose files are all read. */
struct trust_paths {
	const char *anchors[TRUST_PATHS_MAX]; /* none: issuers are not checked */
	size_t anchor_count;
	const char *lists[TRUST_PATHS_MAX];
	size_t list_count;
	bool ignore_dates; /* test material has run out */
};

enum trust_state {
	TRUST_VALID = 0,
	TRUST_NOT_YET = 1,   /* its time, or its issuer's, has not come */
	TRUST_EXPIRED = 2,   /* its time, or its issuer's, is over */
	TRUST_REVOKED = 3,   /* it, or its issuer */
	TRUST_UNTRUSTED = 4, /* no anchor stands behind it, or the signature is wrong */
};

struct trust_verdict {
	enum trust_state state;
	int64_t until_ms; /* the state may be another one from then on; INT64_MAX: never */
};

struct trust;

/* Read the files. NULL: what is wrong was written to `errors`, a line each ("FILE: what"). */
struct trust *trust_open(const struct trust_paths *paths, FILE *errors);
void trust_close(struct trust *trust);

/* How the files were when they were read, and how they are now: differs when one of them changed.
 * Looks at each file's time, size and number only. */
uint64_t trust_stamp(const struct trust *trust);
uint64_t trust_stamp_now(const struct trust_paths *paths);

bool trust_checks_issuers(const struct trust *trust);
bool trust_checks_dates(const struct trust *trust);

/* "valid", "not-yet-valid", "expired", "revoked", "issuer-not-trusted". */
const char *trust_state_name(enum trust_state state);

/* The state of a certificate at `now_ms`, since 1970. */
struct trust_verdict trust_judge(const struct trust *trust, X509 *certificate, int64_t now_ms);

/* List `index`, 0 .. trust_list_count() - 1. */
struct trust_list {
	const char *path;
	const char *issuer;
	size_t revoked;
	int64_t made_ms; /* thisUpdate */
	int64_t next_ms; /* nextUpdate; INT64_MAX: it names none */
};
size_t trust_list_count(const struct trust *trust);
struct trust_list trust_list(const struct trust *trust, size_t index);
size_t trust_anchor_count(const struct trust *trust);

#endif

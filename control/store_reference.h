/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the reference files and the store. The files are one origin of rows among others: what
 * stands in them is in the store, what has left them is gone, and what an operator or the feed put
 * there is left alone, also where a file has a row with the same key. A row of a file that an
 * operator changed has become the operator's.
 */
#ifndef CONTROL_STORE_REFERENCE_H
#define CONTROL_STORE_REFERENCE_H

#include "control/store.h"

/* What an import did. Rows of all tables together. */
struct store_import {
	uint64_t written; /* new or different */
	uint64_t removed; /* had left the files */
	uint64_t kept;	  /* of the file, but an operator's or the feed's row has the key */
};

/* The organisation of a user: that with his MPID, or the one without MPID that has his name. 0; 1:
 * it was not there and has been made, with this origin; or -errno. */
int store_user_organisation(struct store_change *change, const struct reference_user *user,
	uint8_t origin, struct store_organisation *organisation);

/* Bring users, certificates, providers, thresholds and devices of a set into the change. A user
 * whose row names no organisation gets one of its own, without MPID, by his name. Returns 0 or what
 * store_..._put() returns; then the change is to be abandoned. */
int store_reference_import(struct store_change *change, const struct reference *reference,
	struct store_import *import);

/* Fill users, certificates (but withdrawn ones), providers and thresholds of a set that has none of
 * them, from a change or snapshot; valid certificates or not (parties.h). What was allocated goes
 * with reference_free(). Returns 0, -ENOSPC: the store has more than a set holds, -ENOMEM, or -EIO.
 */
int store_reference_read(struct store_change *change, struct reference *reference);

/* Both in one: bring a set of the files into the store, durably, and make it what the store has
 * then: users, certificates, providers and thresholds are replaced, its checksum is made anew; the
 * set notes which of them stand in the files. Returns 0, or -errno with one line in `reason`: then
 * the store is as it was, or (-ENOMEM, -EIO after the commit) has the files, but the set is of no
 * use. */
int store_reference_merge(struct store *store, struct reference *reference,
	struct store_import *import, char *reason, size_t reason_size);

#endif

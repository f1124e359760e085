/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The change of the store in which motorway-control writes what it owes: schedules, alerts,
 * decisions about held requests. It begins by itself when something is to be read or written, and
 * everything that one turn brings shares its commit. Nothing that tells somebody of it may leave
 * the process before ledger_commit() returned 0: the server's turn sees to that.
 *
 * The store has one change at a time, so whoever begins another one sees to it that this one is
 * not open: it is open only while messages of one peer are taken, a command is carried out, or
 * removals are made. One thread.
 */
#ifndef CONTROL_LEDGER_H
#define CONTROL_LEDGER_H

#include "control/store_schedules.h"

struct ledger {
	struct store *store;	     /* borrowed */
	struct store_change *change; /* NULL: not open */
	uint64_t commits;
	uint64_t failures; /* commits that failed */
};

/* The change, begun if it was not open. NULL with errno when it cannot begin. */
struct store_change *ledger_change(struct ledger *ledger);

/* Make everything since the last commit durable. 0 (also when there was nothing), or -errno: all
 * of it is undone, and what was read of it before is to be forgotten (schedules_forget(),
 * alerts_forget(), quarantine_forget()). */
int ledger_commit(struct ledger *ledger);

/* Let go of an open change without writing. */
void ledger_abandon(struct ledger *ledger);

#endif

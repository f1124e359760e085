/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators change of the premises while control runs: devices, registrations, appointments.
 * Rows are those of the bulk load (bulk_row.h); what they mean is told in doc/appointments.md. A
 * row is checked whole before anything of it is written, so the change it is put into may go on
 * after one that is refused.
 *
 * There are two ways to tell of a registration or an appointment. An import says what its file
 * says: a row without `created_ms` is the oldest thing that was told. An operator who adds, sets or
 * ends something says it now, and after everything that was told of the same.
 *
 * The thread that writes the store is the only one to call anything here.
 */
#ifndef CONTROL_PREMISES_H
#define CONTROL_PREMISES_H

#include "control/bulk_row.h"
#include "control/store.h"
#include "control/table_text.h"

enum premises_mode {
	PREMISES_IMPORT = 0, /* as the file says; a device that is there is replaced */
	PREMISES_ADD = 1,    /* a device that is there is refused; events are told now */
	PREMISES_SET = 2,    /* devices only: the columns that are given replace those of the row */
};

struct premises {
	enum bulk_table table;
	enum premises_mode mode;
	int64_t now_ms;
	uint32_t given;		     /* SET: the columns that are given, bit n: column n */
	struct store_change *change; /* set by premises_begin(), as what follows */
	struct bulk_providers providers;
};

/* Begin to put rows into `change`. 0 or -EIO. */
int premises_begin(struct premises *premises, struct store_change *change);

enum premises_result {
	PREMISES_UNCHANGED = 0, /* it was there exactly so */
	PREMISES_WRITTEN = 1,
	PREMISES_OVERRULED = 2, /* something made later says otherwise of the same, and stays */
};

/* Put one row. enum premises_result; -EINVAL and *fault: the row is refused, nothing of it is in
 * the change; another -errno comes from the store: the change must be abandoned. */
int premises_put(struct premises *premises, const struct table_row *row, struct table_fault *fault);

/* Remove a device. 0; -ENOENT; -EPERM: it stands in the file of devices, which would bring it back;
 * another -errno comes from the store. */
int premises_remove_device(struct store_change *change, uint64_t device_id);

/* End an appointment: from `to_day` on it no longer holds; on its own first day it is taken back.
 */
struct premises_end {
	uint64_t mpxn;
	uint8_t role; /* enum mpxn_role */
	bool by_from_day;
	int32_t from_day; /* by_from_day: the one with this first day; else the one of to_day - 1 */
	int32_t to_day;
	int64_t now_ms;
};

/* enum premises_result; -ENOENT: there is no such appointment; -ERANGE: it begins after to_day;
 * another -errno comes from the store. */
int premises_end_appointment(struct store_change *change, const struct premises_end *end);

/* "MDR", "SNA", "supplier" of appointments; 0: none of them. */
uint8_t premises_role(const char *name);

#endif

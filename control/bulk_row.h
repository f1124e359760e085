/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of devices, registrations or appointments as texts, by the columns of doc/store.md, and
 * back. The bulk load, the exports and operators' commands read and write the same rows by the same
 * rules.
 */
#ifndef CONTROL_BULK_ROW_H
#define CONTROL_BULK_ROW_H

#include "control/bulk.h"
#include "control/csv.h"

#define BULK_TEXT_SIZE MW_URL_SIZE /* of any column */
#define BULK_NO_DAY 0xffffu	   /* 2149-06-06; days of settlement end in 2105 */

/* The columns of a table in the order of a file, and their number. */
const struct csv_column *bulk_columns(enum bulk_table table, int *count);

/* Those of devices, for bulk_columns(). */
extern const struct csv_column bulk_device_columns[];
extern const int bulk_device_column_count;

/* Some of them by name: of registrations and appointments, the last two of appointments alone. */
enum bulk_event_column {
	BULK_MPXN = 0,
	BULK_KIND = 1, /* of appointments: the role */
	BULK_MPID = 2,
	BULK_FROM = 3,
	BULK_TO = 4,
	BULK_SUPPLIER = 5,
};

/* The names of the providers that reach devices, by id; "": there is none. */
struct bulk_providers {
	char names[REFERENCE_PROVIDERS_MAX][MW_NAME_SIZE];
};

/* Read them from a change or snapshot. 0 or -EIO. */
int bulk_providers_read(struct store_change *change, struct bulk_providers *providers);

/* The device of a record. 0, or -EINVAL and *fault. */
int bulk_device(const struct bulk_providers *providers, const struct csv_record *record,
	struct store_device *device, struct csv_fault *fault);

/* The text of column `column` of a device. */
void bulk_device_text(const struct store_device *device, int column, char text[BULK_TEXT_SIZE]);

/* What a line of registrations or appointments says. */
struct bulk_event {
	uint64_t mpxn;
	uint8_t kind;		    /* enum mpxn_event_type; of appointments enum mpxn_role */
	char mpid[STORE_MPID_SIZE]; /* "": of an end, whose registration is not said */
	char supplier[STORE_MPID_SIZE];
	uint32_t from_day;
	uint32_t to_day; /* BULK_NO_DAY: open, or a registration */
	uint64_t created_ms;
	uint64_t message;
};

/* The event of a record. 0, or -EINVAL and *fault. */
int bulk_event(enum bulk_table table, const struct csv_record *record, struct bulk_event *event,
	struct csv_fault *fault);

/* As an event of an MPxN, when the numbers of its organisations are known (0: none). */
struct mpxn_event bulk_event_make(enum bulk_table table, const struct bulk_event *event,
	uint32_t organisation, uint32_t supplier);

/* The MPID that was looked up last. Begin with zeros. */
struct bulk_name {
	uint32_t organisation;
	char mpid[STORE_MPID_SIZE];
};

/* The texts of all columns of an event. 0; -ENODATA: an organisation without MPID, which no file
 * can name; -ERANGE: a day that no file can name; or -EIO. */
int bulk_event_texts(struct store_change *change, uint64_t mpxn, const struct mpxn_event *event,
	struct bulk_name *name, char (*texts)[BULK_TEXT_SIZE]);

/* Whether both come from loads, without a time of making, and say of the same. */
bool bulk_same_subject(const struct mpxn_event *a, const struct mpxn_event *b);

/* Tell an MPxN: what a load told of the same is replaced. */
enum bulk_told {
	BULK_TOLD = 0,
	BULK_KNOWN = 1,	    /* it was there exactly so */
	BULK_OVERRULED = 2, /* something made later says otherwise of the same, and stays */
};
/* enum bulk_told, or -ENOSPC: MPXN_EVENTS_MAX events that may all matter still. */
int bulk_tell(struct mpxn *mpxn, const struct mpxn_event *event);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of parties that operators change: users, certificates, organisations, providers,
 * thresholds. Each is described once: its columns, how a row of text becomes a row of the store and
 * back, and what must hold of it. party_command.c does with them what commands ask for.
 *
 * Called by the thread that writes the store, inside one change.
 */
#ifndef CONTROL_PARTY_TABLE_H
#define CONTROL_PARTY_TABLE_H

#include "control/parties.h"
#include "control/store.h"
#include "control/table_text.h"

/* A change, and what rows are checked against. */
struct party_change {
	struct store_change *change;
	const struct parties *parties;
	const struct reference *reference; /* in force: SRVs, what stands in the files */
	int64_t now_ms;			   /* since 1970 */
	bool restores; /* an import: rows may be there again that would not be added now */
};

union party_row {
	struct store_user user;
	struct store_certificate certificate;
	struct store_organisation organisation;
	struct store_provider provider;
	struct store_threshold threshold;
};

/* Where a walk is. Zeroed: at the beginning. */
union party_cursor {
	uint64_t number; /* of providers: id + 1 */
	uint8_t fingerprint[32];
	struct store_threshold threshold;
};

#define PARTY_TEXT_BYTES 8192

/* The fields of a row as texts. */
struct party_texts {
	const char *texts[CSV_COLUMNS_MAX];
	size_t used;
	char bytes[PARTY_TEXT_BYTES];
};

/* Results as in store.h; -EINVAL comes with *fault. */
struct party_table {
	const char *name; /* of one row, for people */
	const struct csv_column *columns;
	int column_count;
	int origin_column;
	size_t origin_offset;		 /* in union party_row */
	const char *const *list_columns; /* of lists; NULL: the same columns */

	/* Read the columns that tell one row from the others. */
	int (*key)(const struct table_row *row, union party_row *made, struct table_fault *fault);
	/* Read and check a row by itself, all but its origin. */
	int (*read)(const struct party_change *change, const struct table_row *row,
		union party_row *made, struct table_fault *fault);
	/* Find the row that has the key of `key`. */
	int (*get)(const struct party_change *change, const union party_row *key,
		union party_row *found);
	/* Check what needs the other rows, and put it. `old` is the row that is there, or NULL. */
	int (*put)(const struct party_change *change, union party_row *made,
		const union party_row *old, struct table_fault *fault, const struct table_row *row);
	/* Check whether the row may go, and remove it. */
	int (*remove)(const struct party_change *change, const union party_row *old,
		struct table_fault *fault, const struct table_row *row);
	int (*next)(const struct party_change *change, union party_cursor *cursor,
		union party_row *row);
	/* All columns but the origin; and those of lists (NULL: the same). */
	void (*write)(const union party_row *row, struct party_texts *texts);
	void (*write_list)(const struct party_change *change, const union party_row *row,
		struct party_texts *texts);
};

extern const struct party_table party_users;
extern const struct party_table party_certificates;
extern const struct party_table party_organisations;
extern const struct party_table party_providers;
extern const struct party_table party_thresholds;

/* The origin of a row of any table. */
uint8_t *party_origin(const struct party_table *table, union party_row *row);
const char *party_origin_name(uint8_t origin);
bool party_origin_parse(const char *name, uint8_t *origin);

/* Put a text into the field of a column. */
void party_text(struct party_texts *texts, int column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What was done with a row. */
enum party_result {
	PARTY_UNCHANGED = 0,
	PARTY_WRITTEN = 1,
};

/* Put a row of text: enum party_result, -EINVAL and *fault, or another -errno: the change is to be
 * abandoned. A row that an operator gives is his from then on, unless it says otherwise, or is
 * there already as it is. */
int party_put(const struct party_change *change, const struct party_table *table,
	const struct table_row *row, struct table_fault *fault);

/* Before a change is committed: does everything in the store fit into a set for the data plane?
 * 0; -EINVAL and `reason`; or another -errno. */
int party_check(const struct party_change *change, char *reason, size_t reason_size);

/* "IS ES" to a set of enum mw_role and back. Words are separated by blanks or commas. */
bool party_roles_parse(const char *text, uint32_t *roles);
void party_roles_format(uint32_t roles, char *text, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/party_table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "control/store_reference.h"

static const char *const origin_names[] = {"operator", "file", "feed"};

const char *party_origin_name(uint8_t origin)
{
	return origin <= STORE_ORIGIN_FEED ? origin_names[origin] : "?";
}

bool party_origin_parse(const char *name, uint8_t *origin)
{
	for (uint8_t i = 0; i <= STORE_ORIGIN_FEED; i++) {
		if (strcmp(name, origin_names[i]) != 0)
			continue;
		*origin = i;
		return true;
	}
	return false;
}

uint8_t *party_origin(const struct party_table *table, union party_row *row)
{
	return (uint8_t *)row + table->origin_offset;
}

void party_text(struct party_texts *texts, int column, const char *format, ...)
{
	size_t room = sizeof(texts->bytes) - texts->used;
	char *text = texts->bytes + texts->used;
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, room, format, arguments);
	va_end(arguments);
	texts->texts[column] = length >= 0 && (size_t)length < room ? text : "";
	if (length >= 0 && (size_t)length < room)
		texts->used += (size_t)length + 1;
}

static void write_texts(const struct party_table *table, union party_row *row, uint8_t origin,
	struct party_texts *texts)
{
	memset(texts->texts, 0, sizeof(texts->texts));
	texts->used = 0;
	table->write(row, texts);
	party_text(texts, table->origin_column, "%s", party_origin_name(origin));
}

static bool equal(const struct party_table *table, union party_row *a, union party_row *b)
{
	struct party_texts one;
	struct party_texts other;

	write_texts(table, a, 0, &one);
	write_texts(table, b, 0, &other);
	for (int i = 0; i < table->column_count; i++)
		if (strcmp(one.texts[i] != NULL ? one.texts[i] : "",
			    other.texts[i] != NULL ? other.texts[i] : "") != 0)
			return false;
	return true;
}

int party_put(const struct party_change *change, const struct party_table *table,
	const struct table_row *row, struct table_fault *fault)
{
	union party_row made;
	union party_row old;
	char word[16];
	uint8_t origin = STORE_ORIGIN_OPERATOR;
	bool has_origin = !table_field_empty(row, table->origin_column);

	memset(&made, 0, sizeof(made));
	if (table_field(row, table->origin_column, word, sizeof(word), fault) != 0)
		return -EINVAL;
	if (has_origin && !party_origin_parse(word, &origin))
		return table_wrong(row, table->origin_column, fault,
			"must be operator, file or feed; or empty: operator");
	int result = table->read(change, row, &made, fault);
	if (result != 0)
		return result;
	int found = table->get(change, &made, &old);
	if (found != 0 && found != -ENOENT)
		return found;
	if (found == 0 && (!has_origin || origin == *party_origin(table, &old)) &&
		equal(table, &made, &old))
		return PARTY_UNCHANGED;
	*party_origin(table, &made) = origin;
	result = table->put(change, &made, found == 0 ? &old : NULL, fault, row);
	if (result == -EEXIST)
		return table_wrong(row, -1, fault, "another %s has this name", table->name);
	return result == 0 ? PARTY_WRITTEN : result;
}

/* ---- what must hold of all together ---- */

int party_check(const struct party_change *change, char *reason, size_t reason_size)
{
	struct reference *probe = calloc(1, sizeof(*probe));
	char mark[17];

	if (probe == NULL)
		return -ENOMEM;
	int result = store_reference_read(change->change, probe);
	if (result == -ENOSPC) {
		snprintf(reason, reason_size,
			"more than can be in force: at most %d users, %d certificates that are not "
			"withdrawn, %d providers, %d thresholds",
			REFERENCE_USERS_MAX, REFERENCE_CERTIFICATES_MAX, REFERENCE_PROVIDERS_MAX,
			REFERENCE_THRESHOLDS_MAX);
		result = -EINVAL;
	} else if (result == 0 && parties_find_duplicate(change->parties, probe, mark)) {
		snprintf(reason, reason_size,
			"another certificate has the same issuer and serial number as %s", mark);
		result = -EINVAL;
	}
	reference_free(probe);
	return result;
}

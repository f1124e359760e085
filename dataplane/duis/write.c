/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor that stops at its end and remembers that it did, so that one check is enough.
 * Element order is that of the XSD, types Response and ResponseMessage.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/duis/base64.h"
#include "dataplane/duis/identifier.h"
#include "dataplane/duis/profile.h"
#include "dataplane/duis/write.h"

/* All that is neither payload nor signature: tags, two ids, texts of bounded size (below 1,100). */
#define FIXED_BYTES_MAX 2048

#define SCHEDULE_ID_MAX UINT64_C(1000000000000) /* DUIS XSD, type scheduleID */
#define MS_PER_DAY INT64_C(86400000)
#define DATE_TIME_MS_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

struct cursor {
	uint8_t *out;
	size_t length;
	size_t capacity;
	bool full; /* something did not fit: nothing more is written */
};

static void put_bytes(struct cursor *cursor, const void *bytes, size_t length)
{
	if (cursor->full || length > cursor->capacity - cursor->length) {
		cursor->full = true;
		return;
	}
	if (length == 0)
		return;
	memcpy(cursor->out + cursor->length, bytes, length);
	cursor->length += length;
}

static void put(struct cursor *cursor, const char *text)
{
	put_bytes(cursor, text, strlen(text));
}

/* Character data as C14N writes it; callers pass no white space but blanks. */
static void put_escaped(struct cursor *cursor, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			put(cursor, "&amp;");
			break;
		case '<':
			put(cursor, "&lt;");
			break;
		case '>':
			put(cursor, "&gt;");
			break;
		default:
			put_bytes(cursor, text, 1);
		}
	}
}

static void put_element(struct cursor *cursor, const char *name, const char *value)
{
	put(cursor, "<sr:");
	put(cursor, name);
	put(cursor, ">");
	put_escaped(cursor, value);
	put(cursor, "</sr:");
	put(cursor, name);
	put(cursor, ">");
}

static void put_id(struct cursor *cursor, const char *name, const struct mw_request_id *id)
{
	char text[MW_REQUEST_ID_TEXT_SIZE];

	duis_request_id_format(id, text);
	put_element(cursor, name, text);
}

static void put_base64(
	struct cursor *cursor, const char *name, const uint8_t *octets, uint32_t length)
{
	size_t text_length = DUIS_BASE64_LENGTH(length);

	put(cursor, "<sr:");
	put(cursor, name);
	put(cursor, ">");
	if (cursor->full || text_length > cursor->capacity - cursor->length) {
		cursor->full = true;
		return;
	}
	cursor->length += duis_base64_encode(octets, length, cursor->out + cursor->length);
	put(cursor, "</sr:");
	put(cursor, name);
	put(cursor, ">");
}

/* Days since 1970-01-01 to a date of the Gregorian calendar, counted in eras of 400 years that
 * begin on a 1st of March, so that the leap day is the last of its year. */
static void civil_date(int64_t days, int *year, int *month, int *day)
{
	int64_t shifted = days + 719468; /* since 0000-03-01 */
	int64_t era = shifted / 146097;
	int64_t day_of_era = shifted % 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;

	*day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
	*month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static void put_date_time(struct cursor *cursor, int64_t time_ms)
{
	char text[80];
	int64_t of_day_ms = time_ms % MS_PER_DAY;
	int year;
	int month;
	int day;

	assert(time_ms >= 0 && time_ms <= DATE_TIME_MS_MAX);
	civil_date(time_ms / MS_PER_DAY, &year, &month, &day);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
		(int)(of_day_ms / 3600000), (int)(of_day_ms / 60000 % 60),
		(int)(of_day_ms / 1000 % 60), (int)(of_day_ms % 1000));
	put_element(cursor, "ResponseDateTime", text);
}

static void put_header(struct cursor *cursor, const struct duis_response *response)
{
	put(cursor, "<sr:Header>");
	if (response->has_request_id)
		put_id(cursor, "RequestID", &response->request_id);
	if (response->has_response_id)
		put_id(cursor, "ResponseID", &response->response_id);
	put_element(cursor, "ResponseCode", response->code);
	put_date_time(cursor, response->date_time_ms);
	put(cursor, "</sr:Header>");
}

static void put_alert(struct cursor *cursor, const struct duis_response *response)
{
	put(cursor, "<sr:Body><sr:DCCAlertMessage>");
	put_element(cursor, "DCCAlertCode", response->alert_code);
	put(cursor, "<sr:DCCAlert>");
	put_bytes(cursor, response->payload, response->payload_length);
	put(cursor, "</sr:DCCAlert></sr:DCCAlertMessage></sr:Body>");
}

static void put_message(struct cursor *cursor, const struct duis_response *response)
{
	char number[24];

	put(cursor, "<sr:Body><sr:ResponseMessage>");
	put_element(cursor, "ServiceReference", response->service_reference);
	put_element(cursor, "ServiceReferenceVariant", response->service_reference_variant);
	switch (response->body) {
	case DUIS_BODY_NONE:
		break;
	case DUIS_BODY_GBCS_PAYLOAD:
		put_base64(cursor, "GBCSPayload", response->payload, response->payload_length);
		break;
	case DUIS_BODY_SCHEDULED:
		assert(response->schedule_id <= SCHEDULE_ID_MAX);
		put(cursor, "<sr:DSPScheduledMessage>");
		put_base64(cursor, "GBCSPayload", response->payload, response->payload_length);
		snprintf(number, sizeof(number), "%" PRIu64, response->schedule_id);
		put_element(cursor, "DSPScheduleID", number);
		put(cursor, "</sr:DSPScheduledMessage>");
		break;
	case DUIS_BODY_ELEMENT:
		put_bytes(cursor, response->payload, response->payload_length);
		break;
	case DUIS_BODY_DCC_ALERT:
		assert(!"not a ResponseMessage");
	}
	put(cursor, "</sr:ResponseMessage></sr:Body>");
}

int duis_write_response(const struct duis_response *response, uint8_t *out, size_t capacity)
{
	struct cursor cursor = {.out = out, .capacity = capacity};

	put(&cursor, "<sr:Response xmlns:sr=\"" DUIS_NAMESPACE "\" schemaVersion=\"");
	put(&cursor, response->schema_version); /* a decimal: nothing to escape */
	put(&cursor, "\">");
	put_header(&cursor, response);
	if (response->body == DUIS_BODY_DCC_ALERT)
		put_alert(&cursor, response);
	else
		put_message(&cursor, response);
	put(&cursor, "</sr:Response>");
	if (cursor.full || cursor.length > INT32_MAX)
		return -ENOBUFS;
	return (int)cursor.length;
}

size_t duis_write_response_bound(uint32_t payload_length)
{
	return FIXED_BYTES_MAX + DUIS_BASE64_LENGTH(payload_length) + DUIS_SIGNATURE_BYTES_MAX;
}

uint32_t duis_write_version_mismatch(const struct duis_version_mismatch *mismatch, uint8_t *out)
{
	struct cursor cursor = {.out = out, .capacity = DUIS_VERSION_MISMATCH_BYTES_MAX};

	put(&cursor, "<sr:DUISVersionMismatch><sr:ServiceResponseVersionMismatch>");
	put_id(&cursor, "RequestID", &mismatch->request_id);
	put_element(&cursor, "ServiceReference", mismatch->service_reference);
	put_element(&cursor, "ServiceReferenceVariant", mismatch->service_reference_variant);
	put_element(&cursor, "ServiceRequestDUISVersion", mismatch->request_version);
	put(&cursor, "</sr:ServiceResponseVersionMismatch>");
	put_element(&cursor, "ServiceUserDUISVersion", mismatch->user_version);
	put(&cursor, "</sr:DUISVersionMismatch>");
	assert(!cursor.full);
	return (uint32_t)cursor.length;
}

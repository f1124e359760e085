/* SPDX-License-Identifier: Apache-2.0 */
/* From the spans that the parser noted to struct duis_document. */
#include <errno.h>
#include <string.h>

#include "dataplane/duis/date_time.h"
#include "dataplane/duis/fast_core.h"
#include "dataplane/duis/identifier.h"

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

static struct fast_span trim(struct fast_span span)
{
	while (span.length > 0 && is_blank(*span.at)) {
		span.at++;
		span.length--;
	}
	while (span.length > 0 && is_blank(span.at[span.length - 1]))
		span.length--;
	return span;
}

static int refuse(struct duis_fast_engine *engine, struct fast_span span)
{
	bool inside = span.at >= engine->bytes && span.at < engine->end;

	fast_fail(engine, DUIS_ERROR_SCHEMA, inside ? span.at : engine->bytes + engine->root_start,
		"the value is not one that DUIS defines");
	return -EBADMSG;
}

/* With white space collapsed, and a NUL behind it. */
static int copy_text(struct duis_fast_engine *engine, enum fast_role role, char *text, size_t size)
{
	struct fast_span span = trim(engine->values[role]);
	size_t length = 0;

	for (uint32_t index = 0; index < span.length; index++) {
		bool blank = is_blank(span.at[index]);

		if (blank && is_blank(span.at[index - 1]))
			continue;
		if (length + 1 >= size)
			return refuse(engine, span);
		text[length++] = blank ? ' ' : (char)span.at[index];
	}
	text[length] = '\0';
	return 0;
}

static int copy_id(
	struct duis_fast_engine *engine, enum fast_role role, bool *has, struct mw_request_id *id)
{
	struct fast_span span = trim(engine->values[role]);

	if (engine->values[role].at == NULL)
		return 0;
	if (duis_request_id_parse((const char *)span.at, span.length, id) != 0)
		return refuse(engine, span);
	*has = true;
	return 0;
}

static int copy_name(struct duis_fast_engine *engine, struct fast_span name, char *text)
{
	if (name.length >= MW_ELEMENT_NAME_SIZE)
		return refuse(engine, name);
	memcpy(text, name.at, name.length);
	text[name.length] = '\0';
	return 0;
}

static int copy_variant(struct duis_fast_engine *engine, uint8_t *variant)
{
	enum {
		VARIANT_MAX = 9,
	};
	struct fast_span span = trim(engine->values[FAST_ROLE_COMMAND_VARIANT]);
	unsigned value = 0;

	for (uint32_t index = 0; index < span.length && value <= VARIANT_MAX; index++)
		if (span.at[index] >= '0' && span.at[index] <= '9')
			value = 10 * value + (span.at[index] - '0');
	if (value < 1 || value > VARIANT_MAX)
		return refuse(engine, span);
	*variant = (uint8_t)value;
	return 0;
}

/* The instant in `role`, rounded down, or up: a period is rounded outwards. */
static int copy_instant(
	struct duis_fast_engine *engine, enum fast_role role, bool up, int64_t *seconds)
{
	struct fast_span span = engine->values[role];
	bool fraction;

	if (duis_date_time_read((const char *)span.at, span.length, seconds, &fraction) != 0)
		return refuse(engine, span);
	*seconds += up && fraction;
	return 0;
}

static int copy_instants(struct duis_fast_engine *engine, struct duis_document *document)
{
	int result = 0;

	document->has_execution_date_time = engine->values[FAST_ROLE_EXECUTION_DATE_TIME].at;
	document->has_period = engine->values[FAST_ROLE_START_DATE_TIME].at &&
			       engine->values[FAST_ROLE_END_DATE_TIME].at;
	if (document->has_execution_date_time)
		result = copy_instant(
			engine, FAST_ROLE_EXECUTION_DATE_TIME, false, &document->execution_s);
	if (result == 0 && document->has_period)
		result = copy_instant(
			engine, FAST_ROLE_START_DATE_TIME, false, &document->period_start_s);
	if (result == 0 && document->has_period)
		result = copy_instant(
			engine, FAST_ROLE_END_DATE_TIME, true, &document->period_end_s);
	return result;
}

int fast_describe(struct duis_fast_engine *engine, struct duis_document *document)
{
	int result;

	document->root = (enum duis_root)engine->root;
	document->schema_index = engine->schema_index;
	document->has_signature = engine->parts[FAST_ROLE_SIGNATURE].count > 0;
	if ((result = copy_instants(engine, document)) != 0 ||
		(result = copy_id(engine, FAST_ROLE_REQUEST_ID, &document->has_request_id,
			 &document->request_id)) != 0 ||
		(result = copy_id(engine, FAST_ROLE_RESPONSE_ID, &document->has_response_id,
			 &document->response_id)) != 0 ||
		(result = copy_text(engine, FAST_ROLE_SERVICE_REFERENCE,
			 document->service_reference, sizeof(document->service_reference))) != 0 ||
		(result = copy_text(engine, FAST_ROLE_SERVICE_REFERENCE_VARIANT,
			 document->service_reference_variant,
			 sizeof(document->service_reference_variant))) != 0)
		return result;
	if (engine->body_child.at == NULL)
		return refuse(engine, engine->body);
	if (engine->root == DUIS_ROOT_REQUEST) {
		result = copy_variant(engine, &document->command_variant);
		return result != 0 ? result
				   : copy_name(engine, engine->body_child, document->body_element);
	}
	result = copy_text(engine, FAST_ROLE_RESPONSE_CODE, document->response_code,
		sizeof(document->response_code));
	if (result != 0)
		return result;
	if (!engine->is_response_message) {
		document->has_body = true;
		return copy_name(engine, engine->body_child, document->body_element);
	}
	document->has_body = engine->message_child.at != NULL;
	return document->has_body ? copy_name(engine, engine->message_child, document->body_element)
				  : 0;
}

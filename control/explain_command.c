/* SPDX-License-Identifier: Apache-2.0 */
/* `explain`: see motorwayctl(1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/civil_date.h"
#include "control/command.h"
#include "dataplane/duis/base64.h"
#include "dataplane/duis/date_time.h"
#include "dataplane/duis/identifier.h"

/* The number of `digits` digits. */
static int number_at(const char *text, int digits)
{
	int number = 0;

	for (int i = 0; i < digits; i++)
		number = number * 10 + (text[i] - '0');
	return number;
}

/* Whether the calendar and the clock have the instant, which has the form below. */
static bool exists(const char *text)
{
	int year = number_at(text, 4);
	int month = number_at(text + 5, 2);
	int day = number_at(text + 8, 2);

	return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
	       day <= civil_days_in_month(year, month) && number_at(text + 11, 2) < 24 &&
	       number_at(text + 14, 2) < 60 && number_at(text + 17, 2) < 60;
}

/* The instant that "at" names, in one form alone: 2026-06-15T12:00:00Z. */
static bool read_at(const json_t *value, struct server_time now, int64_t *at_s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	const char *text = json_string_value(value);
	bool fraction;

	*at_s = now.wall_ms / 1000;
	if (value == NULL)
		return true;
	if (text == NULL || strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	return exists(text) && duis_date_time_read(text, strlen(text), at_s, &fraction) == 0;
}

static bool read_service(const json_t *value, int *service)
{
	static const char letters[MW_SERVICE_COUNT] = {
		[MW_SERVICE_TRANSFORM] = 'T',
		[MW_SERVICE_SEND_COMMAND] = 'S',
		[MW_SERVICE_NON_DEVICE] = 'D',
	};
	const char *text = json_string_value(value);

	*service = -1;
	if (value == NULL)
		return true;
	for (int i = 0; i < MW_SERVICE_COUNT; i++)
		if (text != NULL && text[0] == letters[i] && text[1] == '\0')
			*service = i;
	return *service >= 0;
}

/* The times and the view by which it is explained. NULL, or the reply that says no. */
static json_t *begin(struct server *server, struct server_time now, struct explain_terms *terms)
{
	char reason[512];

	terms->services = &server->services;
	terms->dsp_eui = server->link.dsp_eui;
	terms->now_ms = now.wall_ms;
	if (access_view_update(&server->services.view, server->reference, reason, sizeof(reason)) !=
		0)
		return command_refuse(reason);
	return NULL;
}

static json_t *explain_text(
	struct server *server, const struct explain_terms *terms, const char *text)
{
	size_t length = strlen(text);
	uint8_t *bytes = length <= DUIS_BASE64_LENGTH(EXPLAIN_DOCUMENT_MAX)
				 ? malloc(EXPLAIN_DOCUMENT_MAX)
				 : NULL;

	if (bytes == NULL)
		return command_refuse("the document is longer than 256 KiB");
	ssize_t decoded = duis_base64_decode(text, length, bytes, EXPLAIN_DOCUMENT_MAX);
	json_t *reply =
		decoded >= 0 ? explain_document(&server->explainer, terms, bytes, (uint32_t)decoded)
			     : command_refuse("\"document\" is not base64");
	free(bytes);
	return reply;
}

json_t *command_explain(struct server *server, const json_t *request, struct server_time now)
{
	const char *document = json_string_value(json_object_get(request, "document"));
	const char *id = json_string_value(json_object_get(request, "request_id"));
	struct mw_control_decisions_wanted wanted = {0};
	struct explain_terms terms = {0};

	if (!read_at(json_object_get(request, "at"), now, &terms.at_s))
		return command_refuse("\"at\" is not an instant such as 2026-06-15T12:00:00Z");
	if (!read_service(json_object_get(request, "service"), &terms.service))
		return command_refuse("\"service\" is not T, S or D");
	if ((document != NULL) == (id != NULL))
		return command_refuse("one of \"document\" and \"request_id\" is wanted");
	if (document != NULL) {
		json_t *refused = begin(server, now, &terms);

		return refused != NULL ? refused : explain_text(server, &terms, document);
	}
	if (duis_request_id_parse(id, strlen(id), &wanted.request_id) != 0)
		return command_refuse("\"request_id\" is not EUI-64:EUI-64:counter");
	if (terms.service >= 0)
		return command_refuse("\"service\" goes with a document alone");
	server->asked_at_s = terms.at_s;
	return server_ask(server, MW_CONTROL_DECISIONS_WANTED, &wanted, sizeof(wanted));
}

json_t *explain_answer(struct server *server, const struct peer *asker,
	const struct peer_message *message, struct server_time now)
{
	struct mw_control_decision decisions[MW_DECISIONS_MAX];
	struct mw_control_decisions head;
	struct explain_terms terms = {.service = -1, .at_s = asker->awaited_at_s};

	memcpy(&head, message->payload, sizeof(head));
	memcpy(decisions, message->payload + sizeof(head), head.count * sizeof(decisions[0]));
	/* What was decided is told also when it cannot be explained now. */
	json_decref(begin(server, now, &terms));
	return explain_decisions(&terms, &head, decisions);
}

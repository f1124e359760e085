/* SPDX-License-Identifier: Apache-2.0 */
#include "control/service.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/conf_table.h"
#include "dataplane/duis/identifier.h"

struct service {
	const char *srv;
	const char *element;
	enum service_reason (*answer)(struct services *services,
		const struct service_request *request, const xmlNode *body,
		struct xml_text *answer);
};

static const struct service table[] = {
	{"5.1", "CreateSchedule", service_create_schedule},
	{"5.2", "ReadSchedule", service_read_schedule},
	{"5.3", "DeleteSchedule", service_delete_schedule},
	{"8.2", "ReadInventory", service_read_inventory},
};

int service_eui(const xmlNode *element, const char *name, uint64_t *eui)
{
	char text[DUIS_EUI_TEXT_SIZE];
	int result = xml_value(xml_child(element, name), text, sizeof(text));

	if (result == -ENOENT)
		return result;
	if (result != 0 || duis_eui_parse(text, strlen(text), eui) != 0)
		return -EBADMSG;
	return 0;
}

static enum service_reason run(
	struct services *services, const struct service_request *request, struct xml_text *body)
{
	enum service_reason reason = SERVICE_NOT_UNDERSTOOD;
	struct xml_request document;

	/* The version is written into documents again, so it must be no more than a number. */
	if (!conf_version_valid(request->schema_version))
		return reason;
	if (xml_request_read(&document, request->document, request->document_length) != 0)
		return reason;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].srv, request->srv) == 0 &&
			strcmp(table[i].element, xml_name(document.body)) == 0)
			reason = table[i].answer(services, request, document.body, body);
	xml_request_free(&document);
	return reason;
}

/* Where the start tag of `name` begins. The octets are canonical, so that each '<' begins a tag. */
static uint32_t tag_offset(const struct service_request *request, const char *name)
{
	const uint8_t *end = request->document + request->document_length;
	size_t length = strlen(name);

	for (const uint8_t *at = request->document; at < end; at++) {
		if (*at != '<')
			continue;
		const uint8_t *word = at + 1;
		const uint8_t *stop = word;
		for (; stop < end && *stop != ' ' && *stop != '>' && *stop != '/'; stop++)
			if (*stop == ':')
				word = stop + 1;
		if ((size_t)(stop - word) == length && memcmp(word, name, length) == 0)
			return (uint32_t)(at - request->document);
	}
	return 0;
}

void service_fault(
	const struct service_request *request, const char *element, struct service_refusal *refusal)
{
	memset(refusal, 0, sizeof(*refusal));
	if (element[0] == '\0')
		return;
	memcpy(refusal->element, element, strnlen(element, sizeof(refusal->element) - 1));
	refusal->offset = tag_offset(request, element);
}

static void keep_refusal(struct services *services, const struct service_request *request,
	enum service_reason reason)
{
	if (services->last == NULL)
		services->last = calloc(SERVICE_REFUSED_MAX, sizeof(*services->last));
	if (services->last == NULL)
		return;
	services->last[services->last_count++ % SERVICE_REFUSED_MAX] = (struct service_refused){
		.request_id = request->request_id,
		.time_ms = request->now_ms,
		.reason = reason,
		.refusal = services->refusal,
	};
}

const struct service_refused *services_find_refused(
	const struct services *services, const struct mw_request_id *id)
{
	uint64_t kept = services->last_count < SERVICE_REFUSED_MAX ? services->last_count
								   : SERVICE_REFUSED_MAX;

	for (uint64_t i = 1; services->last != NULL && i <= kept; i++) {
		const struct service_refused *refused =
			&services->last[(services->last_count - i) % SERVICE_REFUSED_MAX];

		if (memcmp(&refused->request_id, id, sizeof(*id)) == 0)
			return refused;
	}
	return NULL;
}

void services_close(struct services *services)
{
	access_view_close(&services->view);
	free(services->last);
	services->last = NULL;
	services->last_count = 0;
}

void service_answer(struct services *services, const struct service_request *request,
	struct service_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	memset(&services->refusal, 0, sizeof(services->refusal));
	enum service_reason reason = run(services, request, &answer->body);
	if (reason == SERVICE_DONE && answer->body.failed)
		reason = SERVICE_SCHEDULE_CAPACITY;
	answer->reason = reason;
	if (reason == SERVICE_DONE) {
		services->answered++;
		memcpy(answer->code, answer->body.length > 0 ? "I0" : "I99",
			answer->body.length > 0 ? sizeof("I0") : sizeof("I99"));
		return;
	}
	xml_text_free(&answer->body);
	services->refused[reason]++;
	keep_refusal(services, request, reason);
	memcpy(answer->code, services->reference->codes[reason], sizeof(answer->code));
}

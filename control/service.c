/* SPDX-License-Identifier: Apache-2.0 */
#include "control/service.h"

#include <assert.h>
#include <errno.h>
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

void service_answer(struct services *services, const struct service_request *request,
	struct service_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	enum service_reason reason = run(services, request, &answer->body);
	if (reason == SERVICE_DONE && answer->body.failed)
		reason = SERVICE_SCHEDULE_CAPACITY;
	if (reason == SERVICE_DONE) {
		services->answered++;
		memcpy(answer->code, answer->body.length > 0 ? "I0" : "I99",
			answer->body.length > 0 ? sizeof("I0") : sizeof("I99"));
		return;
	}
	xml_text_free(&answer->body);
	services->refused[reason]++;
	memcpy(answer->code, services->reference->codes[reason], sizeof(answer->code));
}

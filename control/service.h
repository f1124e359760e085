/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services that control answers: Create, Read and Delete Schedule (5.1, 5.2, 5.3) and Read
 * Inventory (8.2). A request comes as the data plane has checked it (schema, signature, access);
 * the answer is a DUIS code and, with I0, the element that goes into ResponseMessage. Time is an
 * argument. One thread.
 */
#ifndef CONTROL_SERVICE_H
#define CONTROL_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "control/reference.h"
#include "control/schedule.h"
#include "control/store.h"
#include "control/xml_request.h"
#include "control/xml_text.h"

struct services {
	const struct reference *reference; /* the set in force; borrowed */
	struct store *store;		   /* has the devices; borrowed */
	struct schedules *schedules;	   /* borrowed */
	uint64_t refused[SERVICE_REASON_COUNT];
	uint64_t answered;
};

struct service_request {
	uint64_t user; /* EUI of the sender */
	uint32_t roles;
	const char *srv;
	const char *schema_version;
	const uint8_t *document; /* canonical octets without the signature */
	size_t document_length;
	int64_t now_ms; /* since 1970 */
};

struct service_answer {
	char code[MW_CODE_SIZE];
	struct xml_text body; /* empty: no body */
};

/* Answer `request`. Fills *answer, whose body the caller frees with xml_text_free(). Every refusal
 * is counted by its reason. */
void service_answer(struct services *services, const struct service_request *request,
	struct service_answer *answer);

/* The single services. `body` is the element in Body. Each returns SERVICE_DONE, then answer->body
 * is filled (or empty: done without data), or the reason of its refusal. */
enum service_reason service_create_schedule(struct services *services,
	const struct service_request *request, const xmlNode *body, struct xml_text *answer);
enum service_reason service_read_schedule(struct services *services,
	const struct service_request *request, const xmlNode *body, struct xml_text *answer);
enum service_reason service_delete_schedule(struct services *services,
	const struct service_request *request, const xmlNode *body, struct xml_text *answer);
enum service_reason service_read_inventory(struct services *services,
	const struct service_request *request, const xmlNode *body, struct xml_text *answer);

/* The EUI-64 in the child `name` of `element`. 0, -ENOENT or -EBADMSG. */
int service_eui(const xmlNode *element, const char *name, uint64_t *eui);

#endif

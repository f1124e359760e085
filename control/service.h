/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services that control answers: Create, Read and Delete Schedule (5.1, 5.2, 5.3) and Read
 * Inventory (8.2). A request comes as the data plane has checked it (schema, signature, access);
 * the answer is a DUIS code and, with I0, the element that goes into ResponseMessage. What an
 * answer tells of is durable when the ledger has been committed: until then it is kept back. Time
 * is an argument. One thread.
 */
#ifndef CONTROL_SERVICE_H
#define CONTROL_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "control/access_view.h"
#include "control/reference.h"
#include "control/removal.h"
#include "control/schedule.h"
#include "control/store.h"
#include "control/xml_request.h"
#include "control/xml_text.h"

/* What is at fault in a request that is refused. */
struct service_refusal {
	char element[MW_ELEMENT_NAME_SIZE]; /* local name, "": no single one */
	uint32_t offset; /* of its tag in the octets that control got: canonical, unsigned */
};

#define SERVICE_REFUSED_MAX 4096u

/* A refusal that is kept for operators who ask. */
struct service_refused {
	struct mw_request_id request_id;
	int64_t time_ms;
	enum service_reason reason;
	struct service_refusal refusal;
};

struct services {
	const struct reference *reference; /* the set in force; borrowed */
	struct store *store;		   /* has the devices; borrowed */
	struct schedules *schedules;	   /* borrowed */
	struct removal *removal; /* borrowed; NULL: what is added has no end but its own */
	struct access_view view; /* what the data plane decides by; closed by services_close() */
	uint64_t refused[SERVICE_REASON_COUNT];
	uint64_t answered;
	struct service_refusal refusal; /* of the request at hand */
	struct service_refused *last;	/* the last SERVICE_REFUSED_MAX refusals; NULL: none yet */
	uint64_t last_count;
};

struct service_request {
	uint64_t user; /* EUI of the sender */
	struct mw_request_id request_id;
	uint32_t roles;
	const char *srv;
	const char *schema_version;
	const uint8_t *document; /* canonical octets without the signature */
	size_t document_length;
	int64_t now_ms; /* since 1970 */
};

struct service_answer {
	enum service_reason reason; /* SERVICE_DONE, or of the refusal */
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

/* What service_create_schedule() would say, without doing it. SERVICE_DONE, or the reason and
 * *refusal. */
enum service_reason service_judge_schedule(struct services *services,
	const struct service_request *request, struct service_refusal *refusal);

/* Name `element` ("": none) and where it stands in the request. */
void service_fault(const struct service_request *request, const char *element,
	struct service_refusal *refusal);

/* The last refusal of this RequestID that is still kept, or NULL. */
const struct service_refused *services_find_refused(
	const struct services *services, const struct mw_request_id *id);

/* Let go of what the services have made themselves. */
void services_close(struct services *services);

/* The EUI-64 in the child `name` of `element`. 0, -ENOENT or -EBADMSG. */
int service_eui(const xmlNode *element, const char *name, uint64_t *eui);

#endif

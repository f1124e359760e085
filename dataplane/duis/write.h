/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing DUIS Responses. What is written is its own inclusive canonical form (no declaration, no
 * insignificant white space, namespaces and attributes in canonical order, no empty-element tags),
 * so that it can be digested as it stands. Pure functions; any thread.
 */
#ifndef DUIS_WRITE_H
#define DUIS_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "motorway/duis_terms.h"

enum duis_response_body {
	DUIS_BODY_NONE = 0,	/* an acknowledgement or an error code */
	DUIS_BODY_GBCS_PAYLOAD, /* ResponseMessage/GBCSPayload, payload = GBCS octets */
	DUIS_BODY_SCHEDULED, /* ResponseMessage/DSPScheduledMessage{GBCSPayload, DSPScheduleID} */
	DUIS_BODY_ELEMENT,   /* payload = canonical XML of the element behind the references */
	DUIS_BODY_DCC_ALERT, /* DCCAlertMessage, payload = canonical XML of DCCAlert's element */
};

struct duis_response {
	const char *schema_version; /* the user's own */
	bool has_request_id;
	bool has_response_id;
	struct mw_request_id request_id;
	struct mw_request_id response_id;
	const char *code;	       /* ResponseCode, "I99" */
	int64_t date_time_ms;	       /* ResponseDateTime, ms since 1970 UTC */
	const char *service_reference; /* of a ResponseMessage, as the next one */
	const char *service_reference_variant;
	const char *alert_code; /* DUIS_BODY_DCC_ALERT: DCCAlertCode */
	enum duis_response_body body;
	const uint8_t *payload;
	uint32_t payload_length;
	uint64_t schedule_id; /* DUIS_BODY_SCHEDULED */
};

/* Write `response` into out[0 .. capacity). Returns the number of bytes, or -ENOBUFS. */
int duis_write_response(const struct duis_response *response, uint8_t *out, size_t capacity);

/* Upper bound of what duis_write_response() writes for a payload of `payload_length` bytes,
 * signature included. */
size_t duis_write_response_bound(uint32_t payload_length);

/* A service response that its user's DUIS version cannot express: what he is told instead. */
struct duis_version_mismatch {
	struct mw_request_id request_id;
	const char *service_reference;
	const char *service_reference_variant;
	const char *request_version; /* schemaVersion of the request */
	const char *user_version;    /* the one that cannot express its response */
};

#define DUIS_VERSION_MISMATCH_BYTES_MAX 1024

/* Write the element DUISVersionMismatch, the payload of a DUIS_BODY_DCC_ALERT, into
 * out[0 .. DUIS_VERSION_MISMATCH_BYTES_MAX). Returns its length. */
uint32_t duis_write_version_mismatch(const struct duis_version_mismatch *mismatch, uint8_t *out);

#endif

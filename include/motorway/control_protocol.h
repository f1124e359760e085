/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of the control socket (Unix stream socket, little-endian).
 *
 * motorway-control listens; the data plane and motorwayctl connect. Every message is a header and
 * `length` bytes of payload. The first message of a connection is HELLO, in both directions.
 *
 *   data plane                         motorway-control
 *     HELLO {role, generation, offset} ->
 *                                     <- HELLO
 *     CREDIT {n}                       ->            (n more records may be sent)
 *                                     <- REFERENCE_BEGIN {generation, record count, offset}
 *                                     <- USER, CERTIFICATE, PROVIDER, DEVICE, SRV_RULE ...
 *     CREDIT {n}                       ->
 *                                     <- REFERENCE_END {generation, crc32c of all records}
 *     REFERENCE_APPLIED {generation, status} ->
 *     SERVICE_REQUEST                  ->            (5.1 5.2 5.3 8.2: control answers)
 *                                     <- SERVICE_ANSWER
 *                                     <- DUE_READ    (a scheduled read is due)
 *     DUE_READ_TAKEN                   ->
 *                                     <- STATUS_REQUEST
 *     STATUS                           ->            (JSON text)
 *   motorwayctl
 *     HELLO, COMMAND (JSON text) ->   <- REPLY (JSON text)
 *
 * A reference set replaces the one before it whole: the data plane applies it at REFERENCE_END or
 * not at all. After a lost connection the data plane names in HELLO the generation it was receiving
 * and the offset (number of records it holds); control goes on there if that generation is still
 * its current one. Records, service requests and due reads need one credit each, so that neither
 * side can be flooded. Every number is validated by its receiver.
 */
#ifndef MOTORWAY_CONTROL_PROTOCOL_H
#define MOTORWAY_CONTROL_PROTOCOL_H

#include <stdint.h>

#include "motorway/duis_terms.h"

#define MW_CONTROL_MAGIC 0x5957544du /* "MTWY" */
#define MW_CONTROL_VERSION 1
#define MW_CONTROL_PAYLOAD_MAX (16u * 1024 * 1024)

enum mw_control_type {
	MW_CONTROL_HELLO = 1,
	MW_CONTROL_CREDIT = 2,
	MW_CONTROL_REFERENCE_BEGIN = 3,
	MW_CONTROL_USER = 4,
	MW_CONTROL_CERTIFICATE = 5,
	MW_CONTROL_PROVIDER = 6,
	MW_CONTROL_DEVICE = 7,
	MW_CONTROL_SRV_RULE = 8,
	MW_CONTROL_REFERENCE_END = 9,
	MW_CONTROL_REFERENCE_APPLIED = 10,
	MW_CONTROL_SERVICE_REQUEST = 11,
	MW_CONTROL_SERVICE_ANSWER = 12,
	MW_CONTROL_DUE_READ = 13,
	MW_CONTROL_DUE_READ_TAKEN = 14,
	MW_CONTROL_STATUS_REQUEST = 15,
	MW_CONTROL_STATUS = 16,
	MW_CONTROL_COMMAND = 17,
	MW_CONTROL_REPLY = 18,
};

struct mw_control_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t length;   /* of the payload, bytes */
	uint32_t reserved; /* 0 */
};

enum mw_control_role {
	MW_CONTROL_ROLE_CONTROL = 1,
	MW_CONTROL_ROLE_DATA_PLANE = 2,
	MW_CONTROL_ROLE_OPERATOR = 3,
};

struct mw_control_hello {
	uint32_t role; /* enum mw_control_role of the sender */
	uint32_t pid;
	uint64_t generation; /* data plane: the set being received or held, 0 = none */
	uint64_t offset;     /* data plane: records of that set received */
};

struct mw_control_credit {
	uint32_t messages;
	uint32_t reserved;
};

struct mw_control_reference {
	uint64_t generation;
	uint64_t count;	 /* BEGIN, END: records in the set */
	uint64_t offset; /* BEGIN: number of the first record that follows */
	uint32_t crc32c; /* END: over the payloads of all records of the set, in order */
	int32_t status;	 /* APPLIED: 0 or -errno */
};

#define MW_USER_ACTIVE 1u

struct mw_control_user {
	uint64_t eui;
	uint32_t roles; /* set of enum mw_role */
	uint32_t flags; /* MW_USER_ACTIVE */
	char name[MW_NAME_SIZE];
	char callback_url[MW_URL_SIZE]; /* where answers are POSTed; "" = none */
};

#define MW_CERTIFICATE_DER_MAX 4096

struct mw_control_certificate {
	uint64_t eui; /* the user it belongs to */
	uint32_t der_length;
	uint32_t reserved;
	/* der_length bytes of DER follow */
};

struct mw_control_provider {
	uint32_t id;   /* 0 .. 63, referred to by devices */
	uint32_t kind; /* enum mw_provider_kind */
	char name[MW_NAME_SIZE];
	char url[MW_URL_SIZE];
};

struct mw_control_device {
	uint64_t device_id;
	uint32_t provider_id;
	uint8_t generation; /* enum mw_generation */
	uint8_t reserved[3];
};

/* How an SRV is answered. */
#define MW_SRV_CONTROL_ANSWERS 1u /* 5.1 5.2 5.3 8.2: by control, with a body */
#define MW_SRV_NON_DEVICE 2u	  /* the target is the DSP itself, not a device */

struct mw_control_srv_rule {
	char srv[MW_SRV_SIZE];
	char service_reference[MW_SRV_SIZE];
	char body_element[MW_ELEMENT_NAME_SIZE];
	uint32_t roles;		   /* set of enum mw_role that may send it */
	uint32_t flags;		   /* MW_SRV_... */
	uint16_t command_variants; /* bit n set: CV n is allowed */
	uint8_t mdr_generations;   /* bit enum mw_generation: device generations an MDR may ask */
	uint8_t reserved;
	char mdr_generation_code[MW_CODE_SIZE]; /* answer when the generation does not fit */
	uint8_t reserved2[4];
};

/* Documents for control's services are small; the data plane refuses longer ones itself. */
#define MW_CONTROL_DOCUMENT_MAX (256u * 1024)

struct mw_control_service_request {
	uint64_t token; /* chosen by the data plane, returned in the answer */
	struct mw_request_id request_id;
	char srv[MW_SRV_SIZE];
	char schema_version[MW_SCHEMA_VERSION_SIZE];
	uint32_t roles; /* of the sender */
	uint32_t document_length;
	/* the digested octets of the request (canonical, without the signature) follow */
};

struct mw_control_service_answer {
	uint64_t token;
	char code[MW_CODE_SIZE]; /* ResponseCode */
	uint32_t body_length;	 /* 0: no body */
	uint32_t reserved;
	/* canonical XML of the element that goes into ResponseMessage follows, prefix sr */
};

struct mw_control_due_read {
	uint64_t schedule_id; /* DSPScheduleID */
	uint32_t occurrence;  /* 0 = first */
	uint32_t attempt;     /* 0 = first */
	uint64_t user;	      /* EUI of the schedule's owner */
	uint64_t device_id;
	struct mw_request_id request_id; /* derived from schedule, occurrence and attempt */
	char srv[MW_SRV_SIZE];
	char schema_version[MW_SCHEMA_VERSION_SIZE];
	uint32_t document_length;
	uint32_t reserved;
	/* the canonical, unsigned DUIS Request for the provider follows */
};

struct mw_control_due_read_taken {
	uint64_t schedule_id;
	uint32_t occurrence;
	uint32_t attempt;
	int32_t status; /* 0: accepted by the data plane; -EAGAIN: offer it again; other -errno:
			   refused */
	uint32_t reserved;
};

_Static_assert(sizeof(struct mw_control_header) == 16, "control header");
_Static_assert(sizeof(struct mw_control_hello) == 24, "hello");
_Static_assert(sizeof(struct mw_control_credit) == 8, "credit");
_Static_assert(sizeof(struct mw_control_reference) == 32, "reference");
_Static_assert(sizeof(struct mw_control_user) == 320, "user");
_Static_assert(sizeof(struct mw_control_certificate) == 16, "certificate");
_Static_assert(sizeof(struct mw_control_provider) == 312, "provider");
_Static_assert(sizeof(struct mw_control_device) == 16, "device");
_Static_assert(sizeof(struct mw_control_srv_rule) == 120, "srv rule");
_Static_assert(sizeof(struct mw_control_service_request) == 64, "service request");
_Static_assert(sizeof(struct mw_control_service_answer) == 24, "service answer");
_Static_assert(sizeof(struct mw_control_due_read) == 88, "due read");
_Static_assert(sizeof(struct mw_control_due_read_taken) == 24, "due read taken");

#endif

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
 *                                     <- USER, CERTIFICATE, PROVIDER, REGISTRY_IMAGE, SRV_RULE,
 *                                        ACCESS_CHECKS, ALERT_CODE, THRESHOLD ...
 *     CREDIT {n}                       ->
 *                                     <- REFERENCE_END {generation, crc32c of all records}
 *     REFERENCE_APPLIED {generation, status} ->
 *     SERVICE_REQUEST                  ->            (5.1 5.2 5.3 8.2: control answers)
 *                                     <- SERVICE_ANSWER
 *                                     <- DUE_READ    (a scheduled read is due)
 *     DUE_READ_TAKEN                   ->
 *                                     <- ALERT       (a DCC Alert for a user)
 *     ALERT_TAKEN                      ->
 *     QUARANTINED                      ->            (a request is held)
 *                                     <- QUARANTINE  (release it, or delete it)
 *     QUARANTINE_DONE                  ->
 *                                     <- STATUS_REQUEST
 *     STATUS                           ->            (JSON text)
 *                                     <- DECISIONS_WANTED (what became of a RequestID)
 *     DECISIONS                        ->
 *                                     <- REPLAY_RESET (forget an originator's counters)
 *     REPLAY_RESET_DONE                ->
 *   motorwayctl
 *     HELLO, COMMAND (JSON text) ->   <- REPLY (JSON text)
 *
 * A reference set replaces the one before it whole: the data plane applies it at REFERENCE_END or
 * not at all. After a lost connection the data plane names in HELLO the generation it was receiving
 * and the offset (number of records it holds); control goes on there if that generation is still
 * its current one. Everything that one side sends unasked needs one credit of the other: records,
 * due reads, alerts and QUARANTINE towards the data plane, service requests and QUARANTINED towards
 * control; so neither side can be flooded. Every number is validated by its receiver.
 */
#ifndef MOTORWAY_CONTROL_PROTOCOL_H
#define MOTORWAY_CONTROL_PROTOCOL_H

#include <stdint.h>

#include "motorway/access_terms.h"
#include "motorway/duis_terms.h"

#define MW_CONTROL_MAGIC 0x5957544du /* "MTWY" */
#define MW_CONTROL_VERSION 3
#define MW_CONTROL_PAYLOAD_MAX (16u * 1024 * 1024)

enum mw_control_type {
	MW_CONTROL_HELLO = 1,
	MW_CONTROL_CREDIT = 2,
	MW_CONTROL_REFERENCE_BEGIN = 3,
	MW_CONTROL_USER = 4,
	MW_CONTROL_CERTIFICATE = 5,
	MW_CONTROL_PROVIDER = 6,
	MW_CONTROL_REGISTRY_IMAGE = 7,
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
	MW_CONTROL_ACCESS_CHECKS = 19,
	MW_CONTROL_ALERT_CODE = 20,
	MW_CONTROL_THRESHOLD = 21,
	MW_CONTROL_ALERT = 22,
	MW_CONTROL_ALERT_TAKEN = 23,
	MW_CONTROL_QUARANTINED = 24,
	MW_CONTROL_QUARANTINE = 25,
	MW_CONTROL_QUARANTINE_DONE = 26,
	MW_CONTROL_DECISIONS_WANTED = 27,
	MW_CONTROL_DECISIONS = 28,
	MW_CONTROL_REPLAY_RESET = 29,
	MW_CONTROL_REPLAY_RESET_DONE = 30,
	MW_CONTROL_WINDOW = 31, /* motorway/window_record.h */
	MW_CONTROL_TIMING = 32, /* motorway/timing_record.h */
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
	uint32_t roles;	       /* set of enum mw_role */
	uint32_t flags;	       /* MW_USER_ACTIVE */
	uint32_t organisation; /* number of the market participant, 0: none */
	uint32_t reserved;
	char name[MW_NAME_SIZE];
	char callback_url[MW_URL_SIZE];		   /* where answers are POSTed; "" = none */
	char duis_version[MW_SCHEMA_VERSION_SIZE]; /* of his own; "": the first configured one */
};

#define MW_CERTIFICATE_DER_MAX 4096

struct mw_control_certificate {
	uint64_t eui; /* the user it belongs to */
	uint32_t der_length;
	uint32_t reserved;
	/* der_length bytes of DER follow */
};

struct mw_control_provider {
	uint32_t id;   /* 0 .. 63, referred to by the devices of the registry image */
	uint32_t kind; /* enum mw_provider_kind */
	char name[MW_NAME_SIZE];
	char url[MW_URL_SIZE];
};

#define MW_CONTROL_PATH_SIZE 512

/* Where the devices are (motorway/registry_image.h). One record in a set. */
struct mw_control_registry_image {
	uint64_t image_id; /* another file may have taken the path by now */
	char path[MW_CONTROL_PATH_SIZE];
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
	uint16_t device_types;	   /* bit enum mw_device_type */
	uint16_t device_statuses;  /* bit enum mw_device_status */
	uint8_t generations;	   /* bit enum mw_generation: devices that it can be sent to */
	uint8_t mdr_generations;   /* the same for an MDR */
	uint8_t modes;		   /* set of enum mw_mode */
	uint8_t uplift_modes;	   /* of these, those that the newer DUIS version alone has */
	uint8_t direction;	   /* enum mw_direction */
	uint8_t reserved;
	char mdr_generation_code[MW_CODE_SIZE]; /* answer when an MDR's generation does not fit */
	uint8_t reserved2[4];
};

/* The checks in the order in which they are made, each once, and what they need to know beside the
 * rules (conf/access/checks.yaml). One record in a set. */
struct mw_control_access_check {
	uint8_t check; /* enum mw_access_check */
	uint8_t reserved[7];
	char code[MW_CODE_SIZE];
};

struct mw_control_access_checks {
	struct mw_control_access_check checks[MW_ACCESS_CHECK_COUNT];
	char uplift_version[MW_SCHEMA_VERSION_SIZE]; /* the oldest that has what MP162 brought */
	uint32_t uplift_roles;			     /* roles that it alone has */
	uint32_t local_roles;			     /* may have commands for local delivery */
	uint32_t unlinked_roles;		     /* may reach a device without any MPxN ... */
	uint16_t unlinked_types;		     /* ... of such a type */
	uint16_t unlinked_statuses;		     /* ... or of such a status */
	uint16_t local_statuses;
	uint16_t local_variants;	/* command variants with local delivery */
	uint16_t future_dated_variants; /* command variants that may have an ExecutionDateTime */
	/* Sets of enum mw_entitlement, bit n: of each role, by its bit number (0: the role has no
	 * registration and is not asked for one), and of each direction. */
	uint16_t role_entitlements[MW_ROLE_COUNT];
	uint16_t direction_entitlements[MW_DIRECTION_COUNT];
	uint8_t reserved[4];
};

/* The DCCAlertCode of an event for which the data plane itself writes the element. */
enum mw_alert_event {
	MW_ALERT_VERSION_MISMATCH = 1, /* a service response that the user's version lacks */
};

struct mw_control_alert_code {
	uint32_t event; /* enum mw_alert_event */
	uint32_t reserved;
	char code[MW_CODE_SIZE];
};

/* More than `limit` requests of this user in any period are quarantined. */
struct mw_control_threshold {
	uint64_t user;	       /* 0: the DCC's, of all users together */
	char srv[MW_SRV_SIZE]; /* "": requests of every SRV, together */
	uint32_t period_s;
	uint32_t limit;
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

#define MW_DUE_READ_PERIOD 1u /* the document has a ReadLogPeriod */

struct mw_control_due_read {
	uint64_t schedule_id; /* DSPScheduleID */
	uint32_t occurrence;  /* 0 = first */
	uint32_t attempt;     /* 0 = first */
	uint64_t user;	      /* EUI of the schedule's owner */
	uint64_t device_id;
	struct mw_request_id request_id; /* derived from schedule, occurrence and attempt */
	char srv[MW_SRV_SIZE];
	char schema_version[MW_SCHEMA_VERSION_SIZE];
	int64_t period_start_s; /* of the ReadLogPeriod in the document; MW_DUE_READ_PERIOD */
	int64_t period_end_s;
	int64_t release_ms; /* not before this, since 1970 */
	int64_t deadline_s; /* when its answer is due, since 1970 */
	uint32_t document_length;
	uint16_t flags;	 /* MW_DUE_READ_... */
	uint8_t windows; /* enum mw_window_class */
	uint8_t reserved;
	/* the canonical, unsigned DUIS Request for the provider follows */
};

struct mw_control_due_read_taken {
	uint64_t schedule_id;
	uint32_t occurrence;
	uint32_t attempt;
	int32_t status; /* 0: accepted by the data plane; -EAGAIN: offer it again; -EACCES: refused
			   by access control, and the user has been answered `code`; other -errno:
			   refused */
	uint8_t check;	/* enum mw_access_check that refused; else MW_ACCESS_CHECK_COUNT */
	uint8_t reserved[3];
	char code[MW_CODE_SIZE]; /* "" unless refused by access control */
};

/* Elements of DCC Alerts are small too: DUIS XSD, type DCCAlert. */
#define MW_CONTROL_ALERT_BODY_MAX 4096u

#define MW_ALERT_QUARANTINE 1u /* `token` names a held request, which the alert announces */

struct mw_control_alert {
	uint64_t alert_id; /* counter of its ResponseID; never given twice */
	uint64_t user;
	uint64_t token;				     /* as in mw_control_quarantined */
	char code[MW_CODE_SIZE];		     /* DCCAlertCode */
	char schema_version[MW_SCHEMA_VERSION_SIZE]; /* the user's; "": the first configured one */
	uint32_t flags;				     /* MW_ALERT_... */
	uint32_t body_length;
	uint32_t mismatch_length;
	uint32_t reserved;
	/* body_length bytes: canonical XML of the element that goes into DCCAlert, prefix sr; then
	 * mismatch_length bytes: the one that takes its place, with the code of
	 * MW_ALERT_VERSION_MISMATCH, when the user's version cannot express the first */
};

struct mw_control_alert_taken {
	uint64_t alert_id;
	int32_t status; /* 0: durable in the data plane; -EAGAIN: offer it again; other -errno:
			   refused */
	uint32_t reserved;
};

struct mw_control_quarantined {
	uint64_t token;	    /* chosen by the data plane, names the held request */
	uint64_t reference; /* its QuarantineEventRef, which is the id of the alert that announced
			       it; 0: not announced yet */
	uint64_t user;
	struct mw_request_id request_id;
	char srv[MW_SRV_SIZE];
	int64_t held_ms;   /* wall clock, ms since 1970 */
	uint32_t period_s; /* of the threshold that it exceeded */
	uint32_t limit;
	uint32_t flags; /* MW_QUARANTINED_... */
	uint32_t reserved;
};

#define MW_QUARANTINED_DCC 1u /* the threshold is the DCC's, of all users together */

enum mw_quarantine_action {
	MW_QUARANTINE_RELEASE = 1, /* send it on its way */
	MW_QUARANTINE_DELETE = 2,  /* end it */
};

struct mw_control_quarantine {
	uint64_t token;
	uint64_t reference;
	uint32_t action; /* enum mw_quarantine_action */
	uint32_t reserved;
};

struct mw_control_quarantine_done {
	uint64_t reference;
	uint32_t action;
	int32_t status; /* 0: durable; -ENOENT: not held; -EAGAIN: no room now */
};

/* What the data plane decided about a request, as it was made. */
#define MW_DECISION_PERIOD 1u	 /* the time asked for is that of period_... */
#define MW_DECISION_SCHEDULED 2u /* a run of a schedule */
#define MW_DECISION_LATER 4u	 /* decided by the traffic lcore, after access control */
#define MW_DECISION_FUTURE 8u	 /* future dated: period_start_s is the ExecutionDateTime */

struct mw_control_decision {
	struct mw_request_id request_id;
	int64_t time_ms;     /* wall clock, since 1970 */
	uint64_t generation; /* of the reference set that was in force */
	uint64_t user;	     /* the originator; of a scheduled run the schedule's owner */
	int64_t period_start_s;
	int64_t period_end_s;
	int64_t uncovered_s; /* of a refusal for want of entitlement; else INT64_MIN */
	char srv[MW_SRV_SIZE];
	char code[MW_CODE_SIZE]; /* DUIS code of a refusal, "" when accepted, or for 503 */
	char reason[MW_REASON_SIZE];
	char schema_version[MW_SCHEMA_VERSION_SIZE];
	uint32_t roles; /* of the user's, those in which it was permitted; refused: all he had */
	uint8_t command_variant;
	uint8_t service; /* enum mw_service; of no interest when scheduled */
	uint8_t check;	 /* enum mw_access_check that refused; else MW_ACCESS_CHECK_COUNT */
	uint8_t flags;	 /* MW_DECISION_... */
};

#define MW_DECISIONS_MAX 16u /* of one RequestID; the latest ones are told */

struct mw_control_decisions_wanted {
	uint64_t token; /* chosen by control, returned in the answer */
	struct mw_request_id request_id;
};

struct mw_control_decisions {
	uint64_t token;
	struct mw_request_id request_id;
	uint32_t count;	   /* at most MW_DECISIONS_MAX */
	uint32_t kept_max; /* decisions that each edge keeps */
			   /* count times struct mw_control_decision follow, the latest first */
};

struct mw_control_replay_reset {
	uint64_t token;
	uint64_t originator;
};

struct mw_control_replay_reset_done {
	uint64_t token;
	uint64_t originator;
	uint64_t highest; /* counter that had been accepted, of any of its scopes */
	uint32_t scopes;  /* forgotten; 0: nothing was known of the originator */
	int32_t status;	  /* 0, or -EAGAIN: no room now */
};

_Static_assert(sizeof(struct mw_control_header) == 16, "control header");
_Static_assert(sizeof(struct mw_control_hello) == 24, "hello");
_Static_assert(sizeof(struct mw_control_credit) == 8, "credit");
_Static_assert(sizeof(struct mw_control_reference) == 32, "reference");
_Static_assert(sizeof(struct mw_control_user) == 344, "user");
_Static_assert(sizeof(struct mw_control_alert_code) == 16, "alert code");
_Static_assert(sizeof(struct mw_control_threshold) == 24, "threshold");
_Static_assert(sizeof(struct mw_control_alert) == 64, "alert");
_Static_assert(sizeof(struct mw_control_alert_taken) == 16, "alert taken");
_Static_assert(sizeof(struct mw_control_quarantined) == 80, "quarantined");
_Static_assert(sizeof(struct mw_control_quarantine) == 24, "quarantine");
_Static_assert(sizeof(struct mw_control_quarantine_done) == 16, "quarantine done");
_Static_assert(sizeof(struct mw_control_certificate) == 16, "certificate");
_Static_assert(sizeof(struct mw_control_provider) == 312, "provider");
_Static_assert(sizeof(struct mw_control_registry_image) == 520, "registry image");
_Static_assert(sizeof(struct mw_control_srv_rule) == 128, "srv rule");
_Static_assert(sizeof(struct mw_control_access_checks) == 308, "access checks");
_Static_assert(sizeof(struct mw_control_service_request) == 64, "service request");
_Static_assert(sizeof(struct mw_control_service_answer) == 24, "service answer");
_Static_assert(sizeof(struct mw_control_due_read) == 120, "due read");
_Static_assert(sizeof(struct mw_control_due_read_taken) == 32, "due read taken");
_Static_assert(sizeof(struct mw_control_decision) == 144, "decision");
_Static_assert(sizeof(struct mw_control_decisions_wanted) == 32, "decisions wanted");
_Static_assert(sizeof(struct mw_control_decisions) == 40, "decisions");
_Static_assert(sizeof(struct mw_control_replay_reset) == 16, "replay reset");
_Static_assert(sizeof(struct mw_control_replay_reset_done) == 32, "replay reset done");

#endif

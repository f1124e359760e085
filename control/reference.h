/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference set: everything motorway-control knows about users, certificates, providers,
 * devices, access and service codes. A set is read whole, checked whole, and then never changes; a
 * reload makes another one. reference.c alone owns its memory and its order; whoever keeps the data
 * elsewhere (a store instead of files) replaces reference_read() and nothing else.
 *
 * As records in a fixed order (users, certificates, providers, registry image, rules, access
 * checks, alert code, thresholds, timings, windows) the set goes to the data plane; see
 * motorway/control_protocol.h. One thread.
 */
#ifndef CONTROL_REFERENCE_H
#define CONTROL_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "control/alert_event.h"
#include "control/trust.h"
#include "motorway/control_protocol.h"
#include "motorway/timing_record.h"
#include "motorway/window_record.h"

/* What the data plane's tables hold at most. */
#define REFERENCE_USERS_MAX 512
#define REFERENCE_CERTIFICATES_MAX 2048
#define REFERENCE_PROVIDERS_MAX 64
#define REFERENCE_DEVICES_MAX (1u << 20)
#define REFERENCE_RULES_MAX 256
#define REFERENCE_MPID_SIZE 8 /* market participant id: A-Z 0-9 */
#define REFERENCE_THRESHOLDS_MAX 4096
#define REFERENCE_PERIOD_S_MAX (400u * 86400)

struct reference_user {
	uint64_t eui;
	uint32_t roles;	       /* set of enum mw_role */
	uint32_t organisation; /* number, 0: none */
	bool active;
	char mpid[REFERENCE_MPID_SIZE]; /* of the organisation, as the file has it; "" = has none */
	char name[MW_NAME_SIZE];
	char callback_url[MW_URL_SIZE];		   /* "" = none */
	char duis_version[MW_SCHEMA_VERSION_SIZE]; /* of his own; "" = the first configured one */
};

struct reference_certificate {
	uint64_t eui;	      /* the user's */
	uint8_t identity[32]; /* certificate_identity() */
	uint32_t der_length;
	uint8_t *der; /* owned by the set */
};

struct reference_provider {
	uint32_t id;
	int kind; /* enum mw_provider_kind */
	char name[MW_NAME_SIZE];
	char url[MW_URL_SIZE];
};

/* What 8.2 shows of a device. Sizes are those of the DUIS types; "" = not known. */
struct reference_device {
	uint64_t device_id;
	int generation; /* enum mw_generation */
	uint32_t provider_id;
	char provider[MW_NAME_SIZE];
	char type[8];
	char status[28];
	char manufacturer[31];
	char model[31];
	char smets_version[21];
	char firmware_version[9];
	char firmware_version_status[12];
	char cpl_status[12];
	char date_commissioned[11];
	char import_mpxn[14];
	char secondary_import_mpan[14];
	char export_mpan[14];
	char esme_variant[5];
	char uprn[13];
	char post_code[9];
	char address_identifier[31];
	char csp_region[8];
	char gbcs_version[17];
	char han_variant[33];
	char s1sp[33];
};

/* Why control refuses a service request. X(NAME, "name in services.yaml") */
#define SERVICE_REASONS(X)                                                                         \
	X(SCHEDULE_NOT_SCHEDULABLE, "schedule-not-schedulable")                                    \
	X(SCHEDULE_MISMATCH, "schedule-mismatch")                                                  \
	X(SCHEDULE_DATE_ORDER, "schedule-date-order")                                              \
	X(SCHEDULE_DATE_PASSED, "schedule-date-passed")                                            \
	X(SCHEDULE_DATE_RANGE, "schedule-date-range")                                              \
	X(SCHEDULE_PERIOD_ORDER, "schedule-period-order")                                          \
	X(SCHEDULE_LIMIT, "schedule-limit")                                                        \
	X(SCHEDULE_TOO_LARGE, "schedule-too-large")                                                \
	X(SCHEDULE_DEVICE_UNKNOWN, "schedule-device-unknown")                                      \
	X(SCHEDULE_ROLE, "schedule-role")                                                          \
	X(SCHEDULE_MDR, "schedule-mdr")                                                            \
	X(SCHEDULE_GENERATION, "schedule-generation")                                              \
	X(SCHEDULE_NOT_ENTITLED, "schedule-not-entitled")                                          \
	X(SCHEDULE_DEVICE_STATUS, "schedule-device-status")                                        \
	X(SCHEDULE_DEVICE_TYPE, "schedule-device-type")                                            \
	X(SCHEDULE_VERSION, "schedule-version")                                                    \
	X(SCHEDULE_CAPACITY, "schedule-capacity")                                                  \
	X(READ_SCHEDULE_UNKNOWN, "read-schedule-unknown")                                          \
	X(READ_SCHEDULE_NONE, "read-schedule-none")                                                \
	X(DELETE_SCHEDULE_UNKNOWN, "delete-schedule-unknown")                                      \
	X(DELETE_SCHEDULE_NONE, "delete-schedule-none")                                            \
	X(INVENTORY_NOTHING, "inventory-nothing")                                                  \
	X(INVENTORY_TOO_MANY, "inventory-too-many")                                                \
	X(NOT_UNDERSTOOD, "service-not-understood")

enum service_reason {
	SERVICE_DONE = -1,
#define SERVICE_REASON_ENUM(name, text) SERVICE_##name,
	SERVICE_REASONS(SERVICE_REASON_ENUM)
#undef SERVICE_REASON_ENUM
	SERVICE_REASON_COUNT,
};

/* The name of a reason in services.yaml. */
const char *service_reason_name(enum service_reason reason);

struct reference {
	uint64_t generation; /* of the set, never 0 */
	struct reference_user *users;
	size_t user_count;
	struct reference_certificate *certificates;
	size_t certificate_count;
	struct reference_provider *providers;
	size_t provider_count;
	struct reference_device *devices; /* in order of device_id */
	size_t device_count;
	struct mw_control_registry_image image; /* put in by whoever keeps it */
	struct mw_control_srv_rule *rules;
	size_t rule_count;
	struct mw_control_access_checks checks;
	char alert_codes[ALERT_EVENT_COUNT][MW_CODE_SIZE];
	struct mw_control_threshold *thresholds; /* user 0: of all users together */
	size_t threshold_count;
	size_t thresholds_left_out; /* of SRVs that the matrix does not have */
	/* What stands in the files, and so is not an operator's to remove. */
	uint64_t *file_users;
	size_t file_user_count;
	uint64_t file_providers; /* bit of each id */
	struct mw_control_threshold *file_thresholds;
	size_t file_threshold_count;
	char codes[SERVICE_REASON_COUNT][MW_CODE_SIZE];
	struct mw_window_record *windows; /* timing.h puts these in */
	size_t window_count;
	struct mw_timing_record *timings;
	size_t timing_count;
	uint32_t crc32c; /* of the payloads of all records */
};

/* The files of a set. */
struct reference_paths {
	const char *users;
	const char *devices;
	const char *providers;
	const char *access;
	const char *service_codes;
	const char *access_checks;
	const char *alerts;
	const char *thresholds;
	const char *duis_version;  /* of users whose row names none; NULL: "" */
	const struct trust *trust; /* NULL: issuers of certificates are not checked */
	uint64_t dsp_eui;
	int64_t now_ms; /* since 1970, for trust */
};

/* Read and check a set. Returns 0 and the set, which the caller frees with reference_free(), or
 * -EINVAL (errors, each written to `errors` as one line) or another -errno. */
int reference_read(const struct reference_paths *paths, uint64_t generation, FILE *errors,
	struct reference **reference);
void reference_free(struct reference *reference);

/* Take users, certificates, providers and thresholds out of the set, to put others there. */
void reference_drop_parties(struct reference *reference);

/* Note users, providers and thresholds of the set as those of the files, then take them out.
 * 0 or -ENOMEM: nothing was done. */
int reference_note_files(struct reference *reference);

/* Compute the checksum of a set whose parts were changed by whoever made it. */
void reference_seal(struct reference *reference);

/* Find by key; NULL when there is none. The result lives as long as the set. */
const struct reference_user *reference_user(const struct reference *reference, uint64_t eui);
const struct reference_device *reference_device(
	const struct reference *reference, uint64_t device_id);
const struct mw_control_srv_rule *reference_rule(
	const struct reference *reference, const char *srv);

/* Records: their number, and record `index` (0 .. count - 1). */
#define REFERENCE_RECORD_BYTES_MAX (sizeof(struct mw_control_certificate) + MW_CERTIFICATE_DER_MAX)

size_t reference_record_count(const struct reference *reference);

/* Write the payload of record `index` into `payload` (REFERENCE_RECORD_BYTES_MAX bytes); returns
 * its length and sets *type. */
size_t reference_record(const struct reference *reference, size_t index, enum mw_control_type *type,
	uint8_t *payload);

#endif

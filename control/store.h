/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: all reference data that motorway-control owns, in LMDB. Organisations, users,
 * certificates, providers, the inventory of devices, MPxNs with their registrations and
 * appointments, and the messages of the registration feed.
 *
 * One writer thread. Changes are made in a store_change and are in force, durable and visible all
 * together when store_commit() returned; callers that gather several requests in one change share
 * its commit. Reading is done inside a change or in a short snapshot; nothing keeps a snapshot
 * while it waits for anything. Every put is a replacement of the whole row. doc/store.md describes
 * the tables.
 */
#ifndef CONTROL_STORE_H
#define CONTROL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/mpxn.h"
#include "control/reference.h"

#define STORE_MPID_SIZE REFERENCE_MPID_SIZE
#define STORE_MESSAGE_ID_SIZE 65
#define STORE_TEXT_MAX 65536
#define STORE_LOG_ENTRIES_MAX 1000000

/* Who put a row there: rows of the configuration's files go when they leave the files. */
enum store_origin {
	STORE_ORIGIN_OPERATOR = 0,
	STORE_ORIGIN_FILE = 1,
	STORE_ORIGIN_FEED = 2,
};

struct store_organisation {
	uint32_t number; /* 1 .. MW_REGISTRY_ORGANISATION_MAX; given by the store */
	uint8_t origin;
	char mpid[STORE_MPID_SIZE]; /* market participant id, A-Z 0-9, each once; "" = has none */
	char name[MW_NAME_SIZE];
};

struct store_user {
	uint32_t organisation; /* number; get puts it into `user`, too, put does not look there */
	uint8_t origin;
	struct reference_user user; /* mpid is not kept: the organisation has it */
};

struct store_certificate {
	uint64_t eui;
	uint8_t origin;
	bool withdrawn; /* kept for the record, no longer valid */
	uint32_t der_length;
	uint8_t der[MW_CERTIFICATE_DER_MAX];
};

struct store_provider {
	uint8_t origin;
	struct reference_provider provider;
};

/* A threshold of anomaly detection; user 0: of all users together, srv "": of all SRVs. */
struct store_threshold {
	uint8_t origin;
	struct mw_control_threshold threshold;
};

struct store_device {
	uint8_t origin;
	struct reference_device device;
};

/* What became of a message of the feed. */
enum store_message_state {
	STORE_MESSAGE_APPLIED = 1,
	STORE_MESSAGE_SET_ASIDE = 2,
};

struct store_message {
	char id[STORE_MESSAGE_ID_SIZE];
	uint8_t state; /* enum store_message_state */
	int64_t received_ms;
	char reason[128];     /* SET_ASIDE */
	uint32_t text_length; /* SET_ASIDE: the message as it came, so that it can be mended */
	char *text;	      /* borrowed on put; on get: valid until the next write, or the end */
};

struct store;

struct store_options {
	const char *path;   /* a folder; made when it is missing */
	uint64_t bytes_max; /* how far the file may grow, 4 MiB or more; an eighth of it is kept
			     * for changing what is there. Not used when read_only */
	bool read_only;	    /* for tools beside a running control */
	bool without_sync;  /* tests and bulk loads that end with store_sync() */
};

/* Open or make a store. NULL with errno and one line in `reason`: EBUSY (another process has it
 * open for writing, and is named; or this process has it open already, which LMDB's locks do not
 * allow), ENOENT (read_only, and there is none), EPROTO (another format), EINVAL, EIO, or another
 * errno of the system. Never use it in a child after fork(). */
struct store *store_open(const struct store_options *options, char *reason, size_t reason_size);
void store_close(struct store *store);
int store_sync(struct store *store);

/* A random number that the store got when it was made. */
uint64_t store_id(const struct store *store);

/* Transactions. One change at a time, begun and ended by the writer's thread; snapshots are short
 * and may be taken by any thread, each used by one at a time. NULL with errno (EAGAIN: too many
 * readers). */
struct store_change *store_begin(struct store *store);
struct store_change *store_snapshot(struct store *store);

/* Make it durable (fdatasync) and in force. Returns 0, then *number is the number of the change
 * (counted from 1; only a change that wrote something counts), or -errno: nothing happened. The
 * change is gone in both cases. */
int store_commit(struct store_change *change, uint64_t *number);
void store_abandon(struct store_change *change); /* also ends a snapshot */

/* The number of the last committed change, as this change or snapshot sees it. */
uint64_t store_change_number(const struct store_change *change);

/* What the last -EIO of this change or snapshot was: LMDB's words, or the table and the key of a
 * damaged row; "" when there was none. Lives as long as the change. */
const char *store_change_fault(const struct store_change *change);

/* Get: 0 and the row, -ENOENT, or -EIO (logged, store_change_fault()). Put: 0 (a row that is there
 * exactly so is not written again), -ENOSPC (bytes_max), -EEXIST (another row has the unique second
 * key), -EINVAL (it holds what no row can hold, or names a row that is not there), -E2BIG (device:
 * one of its MPxNs has MPXN_DEVICES_MAX devices already). Remove: 0 or -ENOENT. After -EEXIST,
 * -EINVAL, -E2BIG and nearly every -ENOSPC nothing of that put is in the change, which may go on;
 * after another error store_commit() gives the same one.
 *
 * Organisation: number 0 on put makes a new one and is set. Keys 0 (EUI-64, DeviceID, MPxN) are no
 * keys. A user's organisation and a certificate's user must be there. */
int store_organisation_get(
	struct store_change *change, uint32_t number, struct store_organisation *organisation);
int store_organisation_find(
	struct store_change *change, const char *mpid, struct store_organisation *organisation);
int store_organisation_put(struct store_change *change, struct store_organisation *organisation);

int store_user_get(struct store_change *change, uint64_t eui, struct store_user *user);
int store_user_put(struct store_change *change, const struct store_user *user);
int store_user_remove(struct store_change *change, uint64_t eui); /* certificates, thresholds too */

/* Keyed by a SHA-256 of the DER. */
void store_certificate_fingerprint(
	const struct store_certificate *certificate, uint8_t fingerprint[32]);
int store_certificate_get(struct store_change *change, const uint8_t fingerprint[32],
	struct store_certificate *certificate);
int store_certificate_put(struct store_change *change, const struct store_certificate *certificate);
int store_certificate_remove(struct store_change *change, const uint8_t fingerprint[32]);

int store_provider_get(struct store_change *change, uint32_t id, struct store_provider *provider);
int store_provider_put(struct store_change *change, const struct store_provider *provider);
int store_provider_remove(struct store_change *change, uint32_t id);

/* Keyed by user, SRV and period. A user (but 0) must be there on put. */
int store_threshold_get(struct store_change *change, struct store_threshold *threshold);
int store_threshold_put(struct store_change *change, const struct store_threshold *threshold);
int store_threshold_remove(
	struct store_change *change, const struct mw_control_threshold *threshold);

/* A device's numbers link it to their MPxNs: put and remove keep both sides (and the indexes by
 * UPRN and postcode) together. */
int store_device_get(struct store_change *change, uint64_t device_id, struct store_device *device);
/* The same in a snapshot of its own; also -errno of store_snapshot(). */
int store_find_device(struct store *store, uint64_t device_id, struct store_device *device);

int store_device_put(struct store_change *change, const struct store_device *device);
int store_device_remove(struct store_change *change, uint64_t device_id);

/* What the registry image has of a device's own row. */
struct store_device_access {
	uint64_t device_id;
	uint8_t type;	    /* enum mw_device_type */
	uint8_t status;	    /* enum mw_device_status, 0: not known */
	uint8_t generation; /* enum mw_generation */
	uint8_t provider_id;
};

/* Walk the devices as store_device_next() does, but read only this of their rows: for walks over
 * all of them. */
int store_device_access_next(
	struct store_change *change, uint64_t *cursor, struct store_device_access *access);

/* The numbers by which a device is linked to MPxNs. Returns how many; -EINVAL: one is none. */
struct store_link {
	uint64_t number;
	uint8_t use;
};
#define STORE_LINKS_MAX 3 /* of a device */
int store_device_links(
	const struct reference_device *device, struct store_link links[STORE_LINKS_MAX]);

/* How many devices there are; 0 after an error, too. */
uint64_t store_device_count(struct store_change *change);

/* The devices of a premises, for 8.2: at most `max` ids, in order. Returns how many there are (0
 * after an error, too; store_change_fault()). */
size_t store_devices_by_mpxn(
	struct store_change *change, uint64_t mpxn, uint64_t *device_ids, size_t max);
size_t store_devices_by_uprn(
	struct store_change *change, uint64_t uprn, uint64_t *device_ids, size_t max);
size_t store_devices_by_post_code(
	struct store_change *change, const char *post_code, uint64_t *device_ids, size_t max);

/* Put takes number and events; the devices are the store's own and stay as they are. A row without
 * devices and events goes away. Events come back in the store's order: by first day. */
int store_mpxn_get(struct store_change *change, uint64_t number, struct mpxn *mpxn);
int store_mpxn_put(struct store_change *change, const struct mpxn *mpxn);

int store_message_get(struct store_change *change, const char *id, struct store_message *message);
int store_message_put(struct store_change *change, const struct store_message *message);
int store_message_remove(struct store_change *change, const char *id);

uint64_t store_message_count(struct store_change *change); /* 0 after an error, too */

/* Walk a table in key order, beginning behind `*cursor` (0 or "" at first; -1 for providers). The
 * row as in get; returns 1, or 0 at the end, or -EIO. A walk may go on in a later snapshot: no long
 * ones are needed. */
int store_organisation_next(
	struct store_change *change, uint32_t *cursor, struct store_organisation *organisation);
int store_user_next(struct store_change *change, uint64_t *cursor, struct store_user *user);
int store_certificate_next(
	struct store_change *change, uint8_t cursor[32], struct store_certificate *certificate);
int store_provider_next(
	struct store_change *change, int64_t *cursor, struct store_provider *provider);
/* Goes on behind the key that *threshold has; .period_s 0, .user 0, .srv "" at first. */
int store_threshold_next(struct store_change *change, struct store_threshold *threshold);
int store_device_next(struct store_change *change, uint64_t *cursor, struct store_device *device);
int store_mpxn_next(struct store_change *change, uint64_t *cursor, struct mpxn *mpxn);
int store_message_next(
	struct store_change *change, char cursor[STORE_MESSAGE_ID_SIZE], struct store_message *row);

/* The devices whose access changed in change numbers after `*since` (oldest first, repeats
 * possible), for the registry image. Fills device_ids[0 .. max), returns how many and sets *since
 * to the last change that was given whole; -ESTALE: the log does not go back that far, build anew;
 * -ENOBUFS: the next change alone has more than `max`; -EIO. The log keeps the last
 * STORE_LOG_ENTRIES_MAX entries (fewer in a store of less than 122 MiB), so that a room for so many
 * is always enough. A bulk load into an empty store leaves no log: -ESTALE. */
int64_t store_changes_since(
	struct store_change *change, uint64_t *since, uint64_t *device_ids, size_t max);

/* The devices that left this provider (removed, or now another's) in change numbers after `since`,
 * which store_changes_since() has just accepted: at most `max` (STORE_LOG_ENTRIES_MAX is always
 * enough), oldest first, repeats possible. Returns how many, or -EIO. One that came back is among
 * them, too. */
int64_t store_left_since(struct store_change *change, uint64_t since, uint32_t provider_id,
	uint64_t *device_ids, size_t max);

#endif

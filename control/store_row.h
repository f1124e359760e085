/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the store as bytes: one function to write and one to read each kind. Every row
 * begins with the version of its encoding. Reading checks every length and every number, because a
 * file can be damaged: what is not exactly a row that the writer would have made is refused.
 * Numbers are little-endian; doc/store.md has the layouts. Pure functions; any thread.
 */
#ifndef CONTROL_STORE_ROW_H
#define CONTROL_STORE_ROW_H

#include "control/store.h"

#define STORE_ROW_VERSION 1
#define STORE_ROW_DEVICE_MAX 512
#define STORE_ROW_USER_MAX 768
#define STORE_ROW_MPXN_MAX 4096
#define STORE_ROW_CERTIFICATE_MAX (MW_CERTIFICATE_DER_MAX + 64)
#define STORE_ROW_MESSAGE_MAX (STORE_TEXT_MAX + 256)

/* The store's own row: how far its counters are. */
struct store_state {
	uint32_t format;
	uint32_t organisations; /* the last number given */
	uint64_t id;
	uint64_t change;     /* number of the last change */
	uint64_t log_floor;  /* the log is whole for the changes after this one */
	uint64_t log_length; /* entries */
};

#define STORE_ROW_STATE_BYTES 41

/* A row as bytes. */
struct store_bytes {
	const uint8_t *bytes;
	size_t length;
};

/* Write a row into `out`, which has room for the largest row of its kind. Returns its length, or 0
 * when the struct holds something that no row can hold (a word that DUIS does not have, a number
 * that is none, a text without end). */
size_t store_row_write_state(const struct store_state *state, uint8_t *out);
size_t store_row_write_organisation(const struct store_organisation *organisation, uint8_t *out);
size_t store_row_write_user(const struct store_user *user, uint8_t *out);
size_t store_row_write_certificate(const struct store_certificate *certificate, uint8_t *out);
size_t store_row_write_provider(const struct store_provider *provider, uint8_t *out);
size_t store_row_write_threshold(const struct store_threshold *threshold, uint8_t *out);
size_t store_row_write_device(const struct store_device *device, uint8_t *out);
size_t store_row_write_mpxn(const struct mpxn *mpxn, uint8_t *out);
size_t store_row_write_message(const struct store_message *message, uint8_t *out);

/* Read a row. Fills everything but what the key tells (and a device's provider name). Returns
 * whether it is a row; the struct is undefined otherwise. A message's text points into the row. */
bool store_row_read_state(struct store_bytes row, struct store_state *state);
bool store_row_read_organisation(struct store_bytes row, struct store_organisation *organisation);
bool store_row_read_user(struct store_bytes row, struct store_user *user);
bool store_row_read_certificate(struct store_bytes row, struct store_certificate *certificate);
bool store_row_read_provider(struct store_bytes row, struct store_provider *provider);
bool store_row_read_threshold(struct store_bytes row, struct store_threshold *threshold);
bool store_row_read_device(struct store_bytes row, struct store_device *device);
bool store_row_read_access(struct store_bytes row, struct store_device_access *access);
bool store_row_read_mpxn(struct store_bytes row, struct mpxn *mpxn);
bool store_row_read_message(struct store_bytes row, struct store_message *message);

/* A number of 1 to 15 digits as text: its value, or 0 when it is none or is 0. */
uint64_t store_digits(const char *text);

#endif

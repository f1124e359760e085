/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the store share: a folder of its own for each test, and rows. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "control/store.h"

/* Make the folder, and remove it with everything in it. For .init and .fini. */
void store_folder_create(void);
void store_folder_destroy(void);

/* Path of `name` in the folder (static buffer, overwritten by the eighth call after it). */
const char *store_path(const char *name);

/* Open the store "store" of the folder; aborts the test when it cannot. */
struct store *store_test_open(uint64_t bytes_max);

/* Commit, expecting success; returns the number. */
uint64_t store_test_commit(struct store_change *change);

/* An organisation, a provider, a device with `import_mpxn` (NULL: none), put into the change. */
uint32_t store_test_organisation(struct store_change *change, const char *mpid);
void store_test_provider(struct store_change *change, uint32_t id, const char *name);
struct store_device store_test_device(uint64_t device_id, const char *import_mpxn);

/* Write `text` to a file of the folder; returns its path. */
const char *store_test_file(const char *name, const char *text);

/* The whole of a file, from malloc. */
char *store_test_read(const char *path);

/* The same numbers each time: splitmix64. */
uint64_t store_test_random(uint64_t *state);

#endif

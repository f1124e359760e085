/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the control plane share: a folder of its own with reference files and
 * certificates made on the spot, so that no test needs the official material or the network.
 */
#ifndef TESTS_CONTROL_FIXTURE_H
#define TESTS_CONTROL_FIXTURE_H

#include <stdint.h>

#include "control/ledger.h"
#include "control/reference.h"
#include "control/store.h"

#define FIXTURE_DSP 0x90b3d51f30000002u
#define FIXTURE_SUPPLIER 0x90b3d51f30010000u  /* IS ES GS */
#define FIXTURE_MDR 0x90b3d51f30010009u	      /* MDR */
#define FIXTURE_OPERATOR 0x90b3d51f30020000u  /* ED GT */
#define FIXTURE_SUSPENDED 0x90b3d51f3001000cu /* IS, not active */
#define FIXTURE_SMETS2 0x00db1234567890a0u
#define FIXTURE_SMETS1 0x00db12345678a001u
#define FIXTURE_GAS 0x00db1234567890a1u

/* Make the folder and the files. Aborts the test when it cannot. */
void fixture_create(void);

/* Remove the folder with everything in it. */
void fixture_destroy(void);

/* Path of `name` in the folder (static buffer, overwritten by the fourth call after it). */
const char *fixture_path(const char *name);

/* Write `text` to the file `name` in the folder. */
void fixture_write(const char *name, const char *text);

/* A self-signed P-256 certificate with `eui` in its subject (0: without one), as PEM file `name`.
 */
void fixture_certificate(const char *name, uint64_t eui);

/* Read the set; the files' errors go to *errors (malloc'ed text, the caller frees it). Returns what
 * reference_read() returns. */
int fixture_read(uint64_t generation, struct reference **reference, char **errors);

/* The same for a set that is in order. */
struct reference *fixture_reference(uint64_t generation);

/* A store in the folder, with the set in it: the first call makes it, further ones bring another
 * set in. Closed by fixture_destroy(). */
struct store *fixture_store(const struct reference *reference);

/* Load registrations and appointments (paths, or NULL) into that store and make its registry image,
 * which `reference` then names, with the users as the store knows them. The fixture has
 * parties-registrations.csv and parties-appointments.csv. */
void fixture_image(
	struct reference *reference, const char *registrations, const char *appointments);

/* A ledger of that store, which must be there. Committed or abandoned by fixture_destroy(). */
struct ledger *fixture_ledger(void);

/* Close the store as a process that is killed does, what was not committed is lost, and open it
 * again. Whatever was opened on it is to be closed before. */
struct store *fixture_store_again(void);

#endif

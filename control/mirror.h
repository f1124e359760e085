/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry image as motorway-control keeps it: a mirror of what the store says about devices
 * and who is entitled to them. Opened at start (built, or repaired and caught up), brought up to
 * date after every commit and before the change is acknowledged, built anew when it has no room
 * left. The thread that writes the store is the only one to call anything here.
 */
#ifndef CONTROL_MIRROR_H
#define CONTROL_MIRROR_H

#include <stdio.h>

#include "control/registry_write.h"
#include "control/store.h"

struct mirror;

/* Only ever increasing. */
struct mirror_counters {
	uint64_t devices_written;
	uint64_t devices_removed;
	uint64_t builds;	  /* of a whole image */
	uint64_t entries_dropped; /* of devices with more than fit; those that ended longest ago */
};

/* Open the image at `path` (its folders are made) of `store` (borrowed), in which no change is
 * open, and bring it up to date. What happens is told to `log`. NULL: told there, too. */
struct mirror *mirror_open(struct store *store, const char *path, FILE *log);

/* Bring the image to the store's last change. 0, or -errno, told to the log: then devices may be as
 * they were before, and the next call tries again. mirror_id() is another one afterwards when it
 * had to be built anew. */
int mirror_update(struct mirror *mirror);

/* Which image it is, and where. */
uint64_t mirror_id(const struct mirror *mirror);
const char *mirror_path(const struct mirror *mirror);

/* Put both into a set, whose checksum is made anew. */
void mirror_name(const struct mirror *mirror, struct reference *reference);

/* The last change of the store that is in it whole. */
uint64_t mirror_change(const struct mirror *mirror);

void mirror_usage(const struct mirror *mirror, struct registry_write_usage *usage);
const struct mirror_counters *mirror_counters(const struct mirror *mirror);

/* Let go of the image (NULL is allowed); it stays for readers and for the next start. */
void mirror_close(struct mirror *mirror);

#endif

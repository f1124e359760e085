/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting DPDK's environment: as root or not, with huge pages or without, on as many cores as the
 * process may use. What the operator says behind `--` goes first.
 */
#ifndef DATAPLANE_EAL_H
#define DATAPLANE_EAL_H

#include <stdint.h>

struct eal_setup {
	uint32_t lcores;    /* wanted; 0 = as many as the process may use, at most LCORES_MAX */
	uint32_t memory_mb; /* that the pools and rings need */
	int argument_count; /* the operator's own EAL arguments */
	char **arguments;
};

/* Start the EAL. The calling thread becomes the main lcore. Without enough free huge pages it runs
 * on ordinary ones and says so in one line. Returns 0, or -errno after a message. */
int eal_start(const struct eal_setup *setup);

#endif

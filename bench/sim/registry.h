/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry of a nation's size, as the files that motorway loads: devices.csv, registrations.csv
 * and appointments.csv (doc/store.md). Invented throughout; what is like the world is the mixture.
 *
 *   of 20 devices 11 are ESMEs and 9 GSMEs of the same premises, so 11 premises; 45 % are SMETS1
 *   one premises in 10 has an export MPAN too, one in 50 a twin-element meter
 *   every number has a network and a supplier; one in 7 changed its supplier
 *   every MPAN has an MDR or its supplier in that place; one in 12 changed its MDR, one in 33 will
 *   change it, one in 40 has an agent of its supplier
 *
 * Everything follows from the seed and the number of a device, so the files are the same each time,
 * nothing is kept in memory and any number of devices can be made. Rows are in random order.
 */
#ifndef SIM_REGISTRY_H
#define SIM_REGISTRY_H

#include <stdint.h>

#define SIM_REGISTRY_DEVICES_MAX 100000000u

struct sim_registry_counts {
	uint64_t devices;
	uint64_t registrations;
	uint64_t appointments;
};

/* Write the three files into the folder `out`, which is made when it is missing. Returns 0 or
 * -errno. */
int sim_registry_write(
	uint64_t devices, uint64_t seed, const char *out, struct sim_registry_counts *counts);

/* The subcommand: argv[0] is "registry". Returns the exit status. */
int sim_registry_main(int argc, char **argv);

/* The DeviceID of device `index`, 0 .. devices - 1. Pure. */
uint64_t sim_registry_device_id(uint64_t index, uint64_t seed);

#endif

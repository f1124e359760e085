/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of motorway-sim registry. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/registry.h"

static const char usage[] =
	"usage: motorway-sim registry --devices N --seed S --out FOLDER\n"
	"\n"
	"Writes devices.csv, registrations.csv and appointments.csv of an invented nation into\n"
	"FOLDER, rows in random order; the same N and S give the same files.\n"
	"  --devices N   1 to 100000000\n"
	"  --seed S      default 1\n"
	"  --out FOLDER  made when it is missing\n";

static bool read_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

int sim_registry_main(int argc, char **argv)
{
	struct sim_registry_counts counts = {0};
	const char *out = NULL;
	uint64_t devices = 0;
	uint64_t seed = 1;

	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		bool good = false;

		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		}
		if (strcmp(argv[i], "--devices") == 0)
			good = read_number(value, &devices);
		else if (strcmp(argv[i], "--seed") == 0)
			good = read_number(value, &seed);
		else if (strcmp(argv[i], "--out") == 0)
			good = (out = value)[0] != '\0';
		if (!good) {
			fprintf(stderr, "motorway-sim: registry: wrong at \"%s\"\n%s", argv[i],
				usage);
			return 2;
		}
	}
	if (devices == 0 || devices > SIM_REGISTRY_DEVICES_MAX || out == NULL) {
		fprintf(stderr, "motorway-sim: registry: --devices and --out are needed\n%s",
			usage);
		return 2;
	}
	int result = sim_registry_write(devices, seed, out, &counts);
	if (result != 0) {
		fprintf(stderr, "motorway-sim: registry: %s: %s\n", out, strerror(-result));
		return 1;
	}
	printf("%" PRIu64 " devices, %" PRIu64 " registrations, %" PRIu64 " appointments\n",
		counts.devices, counts.registrations, counts.appointments);
	return EXIT_SUCCESS;
}

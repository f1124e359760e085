/* SPDX-License-Identifier: Apache-2.0 */
/* motorway-schema: compiles XSD files into schema images, shows them, tries them on files. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/schema_compile.h"
#include "control/schema_show.h"
#include "control/schema_validate.h"

static const char usage_text[] =
	"usage: motorway-schema compile [--overlay FILE]... XSD -o IMAGE\n"
	"       motorway-schema show IMAGE\n"
	"       motorway-schema validate IMAGE FILE... [--json] [--engine fast]\n"
	"       motorway-schema validate XSD FILE... [--json] --engine reference --version V\n"
	"                                [--overlay FILE]...\n"
	"\n"
	"compile   read XSD and what it imports, apply the overlays, write a schema image\n"
	"show      what an image was made of, and what is in it\n"
	"validate  each file's verdict: valid, or code, byte offset, element and rule;\n"
	"          exit status 0 all valid, 1 not all, 2 failure\n";

struct options {
	const char *output;
	const char *overlays[SCHEMA_VALIDATE_OVERLAYS_MAX];
	size_t overlay_count;
	const char *version;
	bool reference;
	bool json;
};

static int usage(void)
{
	fputs(usage_text, stderr);
	return 2;
}

/* Returns 0 or the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"overlay", required_argument, NULL, 'y'},
		{"output", required_argument, NULL, 'o'},
		{"engine", required_argument, NULL, 'e'},
		{"version", required_argument, NULL, 'V'},
		{"json", no_argument, NULL, 'j'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "o:", long_options, NULL)) != -1) {
		switch (option) {
		case 'y':
			if (options->overlay_count == SCHEMA_VALIDATE_OVERLAYS_MAX) {
				fprintf(stderr, "motorway-schema: at most %d overlays\n",
					SCHEMA_VALIDATE_OVERLAYS_MAX);
				return 2;
			}
			options->overlays[options->overlay_count++] = optarg;
			break;
		case 'o':
			options->output = optarg;
			break;
		case 'V':
			options->version = optarg;
			break;
		case 'j':
			options->json = true;
			break;
		case 'e':
			options->reference = strcmp(optarg, "reference") == 0;
			if (options->reference || strcmp(optarg, "fast") == 0)
				break;
			fprintf(stderr, "motorway-schema: --engine is fast or reference\n");
			return 2;
		default:
			return usage();
		}
	}
	return 0;
}

/* Write beside the target and rename, so that whoever loads it sees the old or the new one. */
static int write_image(const char *path, const uint8_t *image, size_t length)
{
	char *temporary = NULL;
	FILE *file;
	int result = 0;

	if (asprintf(&temporary, "%s.new", path) < 0)
		return -ENOMEM;
	file = fopen(temporary, "we");
	if (file == NULL) {
		result = -errno;
	} else {
		if (fwrite(image, 1, length, file) != length || fflush(file) != 0 ||
			fsync(fileno(file)) != 0)
			result = -errno;
		if (fclose(file) != 0 && result == 0)
			result = -errno;
		if (result == 0 && rename(temporary, path) != 0)
			result = -errno;
		if (result != 0)
			unlink(temporary);
	}
	free(temporary);
	return result;
}

static int run_compile(const char *xsd, const struct options *options)
{
	struct duis_image checked;
	uint8_t *image;
	size_t length;
	char reason[1024];
	int result = schema_compile(xsd, options->overlays, options->overlay_count, &image, &length,
		reason, sizeof(reason));

	if (result == 0) {
		/* What is written is what the engine will accept. */
		result = duis_image_check(image, length, &checked, reason, sizeof(reason));
		if (result == 0) {
			result = write_image(options->output, image, length);
			if (result != 0)
				snprintf(reason, sizeof(reason), "%s: %s", options->output,
					strerror(-result));
		}
		free(image);
	}
	if (result == 0)
		return 0;
	fprintf(stderr, "motorway-schema: %s\n", reason);
	return 2;
}

static int run_show(const char *path)
{
	struct duis_image image;
	char reason[512];

	if (duis_image_open(path, &image, reason, sizeof(reason)) != 0) {
		fprintf(stderr, "motorway-schema: %s\n", reason);
		return 2;
	}
	schema_show(path, &image);
	duis_image_close(&image);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	const char *command = argc > 1 ? argv[1] : "";
	const char **rest;
	int count;
	int status;

	if (argc < 2 || strcmp(command, "--help") == 0) {
		fputs(usage_text, argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	status = parse_options(argc - 1, argv + 1, &options);
	if (status != 0)
		return status;
	rest = (const char **)(argv + 1 + optind);
	count = argc - 1 - optind;
	if (strcmp(command, "compile") == 0 && count == 1 && options.output != NULL)
		return run_compile(rest[0], &options);
	if (strcmp(command, "show") == 0 && count == 1)
		return run_show(rest[0]);
	if (strcmp(command, "validate") == 0 && count >= 2)
		return schema_validate(&(struct schema_validate){.schema = rest[0],
			.files = rest + 1,
			.file_count = (size_t)count - 1,
			.reference = options.reference,
			.version = options.version,
			.overlays = options.overlays,
			.overlay_count = options.overlay_count,
			.json = options.json});
	return usage();
}

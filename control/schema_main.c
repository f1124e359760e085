/* SPDX-License-Identifier: Apache-2.0 */
/* motorway-schema: compiles XSD files into schema images, shows them, tries them on files. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/schema_compile.h"
#include "control/schema_show.h"
#include "control/schema_validate.h"

static const char usage_text[] =
	"usage: motorway-schema compile [--overlay FILE]... XSD -o IMAGE\n"
	"       motorway-schema show IMAGE\n"
	"       motorway-schema validate IMAGE FILE... [--json] [--engine fast|reference]\n"
	"                                [--version V]\n"
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
	bool help;
};

/* The commands, the options that each takes, and how many files. */
static const struct command {
	const char *name;
	const char *options;
	int files_min;
	int files_max;
} commands[] = {
	{"compile", "hyo", 1, 1},
	{"show", "h", 1, 1},
	{"validate", "hjeVy", 2, INT_MAX},
};

static const struct option long_options[] = {
	{"overlay", required_argument, NULL, 'y'},
	{"output", required_argument, NULL, 'o'},
	{"engine", required_argument, NULL, 'e'},
	{"version", required_argument, NULL, 'V'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int usage(void)
{
	fputs(usage_text, stderr);
	return 2;
}

static const struct command *find_command(const char *name)
{
	for (size_t index = 0; index < sizeof(commands) / sizeof(commands[0]); index++)
		if (strcmp(commands[index].name, name) == 0)
			return &commands[index];
	return NULL;
}

/* Returns 0 or the exit status. */
static int take_option(struct options *options, int option, const char *value)
{
	switch (option) {
	case 'y':
		if (options->overlay_count == SCHEMA_VALIDATE_OVERLAYS_MAX) {
			fprintf(stderr, "motorway-schema: at most %d overlays\n",
				SCHEMA_VALIDATE_OVERLAYS_MAX);
			return 2;
		}
		options->overlays[options->overlay_count++] = value;
		return 0;
	case 'o':
		options->output = value;
		return 0;
	case 'V':
		options->version = value;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	default: /* 'e' */
		options->reference = strcmp(value, "reference") == 0;
		if (options->reference || strcmp(value, "fast") == 0)
			return 0;
		fprintf(stderr, "motorway-schema: --engine is fast or reference\n");
		return 2;
	}
}

static const char *option_name(int option)
{
	const struct option *at = long_options;

	while (at->val != option)
		at++;
	return at->name;
}

/* Returns 0 or the exit status. */
static int parse_options(
	int argc, char **argv, const struct command *command, struct options *options)
{
	int option;

	while ((option = getopt_long(argc, argv, "ho:", long_options, NULL)) != -1) {
		int status;

		if (option == '?')
			return usage();
		if (strchr(command->options, option) == NULL) {
			fprintf(stderr, "motorway-schema: %s does not take --%s\n", command->name,
				option_name(option));
			return 2;
		}
		status = take_option(options, option, optarg);
		if (status != 0)
			return status;
	}
	if (!options->reference && command->files_max > 1 &&
		(options->version != NULL || options->overlay_count > 0)) {
		fprintf(stderr,
			"motorway-schema: --version and --overlay go with --engine reference: an "
			"image has its overlays in it, and the fast engine takes any version\n");
		return 2;
	}
	return 0;
}

/* Only files are replaced: the name of a device or a folder is a mistake. */
static int check_target(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	return S_ISREG(status.st_mode) ? 0 : -EEXIST;
}

/* Write beside the target and rename, so that whoever loads it sees the old or the new one. */
static int write_image(const char *path, const uint8_t *image, size_t length)
{
	char *temporary = NULL;
	FILE *file;
	int result = check_target(path);

	if (result != 0)
		return result;
	if (asprintf(&temporary, "%s.%ld.new", path, (long)getpid()) < 0)
		return -ENOMEM;
	file = fopen(temporary, "wxe");
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
					result == -EEXIST ? "not a regular file"
							  : strerror(-result));
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

	if (duis_image_open_whole(path, &image, reason, sizeof(reason)) != 0) {
		fprintf(stderr, "motorway-schema: %s\n", reason);
		return 2;
	}
	schema_show(path, &image);
	duis_image_close(&image);
	return 0;
}

static int run(const struct command *command, const char *const *files, int count,
	const struct options *options)
{
	if (strcmp(command->name, "compile") == 0)
		return run_compile(files[0], options);
	if (strcmp(command->name, "show") == 0)
		return run_show(files[0]);
	return schema_validate(&(struct schema_validate){.schema = files[0],
		.files = files + 1,
		.file_count = (size_t)count - 1,
		.reference = options->reference,
		.version = options->version,
		.overlays = options->overlays,
		.overlay_count = options->overlay_count,
		.json = options->json});
}

int main(int argc, char **argv)
{
	struct options options = {0};
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
	int count;
	int status;

	if (command == NULL) {
		bool help =
			argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);

		fputs(usage_text, help ? stdout : stderr);
		return help ? 0 : 2;
	}
	argv[1] = argv[0]; /* getopt names the program by it */
	status = parse_options(argc - 1, argv + 1, command, &options);
	if (status != 0)
		return status;
	if (options.help) {
		fputs(usage_text, stdout);
		return 0;
	}
	count = argc - 1 - optind;
	if (count < command->files_min || count > command->files_max ||
		(strchr(command->options, 'o') != NULL && options.output == NULL))
		return usage();
	status = run(command, (const char *const *)(argv + 1 + optind), count, &options);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "motorway-schema: standard output: %s\n", strerror(errno));
		return 2;
	}
	return status;
}

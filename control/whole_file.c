/* SPDX-License-Identifier: Apache-2.0 */
#include "control/whole_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static FILE *open_as_it_is(const char *path)
{
	struct stat status;

	if (strcmp(path, "-") == 0)
		return stdout;
	if (stat(path, &status) != 0 || S_ISREG(status.st_mode)) {
		errno = 0;
		return NULL;
	}
	return fopen(path, "we");
}

int whole_file_open(struct whole_file *whole, const char *path)
{
	*whole = (struct whole_file){.file = open_as_it_is(path)};
	if (whole->file != NULL || errno != 0)
		return whole->file != NULL ? 0 : -errno;
	whole->path = realpath(path, NULL);
	if (whole->path == NULL)
		whole->path = strdup(path);
	if (whole->path == NULL || asprintf(&whole->beside, "%s.new", whole->path) < 0) {
		free(whole->path);
		return -ENOMEM;
	}
	whole->file = fopen(whole->beside, "we");
	if (whole->file != NULL)
		return 0;
	int result = -errno;
	free(whole->beside);
	free(whole->path);
	return result;
}

int whole_file_close(struct whole_file *whole, int result)
{
	if (result == 0 && fflush(whole->file) != 0)
		result = -errno;
	if (result == 0 && whole->path != NULL && fsync(fileno(whole->file)) != 0)
		result = -errno;
	if (whole->file != stdout && fclose(whole->file) != 0 && result == 0)
		result = -errno;
	if (whole->path == NULL)
		return result;
	if (result == 0 && rename(whole->beside, whole->path) != 0)
		result = -errno;
	if (result != 0)
		unlink(whole->beside);
	free(whole->beside);
	free(whole->path);
	return result;
}

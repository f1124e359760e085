/* SPDX-License-Identifier: Apache-2.0 */
#include "control/folders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int folders_make(const char *path, char *folder, size_t size)
{
	snprintf(folder, size, "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash == NULL) {
		snprintf(folder, size, ".");
		return 0;
	}
	slash[slash == folder ? 1 : 0] = '\0';
	for (char *at = folder + 1; *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		int result = mkdir(folder, 0755);
		*at = '/';
		if (result != 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(folder, 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

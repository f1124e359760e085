/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mark of a load that is at work: a small file in the store's folder, there from before the
 * first row to after the commit. LMDB makes the load whole or nothing; the mark is for whoever
 * opens the store next, so that an empty one is not taken for one that nobody has loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/bulk_load.h"

#define MARK_NAME "load.mark"
#define MARK_BYTES_MAX 4096

static int mark_path(const struct store *store, char *path, size_t size)
{
	int length = snprintf(path, size, "%s/" MARK_NAME, store->options.path);

	return length > 0 && (size_t)length < size ? 0 : -ENAMETOOLONG;
}

/* "PROCESS CHANGE SECONDS", then a line for each file. */
static size_t write_text(const struct bulk_load *load, char *text, size_t size)
{
	int length = snprintf(text, size, "%ld %" PRIu64 " %lld\n", (long)getpid(),
		store_change_number(load->change), (long long)time(NULL));
	size_t at = (size_t)length;

	for (int table = 0; table < BULK_TABLES; table++) {
		const char *path = load->options->paths[table];

		if (path != NULL && at + strlen(path) + 2 < size)
			at += (size_t)snprintf(text + at, size - at, "%s\n", path);
	}
	return at;
}

int bulk_mark(const struct bulk_load *load)
{
	char text[MARK_BYTES_MAX];
	char path[1024];
	size_t length = write_text(load, text, sizeof(text));
	int result = mark_path(load->store, path, sizeof(path));
	int fd = result == 0 ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640) : -1;

	if (result == 0 && fd < 0)
		result = -errno;
	if (result == 0 && write(fd, text, length) != (ssize_t)length)
		result = -EIO;
	if (result == 0 && fsync(fd) != 0)
		result = -errno;
	if (fd >= 0)
		close(fd);
	return result;
}

void bulk_unmark(const struct store *store)
{
	char path[1024];

	if (mark_path(store, path, sizeof(path)) == 0)
		unlink(path);
}

/* The mark's text in one line, empty when there is none. */
static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, text, size - 1) : 0;

	if (fd >= 0)
		close(fd);
	while (length > 0 && text[length - 1] == '\n')
		length--;
	text[length > 0 ? length : 0] = '\0';
	for (ssize_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ')
			text[i] = ' ';
}

bool bulk_interrupted(struct store *store, char *reason, size_t reason_size)
{
	struct store_change *snapshot;
	char text[MARK_BYTES_MAX];
	char path[1024];
	char when[32] = "";
	long long since;
	uint64_t change;
	long process;
	int names = 0;
	struct tm date;

	if (mark_path(store, path, sizeof(path)) != 0 || access(path, F_OK) != 0)
		return false;
	read_text(path, text, sizeof(text));
	snapshot = store_snapshot(store);
	if (snapshot == NULL)
		return false;
	uint64_t now = store_change_number(snapshot);
	store_abandon(snapshot);
	if (sscanf(text, "%ld %" SCNu64 " %lld %n", &process, &change, &since, &names) != 3 ||
		names == 0 || text[names] == '\0') {
		snprintf(reason, reason_size,
			"%s: a load of tables was cut off as it began: nothing of it is in the "
			"store",
			store->options.path);
	} else {
		time_t seconds = (time_t)since;

		if (gmtime_r(&seconds, &date) != NULL)
			strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &date);
		snprintf(reason, reason_size,
			"the load of %s that process %ld began at %s was cut off: %s", text + names,
			process, when,
			now > change ? "all of it is in the store"
				     : "nothing of it is in the store; load it again");
	}
	if (!store->options.read_only)
		bulk_unmark(store);
	return true;
}

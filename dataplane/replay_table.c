/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/replay_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "MWREPLAY"
#define FORMAT_VERSION 1u
#define SCOPES_LIMIT (1u << 26)
#define WINDOW_LIMIT (1u << 20)

struct header {
	char magic[8];
	uint32_t format_version;
	uint32_t scope; /* enum replay_scope */
	uint32_t window;
	uint32_t scopes_max;
	uint64_t complete; /* 1: all of the file is what it says */
	uint8_t reserved[32];
};

_Static_assert(sizeof(struct header) == 64, "a cache line");

static uint64_t window_bytes(const struct replay_limits *limits)
{
	return limits->window / REPLAY_COUNTERS_PER_WORD * sizeof(uint64_t);
}

uint64_t replay_bytes(const struct replay_limits *limits)
{
	return sizeof(struct header) +
	       limits->scopes_max * (sizeof(struct replay_entry) + window_bytes(limits));
}

int replay_table_create(struct replay_table *table, const struct replay_limits *limits)
{
	*table = (struct replay_table){.fd = -1};
	table->entries = calloc(limits->scopes_max, sizeof(*table->entries));
	table->used = calloc(limits->scopes_max, window_bytes(limits));
	return table->entries && table->used ? 0 : -ENOMEM;
}

void replay_table_close(struct replay_table *table)
{
	if (table->mapping) {
		munmap(table->mapping, table->bytes);
		close(table->fd);
	} else {
		free(table->entries);
		free(table->used);
	}
	memset(table, 0, sizeof(*table));
}

static int fail(struct replay_told *told, const char *path, const char *what, int error)
{
	snprintf(told->reason, sizeof(told->reason), "%.512s: %s", path, what);
	errno = error;
	return -1;
}

/* Map `bytes` of fd. 0 or -1 with errno. */
static int map(struct replay_table *table, int fd, uint64_t bytes, uint32_t scopes_max)
{
	void *mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapping == MAP_FAILED)
		return -1;
	table->mapping = mapping;
	table->bytes = bytes;
	table->fd = fd;
	table->entries = (struct replay_entry *)((uint8_t *)mapping + sizeof(struct header));
	table->used = (uint64_t *)(table->entries + scopes_max);
	return 0;
}

/* A new, empty table in the empty file fd. All of it is allocated, so that no page is missing when
 * it is written to. */
static int make(struct replay_table *table, int fd, const struct replay_limits *limits)
{
	uint64_t bytes = replay_bytes(limits);
	int error = posix_fallocate(fd, 0, (off_t)bytes);
	if (error != 0) {
		errno = error;
		return -1;
	}
	if (map(table, fd, bytes, limits->scopes_max) != 0)
		return -1;
	struct header *header = table->mapping;
	*header = (struct header){
		.magic = MAGIC,
		.format_version = FORMAT_VERSION,
		.scope = limits->scope,
		.window = limits->window,
		.scopes_max = limits->scopes_max,
	};
	return 0;
}

/* Did whoever made the file die before he had written its header? */
static bool is_blank(int fd)
{
	static const struct header nothing;
	struct header header;
	return pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	       memcmp(&header, &nothing, sizeof(header)) == 0;
}

/* The limits that the table in the file was made with. False: this is no such file. */
static bool read_limits(int fd, uint64_t file_bytes, struct replay_limits *limits, bool *complete)
{
	struct header header;
	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
		memcmp(header.magic, MAGIC, sizeof(header.magic)) != 0 ||
		header.format_version != FORMAT_VERSION ||
		header.scope > REPLAY_ORIGINATOR_TARGET || header.window < 64 ||
		header.window > WINDOW_LIMIT || (header.window & (header.window - 1)) != 0 ||
		header.scopes_max == 0 || header.scopes_max > SCOPES_LIMIT)
		return false;
	*limits = (struct replay_limits){.scope = (enum replay_scope)header.scope,
		.window = header.window,
		.scopes_max = header.scopes_max};
	*complete = header.complete == 1;
	return replay_bytes(limits) == file_bytes;
}

static bool same(const struct replay_limits *left, const struct replay_limits *right)
{
	return left->scope == right->scope && left->window == right->window &&
	       left->scopes_max == right->scopes_max;
}

/* Put what `old` knows into the empty `table`. Returns 0, or -ENOSPC. */
static int carry_over(struct replay_table *table, const struct replay_limits *limits,
	const struct replay_table *old, const struct replay_limits *old_limits)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < old_limits->scopes_max; i++) {
		const struct replay_entry *from = &old->entries[i];
		uint64_t target = limits->scope == REPLAY_ORIGINATOR ? 0 : from->target;
		uint32_t at = 0;
		if (!from->in_use)
			continue;
		/* Pairs of one originator become one; otherwise each is its own. */
		bool merges = limits->scope != old_limits->scope;
		for (at = merges ? 0 : count;
			at < count && table->entries[at].originator != from->originator; at++)
			;
		if (at == limits->scopes_max)
			return -ENOSPC;
		struct replay_entry *to = &table->entries[at];
		if (at == count)
			count++;
		to->originator = from->originator;
		to->target = target;
		to->in_use = 1;
		if (from->highest > to->highest)
			to->highest = from->highest;
		memset(replay_table_words(table, limits, at), 0xff, window_bytes(limits));
	}
	return 0;
}

/* The file `fd` holds a table of other limits: make one of these limits beside it and put it in its
 * place. */
static int replace(struct replay_table *table, const struct replay_limits *limits, int fd,
	const struct replay_limits *old_limits, const char *path, struct replay_told *told)
{
	struct replay_table old = {.fd = -1};
	char beside[1024];
	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return fail(told, path, "the path is too long", ENAMETOOLONG);
	if (map(&old, fd, replay_bytes(old_limits), old_limits->scopes_max) != 0)
		return fail(told, path, strerror(errno), errno);
	int made = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int status = made < 0 || flock(made, LOCK_EX | LOCK_NB) != 0 ? -errno : 0;
	if (status == 0 && make(table, made, limits) != 0)
		status = -errno;
	bool possible = limits->scope == old_limits->scope || limits->scope == REPLAY_ORIGINATOR;
	if (status == 0 && possible)
		status = carry_over(table, limits, &old, old_limits);
	if (status == 0) {
		((struct header *)table->mapping)->complete = 1;
		if (rename(beside, path) != 0)
			status = -errno;
	}
	told->carried_over = possible;
	told->begun_anew = !possible;
	if (status == 0) {
		replay_table_close(&old);
		return 0;
	}
	if (table->mapping)
		replay_table_close(table);
	else if (made >= 0)
		close(made);
	munmap(old.mapping, old.bytes);
	unlink(beside);
	return fail(told, path,
		status == -ENOSPC ? "no room for what it holds; raise replay.scopes_max or make "
				    "room in the file system"
				  : strerror(-status),
		-status);
}

static int open_locked(struct replay_table *table, const struct replay_limits *limits, int fd,
	const char *path, struct replay_told *told)
{
	struct replay_limits old;
	struct stat file, named;
	bool complete = false;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return fail(told, path, "another gateway uses this replay state", EBUSY);
	/* It may have been replaced between the opening and the lock. */
	if (fstat(fd, &file) != 0 || stat(path, &named) != 0 || file.st_ino != named.st_ino ||
		file.st_dev != named.st_dev)
		return fail(told, path, "another gateway has just replaced it", EBUSY);
	if (!S_ISREG(file.st_mode))
		return fail(told, path, "no regular file", EBADMSG);
	bool known = file.st_size > 0 && read_limits(fd, (uint64_t)file.st_size, &old, &complete);
	if (known && complete && same(&old, limits))
		return map(table, fd, replay_bytes(limits), limits->scopes_max) == 0
			       ? 0
			       : fail(told, path, strerror(errno), errno);
	if (known && complete)
		return replace(table, limits, fd, &old, path, told);
	/* Who made it died before it was whole; nothing had been accepted. */
	if (file.st_size > 0 && !known && !is_blank(fd))
		return fail(told, path, "no replay state, or a damaged one", EBADMSG);
	if (ftruncate(fd, 0) != 0 || make(table, fd, limits) != 0)
		return fail(told, path, strerror(errno), errno);
	((struct header *)table->mapping)->complete = 1;
	return 0;
}

int replay_table_open(struct replay_table *table, const struct replay_limits *limits,
	const char *path, struct replay_told *told)
{
	*table = (struct replay_table){.fd = -1};
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(told, path, strerror(errno), errno);
	if (open_locked(table, limits, fd, path, told) != 0) {
		int error = errno;
		if (table->fd != fd)
			close(fd);
		errno = error;
		return -1;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/windows_history.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/crc32c.h"
#include "control/folders.h"

#define BYTES_MAX (8u * 1024 * 1024)
#define NEW_SUFFIX ".new"
#define LINE_SIZE (WINDOWS_REASON_SIZE + 128)

struct windows_history {
	char folder[PATH_MAX];
	struct windows_version versions[WINDOWS_VERSIONS_MAX]; /* the oldest first */
	size_t count;
	uint32_t last; /* the highest number that was ever given, damaged ones too */
};

/* ---- one file */

static void path_of(const struct windows_history *history, uint32_t number, char path[PATH_MAX])
{
	int length = snprintf(path, PATH_MAX, "%s/%010u.yaml", history->folder, number);

	assert(length > 0 && length < PATH_MAX); /* seen to by open */
	(void)length;
}

/* The whole file, which the caller frees. */
static int read_whole(const char *path, char **bytes, size_t *length)
{
	struct stat status;
	FILE *file = fopen(path, "re");
	int result = 0;

	*bytes = NULL;
	if (file == NULL)
		return -errno;
	if (fstat(fileno(file), &status) != 0)
		result = -errno;
	else if (!S_ISREG(status.st_mode) || status.st_size > (off_t)BYTES_MAX)
		result = -EBADMSG;
	else if ((*bytes = malloc((size_t)status.st_size + 1)) == NULL)
		result = -ENOMEM;
	else {
		*length = fread(*bytes, 1, (size_t)status.st_size, file);
		(*bytes)[*length] = '\0';
		if (ferror(file))
			result = -EIO;
	}
	fclose(file);
	if (result != 0) {
		free(*bytes);
		*bytes = NULL;
	}
	return result;
}

static int parse_line(
	const char *bytes, size_t length, struct windows_version *version, uint32_t *body_crc)
{
	char line[LINE_SIZE];
	const char *end = memchr(bytes, '\n', length);
	int at = 0;

	if (end == NULL || (size_t)(end - bytes) >= sizeof(line))
		return -EBADMSG;
	memcpy(line, bytes, (size_t)(end - bytes));
	line[end - bytes] = '\0';
	if (sscanf(line,
		    "# motorway-windows %" SCNu32 " before %" SCNu32 " made %" SCNd64
		    " file %8" SCNx32 " body %8" SCNx32 ": %n",
		    &version->number, &version->before, &version->made_s, &version->file_crc,
		    body_crc, &at) != 5 ||
		at == 0 || strlen(line + at) >= sizeof(version->reason))
		return -EBADMSG;
	strcpy(version->reason, line + at);
	return 0;
}

/* Is the file of version `number` whole? Fills *version. */
static int read_version(
	const struct windows_history *history, uint32_t number, struct windows_version *version)
{
	char path[PATH_MAX];
	char *bytes;
	size_t length = 0;
	uint32_t body_crc;

	path_of(history, number, path);
	int result = read_whole(path, &bytes, &length);
	if (result != 0)
		return result;
	result = parse_line(bytes, length, version, &body_crc);
	if (result == 0) {
		const char *body = strchr(bytes, '\n') + 1;

		if (version->number != number || version->before >= number ||
			crc32c(0, body, length - (size_t)(body - bytes)) != body_crc)
			result = -EBADMSG;
	}
	free(bytes);
	return result;
}

static int write_file(const char *path, const char *line, const char *body, size_t length)
{
	FILE *file = fopen(path, "we");
	int result = 0;

	if (file == NULL)
		return -errno;
	if (fputs(line, file) == EOF || fwrite(body, 1, length, file) != length ||
		fflush(file) != 0 || fsync(fileno(file)) != 0)
		result = errno != 0 ? -errno : -EIO;
	if (fclose(file) != 0 && result == 0)
		result = -EIO;
	return result;
}

static int sync_folder(const char *folder)
{
	int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (descriptor < 0)
		return -errno;
	int result = fsync(descriptor) == 0 ? 0 : -errno;
	close(descriptor);
	return result;
}

/* ---- the folder */

/* The number of a version's file name, 0: it is none. */
static uint32_t number_of(const char *name)
{
	if (strlen(name) != 15 || strspn(name, "0123456789") != 10 ||
		strcmp(name + 10, ".yaml") != 0)
		return 0;
	unsigned long number = strtoul(name, NULL, 10);
	return number < UINT32_MAX ? (uint32_t)number : 0;
}

static void drop_first(struct windows_history *history)
{
	history->count--;
	memmove(history->versions, history->versions + 1,
		history->count * sizeof(history->versions[0]));
}

/* Append, without the oldest one when there are too many; its file is unlinked. */
static void append(struct windows_history *history, const struct windows_version *version)
{
	char path[PATH_MAX];

	if (history->count == WINDOWS_VERSIONS_MAX) {
		path_of(history, history->versions[0].number, path);
		unlink(path);
		drop_first(history);
	}
	history->versions[history->count++] = *version;
}

static int is_ours(const struct dirent *entry)
{
	return number_of(entry->d_name) != 0 || strstr(entry->d_name, NEW_SUFFIX) != NULL;
}

static int scan(struct windows_history *history, FILE *errors)
{
	struct dirent **entries;
	int count = scandir(history->folder, &entries, is_ours, alphasort);

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		struct windows_version version = {0};
		char path[PATH_MAX + 256];
		uint32_t number = number_of(entries[i]->d_name);

		snprintf(path, sizeof(path), "%s/%s", history->folder, entries[i]->d_name);
		if (number == 0) {
			unlink(path); /* somebody was killed while he wrote it */
		} else {
			int result = read_version(history, number, &version);

			if (result == 0)
				append(history, &version);
			else
				fprintf(errors, "%s:1:1: not a whole version of windows: %s\n",
					path, strerror(-result));
			history->last = number;
		}
		free(entries[i]);
	}
	free(entries);
	return 0;
}

struct windows_history *windows_history_open(const char *folder, FILE *errors)
{
	struct windows_history *history = calloc(1, sizeof(*history));
	char made[PATH_MAX];
	char path[PATH_MAX];

	if (history == NULL)
		return NULL;
	int result = 0;
	if ((size_t)snprintf(history->folder, sizeof(history->folder), "%s", folder) + 32 >
		sizeof(history->folder))
		result = -ENAMETOOLONG;
	if (result == 0) {
		path_of(history, 1, path);
		result = folders_make(path, made, sizeof(made));
	}
	if (result == 0)
		result = scan(history, errors);
	if (result == 0)
		return history;
	free(history);
	errno = -result;
	return NULL;
}

void windows_history_close(struct windows_history *history)
{
	free(history);
}

size_t windows_history_list(const struct windows_history *history,
	struct windows_version versions[WINDOWS_VERSIONS_MAX])
{
	for (size_t i = 0; i < history->count; i++)
		versions[i] = history->versions[history->count - 1 - i];
	return history->count;
}

static const struct windows_version *find(const struct windows_history *history, uint32_t number)
{
	for (size_t i = 0; i < history->count; i++)
		if (history->versions[i].number == number)
			return &history->versions[i];
	return NULL;
}

static const struct windows_version *last_of(const struct windows_history *history)
{
	return history->count > 0 ? &history->versions[history->count - 1] : NULL;
}

int windows_history_read(const struct windows_history *history, uint32_t number,
	const struct reference *known, FILE *errors, struct windows_conf **conf)
{
	struct windows_version version;
	char path[PATH_MAX];

	*conf = NULL;
	if (find(history, number) == NULL)
		return -ENOENT;
	/* It may have been damaged since it was found whole. */
	int result = read_version(history, number, &version);
	if (result != 0)
		return result == -ENOENT ? -EBADMSG : result;
	path_of(history, number, path);
	return windows_conf_read(path, known, errors, conf);
}

/* ---- a new version */

/* What the configuration says, as text, which the caller frees. */
static int text_of(const struct windows_conf *conf, char **text, size_t *length)
{
	FILE *file = open_memstream(text, length);

	if (file == NULL)
		return -errno;
	int result = windows_conf_write(conf, file);
	if (fclose(file) != 0)
		result = -ENOMEM;
	if (result != 0)
		free(*text);
	return result;
}

static void copy_reason(const char *reason, char out[WINDOWS_REASON_SIZE])
{
	snprintf(out, WINDOWS_REASON_SIZE, "%s", reason);
	for (char *byte = out; *byte != '\0'; byte++)
		if ((unsigned char)*byte < 0x20 || (unsigned char)*byte >= 0x7f)
			*byte = '?';
}

/* Write `version` (all but its number is filled in) with the text of `conf`. */
static int write_version(struct windows_history *history, struct windows_version *version,
	const struct windows_conf *conf)
{
	char line[LINE_SIZE];
	char path[PATH_MAX];
	char beside[PATH_MAX + 8];
	char *body;
	size_t length;

	if (history->last >= UINT32_MAX - 1)
		return -EOVERFLOW;
	version->number = history->last + 1;
	int result = text_of(conf, &body, &length);
	if (result != 0)
		return result;
	snprintf(line, sizeof(line),
		"# motorway-windows %u before %u made %" PRId64 " file %08x body %08x: %s\n",
		version->number, version->before, version->made_s, version->file_crc,
		crc32c(0, body, length), version->reason);
	path_of(history, version->number, path);
	snprintf(beside, sizeof(beside), "%s" NEW_SUFFIX, path);
	result = write_file(beside, line, body, length);
	free(body);
	if (result == 0 && rename(beside, path) != 0)
		result = -errno;
	if (result != 0) {
		unlink(beside);
		return result;
	}
	/* From here on the version may survive, so its number is used up. */
	history->last = version->number;
	result = sync_folder(history->folder);
	if (result != 0) {
		unlink(path);
		return result;
	}
	append(history, version);
	return 0;
}

int64_t windows_history_put(struct windows_history *history, const struct windows_conf *conf,
	const char *reason, int64_t now_s)
{
	const struct windows_version *last = last_of(history);
	struct windows_version version = {
		.before = last != NULL ? last->number : 0,
		.made_s = now_s,
		.file_crc = last != NULL ? last->file_crc : 0,
	};

	copy_reason(reason, version.reason);
	int result = write_version(history, &version, conf);
	return result == 0 ? (int64_t)version.number : result;
}

int windows_history_start(struct windows_history *history, const struct windows_conf *file,
	const struct reference *known, int64_t now_s, FILE *errors, struct windows_conf **in_force)
{
	const struct windows_version *last = last_of(history);
	char *text;
	size_t length;

	*in_force = NULL;
	int result = text_of(file, &text, &length);
	if (result != 0)
		return result;
	struct windows_version version = {
		.before = last != NULL ? last->number : 0,
		.made_s = now_s,
		.file_crc = crc32c(0, text, length),
		.reason = "the file was read",
	};
	free(text);
	/* A version that cannot be read any more, as when a provider is gone, must not keep the
	 * program from starting: the file is there. */
	if (last != NULL && last->file_crc == version.file_crc &&
		windows_history_read(history, last->number, known, errors, in_force) == 0)
		return 0;
	*in_force = windows_conf_copy(file);
	if (*in_force == NULL)
		return -ENOMEM;
	result = write_version(history, &version, file);
	if (result != 0) {
		windows_conf_free(*in_force);
		*in_force = NULL;
	}
	return result;
}

uint32_t windows_history_before(const struct windows_history *history)
{
	const struct windows_version *last = last_of(history);

	return last != NULL && find(history, last->before) != NULL ? last->before : 0;
}

int windows_history_rollback(struct windows_history *history, const struct reference *known,
	int64_t now_s, FILE *errors, struct windows_conf **conf)
{
	uint32_t number = windows_history_before(history);

	*conf = NULL;
	if (number == 0)
		return -ENOENT;
	struct windows_version version = {
		.before = find(history, number)->before,
		.made_s = now_s,
		.file_crc = last_of(history)->file_crc,
	};
	int result = windows_history_read(history, number, known, errors, conf);
	if (result != 0)
		return result;
	snprintf(version.reason, sizeof(version.reason), "rollback to version %u", number);
	result = write_version(history, &version, *conf);
	if (result != 0) {
		windows_conf_free(*conf);
		*conf = NULL;
	}
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The image's file: read into memory of its own, which is then made read-only. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/duis/image.h"

static int read_all(int file, uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t count = read(file, bytes, length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? -errno : -EIO;
		bytes += count;
		length -= (size_t)count;
	}
	return 0;
}

/* Returns 0 with *bytes and *length, or -errno. */
static int load(const char *path, uint8_t **bytes, size_t *length)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not stop us */
	struct stat status;
	void *memory;
	int result = 0;

	if (file < 0)
		return -errno;
	if (fstat(file, &status) != 0)
		result = -errno;
	else if (S_ISDIR(status.st_mode))
		result = -EISDIR;
	else if (!S_ISREG(status.st_mode) || status.st_size == 0)
		result = -EBADMSG;
	else if (status.st_size > (off_t)MW_IMAGE_BYTES_MAX)
		result = -EFBIG;
	if (result == 0) {
		memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		result = memory == MAP_FAILED ? -errno : 0;
	}
	if (result == 0) {
		*length = (size_t)status.st_size;
		*bytes = memory;
		result = read_all(file, memory, *length);
		if (result == 0 && mprotect(memory, *length, PROT_READ) != 0)
			result = -errno;
		if (result != 0)
			munmap(memory, *length);
	}
	close(file);
	return result;
}

int duis_image_open_whole(
	const char *path, struct duis_image *image, char *reason, size_t reason_size)
{
	int written = snprintf(reason, reason_size, "%s: ", path);
	uint8_t *bytes = NULL;
	size_t length = 0;
	int result = load(path, &bytes, &length);

	if (written < 0 || (size_t)written >= reason_size)
		written = 0;
	if (result != 0) {
		snprintf(reason + written, reason_size - (size_t)written, "%s",
			result == -EBADMSG ? "not a schema image" : strerror(-result));
		return result;
	}
	result = duis_image_check(
		bytes, length, image, reason + written, reason_size - (size_t)written);
	if (result != 0) {
		munmap(bytes, length);
		image->header = NULL;
	}
	image->mapped_length = length;
	return result;
}

int duis_image_open(const char *path, struct duis_image *image, char *reason, size_t reason_size)
{
	int result = duis_image_open_whole(path, image, reason, reason_size);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t kept;

	if (result != 0)
		return result;
	kept = (image->header->sections[MW_IMAGE_SOURCE_TEXT].offset + page - 1) / page * page;
	if (kept < image->mapped_length) {
		munmap((uint8_t *)(uintptr_t)image->header + kept, image->mapped_length - kept);
		image->mapped_length = kept;
	}
	image->source_text = NULL;
	return 0;
}

void duis_image_close(struct duis_image *image)
{
	if (image->header != NULL)
		munmap((void *)(uintptr_t)image->header, image->mapped_length);
	image->header = NULL;
}

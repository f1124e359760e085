/* SPDX-License-Identifier: Apache-2.0 */
/* The image's file: made with all its memory, put into its place, opened again. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "control/registry_write_state.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

#define PAGE_BYTES 4096u
#define INDEX_SLOTS_MIN 64u
#define FILE_MODE 0640

static uint64_t round_up(uint64_t value, uint64_t multiple)
{
	return (value + multiple - 1) / multiple * multiple;
}

/* ---- sizes ---- */

/* Fill in the sizes and offsets. False: too many devices. */
static bool lay_out(const struct registry_write_options *options, struct mw_registry_header *header)
{
	uint64_t devices = options->devices_max;
	uint64_t overflow = options->overflow_records;
	uint64_t slots = INDEX_SLOTS_MIN;

	if (devices > MW_REGISTRY_RECORDS_MAX || overflow > MW_REGISTRY_RECORDS_MAX)
		return false;
	if (overflow == 0)
		overflow = devices / 16 + MW_REGISTRY_CHAIN_MAX;
	while (slots / 4 * 3 < devices)
		slots *= 2;
	header->index_offset = MW_REGISTRY_HEADER_BYTES;
	header->index_slots = slots;
	header->record_offset =
		round_up(header->index_offset + slots * sizeof(uint64_t), PAGE_BYTES);
	header->record_capacity = 1 + devices + overflow;
	header->file_bytes = round_up(
		header->record_offset + header->record_capacity * sizeof(struct mw_registry_words),
		PAGE_BYTES);
	return header->record_capacity <= MW_REGISTRY_RECORDS_MAX && slots <= MW_REGISTRY_SLOTS_MAX;
}

uint64_t registry_write_size(const struct registry_write_options *options)
{
	struct mw_registry_header header = {0};

	return lay_out(options, &header) ? header.file_bytes : 0;
}

/* ---- memory ---- */

/* Bytes that the system can give without taking them from anybody; UINT64_MAX when it does not
 * say. */
static uint64_t available_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kibibytes = 0;
	char line[128];

	if (!file)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kibibytes) == 1)
			break;
	fclose(file);
	return kibibytes ? (uint64_t)kibibytes * 1024 : UINT64_MAX;
}

/* Take all memory of the file, as large pages where there are any, and map it. A page that is
 * missing later would be a SIGBUS. Returns 0 or an errno. */
static int take_memory(struct registry_write *writer, uint64_t bytes)
{
	struct statfs system;
	void *memory;
	int error;

	if (fstatfs(writer->file, &system) != 0)
		return errno;
	if (system.f_type == HUGETLBFS_MAGIC)
		bytes = round_up(bytes, (uint64_t)system.f_bsize);
	/* A tmpfs may be larger than what is left of the memory; then the system would begin to
	 * kill processes. */
	if (system.f_type == TMPFS_MAGIC && bytes > available_bytes())
		return ENOMEM;
	if (ftruncate(writer->file, (off_t)bytes) != 0)
		return errno;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, writer->file, 0);
	if (memory == MAP_FAILED)
		return errno;
	writer->header = memory;
	writer->bytes = bytes;
	(void)madvise(memory, bytes, MADV_HUGEPAGE);
	/* Tmpfs gives large pages to such an access only, not to fallocate(). EINVAL: an older
	 * system; then they are small. */
	if (madvise(memory, bytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL)
		return errno == EFAULT ? ENOSPC : errno;
	do
		error = posix_fallocate(writer->file, 0, (off_t)bytes);
	while (error == EINTR);
	return error;
}

static void use_header(struct registry_write *writer)
{
	struct mw_registry_header *header = writer->header;

	writer->slots = (void *)((uint8_t *)header + header->index_offset);
	writer->records = (void *)((uint8_t *)header + header->record_offset);
	writer->slot_mask = header->index_slots - 1;
	writer->record_capacity = header->record_capacity;
	writer->hash_secret = header->hash_secret;
}

void registry_write_close(struct registry_write *writer)
{
	if (!writer)
		return;
	if (writer->header)
		munmap(writer->header, writer->bytes);
	if (writer->temporary && writer->file >= 0 && !writer->is_published)
		unlink(writer->temporary);
	if (writer->file >= 0)
		close(writer->file);
	free(writer->temporary);
	free(writer->path);
	free(writer);
}

static struct registry_write *refuse(struct registry_write *writer, int error, char *reason,
	size_t reason_size, const char *text)
{
	snprintf(
		reason, reason_size, "%s%s%s", text ? text : "", text ? ": " : "", strerror(error));
	registry_write_close(writer);
	errno = error;
	return NULL;
}

/* ---- create and publish ---- */

static struct registry_write *make_writer(const char *path)
{
	struct registry_write *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return NULL;
	writer->file = -1;
	writer->path = strdup(path);
	if (!writer->path || asprintf(&writer->temporary, "%s.new", path) < 0) {
		writer->temporary = NULL;
		registry_write_close(writer);
		errno = ENOMEM;
		return NULL;
	}
	return writer;
}

struct registry_write *registry_write_create(
	const struct registry_write_options *options, char *reason, size_t reason_size)
{
	struct registry_write *writer = make_writer(options->path);
	struct mw_registry_header header = {
		.magic = MW_REGISTRY_MAGIC,
		.format_version = MW_REGISTRY_FORMAT_VERSION,
		.header_bytes = MW_REGISTRY_HEADER_BYTES,
		.store_id = options->store_id,
		.state = MW_REGISTRY_BUILDING,
		.records_used = 1,
	};
	uint64_t numbers[2];
	int error;

	if (!writer)
		return refuse(NULL, ENOMEM, reason, reason_size, NULL);
	if (!lay_out(options, &header))
		return refuse(writer, EINVAL, reason, reason_size, "too many devices");
	if (getrandom(numbers, sizeof(numbers), 0) != (ssize_t)sizeof(numbers))
		return refuse(writer, EIO, reason, reason_size, "no random numbers");
	if (unlink(writer->temporary) != 0 && errno != ENOENT)
		return refuse(writer, errno, reason, reason_size, writer->temporary);
	writer->file = open(writer->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (writer->file < 0 || flock(writer->file, LOCK_EX | LOCK_NB) != 0)
		return refuse(writer, errno, reason, reason_size, writer->temporary);
	error = take_memory(writer, header.file_bytes);
	if (error != 0)
		return refuse(writer, error, reason, reason_size, "memory for the registry image");
	header.file_bytes = writer->bytes;
	header.image_id = numbers[0];
	header.hash_secret = numbers[1];
	memcpy(writer->header, &header, sizeof(header));
	use_header(writer);
	return writer;
}

/* Tell the readers of the image in `file` that another one has its place. */
static void retire(int file)
{
	struct mw_registry_header *header;
	struct stat status;

	if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) ||
		status.st_size < (off_t)MW_REGISTRY_HEADER_BYTES)
		return;
	header = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (header == MAP_FAILED)
		return;
	if (memcmp(header->magic, MW_REGISTRY_MAGIC, sizeof(header->magic)) == 0)
		atomic_store_explicit(&header->state, MW_REGISTRY_RETIRED, memory_order_release);
	munmap(header, (size_t)status.st_size);
}

int registry_write_publish(struct registry_write *writer, uint64_t change)
{
	int old = open(writer->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int result = 0;

	assert(!writer->is_published);
	registry_set(&writer->header->change, change);
	/* Pairs with the open of the path: whoever maps it finds all of it. */
	atomic_store_explicit(&writer->header->state, MW_REGISTRY_READY, memory_order_release);
	if (rename(writer->temporary, writer->path) != 0)
		result = -errno;
	else
		writer->is_published = true;
	if (result != 0)
		registry_set(&writer->header->state, MW_REGISTRY_BUILDING);
	if (old >= 0 && result == 0)
		retire(old);
	if (old >= 0)
		close(old);
	return result;
}

/* ---- open ---- */

/* Map the image and check its header. Returns 0 or an errno with *text. */
static int map_existing(struct registry_write *writer, const struct registry_write_source *source,
	const char **text)
{
	struct stat status;
	void *memory;

	*text = NULL;
	if (fstat(writer->file, &status) != 0)
		return errno;
	*text = "no registry image";
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)MW_REGISTRY_HEADER_BYTES)
		return EBADMSG;
	*text = "cannot be mapped";
	memory = mmap(
		NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, writer->file, 0);
	if (memory == MAP_FAILED)
		return errno;
	writer->header = memory;
	writer->bytes = (uint64_t)status.st_size;
	*text = mw_registry_header_fault(writer->header, writer->bytes);
	if (*text)
		return EBADMSG;
	*text = "not published";
	if (registry_get(&writer->header->state) != MW_REGISTRY_READY)
		return EBADMSG;
	*text = "of another store";
	if (writer->header->store_id != source->store_id)
		return ESTALE;
	*text = "newer than the store";
	if (registry_get(&writer->header->change) > source->change)
		return ESTALE;
	*text = NULL;
	(void)madvise(memory, writer->bytes, MADV_HUGEPAGE);
	/* A file with holes would be a SIGBUS when memory is short. */
	if (madvise(memory, writer->bytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL)
		return errno == EFAULT ? ENOSPC : errno;
	use_header(writer);
	return 0;
}

/* Find and finish what a dead writer left. Returns 0 or an errno. */
static int repair(struct registry_write *writer, const struct registry_write_source *source)
{
	struct registry_write_device device;
	uint64_t torn;
	int result;

	writer->is_repaired = registry_get(&writer->header->writing) != 0;
	result = registry_sweep(writer, &torn);
	if (result == 0 && torn != 0) {
		writer->is_repaired = true;
		result = source->content(source->argument, torn, &device);
		if (result == 0)
			result = device.device_id == torn ? registry_write_put(writer, &device)
							  : -EINVAL;
		else if (result == -ENOENT)
			result = registry_write_remove(writer, torn);
	}
	if (result == 0)
		registry_set(&writer->header->writing, 0);
	return -result;
}

struct registry_write *registry_write_open(const char *path,
	const struct registry_write_source *source, char *reason, size_t reason_size)
{
	struct registry_write *writer = make_writer(path);
	const char *text;
	int error;

	if (!writer)
		return refuse(NULL, ENOMEM, reason, reason_size, NULL);
	writer->is_published = true;
	writer->file = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (writer->file < 0)
		return refuse(writer, errno, reason, reason_size, path);
	if (flock(writer->file, LOCK_EX | LOCK_NB) != 0)
		return refuse(writer, errno == EWOULDBLOCK ? EBUSY : errno, reason, reason_size,
			"another writer has it");
	error = map_existing(writer, source, &text);
	if (error != 0)
		return refuse(writer, error, reason, reason_size, text);
	error = repair(writer, source);
	if (error != 0)
		return refuse(writer, error, reason, reason_size, "cannot be repaired");
	return writer;
}

/* ---- numbers ---- */

void registry_write_set_change(struct registry_write *writer, uint64_t change)
{
	atomic_store_explicit(&writer->header->change, change, memory_order_release);
}

uint64_t registry_write_change(const struct registry_write *writer)
{
	return registry_get(&writer->header->change);
}

uint64_t registry_write_id(const struct registry_write *writer)
{
	return writer->header->image_id;
}

void registry_write_usage(const struct registry_write *writer, struct registry_write_usage *usage)
{
	const struct mw_registry_header *header = writer->header;
	uint64_t left = registry_records_left(writer);
	uint64_t slots = registry_get(&header->device_count) + registry_get(&header->removed_slots);

	*usage = (struct registry_write_usage){
		.devices = registry_get(&header->device_count),
		.records = writer->record_capacity - 1 - left,
		.record_capacity = writer->record_capacity - 1,
		.removed_slots = registry_get(&header->removed_slots),
		.index_slots = writer->slot_mask + 1,
		.file_bytes = writer->bytes,
		.is_repaired = writer->is_repaired,
		.needs_rebuild = left < writer->record_capacity / 64 ||
				 slots > registry_slots_max(writer) / 16 * 15,
	};
}

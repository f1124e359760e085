/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A read is a probe of the index, a copy of the record's words and of its chain, and a second look
 * at the first word:
 *
 *     reader                                    writer (control/registry_change.c)
 *     word 0: acquire; odd: try again           word 0: odd
 *     other words: relaxed                      fence: release
 *     fence: acquire                            other words: relaxed
 *     word 0 as before? then it is whole        word 0: even, release
 *
 * A reader who saw one word of a later write sees, behind his fence, also the odd sequence that was
 * stored before it. Nothing that is read is believed: record numbers are compared with the
 * capacity, chains end after MW_REGISTRY_CHAIN_MAX records, probes after MW_REGISTRY_PROBE_MAX
 * slots, and repeated tries have a budget for the whole burst.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/registry_image.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

/* Tries of one burst that may find a writer at work. He needs less than a microsecond for a record
 * unless he was taken off his processor. */
#define TRIES_MAX 1024

/* Answers of read_record() besides 0 and -errno. */
#define OTHER_DEVICE 1

/* What the header says is copied when it was checked: it is not believed a second time. */
struct registry_image {
	struct mw_registry_header *header; /* mapped read-only */
	const _Atomic uint64_t *slots;
	const struct mw_registry_words *records;
	uint64_t slot_mask;
	uint64_t record_capacity;
	uint64_t hash_secret;
	uint64_t image_id;
	size_t bytes;
};

/* A probe on its way through the index. */
struct probe {
	uint64_t device_id;
	uint64_t tag;
	uint64_t slot;
	uint32_t slots_left;
	uint32_t record; /* the candidate, 0: none (any more) */
	bool damaged;	 /* it came past a slot that leads nowhere */
};

/* ---- mapping ---- */

static void *refuse(int file, int error, char *reason, size_t reason_size, const char *text)
{
	if (file >= 0)
		close(file);
	snprintf(reason, reason_size, "%s", text);
	errno = error;
	return NULL;
}

/* Read and check the header. Returns 0 or an errno with *text. */
static int check_file(int file, struct mw_registry_header *header, const char **text)
{
	struct stat status;
	uint64_t state;

	*text = "cannot be read";
	if (fstat(file, &status) != 0)
		return errno;
	*text = "no registry image";
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)MW_REGISTRY_HEADER_BYTES ||
		pread(file, header, sizeof(*header), 0) != (ssize_t)sizeof(*header))
		return EBADMSG;
	*text = mw_registry_header_fault(header, (uint64_t)status.st_size);
	if (*text)
		return EBADMSG;
	state = atomic_load_explicit(&header->state, memory_order_relaxed);
	*text = "is being built";
	if (state == MW_REGISTRY_BUILDING)
		return EAGAIN;
	*text = "another image has taken its place";
	if (state == MW_REGISTRY_RETIRED)
		return ESTALE;
	*text = "a damaged header: state";
	return state == MW_REGISTRY_READY ? 0 : EBADMSG;
}

struct registry_image *registry_image_map(const char *path, char *reason, size_t reason_size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct mw_registry_header header;
	struct registry_image *image;
	const char *text;
	void *memory;
	int error;

	if (file < 0)
		return refuse(file, errno, reason, reason_size, strerror(errno));
	error = check_file(file, &header, &text);
	if (error != 0)
		return refuse(file, error, reason, reason_size, text);
	memory = mmap(NULL, header.file_bytes, PROT_READ, MAP_SHARED, file, 0);
	if (memory == MAP_FAILED)
		return refuse(file, errno, reason, reason_size, "cannot be mapped");
	close(file);
	/* Only for speed: larger pages where the file has them, and no page fault on an lcore. */
	(void)madvise(memory, header.file_bytes, MADV_HUGEPAGE);
	(void)madvise(memory, header.file_bytes, MADV_POPULATE_READ);
	image = malloc(sizeof(*image));
	if (!image) {
		munmap(memory, header.file_bytes);
		return refuse(-1, ENOMEM, reason, reason_size, "no memory");
	}
	*image = (struct registry_image){
		.header = memory,
		.slots = (const void *)((const uint8_t *)memory + header.index_offset),
		.records = (const void *)((const uint8_t *)memory + header.record_offset),
		.slot_mask = header.index_slots - 1,
		.record_capacity = header.record_capacity,
		.hash_secret = header.hash_secret,
		.image_id = header.image_id,
		.bytes = header.file_bytes,
	};
	return image;
}

void registry_image_unmap(struct registry_image *image)
{
	if (!image)
		return;
	munmap(image->header, image->bytes);
	free(image);
}

uint64_t registry_image_id(const struct registry_image *image)
{
	return image->image_id;
}

uint64_t registry_image_device_count(const struct registry_image *image)
{
	return atomic_load_explicit(&image->header->device_count, memory_order_relaxed);
}

enum mw_registry_state registry_image_state(const struct registry_image *image)
{
	uint64_t state = atomic_load_explicit(&image->header->state, memory_order_acquire);

	return state == MW_REGISTRY_READY ? MW_REGISTRY_READY : MW_REGISTRY_RETIRED;
}

uint64_t registry_image_change(const struct registry_image *image)
{
	return atomic_load_explicit(&image->header->change, memory_order_acquire);
}

/* ---- reading ---- */

static void probe_begin(const struct registry_image *image, uint64_t device_id, struct probe *probe)
{
	uint64_t hash = mw_registry_hash(image->hash_secret, device_id);

	probe->device_id = device_id;
	probe->tag = mw_registry_tag(hash);
	probe->slot = hash & image->slot_mask;
	probe->slots_left = MW_REGISTRY_PROBE_MAX;
	probe->damaged = false;
}

/* Go on to the next slot with the tag. The acquire pairs with the store of the slot, which comes
 * after the record was written. */
static void probe_next(const struct registry_image *image, struct probe *probe)
{
	probe->record = 0;
	while (probe->slots_left > 0) {
		uint64_t slot =
			atomic_load_explicit(&image->slots[probe->slot], memory_order_acquire);

		if (slot == 0)
			return;
		probe->slot = (probe->slot + 1) & image->slot_mask;
		probe->slots_left--;
		if (slot >> 32 != probe->tag)
			continue;
		probe->record = (uint32_t)slot;
		if (probe->record > 0 && probe->record < image->record_capacity)
			return;
		probe->record = 0;
		probe->damaged = true;
	}
}

static void load_record(const struct mw_registry_words *from, struct mw_registry_record *record)
{
	uint64_t words[MW_REGISTRY_WORDS];

	for (unsigned index = 0; index < MW_REGISTRY_WORDS; index++)
		words[index] = atomic_load_explicit(&from->words[index], memory_order_relaxed);
	memcpy(record, words, sizeof(*record));
}

/* Append the entries of one record. False if it has more than there can be. */
static bool take_entries(
	struct registry_image_device *device, const struct mw_registry_record *record)
{
	if (record->entry_count > MW_REGISTRY_ENTRIES)
		return false;
	memcpy(&device->entries[device->entry_count], record->entries,
		record->entry_count * sizeof(record->entries[0]));
	device->entry_count += record->entry_count;
	return true;
}

/* Copy what is behind a first record. False if it is no chain; then the record was changed just now
 * or is damaged. */
static bool take_chain(
	const struct registry_image *image, uint32_t next, struct registry_image_device *device)
{
	struct mw_registry_record record;

	for (unsigned length = 1; next != 0; length++) {
		if (length == MW_REGISTRY_CHAIN_MAX || next >= image->record_capacity)
			return false;
		load_record(&image->records[next], &record);
		if (record.is_overflow != 1 || !take_entries(device, &record))
			return false;
		next = record.next;
	}
	return true;
}

/* One try to copy the probe's candidate: 0, OTHER_DEVICE, -EAGAIN (being written), -EBADMSG. */
static int read_record(const struct registry_image *image, const struct probe *probe,
	struct registry_image_device *device)
{
	const struct mw_registry_words *first = &image->records[probe->record];
	uint64_t before = atomic_load_explicit(&first->words[0], memory_order_acquire);
	struct mw_registry_record record;
	bool other, whole;

	if (before & 1)
		return -EAGAIN;
	load_record(first, &record);
	other = record.device_id != probe->device_id || record.is_overflow;
	if (!other) {
		device->device_id = record.device_id;
		device->type = record.type;
		device->status = record.status;
		device->generation = record.generation;
		device->provider_id = record.provider_id;
		device->entry_count = 0;
		whole = take_entries(device, &record) && take_chain(image, record.next, device);
	}
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&first->words[0], memory_order_relaxed) != before)
		return -EAGAIN;
	if (other)
		return OTHER_DEVICE;
	return whole ? 0 : -EBADMSG;
}

static void pause_shortly(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* From the probe's first candidate on. A device that is removed and put back while we look may be
 * missed: for a moment it was not there. */
static int read_probed(const struct registry_image *image, struct probe *probe,
	struct registry_image_device *device, unsigned *tries)
{
	while (probe->record != 0) {
		int result = read_record(image, probe, device);

		if (result == OTHER_DEVICE) {
			probe_next(image, probe);
			continue;
		}
		if (result != -EAGAIN)
			return result;
		if (*tries == 0)
			return -EAGAIN;
		--*tries;
		pause_shortly();
	}
	return probe->damaged ? -EBADMSG : -ENOENT;
}

int registry_image_read(const struct registry_image *image, uint64_t device_id,
	struct registry_image_device *device)
{
	unsigned tries = TRIES_MAX;
	struct probe probe;

	if (device_id == 0)
		return -ENOENT;
	probe_begin(image, device_id, &probe);
	probe_next(image, &probe);
	return read_probed(image, &probe, device, &tries);
}

/* Four passes, so that the misses of one kind are under way together: slots, records, overflow
 * records. */
void registry_image_read_burst(const struct registry_image *image, const uint64_t *device_ids,
	size_t count, struct registry_image_device *devices, int *status)
{
	struct probe probes[REGISTRY_IMAGE_BURST_MAX];
	unsigned tries = TRIES_MAX;

	assert(count <= REGISTRY_IMAGE_BURST_MAX);
	for (size_t index = 0; index < count; index++) {
		probe_begin(image, device_ids[index], &probes[index]);
		__builtin_prefetch((const void *)&image->slots[probes[index].slot]);
	}
	for (size_t index = 0; index < count; index++) {
		const struct mw_registry_words *record;

		probe_next(image, &probes[index]);
		record = &image->records[probes[index].record];
		__builtin_prefetch((const void *)&record->words[0]);
		__builtin_prefetch((const void *)&record->words[MW_REGISTRY_WORDS / 2]);
	}
	for (size_t index = 0; index < count; index++) {
		const struct mw_registry_words *record = &image->records[probes[index].record];
		uint64_t next = atomic_load_explicit(&record->words[0], memory_order_relaxed) >> 32;

		if (next != 0 && next < image->record_capacity) {
			record = &image->records[next];
			__builtin_prefetch((const void *)&record->words[0]);
			__builtin_prefetch((const void *)&record->words[MW_REGISTRY_WORDS / 2]);
		}
	}
	for (size_t index = 0; index < count; index++)
		status[index] = device_ids[index] == 0 ? -ENOENT
						       : read_probed(image, &probes[index],
								 &devices[index], &tries);
}

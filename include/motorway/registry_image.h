/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry image: what access control needs to know of every device, as one file in shared
 * memory (hugetlbfs or tmpfs) that motorway-control builds and keeps current and the data plane
 * maps read-only.
 *
 *     header (one page) | index | records
 *
 * A device is one record of two cache lines, found through the index: open addressing over 64-bit
 * slots {tag, record number}, so that a probe that misses reads no record. A device with more
 * entries than fit goes on in overflow records, taken from the same array. doc/registry.md tells
 * how it is built, changed and repaired.
 *
 * One writer, any number of readers, no locks. A record's sequence is odd while it is written; a
 * reader copies what it needs and then looks whether the sequence stayed. The chain behind a first
 * record is covered by the first record's sequence. All numbers are little-endian.
 *
 * While an image is in use, both sides touch slots and records as whole 64-bit words (struct
 * mw_registry_words), never as fields: so there is no torn word and no data race, and the sequence
 * says whether the words belong together.
 */
#ifndef MOTORWAY_REGISTRY_IMAGE_H
#define MOTORWAY_REGISTRY_IMAGE_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MW_REGISTRY_MAGIC "MWDEVICE"
#define MW_REGISTRY_FORMAT_VERSION 1u
#define MW_REGISTRY_HEADER_BYTES 4096u
#define MW_REGISTRY_ENTRIES 8u		/* of one record */
#define MW_REGISTRY_CHAIN_MAX 16u	/* records of one device: 128 entries */
#define MW_REGISTRY_OPEN_END UINT32_MAX /* mw_registry_entry.to_s */
#define MW_REGISTRY_RECORDS_MAX (1u << 28)
#define MW_REGISTRY_SLOTS_MAX (1u << 29)
#define MW_REGISTRY_PROBE_MAX 4096u /* slots from the first one that a device may be away */

/* What a party is to a device. Values are part of the format; never renumber them. Access control
 * asks for the kinds that fit the user's role and the SRV's direction. */
enum mw_entitlement {
	MW_ENTITLEMENT_IMPORT_SUPPLIER = 1, /* registered for the import or secondary import MPAN */
	MW_ENTITLEMENT_EXPORT_SUPPLIER = 2, /* registered for the export MPAN */
	MW_ENTITLEMENT_GAS_SUPPLIER = 3,
	MW_ENTITLEMENT_DISTRIBUTOR = 4,	 /* electricity network of an import or export MPAN */
	MW_ENTITLEMENT_TRANSPORTER = 5,	 /* gas network of an MPRN */
	MW_ENTITLEMENT_MDR_IMPORT = 6,	 /* MDRA appointment for an import MPAN */
	MW_ENTITLEMENT_MDR_EXPORT = 7,	 /* MDRA appointment for the export MPAN */
	MW_ENTITLEMENT_AGENT_IMPORT = 8, /* supplier nominated agent, import */
	MW_ENTITLEMENT_AGENT_EXPORT = 9,
	MW_ENTITLEMENT_AGENT_GAS = 10,
	MW_ENTITLEMENT_COUNT,
};

/* A party's entitlement to data of the time from_s < t <= to_s: log entries are stamped at the end
 * of their interval, so that the entry stamped exactly at a change belongs to the old day. Seconds
 * since 1970, UTC. */
struct mw_registry_entry {
	uint32_t party; /* organisation number (24 bits) | enum mw_entitlement << 24 */
	uint32_t from_s;
	uint32_t to_s; /* MW_REGISTRY_OPEN_END: no end known */
};

#define MW_REGISTRY_ORGANISATION_MAX 0xffffffu

enum mw_device_type {
	MW_DEVICE_ESME = 1,
	MW_DEVICE_GSME = 2,
	MW_DEVICE_GPF = 3,
	MW_DEVICE_CHF = 4,
	MW_DEVICE_HCALCS = 5,
	MW_DEVICE_PPMID = 6,
	MW_DEVICE_IHD = 7,
	MW_DEVICE_CAD = 8,
	MW_DEVICE_TYPE_COUNT,
};

/* DUIS DeviceStatus, in the order of the XSD's enumeration as far as it is one of SMI. */
enum mw_device_status {
	MW_STATUS_PENDING = 1,
	MW_STATUS_WHITELISTED = 2,
	MW_STATUS_INSTALLED_NOT_COMMISSIONED = 3,
	MW_STATUS_COMMISSIONED = 4,
	MW_STATUS_DECOMMISSIONED = 5,
	MW_STATUS_WITHDRAWN = 6,
	MW_STATUS_SUSPENDED = 7,
	MW_STATUS_RECOVERY = 8,
	MW_STATUS_RECOVERED = 9,
	MW_DEVICE_STATUS_COUNT,
};

struct mw_registry_record {
	uint32_t sequence; /* atomic; odd: being written */
	uint32_t next;	   /* record number of the overflow record, 0: none */
	uint64_t device_id;
	uint8_t type;	    /* enum mw_device_type */
	uint8_t status;	    /* enum mw_device_status */
	uint8_t generation; /* enum mw_generation */
	uint8_t provider_id;
	uint8_t entry_count; /* in this record */
	uint8_t is_overflow; /* 1: no device of its own */
	uint16_t reserved;
	struct mw_registry_entry entries[MW_REGISTRY_ENTRIES];
	uint64_t reserved2;
};

/* A record as it is read and written. Word 0 is sequence | next << 32, word 1 the device_id. */
#define MW_REGISTRY_WORDS 16u

struct mw_registry_words {
	_Atomic uint64_t words[MW_REGISTRY_WORDS];
};

/* An index slot: 0 = free, MW_REGISTRY_SLOT_REMOVED = free again but probes go on, else
 * tag << 32 | record number (never 0). Atomic. */
#define MW_REGISTRY_SLOT_REMOVED 0xffffffffull

enum mw_registry_state {
	MW_REGISTRY_BUILDING = 1,
	MW_REGISTRY_READY = 2,
	MW_REGISTRY_RETIRED = 3, /* another file has taken its place */
};

struct mw_registry_header {
	char magic[8];
	uint32_t format_version;
	uint32_t header_bytes;
	uint64_t file_bytes;
	uint64_t store_id; /* of the store it mirrors */
	uint64_t image_id; /* random; another build has another one */
	uint64_t hash_secret;
	uint64_t index_offset; /* bytes from the start of the file */
	uint64_t index_slots;  /* a power of two */
	uint64_t record_offset;
	uint64_t record_capacity; /* record 0 is never used */
	/* What changes while it is in use. */
	_Atomic uint64_t state; /* enum mw_registry_state */
	_Atomic uint64_t device_count;
	_Atomic uint64_t records_used; /* high-water mark */
	_Atomic uint64_t
		free_record; /* head of the list of free records (through `next`), 0: none */
	_Atomic uint64_t removed_slots;
	_Atomic uint64_t change;  /* number of the store's last change that is in here in full */
	_Atomic uint64_t writing; /* record whose chain is being written, 0: none; for repair */
};

_Static_assert(sizeof(struct mw_registry_entry) == 12, "entry");
_Static_assert(sizeof(struct mw_registry_record) == 128, "two cache lines");
_Static_assert(sizeof(struct mw_registry_words) == 128, "the same bytes");
_Static_assert(offsetof(struct mw_registry_record, entries) == 24, "entries");
_Static_assert(sizeof(struct mw_registry_header) <= MW_REGISTRY_HEADER_BYTES, "header");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "words are shared between processes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "format");

/* The hash that the index uses: low bits of the result choose the slot, the high 32 are the tag
 * (never 0: then 1 is used). */
static inline uint64_t mw_registry_hash(uint64_t secret, uint64_t device_id)
{
	uint64_t hash = device_id ^ secret;
	hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93ull;
	hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93ull;
	return hash ^ hash >> 32;
}

static inline uint64_t mw_registry_tag(uint64_t hash)
{
	return hash >> 32 ? hash >> 32 : 1;
}

/* What is wrong with what never changes in a header that stands in a file of `file_bytes`, or NULL.
 * After that, index_slots slots and record_capacity records lie inside the file. */
static inline const char *mw_registry_header_fault(
	const struct mw_registry_header *header, uint64_t file_bytes)
{
	uint64_t slots = header->index_slots, capacity = header->record_capacity;

	if (memcmp(header->magic, MW_REGISTRY_MAGIC, sizeof(header->magic)) != 0)
		return "no registry image";
	if (header->format_version != MW_REGISTRY_FORMAT_VERSION ||
		header->header_bytes != MW_REGISTRY_HEADER_BYTES)
		return "a registry image of another format version";
	if (header->file_bytes != file_bytes)
		return "the file's length is not what its header says";
	if (slots == 0 || slots > MW_REGISTRY_SLOTS_MAX || (slots & (slots - 1)) != 0)
		return "a damaged header: index_slots";
	if (capacity < 2 || capacity > MW_REGISTRY_RECORDS_MAX)
		return "a damaged header: record_capacity";
	if (header->index_offset < MW_REGISTRY_HEADER_BYTES || header->index_offset > file_bytes ||
		header->index_offset % sizeof(struct mw_registry_words) != 0 ||
		slots * sizeof(uint64_t) > file_bytes - header->index_offset)
		return "a damaged header: index_offset";
	if (header->record_offset < header->index_offset + slots * sizeof(uint64_t) ||
		header->record_offset > file_bytes ||
		header->record_offset % sizeof(struct mw_registry_words) != 0 ||
		capacity * sizeof(struct mw_registry_words) > file_bytes - header->record_offset)
		return "a damaged header: record_offset";
	return NULL;
}

#endif

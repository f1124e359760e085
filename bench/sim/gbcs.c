/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/gbcs.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "bench/sim/random.h"

#define CRA_COMMAND 1
#define CRA_RESPONSE 2
#define MAC_BYTES 12
#define DATE_TIME_BYTES 12
#define SECONDS_1970_TO_2000 946684800

/* Sizes are those of the public RTDS samples, brought to the form for a known remote party: the
 * supplementary fields of other parties (16 octets, 24 when encrypted) come on top. 4.6.2 and 4.14
 * are published in the longer form. Code 0 and the sizes in the last entry are assumptions. */
static const struct gbcs_use_case use_cases[] = {
	/* srv, name, code, command, response, columns, rows, minutes, encrypted, date-time */
	{"4.1.1", "ECS17b", 0x0027, 158, 183, 0, 0, 0, true, true},
	{"4.2", "ECS17a", 0x0026, 112, 111, 0, 0, 0, false, true},
	{"4.6.1", "ECS21a", 0x0033, 187, 1164, 0, 0, 0, true, false},
	{"4.6.2", "ECS21c", 0x0035, 112, 330, 2, 31, 1440, false, false},
	{"4.8.1", "ECS22b", 0x0037, 187, 552, 0, 0, 0, true, false},
	{"4.8.3", "ECS22a", 0x0036, 112, 672, 3, 49, 30, false, false},
	{"4.17", "ECS66", 0x0060, 187, 185, 0, 0, 0, true, false},
	{"4.14", "ECS21b", 0x0034, 187, 359, 0, 0, 0, true, false},
	{"11.2", "ECS52", 0x0059, 96, 96, 0, 0, 0, false, false},
};

static const struct gbcs_use_case other_use_case = {
	"", "not listed", 0, 120, 111, 0, 0, 0, false, false};

const struct gbcs_use_case *gbcs_use_case(const char *srv)
{
	for (size_t i = 0; i < sizeof(use_cases) / sizeof(use_cases[0]); i++)
		if (strcmp(use_cases[i].srv, srv) == 0)
			return &use_cases[i];
	return &other_use_case;
}

/* ---- octets ---- */

struct octets {
	uint8_t bytes[GBCS_BYTES_MAX];
	size_t length;
};

static void put(struct octets *octets, uint64_t value, unsigned width)
{
	assert(octets->length + width <= sizeof(octets->bytes));
	for (unsigned i = width; i-- > 0;)
		octets->bytes[octets->length++] = (uint8_t)(value >> (8 * i));
}

static void put_bytes(struct octets *octets, const uint8_t *bytes, size_t length)
{
	assert(octets->length + length <= sizeof(octets->bytes));
	memcpy(octets->bytes + octets->length, bytes, length);
	octets->length += length;
}

static unsigned length_width(size_t length)
{
	return length < 0x80 ? 1 : length < 0x100 ? 2 : 3;
}

/* BER: short form below 128, then 81 n or 82 nn nn. */
static void put_length(struct octets *octets, size_t length)
{
	if (length >= 0x100)
		put(octets, 0x820000 | length, 3);
	else if (length >= 0x80)
		put(octets, 0x8100 | length, 2);
	else
		put(octets, length, 1);
}

static void put_random(struct octets *octets, struct random_source *source, size_t length)
{
	assert(octets->length + length <= sizeof(octets->bytes));
	random_fill(source, octets->bytes + octets->length, length);
	octets->length += length;
}

static void put_zeros(struct octets *octets, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put(octets, 0, 1);
}

/* ---- frame ---- */

struct frame {
	uint8_t kind; /* CRA_... */
	bool mac;
	bool date_time;
	bool encrypted;
	int64_t wall_s;
	uint16_t message_code;
};

static void put_date_time(struct octets *octets, int64_t wall_s)
{
	time_t seconds = (time_t)wall_s;
	struct tm tm = {0};
	gmtime_r(&seconds, &tm);
	put(octets, DATE_TIME_BYTES, 1);
	put(octets, (uint64_t)tm.tm_year + 1900, 2);
	put(octets, (uint64_t)tm.tm_mon + 1, 1);
	put(octets, (uint64_t)tm.tm_mday, 1);
	put(octets, tm.tm_wday ? (uint64_t)tm.tm_wday : 7, 1);
	put(octets, (uint64_t)tm.tm_hour, 1);
	put(octets, (uint64_t)tm.tm_min, 1);
	put(octets, (uint64_t)tm.tm_sec, 1);
	put(octets, 0, 1); /* hundredths */
	put(octets, 0, 2); /* deviation from UTC */
	put(octets, 0, 1); /* clock status */
}

/* Other information: the message code; for others than known remote parties the supplementary
 * party and counter; with encrypted content also the originator's counter. */
static void put_other_information(
	struct octets *octets, const struct frame *frame, const struct gbcs_parties *parties)
{
	if (!parties->has_supplementary) {
		put(octets, 2, 1);
		put(octets, frame->message_code, 2);
		return;
	}
	put(octets, frame->encrypted && frame->kind == CRA_RESPONSE ? 26 : 18, 1);
	put(octets, frame->message_code, 2);
	put(octets, parties->supplementary_party, 8);
	put(octets, parties->supplementary_counter, 8);
	if (frame->encrypted && frame->kind == CRA_RESPONSE)
		put(octets, parties->counter, 8);
}

static void put_grouping(struct octets *octets, const struct frame *frame,
	const struct gbcs_parties *parties, const struct octets *content)
{
	put(octets, 0xdf09, 2);
	put(octets, frame->kind, 1);
	put(octets, parties->counter, 8);
	put(octets, 8, 1);
	put(octets, parties->originator, 8);
	put(octets, 8, 1);
	put(octets, parties->recipient, 8);
	if (frame->date_time)
		put_date_time(octets, frame->wall_s);
	else
		put(octets, 0, 1);
	put_other_information(octets, frame, parties);
	put_length(octets, content->length);
	put_bytes(octets, content->bytes, content->length);
	put(octets, 0, 1); /* no signature */
}

/* Octets of content with which a message to a known remote party has `total` octets in all. */
static size_t content_bytes(size_t total, bool date_time)
{
	/* MAC header, grouping header, originator and recipient, code, signature length, MAC. */
	size_t fixed = 7 + 5 + 11 + 18 + (date_time ? 1 + DATE_TIME_BYTES : 1) + 3 + 1 + MAC_BYTES;
	for (size_t content = 5; content < GBCS_BYTES_MAX; content++) {
		size_t whole = fixed + length_width(content) + content;
		whole += length_width(whole - 7);
		if (whole >= total)
			return content;
	}
	return 5;
}

static int finish(const struct frame *frame, const struct gbcs_parties *parties,
	const struct octets *content, struct random_source *source, uint8_t *out, size_t capacity)
{
	struct octets grouping = {.length = 0};
	struct octets message = {.length = 0};
	put_grouping(&grouping, frame, parties, content);
	if (frame->mac) {
		put(&message, 0xdd, 1);
		put_zeros(&message, 6);
		put_length(&message, 5 + grouping.length + MAC_BYTES);
		put(&message, 0x11, 1);
		put_zeros(&message, 4);
	}
	put_bytes(&message, grouping.bytes, grouping.length);
	if (frame->mac)
		put_random(&message, source, MAC_BYTES);
	if (message.length > capacity)
		return -ENOBUFS;
	memcpy(out, message.bytes, message.length);
	return (int)message.length;
}

/* ---- content ---- */

/* Rows as a DLMS compact array: a structure of uint32, the first one the time. */
static void put_rows(struct octets *content, const struct gbcs_use_case *use_case, int64_t wall_s,
	struct random_source *source)
{
	uint32_t interval_s = use_case->row_interval_min * 60u;
	int64_t last = wall_s - SECONDS_1970_TO_2000;
	last -= last % interval_s;
	put(content, 0x1302, 2);
	put(content, use_case->row_columns, 1);
	for (unsigned column = 0; column < use_case->row_columns; column++)
		put(content, 0x06, 1);
	put_length(content, (size_t)use_case->row_count * use_case->row_columns * 4);
	uint32_t register_wh = (uint32_t)random_below(source, 50000000);
	for (unsigned row = 0; row < use_case->row_count; row++) {
		int64_t time_s = last - (int64_t)(use_case->row_count - 1 - row) * interval_s;
		put(content, (uint32_t)time_s, 4);
		for (unsigned column = 1; column < use_case->row_columns; column++) {
			register_wh += (uint32_t)random_below(source, 2000);
			put(content, register_wh, 4);
		}
	}
}

/* `length` octets of an encrypted element: 09 length 31 00000000 ciphertext tag. */
static void put_encrypted(struct octets *content, size_t length, struct random_source *source)
{
	size_t inner = length - 1 - length_width(length);
	size_t written = content->length + length;
	put(content, 0x09, 1);
	put_length(content, inner);
	put(content, 0x3100000000, 5);
	put_random(content, source, written - content->length);
}

static void put_response_content(struct octets *content, const struct gbcs_use_case *use_case,
	const struct gbcs_parties *parties, int64_t wall_s, struct random_source *source)
{
	size_t total = content_bytes(use_case->response_bytes, use_case->date_time);
	put(content, 0xda20, 2);
	put(content, parties->counter & 0xffffff, 3);
	if (use_case->row_count > 0)
		put_rows(content, use_case, wall_s, source);
	else if (use_case->encrypted)
		put_encrypted(content, total - content->length - 2, source);
	else if (total > content->length + 2)
		put_random(content, source, total - content->length - 2);
	/* The result list: every item succeeded. */
	if (total > content->length)
		put_zeros(content, total - content->length);
}

int gbcs_write_response(const struct gbcs_use_case *use_case, const struct gbcs_parties *parties,
	int64_t wall_s, uint64_t seed, uint8_t *out, size_t capacity)
{
	struct random_source source;
	struct octets content = {.length = 0};
	struct frame frame = {
		.kind = CRA_RESPONSE,
		.mac = true,
		.date_time = use_case->date_time,
		.encrypted = use_case->encrypted,
		.wall_s = wall_s,
		.message_code = use_case->message_code,
	};
	random_seed(&source, seed);
	put_response_content(&content, use_case, parties, wall_s, &source);
	return finish(&frame, parties, &content, &source, out, capacity);
}

int gbcs_write_command(const struct gbcs_use_case *use_case, const struct gbcs_parties *parties,
	bool mac, uint64_t seed, uint8_t *out, size_t capacity)
{
	struct random_source source;
	struct octets content = {.length = 0};
	struct frame frame = {
		.kind = CRA_COMMAND,
		.mac = mac,
		.encrypted = use_case->encrypted,
		.message_code = use_case->message_code,
	};
	random_seed(&source, seed);
	put(&content, 0xd920, 2);
	put(&content, parties->counter & 0xffffff, 3);
	size_t total = content_bytes(use_case->command_bytes, false);
	if (total > content.length)
		put_random(&content, &source, total - content.length);
	return finish(&frame, parties, &content, &source, out, capacity);
}

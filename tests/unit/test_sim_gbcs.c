/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of simulated GBCS messages, walked by a reader of its own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "bench/sim/gbcs.h"

#define DEVICE 0x00db1234567890a0ull
#define SUPPLIER 0x90b3d51f30010000ull
#define BROKER 0x90b3d51f30000002ull
#define MDR 0x90b3d51f30010009ull
#define WALL_S 1700000000ll

static const struct gbcs_parties known_party = {
	.originator = DEVICE, .recipient = SUPPLIER, .counter = 0x0123456789abcdefull};

static const struct gbcs_parties unknown_party = {
	.originator = DEVICE,
	.recipient = BROKER,
	.counter = 77,
	.has_supplementary = true,
	.supplementary_party = MDR,
	.supplementary_counter = 1002,
};

struct reader {
	const uint8_t *bytes;
	size_t length;
	size_t at;
};

static uint64_t take(struct reader *reader, unsigned width)
{
	uint64_t value = 0;
	cr_assert_leq(reader->at + width, reader->length);
	while (width-- > 0)
		value = value << 8 | reader->bytes[reader->at++];
	return value;
}

static size_t take_length(struct reader *reader)
{
	uint64_t first = take(reader, 1);
	if (first < 0x80)
		return (size_t)first;
	cr_assert(first == 0x81 || first == 0x82);
	size_t length = (size_t)take(reader, first & 3);
	/* The shortest form. */
	cr_assert_geq(length, first == 0x81 ? 0x80u : 0x100u);
	return length;
}

struct message {
	bool mac;
	uint8_t kind;
	uint64_t counter, originator, recipient;
	size_t date_time_length;
	uint8_t date_time[12];
	size_t other_length;
	uint16_t code;
	uint64_t supplementary_party, supplementary_counter, supplementary_originator_counter;
	const uint8_t *content;
	size_t content_length;
};

static void walk(const uint8_t *bytes, size_t length, struct message *message)
{
	struct reader reader = {bytes, length, 0};
	memset(message, 0, sizeof(*message));
	message->mac = bytes[0] == 0xdd;
	if (message->mac) {
		cr_assert_eq(take(&reader, 7), 0xdd000000000000ull);
		size_t inner = take_length(&reader);
		cr_assert_eq(inner, length - reader.at);
		cr_assert_eq(take(&reader, 5), 0x1100000000ull);
	}
	cr_assert_eq(take(&reader, 2), 0xdf09);
	message->kind = (uint8_t)take(&reader, 1);
	message->counter = take(&reader, 8);
	cr_assert_eq(take(&reader, 1), 8);
	message->originator = take(&reader, 8);
	cr_assert_eq(take(&reader, 1), 8);
	message->recipient = take(&reader, 8);
	message->date_time_length = take_length(&reader);
	cr_assert(message->date_time_length == 0 || message->date_time_length == 12);
	for (size_t i = 0; i < message->date_time_length; i++)
		message->date_time[i] = (uint8_t)take(&reader, 1);
	message->other_length = take_length(&reader);
	message->code = (uint16_t)take(&reader, 2);
	if (message->other_length > 2) {
		message->supplementary_party = take(&reader, 8);
		message->supplementary_counter = take(&reader, 8);
	}
	if (message->other_length > 18)
		message->supplementary_originator_counter = take(&reader, 8);
	message->content_length = take_length(&reader);
	message->content = bytes + reader.at;
	reader.at += message->content_length;
	cr_assert_eq(take(&reader, 1), 0, "no signature");
	cr_assert_eq(reader.at + (message->mac ? 12 : 0), length);
}

static int write(
	const char *srv, const struct gbcs_parties *parties, uint8_t *out, struct message *message)
{
	int length =
		gbcs_write_response(gbcs_use_case(srv), parties, WALL_S, 1, out, GBCS_BYTES_MAX);
	cr_assert_gt(length, 0);
	walk(out, (size_t)length, message);
	return length;
}

/* The sizes of the public samples, as a whole message. */
Test(sim_gbcs, responses_have_the_real_sizes)
{
	static const struct {
		const char *srv;
		int known, unknown;
		uint16_t code;
	} rows[] = {
		{"4.1.1", 183, 207, 0x0027},
		{"4.2", 111, 127, 0x0026},
		{"4.6.1", 1164, 1188, 0x0033},
		{"4.6.2", 330, 346, 0x0035},
		{"4.8.1", 552, 576, 0x0037},
		{"4.8.3", 672, 688, 0x0036},
		{"4.17", 185, 209, 0x0060},
		{"4.14", 359, 383, 0x0034},
	};
	uint8_t out[GBCS_BYTES_MAX];
	struct message message;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int length = write(rows[i].srv, &known_party, out, &message);
		cr_assert_eq(length, rows[i].known, "%s: %d", rows[i].srv, length);
		cr_assert_eq(message.code, rows[i].code);
		cr_assert_eq(message.other_length, 2);
		length = write(rows[i].srv, &unknown_party, out, &message);
		cr_assert_eq(length, rows[i].unknown, "%s: %d", rows[i].srv, length);
		cr_assert_eq(message.code, rows[i].code);
		cr_assert_geq(message.other_length, 18);
	}
}

Test(sim_gbcs, response_names_its_parties)
{
	uint8_t out[GBCS_BYTES_MAX];
	struct message message;
	write("4.8.1", &unknown_party, out, &message);
	cr_assert(message.mac);
	cr_assert_eq(message.kind, 2);
	cr_assert_eq(message.originator, DEVICE);
	cr_assert_eq(message.recipient, BROKER);
	cr_assert_eq(message.counter, 77);
	cr_assert_eq(message.other_length, 26);
	cr_assert_eq(message.supplementary_party, MDR);
	cr_assert_eq(message.supplementary_counter, 1002);
	cr_assert_eq(message.supplementary_originator_counter, 77);
	static const uint8_t start[] = {0xda, 0x20, 0, 0, 77, 0x09};
	cr_assert_arr_eq(message.content, start, sizeof(start));
}

Test(sim_gbcs, instantaneous_reads_carry_the_time)
{
	/* 2023-11-14 22:13:20 UTC, a Tuesday. */
	static const uint8_t expected[12] = {0x07, 0xe7, 11, 14, 2, 22, 13, 20, 0, 0, 0, 0};
	uint8_t out[GBCS_BYTES_MAX];
	struct message message;
	write("4.1.1", &known_party, out, &message);
	cr_assert_eq(message.date_time_length, 12);
	cr_assert_arr_eq(message.date_time, expected, sizeof(expected));
	write("4.8.1", &known_party, out, &message);
	cr_assert_eq(message.date_time_length, 0);
}

/* 49 half-hourly rows of time and two readings, the last one not later than now. */
Test(sim_gbcs, profile_rows_are_half_hours)
{
	static const uint8_t head[] = {0x13, 0x02, 0x03, 0x06, 0x06, 0x06, 0x82, 0x02, 0x4c};
	uint8_t out[GBCS_BYTES_MAX];
	struct message message;
	write("4.8.3", &known_party, out, &message);
	cr_assert_arr_eq(message.content + 5, head, sizeof(head));
	struct reader rows = {message.content, message.content_length, 5 + sizeof(head)};
	uint64_t previous_s = 0;
	for (int row = 0; row < 49; row++) {
		uint64_t time_s = take(&rows, 4) + 946684800;
		if (row > 0)
			cr_assert_eq(time_s - previous_s, 1800);
		cr_assert_eq(time_s % 1800, 0);
		previous_s = time_s;
		rows.at += 8;
	}
	cr_assert_leq(previous_s, (uint64_t)WALL_S);
	cr_assert_gt(previous_s + 1800, (uint64_t)WALL_S);
}

Test(sim_gbcs, content_follows_from_the_seed)
{
	uint8_t a[GBCS_BYTES_MAX];
	uint8_t b[GBCS_BYTES_MAX];
	const struct gbcs_use_case *use_case = gbcs_use_case("4.6.1");
	int length = gbcs_write_response(use_case, &known_party, WALL_S, 9, a, sizeof(a));
	cr_assert_eq(gbcs_write_response(use_case, &known_party, WALL_S, 9, b, sizeof(b)), length);
	cr_assert_arr_eq(a, b, (size_t)length);
	gbcs_write_response(use_case, &known_party, WALL_S, 10, b, sizeof(b));
	cr_assert_arr_neq(a, b, (size_t)length);
}

Test(sim_gbcs, commands)
{
	uint8_t out[GBCS_BYTES_MAX];
	struct message message;
	int length =
		gbcs_write_command(gbcs_use_case("4.2"), &known_party, true, 1, out, sizeof(out));
	cr_assert_eq(length, 112);
	walk(out, (size_t)length, &message);
	cr_assert(message.mac);
	cr_assert_eq(message.kind, 1);
	int bare =
		gbcs_write_command(gbcs_use_case("4.2"), &known_party, false, 1, out, sizeof(out));
	cr_assert_eq(bare, 112 - 7 - 1 - 5 - 12, "without MAC header and MAC");
	walk(out, (size_t)bare, &message);
	cr_assert_not(message.mac);
	cr_assert_eq(out[0], 0xdf, "a pre-command begins with its tag");
	cr_assert_eq(out[bare - 1], 0, "and ends with the length of no signature");
}

Test(sim_gbcs, unknown_srv_has_a_frame_too)
{
	uint8_t out[GBCS_BYTES_MAX];
	struct message message;
	cr_assert_eq(write("1.1.1", &known_party, out, &message), 111);
	cr_assert_eq(message.code, 0);
}

Test(sim_gbcs, short_room_is_an_error)
{
	uint8_t out[GBCS_BYTES_MAX];
	const struct gbcs_use_case *use_case = gbcs_use_case("4.8.1");
	cr_assert_eq(gbcs_write_response(use_case, &known_party, WALL_S, 1, out, 551), -ENOBUFS);
	cr_assert_eq(gbcs_write_response(use_case, &known_party, WALL_S, 1, out, 552), 552);
	cr_assert_eq(gbcs_write_command(use_case, &known_party, true, 1, out, 10), -ENOBUFS);
}

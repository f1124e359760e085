/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of rows, one after the other. A writer that runs out of room and a reader that runs out of
 * bytes remember it and go on harmlessly, so that one look at the end is enough.
 */
#ifndef CONTROL_STORE_BYTES_H
#define CONTROL_STORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes_writer {
	uint8_t *at;
	uint8_t *end;
	bool wrong;
};

struct bytes_reader {
	const uint8_t *at;
	const uint8_t *end;
	bool wrong;
};

static inline void write_bytes(struct bytes_writer *writer, const void *bytes, size_t length)
{
	if (length > (size_t)(writer->end - writer->at)) {
		writer->wrong = true;
		return;
	}
	memcpy(writer->at, bytes, length);
	writer->at += length;
}

/* The low `size` bytes of `value`. */
static inline void write_number(struct bytes_writer *writer, uint64_t value, size_t size)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	write_bytes(writer, bytes, size);
}

/* Seven bits a byte, lowest first, the top bit says that more follow. */
static inline void write_varying(struct bytes_writer *writer, uint64_t value)
{
	uint8_t bytes[10];
	size_t length = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[length++] = (uint8_t)(value | 0x80);
	bytes[length++] = (uint8_t)value;
	write_bytes(writer, bytes, length);
}

/* A text in a field of `size` bytes: length (two bytes when size > 256) and bytes. */
static inline void write_text(struct bytes_writer *writer, const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	if (length == size)
		writer->wrong = true;
	write_number(writer, length, size > 256 ? 2 : 1);
	write_bytes(writer, text, length);
}

/* The next `length` bytes, or NULL. */
static inline const uint8_t *read_bytes(struct bytes_reader *reader, size_t length)
{
	const uint8_t *bytes = reader->at;

	if (reader->wrong || length > (size_t)(reader->end - reader->at)) {
		reader->wrong = true;
		return NULL;
	}
	reader->at += length;
	return bytes;
}

static inline uint64_t read_number(struct bytes_reader *reader, size_t size)
{
	const uint8_t *bytes = read_bytes(reader, size);
	uint64_t value = 0;

	for (size_t i = 0; bytes != NULL && i < size; i++)
		value |= (uint64_t)bytes[i] << 8 * i;
	return value;
}

/* A number that must not be above `max`. */
static inline uint64_t read_bounded(struct bytes_reader *reader, size_t size, uint64_t max)
{
	uint64_t value = read_number(reader, size);

	if (value <= max)
		return value;
	reader->wrong = true;
	return 0;
}

static inline uint64_t read_varying(struct bytes_reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t *byte = read_bytes(reader, 1);

		if (byte == NULL)
			return 0;
		value |= (uint64_t)(*byte & 0x7f) << shift;
		if ((*byte & 0x80) == 0) {
			/* One way to write a number: no empty last byte, nothing beyond 64 bits. */
			if ((shift > 0 && *byte == 0) || (shift == 63 && *byte > 1))
				reader->wrong = true;
			return value;
		}
	}
	reader->wrong = true;
	return 0;
}

static inline void read_text(struct bytes_reader *reader, char *text, size_t size)
{
	size_t length = read_bounded(reader, size > 256 ? 2 : 1, size - 1);
	const uint8_t *bytes = read_bytes(reader, length);

	if (bytes == NULL || memchr(bytes, '\0', length) != NULL) {
		reader->wrong = true;
		text[0] = '\0';
		return;
	}
	memcpy(text, bytes, length);
	text[length] = '\0';
}

/* Everything was there and nothing is left. */
static inline bool read_whole(const struct bytes_reader *reader)
{
	return !reader->wrong && reader->at == reader->end;
}

#endif

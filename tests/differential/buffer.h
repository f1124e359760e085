/* SPDX-License-Identifier: Apache-2.0 */
/* Growing byte strings for tests. When memory is short the program ends: tests have no use for a
 * graceful failure. */
#ifndef DIFFERENTIAL_BUFFER_H
#define DIFFERENTIAL_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/* All zero is an empty buffer. `bytes` is followed by a NUL that is not counted, unless NULL. */
struct buffer {
	uint8_t *bytes;
	size_t length;
	size_t capacity;
};

/* malloc() and realloc() that end the program when memory is short. */
void *buffer_allocate(size_t size);
void *buffer_reallocate(void *memory, size_t size);

void buffer_clear(struct buffer *buffer);
void buffer_free(struct buffer *buffer);
void buffer_add(struct buffer *buffer, const void *bytes, size_t length);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_byte(struct buffer *buffer, uint8_t byte);
__attribute__((format(printf, 2, 3))) void buffer_print(
	struct buffer *buffer, const char *format, ...);

/* Add the UTF-8 form of a code point (at most 0x10ffff; surrogates are written as they are). */
void buffer_code_point(struct buffer *buffer, uint32_t code_point);

/* Replace bytes[begin .. end) by text[0 .. length). */
void buffer_splice(
	struct buffer *buffer, size_t begin, size_t end, const void *text, size_t length);

/* Fill the buffer with the file at `path`: 0 or -errno. */
int buffer_read(struct buffer *buffer, const char *path);

/* Write the buffer to the file at `path`: 0 or -errno. */
int buffer_write(const struct buffer *buffer, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differential/buffer.h"

void *buffer_reallocate(void *memory, size_t size)
{
	void *fresh = realloc(memory, size > 0 ? size : 1);

	if (fresh == NULL) {
		fprintf(stderr, "out of memory\n");
		exit(2);
	}
	return fresh;
}

void *buffer_allocate(size_t size)
{
	void *fresh = buffer_reallocate(NULL, size);

	memset(fresh, 0, size);
	return fresh;
}

static void reserve(struct buffer *buffer, size_t more)
{
	size_t needed = buffer->length + more + 1;

	if (needed <= buffer->capacity)
		return;
	buffer->capacity = needed * 2 > 256 ? needed * 2 : 256;
	buffer->bytes = buffer_reallocate(buffer->bytes, buffer->capacity);
}

void buffer_clear(struct buffer *buffer)
{
	reserve(buffer, 0);
	buffer->length = 0;
	buffer->bytes[0] = 0;
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->bytes);
	memset(buffer, 0, sizeof(*buffer));
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t length)
{
	reserve(buffer, length);
	if (length > 0)
		memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
	buffer->bytes[buffer->length] = 0;
}

void buffer_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void buffer_byte(struct buffer *buffer, uint8_t byte)
{
	buffer_add(buffer, &byte, 1);
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	reserve(buffer, (size_t)length);
	va_start(arguments, format);
	vsnprintf((char *)buffer->bytes + buffer->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->length += (size_t)length;
}

void buffer_code_point(struct buffer *buffer, uint32_t code_point)
{
	if (code_point < 0x80) {
		buffer_byte(buffer, (uint8_t)code_point);
	} else if (code_point < 0x800) {
		buffer_byte(buffer, (uint8_t)(0xc0 | code_point >> 6));
		buffer_byte(buffer, (uint8_t)(0x80 | (code_point & 0x3f)));
	} else if (code_point < 0x10000) {
		buffer_byte(buffer, (uint8_t)(0xe0 | code_point >> 12));
		buffer_byte(buffer, (uint8_t)(0x80 | (code_point >> 6 & 0x3f)));
		buffer_byte(buffer, (uint8_t)(0x80 | (code_point & 0x3f)));
	} else {
		buffer_byte(buffer, (uint8_t)(0xf0 | code_point >> 18));
		buffer_byte(buffer, (uint8_t)(0x80 | (code_point >> 12 & 0x3f)));
		buffer_byte(buffer, (uint8_t)(0x80 | (code_point >> 6 & 0x3f)));
		buffer_byte(buffer, (uint8_t)(0x80 | (code_point & 0x3f)));
	}
}

void buffer_splice(struct buffer *buffer, size_t begin, size_t end, const void *text, size_t length)
{
	size_t tail = buffer->length - end;

	reserve(buffer, length);
	memmove(buffer->bytes + begin + length, buffer->bytes + end, tail);
	if (length > 0)
		memcpy(buffer->bytes + begin, text, length);
	buffer->length = begin + length + tail;
	buffer->bytes[buffer->length] = 0;
}

int buffer_read(struct buffer *buffer, const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t part[16384];
	size_t count;
	int result = 0;

	if (file == NULL)
		return -errno;
	buffer_clear(buffer);
	while ((count = fread(part, 1, sizeof(part), file)) > 0)
		buffer_add(buffer, part, count);
	if (ferror(file))
		result = -EIO;
	fclose(file);
	return result;
}

int buffer_write(const struct buffer *buffer, const char *path)
{
	FILE *file = fopen(path, "we");
	int result = 0;

	if (file == NULL)
		return -errno;
	if (fwrite(buffer->bytes, 1, buffer->length, file) != buffer->length)
		result = -EIO;
	if (fclose(file) != 0)
		result = -EIO;
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The order of compilation, and what all its parts use: the arena and the ways out. */
#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "control/schema_compile.h"
#include "control/schema_model.h"
#include "dataplane/duis/overlay.h"

#define BLOCK_BYTES (256u * 1024)
#define ALIGNMENT 16u

struct schema_block {
	struct schema_block *next;
	size_t used;
	size_t size;
	_Alignas(ALIGNMENT) unsigned char bytes[];
};

void *schema_allocate(struct schema *schema, size_t size)
{
	struct schema_block *block = schema->blocks;
	void *result;

	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (block == NULL || block->size - block->used < size) {
		size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;

		if (room > SCHEMA_BYTES_MAX - schema->bytes)
			schema_fail(schema, -EFBIG, NULL,
				"%s: the schema is too large: compiling it takes more than %u MB",
				schema->set->count > 0 ? schema->set->documents[0].path : "schema",
				SCHEMA_BYTES_MAX >> 20);
		block = calloc(1, sizeof(*block) + room);
		if (block == NULL)
			schema_fail(schema, -ENOMEM, NULL, "out of memory");
		block->size = room;
		schema->bytes += room;
		block->next = schema->blocks;
		schema->blocks = block;
	}
	result = block->bytes + block->used;
	block->used += size;
	return result;
}

char *schema_copy(struct schema *schema, const char *text, size_t length)
{
	char *copy = schema_allocate(schema, length + 1);

	memcpy(copy, text, length);
	return copy;
}

void *schema_append(struct schema *schema, struct schema_array *array, size_t item_size)
{
	if (array->count == array->capacity) {
		uint32_t capacity = array->capacity == 0 ? 8 : array->capacity * 2;
		void *items = schema_allocate(schema, (size_t)capacity * item_size);

		if (array->count > 0)
			memcpy(items, array->items, (size_t)array->count * item_size);
		array->items = items;
		array->capacity = capacity;
	}
	return (char *)array->items + (size_t)array->count++ * item_size;
}

static const char *path_of(const struct schema *schema, const xmlNode *node)
{
	for (size_t index = 0; index < schema->set->count; index++)
		if (schema->set->documents[index].document == node->doc)
			return schema->set->documents[index].path;
	return "schema";
}

/* What an overlay has added has no line of its own: that of what stands before it. */
static long line_of(const xmlNode *node)
{
	long line = xmlGetLineNo(node);

	while (line <= 0 && node != NULL) {
		node = node->prev != NULL ? node->prev : node->parent;
		line = node != NULL ? xmlGetLineNo(node) : 1;
	}
	return line > 0 ? line : 1;
}

void schema_fail(struct schema *schema, int result, const xmlNode *node, const char *format, ...)
{
	int length = 0;
	va_list arguments;

	if (node != NULL)
		length = snprintf(schema->reason, schema->reason_size,
			"%s:%ld: ", path_of(schema, node), line_of(node));
	if (length >= 0 && (size_t)length < schema->reason_size) {
		va_start(arguments, format);
		vsnprintf(schema->reason + length, schema->reason_size - (size_t)length, format,
			arguments);
		va_end(arguments);
	}
	schema->result = result;
	longjmp(schema->failure, 1);
}

void schema_unsupported(struct schema *schema, const xmlNode *node, const char *what)
{
	schema_fail(schema, -ENOTSUP, node, "unsupported construct of XML Schema: %s", what);
}

static void free_blocks(struct schema_block *block)
{
	while (block != NULL) {
		struct schema_block *next = block->next;

		free(block);
		block = next;
	}
}

/* The file once more, for the image: what it says has been read from it already. */
static void keep_overlay(struct schema *schema, size_t index)
{
	struct schema_overlay_text *text = &schema->overlay_texts[index];
	FILE *file = fopen(schema->overlays[index], "re");
	struct stat status;
	bool good = file != NULL && fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
		    status.st_size <= (off_t)MW_IMAGE_BYTES_MAX;

	if (good) {
		text->bytes = schema_allocate(schema, (size_t)status.st_size + 1);
		text->length = fread(text->bytes, 1, (size_t)status.st_size, file);
		good = text->length == (size_t)status.st_size;
	}
	if (file != NULL)
		fclose(file);
	if (!good)
		schema_fail(schema, -EIO, NULL, "%s:1:1: cannot read the overlay",
			schema->overlays[index]);
}

static void apply_overlays(struct schema *schema)
{
	xmlDocPtr documents[DUIS_SCHEMA_DOCUMENTS_MAX];

	schema->overlay_texts = schema_allocate(
		schema, (schema->overlay_count + 1) * sizeof(*schema->overlay_texts));

	for (size_t index = 0; index < schema->set->count; index++)
		documents[index] = schema->set->documents[index].document;
	for (size_t index = 0; index < schema->overlay_count; index++) {
		struct duis_overlay *overlay;
		int result = duis_overlay_read(
			schema->overlays[index], &overlay, schema->reason, schema->reason_size);

		if (result == 0) {
			result = duis_overlay_apply(overlay, documents, schema->set->count,
				schema->reason, schema->reason_size);
			duis_overlay_free(overlay);
		}
		if (result != 0) {
			schema->result = result;
			longjmp(schema->failure, 1);
		}
		keep_overlay(schema, index);
	}
}

static void run(struct schema *schema, const char *xsd_path, uint8_t **image, size_t *image_length)
{
	if (setjmp(schema->failure) != 0)
		return;
	schema->result = duis_schema_set_load(schema->set, xsd_path);
	if (schema->result != 0)
		return;
	apply_overlays(schema);
	schema_read(schema);
	*image = schema_write(schema, image_length);
}

int schema_compile(const char *xsd_path, const char *const *overlays, size_t overlay_count,
	uint8_t **image, size_t *image_length, char *reason, size_t reason_size)
{
	struct duis_schema_set *set = calloc(1, sizeof(*set));
	struct schema *schema = calloc(1, sizeof(*schema));
	int result = -ENOMEM;

	*image = NULL;
	if (reason_size > 0)
		reason[0] = '\0';
	if (set != NULL && schema != NULL) {
		set->reason = reason;
		set->reason_size = reason_size;
		schema->set = set;
		schema->reason = reason;
		schema->reason_size = reason_size;
		schema->overlays = overlays;
		schema->overlay_count = overlay_count;
		run(schema, xsd_path, image, image_length);
		result = schema->result;
		duis_schema_set_release(set);
		free_blocks(schema->blocks);
	}
	free(schema);
	free(set);
	return result;
}

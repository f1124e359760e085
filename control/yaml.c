/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file is parsed by libfyaml into events; each event becomes a node that remembers where it
 * stood. Nodes and texts live in one arena, freed with the document.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libfyaml.h>

#include "control/yaml.h"

#define ARENA_BLOCK_BYTES (64u * 1024)

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	max_align_t bytes[];
};

struct yaml_document {
	char *path;
	FILE *errors;
	unsigned error_count;
	struct yaml_node *root;
	struct arena_block *arena;
};

static void *arena_take(struct yaml_document *document, size_t size)
{
	struct arena_block *block = document->arena;

	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (block == NULL || block->size - block->used < size) {
		size_t block_size = size > ARENA_BLOCK_BYTES ? size : ARENA_BLOCK_BYTES;

		block = malloc(sizeof(*block) + block_size);
		if (block == NULL)
			return NULL;
		block->next = document->arena;
		block->used = 0;
		block->size = block_size;
		document->arena = block;
	}
	void *taken = (char *)block->bytes + block->used;
	block->used += size;
	memset(taken, 0, size);
	return taken;
}

void yaml_free(struct yaml_document *document)
{
	if (document == NULL)
		return;
	while (document->arena != NULL) {
		struct arena_block *next = document->arena->next;

		free(document->arena);
		document->arena = next;
	}
	free(document->path);
	free(document);
}

const struct yaml_node *yaml_root(const struct yaml_document *document)
{
	return document->root;
}

unsigned yaml_errors(const struct yaml_document *document)
{
	return document->error_count;
}

static void report(
	struct yaml_document *document, int line, int column, const char *format, va_list arguments)
{
	char text[2048];

	/* Keys and values of the file are quoted in messages; a terminal shall not obey them. */
	vsnprintf(text, sizeof(text), format, arguments);
	for (char *byte = text; *byte != '\0'; byte++)
		if ((unsigned char)*byte < 0x20 || *byte == 0x7f)
			*byte = '?';
	document->error_count++;
	fprintf(document->errors, "%s:%d:%d: %s\n", document->path, line, column, text);
}

void yaml_error(
	struct yaml_document *document, const struct yaml_node *node, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(document, node != NULL ? node->line : 1, node != NULL ? node->column : 1, format,
		arguments);
	va_end(arguments);
}

__attribute__((format(printf, 4, 5))) static void error_at(
	struct yaml_document *document, int line, int column, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(document, line, column, format, arguments);
	va_end(arguments);
}

/* One parse: the open collections are a stack, the node under construction is its top. */
struct build {
	struct yaml_document *document;
	struct fy_parser *parser;
	struct yaml_node *open[YAML_DEPTH_MAX];
	bool placed[YAML_DEPTH_MAX]; /* whether the collection has a token of its own */
	unsigned depth;
	const char *key; /* of the mapping on top: its key was seen, its value not yet */
	int key_line;
	int key_column;
	int line; /* of the last token that had a position */
	int column;
	unsigned documents;
};

static void build_mark(struct build *build, struct fy_token *token)
{
	const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;

	if (mark == NULL)
		return;
	enum fy_scalar_style style = fy_token_scalar_style(token);

	build->line = mark->line + 1;
	build->column = mark->column + 1;
	/* The mark of a quoted scalar stands behind its quote. */
	if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && mark->column > 0)
		build->column--;
}

/* Attach a new node to the collection on top, or make it the root. */
static struct yaml_node *build_add(struct build *build, enum yaml_kind kind)
{
	struct yaml_node *node = arena_take(build->document, sizeof(*node));

	if (node == NULL)
		return NULL;
	node->kind = kind;
	node->line = build->line;
	node->column = build->column;
	node->text = "";
	if (build->depth == 0) {
		build->document->root = node;
		return node;
	}
	struct yaml_node *parent = build->open[build->depth - 1];
	if (parent->kind == YAML_MAPPING) {
		node->key = build->key;
		node->key_line = build->key_line;
		node->key_column = build->key_column;
		build->key = NULL;
	}
	if (parent->last != NULL)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	parent->count++;
	return node;
}

static bool build_awaits_key(const struct build *build)
{
	return build->depth > 0 && build->open[build->depth - 1]->kind == YAML_MAPPING &&
	       build->key == NULL;
}

static int build_scalar(struct build *build, const struct fy_event *event)
{
	size_t length = 0;
	const char *text = fy_token_get_text(event->scalar.value, &length);

	build_mark(build, event->scalar.value);
	if (event->scalar.anchor != NULL || event->scalar.tag != NULL)
		error_at(build->document, build->line, build->column,
			"anchors and tags are not allowed");
	char *copy = arena_take(build->document, length + 1);
	if (copy == NULL)
		return -ENOMEM;
	if (text != NULL)
		memcpy(copy, text, length);
	if (memchr(copy, '\0', length) != NULL) {
		error_at(build->document, build->line, build->column,
			"a NUL character is not allowed");
		length = strlen(copy);
	}
	if (build_awaits_key(build)) {
		build->key = copy;
		build->key_line = build->line;
		build->key_column = build->column;
		return 0;
	}
	struct yaml_node *node = build_add(build, YAML_SCALAR);
	if (node == NULL)
		return -ENOMEM;
	node->text = copy;
	node->length = length;
	node->quoted = event->scalar.value != NULL &&
		       fy_token_scalar_style(event->scalar.value) != FYSS_PLAIN;
	return 0;
}

static int build_open(
	struct build *build, enum yaml_kind kind, struct fy_token *start, bool decorated)
{
	build_mark(build, start);
	if (decorated)
		error_at(build->document, build->line, build->column,
			"anchors and tags are not allowed");
	if (build_awaits_key(build)) {
		error_at(build->document, build->line, build->column,
			"a key must be a plain word, not a collection");
		return -EINVAL;
	}
	if (build->depth == YAML_DEPTH_MAX) {
		error_at(build->document, build->line, build->column,
			"nested too deeply; at most %d levels are allowed", YAML_DEPTH_MAX);
		return -EINVAL;
	}
	struct yaml_node *node = build_add(build, kind);
	if (node == NULL)
		return -ENOMEM;
	build->placed[build->depth] = start != NULL && fy_token_start_mark(start) != NULL;
	build->open[build->depth++] = node;
	return 0;
}

/* An implicit collection has no start token: it begins where its first child does. */
static void build_close(struct build *build)
{
	assert(build->depth > 0);
	struct yaml_node *node = build->open[--build->depth];
	const struct yaml_node *first = node->first;

	if (first == NULL || build->placed[build->depth])
		return;
	node->line = first->key != NULL ? first->key_line : first->line;
	node->column = first->key != NULL ? first->key_column : first->column;
}

static int build_event(struct build *build, const struct fy_event *event)
{
	switch (event->type) {
	case FYET_DOCUMENT_START:
		if (build->documents++ == 0)
			return 0;
		error_at(build->document, build->line, 1, "only one YAML document is allowed");
		return -EINVAL;
	case FYET_SCALAR:
		return build_scalar(build, event);
	case FYET_MAPPING_START:
		return build_open(build, YAML_MAPPING, event->mapping_start.mapping_start,
			event->mapping_start.anchor != NULL || event->mapping_start.tag != NULL);
	case FYET_SEQUENCE_START:
		return build_open(build, YAML_SEQUENCE, event->sequence_start.sequence_start,
			event->sequence_start.anchor != NULL || event->sequence_start.tag != NULL);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		build_close(build);
		return 0;
	case FYET_ALIAS:
		build_mark(build, event->alias.anchor);
		error_at(build->document, build->line, build->column, "aliases are not allowed");
		return -EINVAL;
	default:
		return 0;
	}
}

static void report_syntax(struct yaml_document *document, struct fy_diag *diag)
{
	void *position = NULL;
	struct fy_diag_error *error;
	unsigned before = document->error_count;

	while ((error = fy_diag_errors_iterate(diag, &position)) != NULL)
		error_at(document, error->line > 0 ? error->line : 1,
			error->column > 0 ? error->column : 1, "not valid YAML: %s", error->msg);
	if (document->error_count == before)
		error_at(document, 1, 1, "not valid YAML");
}

static int build_tree(struct yaml_document *document, const char *bytes, size_t length)
{
	struct fy_diag_cfg diag_cfg;
	struct build build = {.document = document, .line = 1, .column = 1};
	int result = 0;

	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	diag_cfg.colorize = false;
	struct fy_diag *diag = fy_diag_create(&diag_cfg);
	if (diag == NULL)
		return -ENOMEM;
	fy_diag_set_collect_errors(diag, true);
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE |
			 FYPCF_ALLOW_DUPLICATE_KEYS,
		.diag = diag,
	};
	build.parser = fy_parser_create(&cfg);
	if (build.parser == NULL || fy_parser_set_string(build.parser, bytes, length) != 0)
		result = -ENOMEM;
	while (result == 0) {
		struct fy_event *event = fy_parser_parse(build.parser);

		if (event == NULL)
			break;
		result = build_event(&build, event);
		fy_parser_event_free(build.parser, event);
	}
	if (result == 0 && fy_parser_get_stream_error(build.parser)) {
		report_syntax(document, diag);
		result = -EINVAL;
	}
	if (build.parser != NULL)
		fy_parser_destroy(build.parser);
	fy_diag_destroy(diag);
	if (result == 0 && document->error_count > 0)
		result = -EINVAL;
	return result;
}

/* Length of the UTF-8 sequence at `byte` (RFC 3629: shortest form, no surrogates), 0 when there is
 * none. `left` bytes are readable. */
static size_t utf8_length(const unsigned char *byte, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = byte[0] < 0x80		   ? 1
			: (byte[0] & 0xe0) == 0xc0 ? 2
			: (byte[0] & 0xf0) == 0xe0 ? 3
			: (byte[0] & 0xf8) == 0xf0 ? 4
						   : 0;

	if (length <= 1 || length > left)
		return length == 1 ? 1 : 0;
	uint32_t value = byte[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (byte[i] & 0x3fu);
	}
	if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	return length;
}

/* libfyaml passes octets on that are no UTF-8; here they end the file with their place. */
static int check_utf8(struct yaml_document *document, const char *bytes, size_t length)
{
	const unsigned char *start = (const unsigned char *)bytes;
	int line = 1;
	size_t line_start = 0;

	for (size_t i = 0; i < length;) {
		size_t step = utf8_length(start + i, length - i);

		if (step == 0) {
			error_at(document, line, (int)(i - line_start) + 1,
				"not valid UTF-8; only UTF-8 is allowed");
			return -EINVAL;
		}
		if (start[i] == '\n') {
			line++;
			line_start = i + 1;
		}
		i += step;
	}
	return 0;
}

static int read_file(const char *path, char **bytes, size_t *length)
{
	struct stat status;
	int result = 0;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return -errno;
	if (fstat(fileno(file), &status) != 0)
		result = -errno;
	else if (!S_ISREG(status.st_mode))
		result = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	else if (status.st_size > (off_t)YAML_FILE_BYTES_MAX)
		result = -EFBIG;
	if (result == 0) {
		*bytes = malloc((size_t)status.st_size + 1);
		if (*bytes == NULL) {
			result = -ENOMEM;
		} else {
			*length = fread(*bytes, 1, (size_t)status.st_size, file);
			(*bytes)[*length] = '\0';
			if (ferror(file)) {
				free(*bytes);
				result = -EIO;
			}
		}
	}
	fclose(file);
	return result;
}

int yaml_read(const char *path, FILE *errors, struct yaml_document **document)
{
	char *bytes = NULL;
	size_t length = 0;

	*document = NULL;
	int result = read_file(path, &bytes, &length);
	if (result != 0) {
		fprintf(errors, "%s:1:1: cannot be read: %s\n", path, strerror(-result));
		return result;
	}
	struct yaml_document *made = calloc(1, sizeof(*made));
	if (made == NULL) {
		free(bytes);
		return -ENOMEM;
	}
	made->path = strdup(path);
	made->errors = errors;
	result = made->path != NULL ? check_utf8(made, bytes, length) : -ENOMEM;
	if (result == 0)
		result = build_tree(made, bytes, length);
	free(bytes);
	if (result == -ENOMEM)
		fprintf(errors, "%s:1:1: out of memory\n", path);
	if (result != 0) {
		yaml_free(made);
		return result;
	}
	*document = made;
	return 0;
}

const struct yaml_node *yaml_child(const struct yaml_node *mapping, const char *key)
{
	assert(mapping->kind == YAML_MAPPING);
	for (const struct yaml_node *child = mapping->first; child != NULL; child = child->next)
		if (strcmp(child->key, key) == 0)
			return child;
	return NULL;
}

bool yaml_expect(struct yaml_document *document, const struct yaml_node *node, enum yaml_kind kind)
{
	static const char *const names[] = {
		[YAML_SCALAR] = "a single value",
		[YAML_SEQUENCE] = "a list",
		[YAML_MAPPING] = "a mapping of keys to values",
	};

	if (node != NULL && node->kind == kind)
		return true;
	if (node != NULL && node->key != NULL)
		yaml_error(document, node, "\"%s\" must be %s", node->key, names[kind]);
	else
		yaml_error(document, node, "%s is expected here", names[kind]);
	return false;
}

void yaml_check_duplicates(struct yaml_document *document, const struct yaml_node *mapping)
{
	for (const struct yaml_node *child = mapping->first; child != NULL; child = child->next) {
		const struct yaml_node *first = yaml_child(mapping, child->key);

		if (first != child)
			error_at(document, child->key_line, child->key_column,
				"the key \"%.64s\" stands here a second time; the first is in line "
				"%d",
				child->key, first->key_line);
	}
}

bool yaml_resolve(const struct yaml_document *document, const char *path, char *out, size_t size)
{
	char folder[PATH_MAX];
	char real[PATH_MAX];

	if (path[0] == '/')
		return (size_t)snprintf(out, size, "%s", path) < size;
	/* The folder is made absolute, because a daemon may change its own later. */
	if ((size_t)snprintf(folder, sizeof(folder), "%s", document->path) >= sizeof(folder))
		return false;
	char *slash = strrchr(folder, '/');
	if (slash == NULL)
		strcpy(folder, ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	if (realpath(folder, real) == NULL)
		return false;
	/* realpath() left no links in it, so a leading ".." is simply its parent. */
	while (strncmp(path, "../", 3) == 0) {
		path += 3;
		slash = strrchr(real, '/');
		slash[slash == real ? 1 : 0] = '\0';
	}
	return (size_t)snprintf(out, size, "%s/%s", strcmp(real, "/") == 0 ? "" : real, path) <
	       size;
}

void yaml_error_key(
	struct yaml_document *document, const struct yaml_node *node, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(document, node->key_line, node->key_column, format, arguments);
	va_end(arguments);
}

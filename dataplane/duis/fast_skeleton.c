/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping a signature to recognise the next ones by: see fast_skeleton.h. */
#include <string.h>

#include "dataplane/duis/fast_core.h"

const uint8_t fast_hole_roles[FAST_HOLES] = {FAST_ROLE_DIGEST_VALUE, FAST_ROLE_SIGNATURE_VALUE,
	FAST_ROLE_X509_ISSUER_NAME, FAST_ROLE_X509_SERIAL_NUMBER};

/* The content of ds:Signature, and the four texts in it. */
struct content {
	const uint8_t *start;
	const uint8_t *stop;
	struct fast_span holes[FAST_HOLES];
};

static bool find_holes(const struct duis_fast_engine *engine, struct content *content)
{
	const struct fast_part *signature = &engine->parts[FAST_ROLE_SIGNATURE];
	const uint8_t *tag = engine->bytes + signature->offset;
	const uint8_t *end = engine->bytes + signature->end;
	const uint8_t *at;

	/* Neither it nor the four have attributes (the profile says), and names of known namespaces
	 * and elements hold no '>'. */
	at = memchr(tag, '>', (size_t)(end - tag));
	content->start = at + 1;
	content->stop = memrchr(tag, '<', (size_t)(end - tag));
	at = content->start;
	for (unsigned index = 0; index < FAST_HOLES; index++) {
		struct fast_span *hole = &content->holes[index];
		const uint8_t *stop;

		tag = engine->bytes + engine->parts[fast_hole_roles[index]].offset;
		if (tag < at)
			return false;
		at = (const uint8_t *)memchr(tag, '>', (size_t)(end - tag)) + 1;
		stop = memchr(at, '<', (size_t)(end - at));
		if (stop == NULL || stop[1] != '/' || stop > content->stop)
			return false;
		*hole = (struct fast_span){at, (uint32_t)(stop - at)};
		at = stop;
	}
	return true;
}

/* Fixed bytes must say the same wherever they stand: one prefix, nothing declared, no references,
 * and nothing but tags and text. */
static bool is_plain(const struct fast_kept_signature *kept, uint32_t length)
{
	const uint8_t *at = kept->bytes;
	const uint8_t *stop = at + length;

	if (memchr(at, '&', length) != NULL || memmem(at, length, "xmlns", 5) != NULL)
		return false;
	while ((at = memchr(at, '<', (size_t)(stop - at))) != NULL) {
		at++;
		at += at < stop && *at == '/';
		if ((size_t)(stop - at) <= kept->prefix_length || *at == '!' || *at == '?' ||
			memcmp(at, kept->prefix, kept->prefix_length) != 0 ||
			(kept->prefix_length > 0 && at[kept->prefix_length] != ':'))
			return false;
		if (kept->prefix_length > 0)
			continue;
		for (; at < stop && *at != '>' && *at != ' '; at++)
			if (*at == ':')
				return false;
	}
	return true;
}

/* In which piece a place is, and how far from its beginning. */
static uint8_t locate(const struct content *content, const uint8_t *at, uint32_t *offset)
{
	const uint8_t *start = content->start;
	uint8_t piece = 0;

	while (piece < FAST_HOLES &&
		at >= content->holes[piece].at + content->holes[piece].length) {
		start = content->holes[piece].at + content->holes[piece].length;
		piece++;
	}
	*offset = (uint32_t)(at - start);
	return piece;
}

static bool keep_part(const struct duis_fast_engine *engine, const struct content *content,
	unsigned role, struct fast_kept_part *kept)
{
	const struct fast_part *part = &engine->parts[role];
	const uint8_t *tag = engine->bytes + part->offset;

	*kept = (struct fast_kept_part){.count = 0};
	/* ds:Signature's own entry is made before its content is looked at. */
	if (role == FAST_ROLE_SIGNATURE || part->count == 0)
		return true;
	if (part->count > 1 || part->text)
		return false;
	kept->count = 1;
	kept->children = part->children;
	kept->attribute_count = part->attribute_count;
	kept->piece = locate(content, tag, &kept->offset);
	kept->end_piece = locate(content, engine->bytes + part->end, &kept->end);
	if (part->attribute_count == 0)
		return true;
	kept->name_at = (uint32_t)(part->attribute_name.at - tag);
	kept->name_length = part->attribute_name.length;
	kept->value_at = (uint32_t)(part->attribute_value.at - tag);
	kept->value_length = part->attribute_value.length;
	return part->attribute_value.at >= tag && part->attribute_value.at < content->stop;
}

/* Where one with the prefix of this is kept; otherwise the next place in turn. At most one has to
 * be compared with a document then. */
static struct fast_kept_signature *find_place(struct duis_fast_engine *engine, const uint8_t *name)
{
	uint32_t length = 0;
	struct fast_kept_signature *kept;

	while (length < sizeof(kept->prefix) && name[length] != ':' && name[length] != '>' &&
		name[length] != ' ')
		length++;
	if (name[length] != ':')
		length = 0;
	for (unsigned index = 0; index < FAST_KEPT_SIGNATURES; index++) {
		kept = &engine->kept_signatures[index];
		if (kept->schema == engine->schema && kept->type == engine->frames[1].type &&
			kept->prefix_length == length && memcmp(kept->prefix, name, length) == 0)
			return kept;
	}
	kept = &engine->kept_signatures[engine->kept_signature_next++ % FAST_KEPT_SIGNATURES];
	kept->prefix_length = length;
	memcpy(kept->prefix, name, length);
	return kept;
}

void fast_keep_signature(struct duis_fast_engine *engine)
{
	const struct fast_part *signature = &engine->parts[FAST_ROLE_SIGNATURE];
	struct fast_kept_signature *kept;
	struct content content;
	const uint8_t *at;
	uint32_t used = 0;

	if (signature->count != 1 || !find_holes(engine, &content))
		return;
	kept = find_place(engine, engine->bytes + signature->offset + 1);
	kept->schema = NULL;
	at = content.start;
	for (unsigned index = 0; index <= FAST_HOLES; index++) {
		const uint8_t *stop = index < FAST_HOLES ? content.holes[index].at : content.stop;

		kept->lengths[index] = (uint32_t)(stop - at);
		if (kept->lengths[index] > sizeof(kept->bytes) - used)
			return;
		memcpy(kept->bytes + used, at, kept->lengths[index]);
		used += kept->lengths[index];
		if (index == FAST_HOLES)
			break;
		kept->simples[index] = engine->parts[fast_hole_roles[index]].simple;
		at = stop + content.holes[index].length;
	}
	if (!is_plain(kept, used))
		return;
	for (unsigned index = 0; index < FAST_DSIG_ROLE_COUNT; index++)
		if (!keep_part(engine, &content, FAST_ROLE_FIRST_DSIG + index, &kept->parts[index]))
			return;
	kept->type = engine->frames[1].type;
	kept->state = engine->frames[1].state;
	kept->count = engine->frames[1].count;
	kept->schema = engine->schema;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What stands outside of the root: XML declaration, comments, instructions. Included by
 * fast_parse.c only. */
#ifndef DUIS_FAST_PROLOG_H
#define DUIS_FAST_PROLOG_H

#include <strings.h>

#include "dataplane/duis/fast_tag.h"

static bool parse_pseudo(struct duis_fast_engine *engine, const uint8_t **at, const char *name,
	struct fast_span *value)
{
	const uint8_t *here = skip_blanks(*at, engine->end);
	uint32_t length = (uint32_t)strlen(name);
	uint8_t quote;

	value->at = NULL;
	value->length = 0;
	if (here == *at || !begins(engine, here, name, length))
		return true;
	here = skip_blanks(here + length, engine->end);
	if (here >= engine->end || *here != '=')
		return false;
	here = skip_blanks(here + 1, engine->end);
	if (here >= engine->end || (*here != '"' && *here != '\''))
		return false;
	quote = *here++;
	value->at = here;
	while (here < engine->end && *here != quote && *here >= 0x20 && *here < 0x80 &&
		*here != '<')
		here++;
	if (here >= engine->end || *here != quote)
		return false;
	value->length = (uint32_t)(here - value->at);
	*at = here + 1;
	return true;
}

/* <?xml version="1.0" [encoding=".."] [standalone=".."]?> */
static const uint8_t *parse_declaration(struct duis_fast_engine *engine, const uint8_t *start)
{
	const uint8_t *at = start + 5;
	struct fast_span version;
	struct fast_span encoding;
	struct fast_span standalone;

	if (!parse_pseudo(engine, &at, "version", &version) ||
		!parse_pseudo(engine, &at, "encoding", &encoding) ||
		!parse_pseudo(engine, &at, "standalone", &standalone))
		return NOT_WELL_FORMED(engine, at, "the XML declaration is not complete");
	if (encoding.at != NULL &&
		(encoding.length != 5 || strncasecmp((const char *)encoding.at, "UTF-8", 5) != 0))
		return fast_fail(engine, DUIS_ERROR_ENCODING, encoding.at,
			"the XML declaration names another encoding; only UTF-8 is accepted");
	if (version.at == NULL || !SPAN_IS(version, "1.0"))
		return NOT_WELL_FORMED(
			engine, version.at != NULL ? version.at : at, "only XML 1.0 is accepted");
	if (standalone.at != NULL && !SPAN_IS(standalone, "yes") && !SPAN_IS(standalone, "no"))
		return NOT_WELL_FORMED(engine, standalone.at, "standalone must be yes or no");
	at = skip_blanks(at, engine->end);
	if (!begins(engine, at, "?>", 2))
		return NOT_WELL_FORMED(engine, at, "the XML declaration is not closed");
	return at + 2;
}

/* Comments, instructions and white space outside the root. */
static const uint8_t *parse_outside(struct duis_fast_engine *engine, const uint8_t *at)
{
	for (;;) {
		at = skip_blanks(at, engine->end);
		if (at >= engine->end)
			return at;
		if (begins(engine, at, "<!--", 4)) {
			at = parse_comment(engine, at);
		} else if (begins(engine, at, "<?", 2)) {
			at = parse_instruction(engine, at);
			engine->outer_instructions = true;
		} else if (engine->root_end == 0 && begins(engine, at, "<!DOCTYPE", 9)) {
			return fast_fail(engine, DUIS_ERROR_DOCTYPE, at,
				"a document type declaration is not allowed");
		} else {
			return at;
		}
		if (at == NULL)
			return NULL;
	}
}

/* The prolog as it came last time? */
FAST_INLINE bool is_kept_prolog(const struct duis_fast_engine *engine)
{
	const uint8_t *at = engine->bytes;
	uint32_t length = engine->kept_prolog_length;

	return length > 0 && engine->end - at > (ptrdiff_t)length + 1 &&
	       scan_equal(at, engine->kept_prolog, length, engine->end) && at[length] == '<' &&
	       at[length + 1] != '!' && at[length + 1] != '?';
}

static const uint8_t *parse_prolog(struct duis_fast_engine *engine)
{
	const uint8_t *at = engine->bytes;
	uint32_t length = (uint32_t)(engine->end - at);

	if (likely(is_kept_prolog(engine)))
		return at + engine->kept_prolog_length;
	if (length >= 2 && ((at[0] == 0xfe && at[1] == 0xff) || (at[0] == 0xff && at[1] == 0xfe) ||
				   (at[0] == 0) != (at[1] == 0)))
		return fast_fail(engine, DUIS_ERROR_ENCODING, at,
			"UTF-16 and UTF-32 are not accepted; only UTF-8 is");
	if (begins(engine, at, "\xef\xbb\xbf", 3))
		at += 3;
	if (begins(engine, at, "<?xml", 5) && length > 5 && is_blank(at[5]))
		at = parse_declaration(engine, at);
	if (at != NULL)
		at = parse_outside(engine, at);
	if (at == NULL)
		return NULL;
	if (at >= engine->end || *at != '<')
		return NOT_WELL_FORMED(engine, at, "the root element is expected here");
	length = offset_of(engine, at);
	if (length <= sizeof(engine->kept_prolog) && !engine->outer_instructions) {
		memcpy(engine->kept_prolog, engine->bytes, length);
		engine->kept_prolog_length = length;
	}
	return at;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content models: groups in groups by chance, compiled, and every short word of their elements
 * walked through the image's automaton. A matcher that tries everything is the judge.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/schema_compile.h"
#include "dataplane/duis/image.h"
#include "tests/differential/buffer.h"

#define LETTERS 4 /* from w on */
#define WORD_MAX 5
#define MODELS 2000
#define COMPILED_MIN 600 /* of them; the others are not deterministic */

struct model {
	char kind; /* 's', 'c', or a letter */
	unsigned min;
	unsigned max; /* 0: no bound */
	struct model *children[3];
	unsigned count;
};

static uint64_t seed;

static unsigned below(unsigned limit)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % limit;
}

static struct model *make(unsigned depth, unsigned *letter)
{
	struct model *model = calloc(1, sizeof(*model));

	model->min = below(3) == 0 ? 0 : below(5) == 0 ? 2 : 1;
	model->max = model->min + below(3);
	if (model->max == 0)
		model->max = 1;
	if (below(6) == 0)
		model->max = 0;
	if (depth == 0 || below(3) == 0) {
		/* Mostly a new letter, or nothing would be deterministic. */
		model->kind =
			(char)('w' + (below(5) == 0 ? below(LETTERS) : (*letter)++ % LETTERS));
		return model;
	}
	model->kind = below(2) == 0 ? 's' : 'c';
	model->count = below(4);
	for (unsigned index = 0; index < model->count; index++)
		model->children[index] = make(depth - 1, letter);
	return model;
}

static void discard(struct model *model)
{
	for (unsigned index = 0; index < model->count; index++)
		discard(model->children[index]);
	free(model);
}

static void print(const struct model *model, struct buffer *out)
{
	const char *name = model->kind == 's' ? "sequence" : "choice";
	char occurs[80];
	char most[16] = "unbounded";

	if (model->max > 0)
		snprintf(most, sizeof(most), "%u", model->max);
	snprintf(occurs, sizeof(occurs), " minOccurs='%u' maxOccurs='%s'", model->min, most);
	if (model->kind != 's' && model->kind != 'c') {
		buffer_print(
			out, "<xs:element name='%c' type='xs:string'%s/>", model->kind, occurs);
		return;
	}
	buffer_print(out, "<xs:%s%s>", name, occurs);
	for (unsigned index = 0; index < model->count; index++)
		print(model->children[index], out);
	buffer_print(out, "</xs:%s>", name);
}

/* Where matching may end, as bits, when it begins at one of `from`. */
static unsigned match(const struct model *model, const char *word, unsigned from);

static unsigned match_once(const struct model *model, const char *word, unsigned from)
{
	unsigned ends = model->kind == 's' ? from : 0;

	if (model->kind != 's' && model->kind != 'c') {
		for (unsigned at = 0; word[at] != '\0'; at++)
			if ((from >> at & 1) && word[at] == model->kind)
				ends |= 1u << (at + 1);
		return ends;
	}
	for (unsigned index = 0; index < model->count; index++)
		if (model->kind == 's')
			ends = match(model->children[index], word, ends);
		else
			ends |= match(model->children[index], word, from);
	return ends;
}

static unsigned match(const struct model *model, const char *word, unsigned from)
{
	unsigned ends = model->min == 0 ? from : 0;

	/* More repetitions than letters add nothing. */
	for (unsigned round = 1; round <= (model->max > 0 ? model->max : WORD_MAX + 2); round++) {
		from = match_once(model, word, from);
		if (round >= model->min)
			ends |= from;
	}
	return ends;
}

/* As the engine walks; motorway/schema_image.h. */
static bool walk(const struct duis_image *image, uint32_t type, const char *word)
{
	uint32_t at = image->types[type].start_state;
	uint32_t count = 0;

	for (; *word != '\0'; word++) {
		const struct mw_image_state *state = &image->states[at];
		uint32_t symbol = duis_image_symbol(image, (const uint8_t *)word, 1, 0);
		uint32_t found = MW_IMAGE_NONE;

		if (state->own != MW_IMAGE_NONE && count < state->repeat_max &&
			image->transitions[state->own].symbol == symbol) {
			count++;
			continue;
		}
		for (uint32_t index = 0; index < state->transition_count; index++)
			if (image->transitions[state->first_transition + index].symbol == symbol)
				found = state->first_transition + index;
		if (symbol == MW_IMAGE_NONE || count < state->repeat_min || found == MW_IMAGE_NONE)
			return false;
		at = image->transitions[found].target;
		count = 1;
	}
	return image->states[at].accept && count >= image->states[at].repeat_min;
}

/* All words of up to WORD_MAX letters. */
static void check_words(
	const struct model *model, const struct duis_image *image, uint32_t type, const char *xsd)
{
	for (unsigned length = 0, count = 1; length <= WORD_MAX; length++, count *= LETTERS)
		for (unsigned number = 0; number < count; number++) {
			char word[WORD_MAX + 1] = "";
			bool wanted;

			for (unsigned at = 0, left = number; at < length; at++, left /= LETTERS)
				word[at] = (char)('w' + left % LETTERS);
			wanted = match(model, word, 1) >> length & 1;
			cr_assert_eq(walk(image, type, word), wanted, "\"%s\" of %s", word, xsd);
		}
}

static uint32_t type_of_root(const struct duis_image *image)
{
	uint32_t symbol = duis_image_symbol(image, (const uint8_t *)"root", 4, 0);

	cr_assert_neq(symbol, MW_IMAGE_NONE);
	return image->symbols[symbol].global_type;
}

/* Returns whether the model was compiled; it may be refused only for not being deterministic. */
static bool check_model(const struct model *model, const char *path)
{
	struct buffer xsd = {0};
	struct duis_image image;
	uint8_t *bytes;
	uint8_t *aligned;
	size_t length;
	char reason[512];
	int result;

	buffer_text(&xsd, "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns='urn:t' "
			  "targetNamespace='urn:t' elementFormDefault='qualified'>"
			  "<xs:element name='root'><xs:complexType>"
			  "<xs:sequence>");
	print(model, &xsd);
	buffer_text(&xsd, "</xs:sequence></xs:complexType></xs:element></xs:schema>");
	cr_assert_eq(buffer_write(&xsd, path), 0);
	result = schema_compile(path, NULL, 0, &bytes, &length, reason, sizeof(reason));
	if (result != 0) {
		cr_assert_eq(result, -EINVAL, "%s", reason);
		cr_assert_not_null(strstr(reason, "not deterministic"), "%s", reason);
		buffer_free(&xsd);
		return false;
	}
	aligned = aligned_alloc(64, (length + 63) / 64 * 64);
	memcpy(aligned, bytes, length);
	result = duis_image_check(aligned, length, &image, reason, sizeof(reason));
	cr_assert_eq(result, 0, "%s", reason);
	check_words(model, &image, type_of_root(&image), (const char *)xsd.bytes);
	free(aligned);
	free(bytes);
	buffer_free(&xsd);
	return true;
}

Test(schema_content, takes_the_words_of_the_model_and_no_others)
{
	char path[] = "/tmp/schema-content-XXXXXX";
	int file = mkstemp(path);
	unsigned compiled = 0;

	cr_assert_geq(file, 0);
	close(file);
	seed = 1;
	for (unsigned index = 0; index < MODELS; index++) {
		unsigned letter = 0;
		struct model *model = make(3, &letter);

		compiled += check_model(model, path);
		discard(model);
	}
	unlink(path);
	cr_assert_geq(compiled, COMPILED_MIN, "only %u", compiled);
}

/* What looks ambiguous and is not: the particle that comes is the same whichever way it is taken.
 */
Test(schema_content, compiles_groups_that_may_be_empty_and_repeat)
{
	static const char *const models[] = {
		"<xs:sequence maxOccurs='3'><xs:element name='w' minOccurs='0'/>"
		"<xs:element name='x' minOccurs='0' maxOccurs='2'/></xs:sequence>",
		"<xs:choice maxOccurs='unbounded'><xs:element name='w' maxOccurs='5'/>"
		"<xs:element name='x' minOccurs='0' maxOccurs='unbounded'/></xs:choice>",
		"<xs:sequence minOccurs='2' maxOccurs='4'><xs:sequence minOccurs='0' maxOccurs='2'>"
		"<xs:element name='w' minOccurs='0'/></xs:sequence></xs:sequence>",
		"<xs:sequence maxOccurs='1000000000'><xs:sequence maxOccurs='1000000000'/>"
		"</xs:sequence>",
		"<xs:choice minOccurs='0' maxOccurs='1000'><xs:element name='w'/></xs:choice>",
	};
	char path[] = "/tmp/schema-content-XXXXXX";
	int file = mkstemp(path);

	cr_assert_geq(file, 0);
	close(file);
	for (size_t index = 0; index < sizeof(models) / sizeof(models[0]); index++) {
		struct buffer xsd = {0};
		uint8_t *bytes;
		size_t length;
		char reason[512];
		int result;

		buffer_print(&xsd,
			"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>"
			"<xs:complexType name='t'>%s</xs:complexType></xs:schema>",
			models[index]);
		cr_assert_eq(buffer_write(&xsd, path), 0);
		result = schema_compile(path, NULL, 0, &bytes, &length, reason, sizeof(reason));
		cr_expect_eq(result, 0, "%s", reason);
		free(bytes);
		buffer_free(&xsd);
	}
	unlink(path);
}

/* Schemas that would take for ever, or all memory. `repeat` stands `count` times, each with its
 * number for '#', between the other two. */
static const struct {
	const char *before;
	const char *repeat;
	unsigned count;
	const char *after;
	const char *words; /* of the refusal; NULL: none */
} hostile[] = {
	{"<xs:simpleType name='s'><xs:restriction base='xs:string'><xs:pattern value='"
	 "((ainclude){2,4}|[^x-z]+){162}'/></xs:restriction></xs:simpleType>",
		"", 0, "", "its automaton is too large"},
	{"<xs:simpleType name='s'><xs:restriction base='xs:string'><xs:pattern value='"
	 "(a|b)*a(a|b){30}'/></xs:restriction></xs:simpleType>",
		"", 0, "", "its automaton is too large"},
	{"<xs:simpleType name='s'><xs:restriction base='xs:string'><xs:pattern value='"
	 "((((){1000}){1000}){1000}){1000}'/></xs:restriction></xs:simpleType>",
		"", 0, "", NULL},
	{"<xs:simpleType name='s'><xs:restriction base='xs:string'><xs:pattern value='",
		"(a{0,1000})", 30, "'/></xs:restriction></xs:simpleType>", "too large"},
	{"<xs:simpleType name='s'><xs:restriction base='xs:string'><xs:pattern value='", "a", 20000,
		"'/></xs:restriction></xs:simpleType>", "it is too long"},
	{"<xs:simpleType name='s'><xs:restriction base='xs:string'><xs:pattern value='", "(", 2000,
		"'/></xs:restriction></xs:simpleType>", "too many parentheses"},
	{"<xs:complexType name='t'><xs:sequence maxOccurs='1000000000'><xs:element name='a'/>"
	 "</xs:sequence></xs:complexType>",
		"", 0, "", "more than 20000 particles"},
	{"<xs:complexType name='t'><xs:sequence>", "<xs:element name='e#' minOccurs='0'/>", 3000,
		"</xs:sequence></xs:complexType>", "too large"},
	{"<xs:complexType name='t'><xs:choice maxOccurs='unbounded'>", "<xs:element name='e#'/>",
		3000, "</xs:choice></xs:complexType>", "too large"},
	{"<xs:complexType name='t'><xs:sequence maxOccurs='2'><xs:element name='a' minOccurs='0' "
	 "maxOccurs='19000'/></xs:sequence></xs:complexType>",
		"", 0, "", "more than 20000 particles"},
	{"<xs:complexType name='t0'/>",
		"<xs:complexType name='n#'><xs:sequence><xs:element name='a' type='n#'/>"
		"</xs:sequence></xs:complexType>",
		3000, "", NULL},
	{"<xs:simpleType name='s0'><xs:restriction base='xs:int'/></xs:simpleType>",
		"<xs:simpleType name='p#'><xs:restriction base='s0'/></xs:simpleType>", 3000, "",
		NULL},
	{"<xs:simpleType name='s'><xs:restriction base='xs:string'>", "<xs:enumeration value='#'/>",
		30001, "</xs:restriction></xs:simpleType>", "more than 30000 enumeration values"},
};

/* '#' is the number, '@' the next one. */
static void print_numbered(struct buffer *out, const char *text, unsigned number)
{
	for (; *text != '\0'; text++)
		if (*text == '#' || *text == '@')
			buffer_print(out, "%u", number + (*text == '@'));
		else
			buffer_byte(out, (uint8_t)*text);
}

static void check_hostile(const char *path, const char *xsd, const char *words)
{
	uint8_t *bytes;
	size_t length;
	char reason[512];
	int result;

	result = schema_compile(path, NULL, 0, &bytes, &length, reason, sizeof(reason));
	free(bytes);
	if (words == NULL)
		cr_expect_eq(result, 0, "%.200s: %s", xsd, reason);
	else
		cr_expect(result == -EINVAL && strstr(reason, words) != NULL, "%.200s: %d %s", xsd,
			result, reason);
}

Test(schema_content, ends_in_time_whatever_it_is_given, .timeout = 60)
{
	char path[] = "/tmp/schema-content-XXXXXX";
	int file = mkstemp(path);

	cr_assert_geq(file, 0);
	close(file);
	for (size_t index = 0; index < sizeof(hostile) / sizeof(hostile[0]); index++) {
		struct buffer xsd = {0};

		buffer_print(&xsd, "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>%s",
			hostile[index].before);
		for (unsigned number = 0; number < hostile[index].count; number++)
			print_numbered(&xsd, hostile[index].repeat, number);
		buffer_print(&xsd, "%s</xs:schema>", hostile[index].after);
		cr_assert_eq(buffer_write(&xsd, path), 0);
		check_hostile(path, (const char *)xsd.bytes, hostile[index].words);
		buffer_free(&xsd);
	}
	unlink(path);
}

/* Each type the base of the one before: the way through them is by recursion. */
Test(schema_content, refuses_long_chains_of_types)
{
	static const char *const forms[] = {
		"<xs:complexType name='t#'><xs:complexContent><xs:extension base='t@'/>"
		"</xs:complexContent></xs:complexType>",
		"<xs:complexType name='t#'><xs:sequence><xs:element name='e' type='t@'/>"
		"</xs:sequence></xs:complexType>",
		"<xs:simpleType name='t#'><xs:restriction base='t@'/></xs:simpleType>",
	};
	char path[] = "/tmp/schema-content-XXXXXX";
	int file = mkstemp(path);

	cr_assert_geq(file, 0);
	close(file);
	for (size_t form = 0; form < 3; form++) {
		struct buffer xsd = {0};

		buffer_text(&xsd, "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>");
		for (unsigned index = 0; index < 20000; index++)
			print_numbered(&xsd, forms[form], index);
		buffer_text(&xsd, form < 2 ? "<xs:complexType name='t20000'/>"
					   : "<xs:simpleType name='t20000'><xs:restriction "
					     "base='xs:int'/></xs:simpleType>");
		buffer_text(&xsd, "</xs:schema>");
		cr_assert_eq(buffer_write(&xsd, path), 0);
		check_hostile(path, (const char *)xsd.bytes, "more than 400 definitions");
		buffer_free(&xsd);
	}
	unlink(path);
}

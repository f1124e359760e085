/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema image: a set of XSD files compiled into automata, as one read-only binary file that
 * motorway-schema writes and the DUIS engine walks.
 *
 *     header | sections ... | padding
 *
 * The header lists every section by offset and count. All numbers are little-endian; records refer
 * to each other by index within a section and to text by offset into MW_IMAGE_TEXT, never by
 * address, so that the image can lie anywhere. The file is operator input: whoever loads it checks
 * magic, version, checksum, every section's bounds and every index in every record before the first
 * document is read (dataplane/duis/image_check.c).
 *
 * How the automaton works. Each complex type is a deterministic position automaton: a state for the
 * start and one for each particle (element or wildcard) of the type; entering a state means that
 * its particle has just been matched once. A particle's own repetition is a counter of the open
 * element, so `maxOccurs="19056"` is one state: in state s with count c, the particle of s may come
 * again while c < s.repeat_max, and the transitions of s may be taken once c >= s.repeat_min. The
 * element may end when s.accept and c >= s.repeat_min.
 */
#ifndef MOTORWAY_SCHEMA_IMAGE_H
#define MOTORWAY_SCHEMA_IMAGE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "schema images are read in place; a big-endian machine would need a converting loader"
#endif

#define MW_IMAGE_MAGIC "MWSCHEMA"
#define MW_IMAGE_FORMAT_VERSION 2u
#define MW_IMAGE_NONE UINT32_MAX       /* "no index" */
#define MW_IMAGE_UNBOUNDED UINT32_MAX  /* maxOccurs="unbounded", no upper length */
#define MW_IMAGE_BYTES_MAX (64u << 20) /* larger files are refused */
#define MW_IMAGE_TEXT_PADDING 64u      /* zero bytes behind the last text, for wide loads */
#define MW_IMAGE_NAME_MAX 255u	       /* bytes of an element's or attribute's local name */
#define MW_IMAGE_NAMESPACES_MAX 200u
#define MW_IMAGE_ATTRIBUTES_MAX 64u /* of one type */

enum mw_image_section {
	MW_IMAGE_TEXT = 0,	  /* bytes */
	MW_IMAGE_SOURCES,	  /* struct mw_image_source */
	MW_IMAGE_NAMESPACES,	  /* struct mw_image_text: URIs; index = namespace */
	MW_IMAGE_SYMBOLS,	  /* struct mw_image_symbol: (namespace, local name) */
	MW_IMAGE_SYMBOL_HASH,	  /* uint32_t, a power of two: symbol + 1, or 0 */
	MW_IMAGE_TYPES,		  /* struct mw_image_type; 0 = xs:anyType, lax */
	MW_IMAGE_ATTRIBUTES,	  /* struct mw_image_attribute */
	MW_IMAGE_STATES,	  /* struct mw_image_state */
	MW_IMAGE_TRANSITIONS,	  /* struct mw_image_transition */
	MW_IMAGE_TRANSITION_HASH, /* uint16_t: transition of the state + 1, or 0 */
	MW_IMAGE_SIMPLES,	  /* struct mw_image_simple */
	MW_IMAGE_VALUES,	  /* struct mw_image_text: enumeration values */
	MW_IMAGE_VALUE_HASH,	  /* uint16_t: value of the type + 1, or 0 */
	MW_IMAGE_PATTERNS,	  /* struct mw_image_pattern */
	MW_IMAGE_CELLS,		  /* uint16_t: DFA cells, state x class; state 0 = refused */
	MW_IMAGE_IMPORTS,	  /* uint32_t: sources that a source imports or includes */
	MW_IMAGE_SOURCE_TEXT,	  /* bytes: the source files. Behind all other sections, so that
				   * the gateway need not keep it */
	MW_IMAGE_SECTION_COUNT,
};

struct mw_image_extent {
	uint32_t offset; /* bytes from the start of the file, a multiple of 64 */
	uint32_t count;	 /* records */
};

struct mw_image_header {
	char magic[8];
	uint32_t format_version;
	uint32_t header_size;
	uint32_t file_size;
	uint32_t section_count;
	uint8_t checksum[32]; /* SHA-256 of the file with this field zero; also the image's identity
			       */
	struct mw_image_extent sections[MW_IMAGE_SECTION_COUNT];
};

struct mw_image_text {
	uint32_t offset; /* in MW_IMAGE_TEXT */
	uint32_t length;
};

/* A file that went into the image: first the main schema, then the others as they were found, then
 * the overlays in the order of their application. `first_import` and `import_count` are the sources
 * that its xs:import and xs:include elements with a schemaLocation name, in their order. */
struct mw_image_source {
	struct mw_image_text name;    /* file name without folders */
	struct mw_image_text version; /* the schema's own version attribute, often empty */
	uint32_t target_namespace;    /* index */
	uint32_t is_overlay;	      /* 1: an overlay file, `version` is empty */
	uint32_t first_byte;	      /* in MW_IMAGE_SOURCE_TEXT */
	uint32_t byte_count;
	uint32_t first_import; /* in MW_IMAGE_IMPORTS */
	uint32_t import_count;
};

/* A name that elements of the schema have. */
struct mw_image_symbol {
	struct mw_image_text name;
	uint32_t name_space;	 /* index, or MW_IMAGE_NONE for no namespace */
	uint32_t global_type;	 /* type of the global element of that name, or MW_IMAGE_NONE */
	uint32_t global_default; /* 1 + index in MW_IMAGE_VALUES of its default, or 0 */
	uint32_t reserved;
};

enum mw_image_content {
	MW_IMAGE_CONTENT_EMPTY = 0,
	MW_IMAGE_CONTENT_SIMPLE = 1,
	MW_IMAGE_CONTENT_ELEMENTS = 2,
	MW_IMAGE_CONTENT_MIXED = 3,
};

struct mw_image_type {
	struct mw_image_text name; /* "" for a type defined in place */
	uint32_t content;	   /* enum mw_image_content */
	uint32_t simple;	   /* index of the content's simple type (SIMPLE), else NONE */
	uint32_t start_state;	   /* ELEMENTS, MIXED, EMPTY */
	uint32_t state_count;	   /* the type's states are start_state .. + state_count - 1 */
	uint32_t first_attribute;
	uint16_t attribute_count;
	uint16_t required_count; /* the required ones come first */
	uint32_t is_abstract;
	uint32_t any_attribute; /* 1: attributes are not checked (xs:anyType) */
};

struct mw_image_attribute {
	struct mw_image_text name; /* no namespace */
	uint32_t simple;
	uint32_t required;
};

struct mw_image_state {
	uint32_t first_transition;
	uint16_t transition_count;
	uint16_t wildcard_count; /* the last ones of the transitions are wildcards */
	uint32_t first_hash;	 /* in MW_IMAGE_TRANSITION_HASH */
	uint32_t hash_mask;	 /* size - 1; 0: no table, search in order */
	uint32_t repeat_min;	 /* of the particle that was matched to get here; start: 0 */
	uint32_t repeat_max;
	uint32_t own; /* the transition that leads here, for repetition; start: NONE */
	uint32_t accept;
};

enum mw_image_particle {
	MW_IMAGE_ELEMENT = 0,
	MW_IMAGE_ANY = 1,   /* any namespace or none */
	MW_IMAGE_OTHER = 2, /* some namespace that is not `name_space` */
};

struct mw_image_transition {
	uint32_t symbol; /* ELEMENT */
	uint32_t target; /* state */
	uint32_t type;	 /* ELEMENT: of the element */
	uint32_t name_offset;
	uint16_t name_length;
	uint8_t kind;		/* enum mw_image_particle */
	uint8_t lax;		/* wildcards: 1 = lax, 0 = strict */
	uint32_t name_space;	/* ELEMENT: of the name (or NONE); OTHER: the excluded one */
	uint32_t default_value; /* 1 + index in MW_IMAGE_VALUES of the default, or 0 */
	uint32_t reserved;
};

enum mw_image_kind {
	MW_IMAGE_STRING = 0, /* with white space preserved, replaced or collapsed */
	MW_IMAGE_BOOLEAN = 1,
	MW_IMAGE_INTEGER = 2,
	MW_IMAGE_DECIMAL = 3,
	MW_IMAGE_DATE_TIME = 4,
	MW_IMAGE_DATE = 5,
	MW_IMAGE_TIME = 6,
	MW_IMAGE_HEX = 7,
	MW_IMAGE_BASE64 = 8,
	MW_IMAGE_ANY_URI = 9,
	MW_IMAGE_ID = 10, /* an NCName, unique in the document */
	MW_IMAGE_KIND_COUNT,
};

enum mw_image_white_space {
	MW_IMAGE_PRESERVE = 0,
	MW_IMAGE_REPLACE = 1,
	MW_IMAGE_COLLAPSE = 2,
};

/* Facets that a simple type has. */
enum mw_image_facet {
	MW_IMAGE_HAS_MIN = 1u << 0, /* minimum_* */
	MW_IMAGE_HAS_MAX = 1u << 1, /* maximum_* */
	MW_IMAGE_MIN_EXCLUSIVE = 1u << 2,
	MW_IMAGE_MAX_EXCLUSIVE = 1u << 3,
	MW_IMAGE_HAS_LENGTH = 1u << 4, /* length_min, length_max */
	MW_IMAGE_HAS_TOTAL_DIGITS = 1u << 5,
	MW_IMAGE_HAS_FRACTION_DIGITS = 1u << 6,
	MW_IMAGE_HAS_VALUES = 1u << 7, /* enumeration */
	MW_IMAGE_HAS_PATTERNS = 1u << 8,
	MW_IMAGE_FACETS = (1u << 9) - 1,
};

/*
 * Bounds are canonical decimals: "-" when negative, digits without leading zeros ("0" at least),
 * and "." with digits without trailing zeros when there is a fraction. minimum_integer and
 * maximum_integer (INTEGER only) are the inclusive bounds clipped to int64, for values of up to 18
 * digits.
 *
 * Enumeration values are kept in canonical form: strings after their white space rule, integers
 * and decimals as bounds, hexBinary in upper case. The value table has value_hash_mask + 1 entries
 * at value_hash of MW_IMAGE_VALUE_HASH, open addressing by mw_image_hash() of the text.
 */
struct mw_image_simple {
	struct mw_image_text name;
	uint32_t kind;	      /* enum mw_image_kind */
	uint32_t white_space; /* enum mw_image_white_space */
	uint32_t facets;      /* enum mw_image_facet */
	uint32_t length_min;  /* characters, or octets of HEX and BASE64 */
	uint32_t length_max;
	uint32_t total_digits;
	uint32_t fraction_digits;
	uint32_t first_pattern; /* all must accept */
	uint32_t pattern_count;
	uint32_t first_value;
	uint32_t value_count;
	uint32_t first_value_hash;
	uint32_t value_hash_mask;
	struct mw_image_text minimum;
	struct mw_image_text maximum;
	int64_t minimum_integer;
	int64_t maximum_integer;
	uint8_t reserved[8];
};

#define MW_IMAGE_FIXED_MAX 64u /* bytes of a pattern's fixed part */

/*
 * A pattern as a DFA over bytes: the next state is cells[first_cell + state * class_count +
 * classes[byte]], beginning in `start`; 0 is the state of refusal. States are ordered so that those
 * from first_accept on accept.
 *
 * A pattern usually begins with a part where every position has its own set of bytes whatever came
 * before (an EUI-64 has 23 of them). That part is also given for parallel comparison:
 * byte b is allowed at position i when (low[b & 15] & high[b >> 4] & fixed[i]) != 0, for bytes
 * below 128. After the fixed_length bytes the DFA is in fixed_state. When fixed_length is the whole
 * pattern, fixed_state accepts and has no way on.
 */
struct mw_image_pattern {
	struct mw_image_text source; /* the pattern as written, for messages */
	uint32_t first_cell;
	uint16_t state_count;
	uint16_t class_count;
	uint16_t start;
	uint16_t first_accept;
	uint16_t fixed_length;
	uint16_t fixed_state;
	uint8_t low[16];
	uint8_t high[16];
	uint8_t fixed[MW_IMAGE_FIXED_MAX];
	uint8_t classes[256];
	uint8_t reserved[8];
};

static_assert(sizeof(struct mw_image_extent) == 8, "extent");
static_assert(sizeof(struct mw_image_header) == 56 + 8 * MW_IMAGE_SECTION_COUNT, "header");
static_assert(sizeof(struct mw_image_text) == 8, "text");
static_assert(sizeof(struct mw_image_source) == 40, "source");
static_assert(sizeof(struct mw_image_symbol) == 24, "symbol");
static_assert(sizeof(struct mw_image_type) == 40, "type");
static_assert(sizeof(struct mw_image_attribute) == 16, "attribute");
static_assert(sizeof(struct mw_image_state) == 32, "state");
static_assert(sizeof(struct mw_image_transition) == 32, "transition");
static_assert(sizeof(struct mw_image_simple) == 104, "simple");
static_assert(sizeof(struct mw_image_pattern) == 384, "pattern");
static_assert(offsetof(struct mw_image_header, sections) == 56, "sections");
static_assert(offsetof(struct mw_image_simple, minimum_integer) == 80, "bounds");
static_assert(offsetof(struct mw_image_pattern, classes) == 120, "classes");

/* The hash of texts in the image's tables: of the length, and of the first and last eight bytes (or
 * all, when there are fewer), which costs the same for every name. `seed` is 0 but for symbols,
 * where it is namespace + 1 (0 for no namespace). Texts that differ only between their first and
 * last eight bytes collide, which the tables' open addressing settles. */
static inline uint32_t mw_image_hash(const uint8_t *text, uint32_t length, uint32_t seed)
{
	unsigned __int128 product;
	uint64_t first = 0;
	uint64_t last = 0;

	if (length >= 8) {
		memcpy(&first, text, 8);
		memcpy(&last, text + length - 8, 8);
	} else if (length >= 4) {
		uint32_t head;
		uint32_t tail;

		memcpy(&head, text, 4);
		memcpy(&tail, text + length - 4, 4);
		first = head | (uint64_t)tail << 32;
	} else if (length > 0) {
		first = text[0] | (uint64_t)text[length / 2] << 8 |
			(uint64_t)text[length - 1] << 16;
	}
	/* Both halves of each product count: a last byte that differs is in the upper one only. */
	product = (unsigned __int128)(first ^ ((uint64_t)seed << 56 | (uint64_t)length << 48)) *
		  0x9e3779b97f4a7c15u;
	first = (uint64_t)product ^ (uint64_t)(product >> 64);
	product = (unsigned __int128)(last ^ first) * 0xbf58476d1ce4e5b9u;
	last = (uint64_t)product ^ (uint64_t)(product >> 64);
	return (uint32_t)(last >> 32) ^ (uint32_t)last;
}

#endif

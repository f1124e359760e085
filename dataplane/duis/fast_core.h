/* SPDX-License-Identifier: Apache-2.0 */
/* The fast engine's own structures, shared by its sources and by no one else. */
#ifndef DUIS_FAST_CORE_H
#define DUIS_FAST_CORE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <openssl/sha.h>

#include "dataplane/duis/fast.h"

/* Bounds of a document beside its size; the same as the reference engine's. */
#define FAST_DEPTH_MAX 256
#define FAST_ATTRIBUTES_MAX 64
#define FAST_BINDINGS_MAX 64
#define FAST_IDS_MAX 2048
/* Children of the root that stretches respect; a valid document has three. */
#define FAST_BARRIERS_MAX 8

/* Index of a binding's namespace when it is none of the image's. */
#define FAST_NAMESPACE_NONE MW_IMAGE_NONE	 /* no namespace */
#define FAST_NAMESPACE_OTHER (MW_IMAGE_NONE - 1) /* one that the schema does not know */
#define FAST_NAMESPACE_XML (MW_IMAGE_NONE - 2)
#define FAST_NAMESPACE_XSI (MW_IMAGE_NONE - 3)

#define FAST_SCHEMA_NAMESPACE "http://www.dccinterface.co.uk/ServiceUserGateway"
#define FAST_DSIG_NAMESPACE "http://www.w3.org/2000/09/xmldsig#"
#define FAST_XSI_NAMESPACE "http://www.w3.org/2001/XMLSchema-instance"
#define FAST_XML_NAMESPACE "http://www.w3.org/XML/1998/namespace"
#define FAST_XMLNS_NAMESPACE "http://www.w3.org/2000/xmlns/"

/* Elements that later stages ask for. Found by name when an image is loaded. X(NAME, "element") */
#define FAST_DUIS_ROLES(X)                                                                         \
	X(REQUEST, "Request")                                                                      \
	X(RESPONSE, "Response")                                                                    \
	X(HEADER, "Header")                                                                        \
	X(BODY, "Body")                                                                            \
	X(REQUEST_ID, "RequestID")                                                                 \
	X(RESPONSE_ID, "ResponseID")                                                               \
	X(COMMAND_VARIANT, "CommandVariant")                                                       \
	X(SERVICE_REFERENCE, "ServiceReference")                                                   \
	X(SERVICE_REFERENCE_VARIANT, "ServiceReferenceVariant")                                    \
	X(RESPONSE_CODE, "ResponseCode")                                                           \
	X(RESPONSE_MESSAGE, "ResponseMessage")                                                     \
	X(EXECUTION_DATE_TIME, "ExecutionDateTime")                                                \
	X(READ_LOG_PERIOD, "ReadLogPeriod")                                                        \
	X(START_DATE_TIME, "StartDateTime")                                                        \
	X(END_DATE_TIME, "EndDateTime")

#define FAST_DSIG_ROLES(X)                                                                         \
	X(SIGNATURE, "Signature")                                                                  \
	X(SIGNED_INFO, "SignedInfo")                                                               \
	X(CANONICALIZATION_METHOD, "CanonicalizationMethod")                                       \
	X(SIGNATURE_METHOD, "SignatureMethod")                                                     \
	X(REFERENCE, "Reference")                                                                  \
	X(TRANSFORMS, "Transforms")                                                                \
	X(TRANSFORM, "Transform")                                                                  \
	X(DIGEST_METHOD, "DigestMethod")                                                           \
	X(DIGEST_VALUE, "DigestValue")                                                             \
	X(SIGNATURE_VALUE, "SignatureValue")                                                       \
	X(KEY_INFO, "KeyInfo")                                                                     \
	X(X509_DATA, "X509Data")                                                                   \
	X(X509_ISSUER_SERIAL, "X509IssuerSerial")                                                  \
	X(X509_ISSUER_NAME, "X509IssuerName")                                                      \
	X(X509_SERIAL_NUMBER, "X509SerialNumber")                                                  \
	X(OBJECT, "Object")

enum fast_role {
	FAST_ROLE_NONE = 0,
#define FAST_ROLE_ENUM(name, text) FAST_ROLE_##name,
	FAST_DUIS_ROLES(FAST_ROLE_ENUM)
	FAST_DSIG_ROLES(FAST_ROLE_ENUM)
#undef FAST_ROLE_ENUM
		FAST_ROLE_COUNT,
};

#define FAST_ROLE_FIRST_DSIG FAST_ROLE_SIGNATURE
#define FAST_DSIG_ROLE_COUNT (FAST_ROLE_COUNT - FAST_ROLE_FIRST_DSIG)

struct fast_span {
	const uint8_t *at;
	uint32_t length;
};

/* An image with what the engine adds to it. */
struct fast_schema {
	struct duis_image image;
	bool owned;
	char version[MW_SCHEMA_VERSION_SIZE];
	uint8_t *symbol_roles;			       /* enum fast_role of each symbol */
	uint8_t *transition_roles;		       /* and of each transition */
	bool has_symbols[MW_IMAGE_NAMESPACES_MAX + 1]; /* by namespace; the last one: none */
	uint32_t request_symbol;
	uint32_t response_symbol;
	uint32_t duis_namespace;
};

struct duis_fast_schemas {
	struct fast_schema entries[DUIS_SCHEMA_VERSIONS_MAX];
	size_t count;
};

/* A namespace declaration in scope. */
struct fast_binding {
	struct fast_span prefix; /* length 0: the default one */
	struct fast_span uri;	 /* normalised */
	uint32_t name_space;	 /* of the image, or FAST_NAMESPACE_... */
	uint8_t slot;		 /* where it is listed */
	uint8_t previous;	 /* the one of that slot before it, plus 1 */
	uint64_t uri_hash;
};

/* Lists of bindings by the hash of their prefix; the last one is the default namespace's. */
#define FAST_BINDING_SLOTS 256

/* An open element. */
struct fast_frame {
	const uint8_t *name; /* as written, in its start tag */
	uint32_t name_length;
	uint32_t type;
	uint32_t state;
	uint32_t count; /* how often the particle of `state` has come */
	uint8_t content;
	uint8_t role;
	uint8_t bindings; /* in scope before its own */
};

struct fast_attribute {
	struct fast_span name;	/* as written */
	uint32_t prefix_length; /* 0: none */
	bool is_declaration;	/* of a namespace */
	bool redundant;		/* a declaration that says what holds anyway */
	bool rough;		/* the value is as written and has to be normalised */
	uint32_t name_space;
	uint32_t hash;		/* of the expanded name, with a prefix */
	struct fast_span uri;	/* of its prefix */
	struct fast_span value; /* see settle() */
	uint32_t raw_offset;	/* of the value, behind its quote */
};

/* A stretch of the document that is not its own canonical form. All attributed tags in it have an
 * entry in the order list. */
struct fast_dirty {
	uint32_t start;
	uint32_t end;
	uint32_t order;
};

/* What was seen of an element of the root's signature. */
struct fast_part {
	uint32_t count;
	uint32_t offset; /* of the first one's tag */
	uint32_t end;
	uint32_t children;
	uint32_t attribute_count;
	struct fast_span attribute_name;
	struct fast_span attribute_value;
	struct fast_span value; /* text, of simple content */
	uint32_t simple;	/* its type */
	uint32_t octets;	/* of base64 */
	uint32_t second;	/* offset of the second one's tag */
	bool text;		/* mixed content that is more than white space */
};

/*
 * Tags that came last time. Senders repeat themselves: the root's tag is the same in every document
 * of a sender, and the tags of a signature are the same in all. When the bytes are the same, so is
 * all that parsing them finds out; only identifiers, which depend on other elements, are never
 * kept.
 */
#define FAST_KEPT_TAGS 64 /* a power of two */
#define FAST_KEPT_BYTES 120
#define FAST_KEPT_ROOTS 8 /* a power of two: senders in turn */
#define FAST_KEPT_ROOT_BYTES 1024
#define FAST_KEPT_QUICK 8 /* namespaces of the image, and none */
#define FAST_KEPT_ROOT_ATTRIBUTES 16

/* A tag with one attribute, from behind its name to its '>'. */
struct fast_kept_tag {
	uint32_t transition; /* of the parent that it took, plus 1 */
	uint8_t length;
	uint8_t name_offset;
	uint8_t name_length;
	uint8_t value_offset;
	uint8_t value_length;
	bool clean;
	bool empty; /* "/>" */
	uint8_t bytes[FAST_KEPT_BYTES];
};

/* The texts of a signature that differ from document to document, and the pieces between. */
#define FAST_HOLES 4
#define FAST_PIECES (FAST_HOLES + 1)
#define FAST_HOLE_MAX 512      /* bytes of one, when there is more in it than plain text */
#define FAST_KEPT_SIGNATURES 4 /* prefixes and layouts in use at a time */
extern const uint8_t fast_hole_roles[FAST_HOLES];

/* struct fast_part, with places relative to those of pieces and of the tag. */
struct fast_kept_part {
	uint8_t count;
	uint8_t piece;
	uint8_t end_piece;
	uint32_t offset;
	uint32_t end;
	uint32_t children;
	uint32_t attribute_count;
	uint32_t name_at;
	uint32_t name_length;
	uint32_t value_at;
	uint32_t value_length;
};

struct fast_kept_signature {
	const struct fast_schema *schema; /* NULL: nothing is kept here */
	uint32_t type;
	uint32_t state; /* of ds:Signature behind its content */
	uint32_t count;
	uint32_t prefix_length;
	uint8_t prefix[16];
	uint32_t lengths[FAST_PIECES];
	uint32_t simples[FAST_HOLES];
	struct fast_kept_part parts[FAST_DSIG_ROLE_COUNT];
	uint8_t bytes[2048]; /* the pieces */
};

/* Quick test for a prefix: of the last one that named this namespace. */
struct fast_quick {
	uint64_t word;
	uint64_t mask;
	uint32_t length; /* with its colon */
};

struct fast_kept_root {
	uint32_t length; /* 0: none */
	uint32_t name_length;
	uint32_t prefix_length;
	uint32_t attribute_count;
	uint32_t binding_count;
	int root;
	int schema_index;
	uint32_t type;
	bool clean;
	uint32_t quick_count;
	struct fast_quick quick[FAST_KEPT_QUICK]; /* engine->quick, behind a document with it */
	uint32_t order_length;
	uint8_t order[FAST_KEPT_ROOT_ATTRIBUTES + 1];
	struct fast_binding bindings[FAST_KEPT_ROOT_ATTRIBUTES]; /* pointing into bytes */
	uint8_t bytes[FAST_KEPT_ROOT_BYTES];
};

struct fast_id {
	uint32_t generation;
	uint32_t length;
	const uint8_t *text;
};

struct duis_fast_engine {
	const struct duis_fast_schemas *schemas;
	uint32_t document_bytes_max;
	enum duis_fast_variant variant;
	/* the document */
	const uint8_t *bytes;
	const uint8_t *end;
	const struct fast_schema *schema;
	const struct duis_image *image;
	struct duis_error *error;
	bool invalid;	  /* a schema error was noted; the rest is only parsed */
	bool tracked;	  /* what is parsed now belongs to the document's canonical form */
	bool tracked_all; /* the root's signature does, too */
	bool again;	  /* it should have */
	bool returns;	  /* CR stands in text */
	bool readable;	  /* the last read succeeded */
	uint64_t seeds[2];
	int root;
	int schema_index;
	/* the parser */
	uint32_t depth; /* open elements */
	uint32_t binding_count;
	uint8_t binding_slots[FAST_BINDING_SLOTS];
	uint32_t attribute_count;
	uint32_t declaration_count; /* of the tag */
	uint32_t prefixed_count;    /* attributes with a prefix that are no declarations */
	bool kept_clean;	    /* tag_clean before its order was looked at */
	bool tag_clean;		    /* so far the tag is as its canonical form */
	struct fast_frame frames[FAST_DEPTH_MAX + 1];
	struct fast_binding bindings[FAST_BINDINGS_MAX + FAST_ATTRIBUTES_MAX + 1];
	struct fast_attribute attributes[FAST_ATTRIBUTES_MAX];
	struct fast_quick quick[MW_IMAGE_NAMESPACES_MAX + 1]; /* the last one: no namespace */
	bool quick_known;				      /* there may be something in it */
	uint8_t *scratch; /* values that differ from the bytes as written */
	uint32_t scratch_used;
	uint32_t scratch_size;
	uint8_t *collapsed; /* one value with its white space collapsed */
	struct fast_id *ids;
	uint32_t id_count;
	uint32_t generation;
	/* canonical form */
	uint32_t root_start;
	uint32_t root_end;
	bool outer_instructions; /* processing instructions outside the root */
	struct fast_dirty *dirty;
	uint32_t dirty_count;
	uint32_t dirty_barrier; /* stretches do not grow over it */
	uint32_t root_children;
	uint8_t *order;
	uint32_t order_used;
	/* description */
	struct fast_span values[FAST_ROLE_FIRST_DSIG]; /* of the header and the references */
	struct fast_span body_child;		       /* name of Body's first child */
	struct fast_span message_child; /* and of ResponseMessage's, behind the references */
	struct fast_span body;
	bool body_open;
	bool is_response_message;
	bool in_first_child;
	/* signature */
	uint32_t signature_count;    /* anywhere */
	uint32_t other_signature;    /* offset of one that is not the root's last */
	uint32_t root_signatures;    /* children of the root */
	bool in_signature;	     /* the root's */
	bool instruction_behind;     /* a processing instruction follows it */
	uint32_t signature_bindings; /* in scope at SignedInfo */
	struct fast_part parts[FAST_ROLE_COUNT];
	/* kept from earlier documents */
	uint8_t kept_prolog[64]; /* what stands before the root; without instructions */
	uint32_t kept_prolog_length;
	struct fast_kept_root kept_roots[FAST_KEPT_ROOTS];
	struct fast_kept_root
		*root_before; /* the last document's, to which `quick` belongs; or NULL */
	struct fast_kept_tag kept_tags[FAST_KEPT_TAGS];
	struct fast_kept_signature kept_signatures[FAST_KEPT_SIGNATURES];
	uint32_t kept_signature_next;
	const struct fast_kept_signature *recalled; /* for this document's; NULL: none was */
	uint8_t serial_raw[64];
	uint32_t serial_raw_length;
	uint8_t serial[DUIS_SERIAL_SIZE];
	struct {
		uint8_t raw[128];
		uint32_t raw_length;
		uint32_t length;
		char issuer[DUIS_ISSUER_SIZE];
	} issuer_cache;
	struct {
		bool valid;
		struct fast_span prefix; /* of all elements, in `head` */
		uint8_t head[1024];	 /* SignedInfo as written, up to DigestValue's text */
		uint8_t tail[256];	 /* and behind it */
		uint32_t head_length;
		uint32_t tail_length;
		uint8_t canonical_tail[256];
		uint32_t canonical_tail_length;
		uint8_t canonical_head[1024];
		uint32_t canonical_head_length;
		SHA256_CTX state;   /* having hashed the whole blocks of canonical_head */
		uint8_t rest[512];  /* and what follows those, with the padding: the next */
		uint32_t gap;	    /* digest goes here */
		uint32_t rest_size; /* whole blocks */
	} signed_info_cache;
	uint32_t octets; /* of the base64 value checked last */
	bool issuer_good;
	bool serial_good;
};

/* The parser of each variant: read the document of the engine. Returns 0 or -EBADMSG. */
int fast_parse_scalar(struct duis_fast_engine *engine);
int fast_parse_avx2(struct duis_fast_engine *engine);
int fast_parse_avx512(struct duis_fast_engine *engine);

/* fast_error.c: fill the error; cold. `fast_fail` returns NULL for the parser's convenience. */
const uint8_t *fast_fail(struct duis_fast_engine *engine, enum duis_error_code code,
	const uint8_t *at, const char *rule);
/* Note a schema error (the first stays) and go on parsing without a schema. */
void fast_invalid(struct duis_fast_engine *engine, const uint8_t *at, const char *rule);
/* The same; the rule lists what `state` allows. */
void fast_invalid_element(struct duis_fast_engine *engine, const uint8_t *at);
void fast_invalid_end(struct duis_fast_engine *engine, const uint8_t *at);
void fast_invalid_value(struct duis_fast_engine *engine, const uint8_t *at, uint32_t simple,
	const struct fast_span *attribute);

/* fast_describe.c: from the notes to the description. Returns 0 or -EBADMSG with the error. */
int fast_describe(struct duis_fast_engine *engine, struct duis_document *document);

/* fast_verify.c: issuer and serial number, as far as they are there. */
void fast_read_signer(struct duis_fast_engine *engine, struct duis_document *document);

/* A hash that nobody can make collide who does not know the engine's seeds: names and identifiers
 * come from outside. */
static inline uint64_t fast_hash(
	const struct duis_fast_engine *engine, const uint8_t *text, uint32_t length)
{
	uint64_t hash = engine->seeds[0] ^ length;
	uint64_t word = 0;
	unsigned __int128 product;

	for (; length > 8; text += 8, length -= 8) {
		memcpy(&word, text, 8);
		product = (unsigned __int128)(hash ^ word) * engine->seeds[1];
		hash = (uint64_t)product ^ (uint64_t)(product >> 64);
	}
	if (length >= 4) {
		uint32_t head;
		uint32_t tail;

		memcpy(&head, text, 4);
		memcpy(&tail, text + length - 4, 4);
		word = head | (uint64_t)tail << 32;
	} else if (length > 0) {
		word = text[0] | (uint64_t)text[length / 2] << 8 | (uint64_t)text[length - 1] << 16;
	} else {
		word = 0;
	}
	product = (unsigned __int128)(hash ^ word) * engine->seeds[1];
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* fast_skeleton.c: keep the signature of the document just read. Its profile has been checked. */
void fast_keep_signature(struct duis_fast_engine *engine);

/* fast_c14n.c: canonical forms, as runs of bytes into a sink. Short ones are gathered in its room;
 * what does not fit goes to `spill`, behind what is in the room; nothing at all asks for more room,
 * which there may be or not. */
struct fast_sink {
	uint8_t *at; /* behind what was written */
	uint8_t *stop;
	void (*spill)(struct fast_sink *sink, const uint8_t *bytes, size_t length);
};

/* SHA-256 of what is emitted. */
struct fast_hash {
	struct fast_sink sink;
	SHA256_CTX context;
	uint8_t room[512];
};
void fast_hash_begin(struct fast_hash *hash);
void fast_hash_end(struct fast_hash *hash, uint8_t digest[32]);

/* Inclusive, of the document without the root's signature. */
void fast_canonical_document(const struct duis_fast_engine *engine, struct fast_sink *sink);

/* fast_exclusive.c: exclusive, of SignedInfo. Returns false when it is of a shape that no profile
 * allows (prefixes and depth beyond bounds). */
bool fast_canonical_signed_info(struct duis_fast_engine *engine, struct fast_sink *sink);
/* SHA-256 of it. */
bool fast_digest_signed_info(struct duis_fast_engine *engine, uint8_t digest[32]);

/* Pieces that both need. One attribute as written. */
struct fast_raw_attribute {
	struct fast_span name;
	struct fast_span value;
};
/* The attributes of the tag whose name ends at `at`; returns its '>' or '/'. */
const uint8_t *fast_raw_attributes(
	const uint8_t *at, struct fast_raw_attribute *attributes, uint32_t *count);
const uint8_t *fast_raw_name(const uint8_t *at);
/* The value of an attribute's raw text: itself, or resolved into buffer[*used .. size). Returns
 * false when that is too small. */
bool fast_value_of(struct fast_span raw, uint8_t *buffer, uint32_t size, uint32_t *used,
	struct fast_span *value);
void fast_emit_value(struct fast_span value, struct fast_sink *sink);
/* One token that is no start tag, at `at`; returns what follows. */
const uint8_t *fast_emit_other(const uint8_t *at, const uint8_t *stop, struct fast_sink *sink);

/* memcpy() for what is mostly a few bytes. */
static inline void fast_copy(uint8_t *to, const uint8_t *from, size_t length)
{
	uint64_t words[2];

	if (length > 16) {
		memcpy(to, from, length);
	} else if (length >= 8) {
		memcpy(&words[0], from, 8);
		memcpy(&words[1], from + length - 8, 8);
		memcpy(to, &words[0], 8);
		memcpy(to + length - 8, &words[1], 8);
	} else if (length >= 4) {
		memcpy(&words[0], from, 4);
		memcpy(&words[1], from + length - 4, 4);
		memcpy(to, &words[0], 4);
		memcpy(to + length - 4, &words[1], 4);
	} else if (length > 0) {
		uint8_t middle = from[length / 2];
		uint8_t last = from[length - 1];

		to[0] = from[0];
		to[length / 2] = middle;
		to[length - 1] = last;
	}
}

static inline void fast_emit(struct fast_sink *sink, const void *bytes, size_t length)
{
	if (length <= (size_t)(sink->stop - sink->at)) {
		fast_copy(sink->at, bytes, length);
		sink->at += length;
	} else {
		sink->spill(sink, bytes, length);
	}
}

#define FAST_EMIT(sink, text) fast_emit(sink, text, sizeof(text) - 1)

#endif

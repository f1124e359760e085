/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libxml2, used directly and without any of the project's code, says about a document:
 * well-formed, valid, and its canonical forms.
 *
 * The schema files are copied with three changes that libxml2 2.9 needs: file names without blanks,
 * no DOCTYPE, and xs:integer replaced where no facet bounds it (see known.h).
 */
#ifndef DIFFERENTIAL_ORACLE_H
#define DIFFERENTIAL_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

#include "tests/differential/tokens.h"

#define ORACLE_FAULTS_MAX 64

enum oracle_class {
	ORACLE_VALID = 0,
	ORACLE_MALFORMED, /* not well-formed, or not in UTF-8, or with a DOCTYPE */
	ORACLE_ROOT,	  /* the root element is neither Request nor Response */
	ORACLE_VERSION,	  /* schemaVersion is missing or not one of those in use */
	ORACLE_INVALID,
	ORACLE_BOUND, /* beyond the project's own bounds on depth, attributes, namespaces */
	ORACLE_CLASS_COUNT,
};

struct oracle_fault {
	int code;     /* libxml2's */
	size_t begin; /* the construct at fault: bytes[begin .. end] */
	size_t end;
};

struct oracle_verdict {
	enum oracle_class class;
	/* MALFORMED: what else an engine may meet before it meets that. */
	bool also_root;
	bool also_version;
	bool also_invalid;
	bool own_rule; /* INVALID: one of the faults is against a rule of the project's own */
	bool bad_namespace_name; /* one that is no URI reference: may be reported, or not */
	bool beyond_bounds;	 /* the document is beyond the project's bounds */
	const char *known;	 /* MALFORMED or INVALID by a known rule; see known.h */
	struct oracle_fault faults[ORACLE_FAULTS_MAX];
	size_t fault_count;
	xmlDocPtr document; /* VALID: without the root's Signature */
	xmlChar *canonical; /* VALID: inclusive C14N 1.0 of that */
	int canonical_length;
	xmlChar *signed_info; /* VALID with a Signature: exclusive C14N of its SignedInfo */
	int signed_info_length;
	char *digest_value; /* VALID with a Signature: texts, or NULL */
	char *signature_value;
	bool has_signature;
};

struct oracle;

/* Compile the schema in `xsd_folder` (the folder that scripts/setup makes). Ends the program with a
 * reason on failure. One thread. */
struct oracle *oracle_create(const char *xsd_folder);
void oracle_destroy(struct oracle *oracle);

/* Judge bytes[0 .. length), cut into `tokens`. The verdict is freed with oracle_release(). */
void oracle_judge(struct oracle *oracle, const uint8_t *bytes, size_t length,
	const struct tokens *tokens, struct oracle_verdict *verdict);
void oracle_release(struct oracle_verdict *verdict);

/* Whether libxml2 calls a document invalid for nothing but known faults of its own: when the values
 * at fault are rewritten as known_repair() does, it is valid. Returns the name of the first fault,
 * or NULL. */
const char *oracle_excuse(struct oracle *oracle, const uint8_t *bytes, size_t length);

/* The folder with the changed schema files (main file "duis.xsd"); valid as long as the oracle. */
const char *oracle_folder(const struct oracle *oracle);

const char *oracle_class_name(enum oracle_class class);

#endif

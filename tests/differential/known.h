/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where libxml2 2.9 and the standards, or the standards and DUIS, part: doc/standards.md has the
 * clauses and what Xerces-C says. Here is what a run needs to tell such a document.
 */
#ifndef DIFFERENTIAL_KNOWN_H
#define DIFFERENTIAL_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/differential/buffer.h"
#include "tests/differential/tokens.h"

/* "utf-16", "latin-1" ... when bytes[0 .. length) are well-formed XML in an encoding that DUIS does
 * not use, else NULL. libxml2 reads it. */
const char *known_encoding(const uint8_t *bytes, size_t length);

/* Whether the XML declaration names another version than 1.0. XML 1.0 (fifth edition, 2.8) lets a
 * processor read 1.x as 1.0; DUIS is 1.0 and nothing else is accepted. */
bool known_version(const uint8_t *bytes, size_t length);

/* Whether the XML declaration may lack the blank before `standalone`, which libxml2 does not miss
 * (XML 1.0, [32] SDDecl). */
bool known_missing_blank(const uint8_t *bytes, size_t length);

/* Offset of the first byte that is not UTF-8 (RFC 3629), or SIZE_MAX. */
size_t known_bad_utf8(const uint8_t *bytes, size_t length);

/* Whether there is a NUL, which no XML document holds; libxml2 ends there when it stands behind the
 * root element. */
bool known_nul(const uint8_t *bytes, size_t length);

/* Whether a namespace is declared with a reference to '&' in its name: libxml2 keeps the reference
 * as a part of the name, and writes it so into canonical forms. */
bool known_namespace_reference(const struct tokens *tokens);

/* Whether a tag declares the prefix xml twice, which libxml2 lets pass (XML 1.0: WFC Unique Att
 * Spec). */
bool known_double_xml(const struct tokens *tokens);

/* Whether a value of type xs:base64Binary holds other characters than base64's, which libxml2
 * skips. The tokens must be annotated. */
bool known_stray_base64(const struct tokens *tokens);

/* Whether a value is not of its type's pattern, as a regular expression of POSIX: libxml2 miscounts
 * where a group that may repeat is followed by the same group ("(EUI,)*(EUI)": it takes an EUI-64
 * with a first octet of three digits). The tokens must be annotated. */
bool known_wrong_pattern(const struct tokens *tokens);

/*
 * Rewrite a simple value that libxml2 refuses against the standard (doc/standards.md) to one of the
 * same kind that it can read: white space around it, signs of unsigned types, more than 24 digits,
 * long fractions of seconds. Returns the name of the fault and puts the new value into `out`, or
 * NULL when the value is none of these.
 */
const char *known_repair(const char *value, struct buffer *out);

/* The same for an xs:ID with characters that names hold since the fifth edition of XML: all bytes
 * beyond ASCII are written in hexadecimal. */
const char *known_repair_name(const char *value, struct buffer *out);

#endif

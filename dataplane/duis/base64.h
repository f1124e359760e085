/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648 section 4) as xs:base64Binary uses it. Pure functions; any thread. */
#ifndef DUIS_BASE64_H
#define DUIS_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Characters that `length` octets become. */
#define DUIS_BASE64_LENGTH(length) (((size_t)(length) + 2) / 3 * 4)

/* Write the base64 text of octets[0 .. length), DUIS_BASE64_LENGTH(length) characters in one line
 * without NUL, into `text`. Returns the number of characters. */
size_t duis_base64_encode(const uint8_t *octets, size_t length, uint8_t *text);

/* Decode text[0 .. length) into octets[0 .. capacity); XML white space is skipped, padding must be
 * complete and unused bits zero. Returns the number of octets, or -EBADMSG (not base64, or more
 * than `capacity` octets). */
ssize_t duis_base64_decode(const char *text, size_t length, uint8_t *octets, size_t capacity);

#endif

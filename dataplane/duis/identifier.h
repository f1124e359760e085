/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of EUI-64s and request ids. Pure functions; any thread. */
#ifndef DUIS_IDENTIFIER_H
#define DUIS_IDENTIFIER_H

#include <stddef.h>
#include <stdint.h>

#include "motorway/duis_terms.h"

#define DUIS_EUI_TEXT_SIZE 24 /* "90-B3-D5-1F-30-01-00-00" and its NUL */

/* Parse "XX-XX-XX-XX-XX-XX-XX-XX" (either case; exactly `length` = 23 bytes) into *eui.
 * Returns 0 or -EBADMSG. Source: DUIS XSD, type EUI. */
int duis_eui_parse(const char *text, size_t length, uint64_t *eui);

/* Write the upper-case text of `eui` and a NUL into `text`. */
void duis_eui_format(uint64_t eui, char text[DUIS_EUI_TEXT_SIZE]);

/* Parse "EUI:EUI:counter" (exactly `length` bytes, no white space, counter a canonical uint64).
 * Returns 0 or -EBADMSG. Source: DUIS XSD, type RequestIDType. */
int duis_request_id_parse(const char *text, size_t length, struct mw_request_id *id);

/* Write the text of `id` and a NUL into `text`; returns its length without the NUL. */
size_t duis_request_id_format(const struct mw_request_id *id, char text[MW_REQUEST_ID_TEXT_SIZE]);

#endif

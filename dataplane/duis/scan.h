/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The look at the bytes before any parser sees them: encoding, and bounds on what a parser would
 * spend more than linear time on. Pure function; any thread.
 */
#ifndef DUIS_SCAN_H
#define DUIS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/duis/error.h"

/* Attributes and namespace declarations of one element. DUIS itself needs 6. */
#define DUIS_ATTRIBUTES_MAX 64

/* Tags, comments, CDATA sections, processing instructions and attributes of one document. Each may
 * become a node of a DOM, some 200 bytes for as few as 4. The largest answer that DUIS knows, the
 * profile data of 13 months, has about 115,000. */
#define DUIS_MARKUP_MAX 262144

/* Check that bytes[0 .. length), length > 0, are UTF-8 without NUL, that an XML declaration names
 * no other encoding, and that no tag holds more than DUIS_ATTRIBUTES_MAX attributes. Returns 0, or
 * -EBADMSG with *error (ENCODING, NOT_WELL_FORMED or TOO_LARGE). With a byte that is no character
 * *readable is its offset, otherwise `length`: what stands before it may be wrong already, and then
 * decides. */
int duis_scan(const uint8_t *bytes, uint32_t length, uint32_t *readable, struct duis_error *error);

/* A parser has stopped at `fault` because what it wanted is not there. An ill-formed UTF-8 sequence
 * is an encoding error wherever it stands (XML 1.0, 4.3.3), and so it is when the tag, reference or
 * declaration at `fault` is cut off by one before anything else is wrong in it. Returns whether
 * that is so, with the offset of the sequence. Pure; looks no further than the end of what is cut.
 */
bool duis_scan_is_cut(const uint8_t *bytes, uint32_t length, uint64_t fault, uint64_t *offset);

/* Whether the tag that begins last before `fault` goes on at `end`. Pure. */
bool duis_scan_is_in_tag(const uint8_t *bytes, uint64_t fault, uint64_t end);

#endif

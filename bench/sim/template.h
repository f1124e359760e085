/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request templates: the official sample requests, brought into canonical form once at start so
 * that a message is made by writing a RequestID into its place and signing.
 *
 * Canonical form here means: without the placeholder signature, without comments, without white
 * space between elements (which counts for a strict verifier; the official signing tool drops it
 * too), inclusive C14N 1.0.
 */
#ifndef SIM_TEMPLATE_H
#define SIM_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "motorway/duis_terms.h"

#define TEMPLATES_MAX 1024
#define TEMPLATE_BYTES_MAX (1u << 20)
#define TEMPLATE_NAME_SIZE 128

struct template
{
	char name[TEMPLATE_NAME_SIZE]; /* file name without folder */
	char srv[MW_SRV_SIZE];
	char service_reference[MW_SRV_SIZE];
	char body_element[MW_ELEMENT_NAME_SIZE];
	uint8_t command_variant;
	struct mw_request_id request_id; /* as in the file */
	uint8_t *canonical;		 /* with the RequestID's text taken out */
	uint32_t length;
	uint32_t request_id_offset; /* where its text belongs */
};

struct template_set {
	struct template *templates; /* in the order of their names */
	uint32_t count;
};

/* Make `template` of the document bytes[0 .. length). Returns 0, or -EBADMSG with one line in
 * `reason` when it is no DUIS request with the parts above. Free with template_clear(). */
int template_make(struct template *template, const char *name, const uint8_t *bytes, size_t length,
	char *reason, size_t reason_size);
void template_clear(struct template *template);

/* Read every *.XML file of `folder`. Returns 0, or -errno or -EBADMSG with one line in `reason`.
 * Free with template_set_clear(). */
int template_set_read(
	struct template_set *set, const char *folder, char *reason, size_t reason_size);
void template_set_clear(struct template_set *set);

/* The first template for `srv` with the given command variant, one that is not future dated if
 * there is any; or NULL. */
const struct template *template_find(
	const struct template_set *set, const char *srv, uint8_t command_variant);

#endif

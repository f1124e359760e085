/* SPDX-License-Identifier: Apache-2.0 */
/* The 297 official request templates: valid as they stand, and signed they verify. */
#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/duis_material.h"

#define TEMPLATES 297
/* Whole documents, signature included. */
#define TEMPLATE_BYTES_MAX (1024 * 1024)

static const char *const signers[] = {"xml-sign-90B3D51F30010000-ds",
	"xml-sign-90B3D51F30020000-ds", "Z1-supplier2-ds", "dsp-xml-sign-90B3D51F30000002-ds"};

#define SIGNERS (sizeof(signers) / sizeof(signers[0]))

struct fixture {
	struct duis_reference_schemas *schemas;
	struct duis_reference_engine *engine;
	struct material_certificate certificates[SIGNERS];
	unsigned templates;
	unsigned own_keys;
};

/* The user's own key, or for the user without one that of the supplier. */
static size_t choose_signer(struct fixture *fixture, uint64_t originator)
{
	for (size_t index = 0; index < SIGNERS; index++) {
		if (fixture->certificates[index].eui == originator) {
			fixture->own_keys++;
			return index;
		}
	}
	return 0;
}

static void check_template(struct fixture *fixture, const char *name)
{
	struct bytes template = material_file(material_path("templates", name));
	struct bytes canonical = material_canonical(&template);
	struct duis_document document;
	struct duis_error error;
	struct bytes signed_one;
	size_t signer;

	cr_assert_eq(duis_reference_engine_read(
			     fixture->engine, template.data, template.length, &document, &error),
		0, "%s at %lu, %s: %s", name, (unsigned long)error.offset, error.path, error.rule);
	cr_assert_eq(document.root, DUIS_ROOT_REQUEST);
	cr_assert(document.has_signature && document.has_request_id);
	cr_assert(document.command_variant >= 1 && document.command_variant <= 8);
	cr_assert(document.body_element[0] != '\0');
	cr_assert(document.service_reference_variant[0] != '\0');
	/* What is digested is the canonical form that libxml2 gives without us. */
	cr_assert_eq(material_digested(fixture->engine).length, canonical.length, "%s", name);
	cr_assert_arr_eq(material_digested(fixture->engine).data, canonical.data, canonical.length,
		"%s", name);
	/* Its signature is a placeholder. */
	cr_assert_eq(
		duis_reference_engine_check_profile(fixture->engine, &error), -EBADMSG, "%s", name);

	signer = choose_signer(fixture, document.request_id.originator);
	signed_one = material_signed((char *)canonical.data, signers[signer]);
	cr_assert_eq(duis_reference_engine_read(fixture->engine, signed_one.data, signed_one.length,
			     &document, &error),
		0, "%s", name);
	cr_assert_eq(duis_reference_engine_verify(
			     fixture->engine, fixture->certificates[signer].key, &error),
		0, "%s: %s", name, error.rule);
	cr_assert_str_eq(document.issuer, fixture->certificates[signer].issuer);
	cr_assert_arr_eq(document.serial, fixture->certificates[signer].serial, DUIS_SERIAL_SIZE);
	cr_assert_eq(duis_reference_engine_verify(fixture->engine,
			     fixture->certificates[(signer + 1) % SIGNERS].key, &error),
		-EBADMSG, "%s", name);
	bytes_free(&signed_one);
	bytes_free(&canonical);
	bytes_free(&template);
	fixture->templates++;
}

Test(duis_templates, all_of_them)
{
	struct fixture fixture = {.schemas = material_schemas()};
	char path[1024];
	DIR *folder;
	struct dirent *entry;

	fixture.engine = duis_reference_engine_create(fixture.schemas, TEMPLATE_BYTES_MAX);
	cr_assert(fixture.engine != NULL);
	for (size_t index = 0; index < SIGNERS; index++)
		fixture.certificates[index] = material_certificate(signers[index]);
	snprintf(path, sizeof(path), "%s", material_path("templates", "."));
	folder = opendir(path);
	cr_assert(folder != NULL, "%s is missing (scripts/setup fetches it)", path);
	while ((entry = readdir(folder)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (length > 4 && strcmp(entry->d_name + length - 4, ".XML") == 0)
			check_template(&fixture, entry->d_name);
	}
	closedir(folder);
	cr_assert_eq(fixture.templates, TEMPLATES);
	cr_assert_eq(fixture.own_keys, TEMPLATES - 2);
	for (size_t index = 0; index < SIGNERS; index++)
		EVP_PKEY_free(fixture.certificates[index].key);
	duis_reference_engine_destroy(fixture.engine);
	duis_reference_schemas_destroy(fixture.schemas);
}

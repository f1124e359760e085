/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes, as a DUIS document, to the reference engine. What is checked of every answer:
 *
 *   refused   a code of the list, an offset inside of the document, texts that end and are UTF-8
 *   accepted  what was digested is itself a document with the same description and the same
 *             canonical form; no signature verifies that was not made with the key
 *
 * Run: MOTORWAY_VAR=var fuzz_duis_read -dict=tests/fuzz/duis.dict CORPUS var/duis/templates
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "dataplane/duis/reference.h"

#define DOCUMENT_BYTES_MAX 65536

int LLVMFuzzerInitialize(int *argument_count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct duis_reference_schemas *schemas;
static struct duis_reference_engine *engine;
static struct duis_reference_engine *second_engine;
static EVP_PKEY *key;

#define require(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
	const char *var = getenv("MOTORWAY_VAR");
	char xsd[1024];
	char reason[512] = "";
	struct duis_schema_source sources[2] = {{.version = "5.1"}, {.version = "5.4"}};

	(void)argument_count;
	(void)arguments;
	snprintf(xsd, sizeof(xsd), "%s/duis/xsd/DUIS Schema V5.1.xsd",
		var != NULL ? var : TEST_ROOT "/var");
	for (size_t index = 0; index < 2; index++) {
		sources[index].xsd_path = xsd;
		sources[index].overlays[0] = TEST_ROOT "/conf/schema/mp162.yaml";
	}
	schemas = duis_reference_schemas_create(sources, 2, reason, sizeof(reason));
	if (schemas == NULL) {
		fprintf(stderr, "%s\n", reason);
		exit(1);
	}
	engine = duis_reference_engine_create(schemas, DOCUMENT_BYTES_MAX);
	second_engine = duis_reference_engine_create(schemas, 8 * DOCUMENT_BYTES_MAX);
	key = EVP_EC_gen("P-256");
	require(engine != NULL && second_engine != NULL && key != NULL);
	return 0;
}

/* UTF-8 by its lengths alone, which is enough to see a character that was cut. */
static void check_text(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	require(length < size);
	for (size_t at = 0; at < length;) {
		unsigned char first = (unsigned char)text[at];
		size_t step = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

		require(first < 0x80 || first >= 0xc2);
		require(at + step <= length);
		for (size_t index = 1; index < step; index++)
			require(((unsigned char)text[at + index] & 0xc0) == 0x80);
		at += step;
	}
}

static void check_error(const struct duis_error *error, size_t length)
{
	require(error->code > DUIS_OK && error->code < DUIS_ERROR_COUNT);
	require(error->offset <= length);
	check_text(error->path, sizeof(error->path));
	check_text(error->rule, sizeof(error->rule));
	require(error->rule[0] != '\0');
}

static void check_again(const struct duis_document *first)
{
	struct duis_document second;
	struct duis_error error;
	uint32_t first_length;
	uint32_t second_length;
	const uint8_t *first_digested = duis_reference_engine_digested(engine, &first_length);
	const uint8_t *second_digested;

	/* Canonical XML drops the declaration and comments, so it is never larger than the bound
	 * of the second engine but by references for '>' and the like. */
	require(duis_reference_engine_read(
			second_engine, first_digested, first_length, &second, &error) == 0);
	second_digested = duis_reference_engine_digested(second_engine, &second_length);
	require(second_length == first_length);
	require(memcmp(second_digested, first_digested, first_length) == 0);
	require(second.root == first->root);
	require(second.schema_index == first->schema_index);
	require(second.command_variant == first->command_variant);
	require(second.has_request_id == first->has_request_id);
	require(second.request_id.originator == first->request_id.originator);
	require(second.request_id.target == first->request_id.target);
	require(second.request_id.counter == first->request_id.counter);
	require(second.has_body == first->has_body);
	require(second.has_execution_date_time == first->has_execution_date_time);
	require(strcmp(second.body_element, first->body_element) == 0);
	require(strcmp(second.service_reference_variant, first->service_reference_variant) == 0);
	require(strcmp(second.response_code, first->response_code) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct duis_document document;
	struct duis_error error;
	int result;

	if (length > 2 * DOCUMENT_BYTES_MAX)
		return 0;
	result = duis_reference_engine_read(engine, bytes, (uint32_t)length, &document, &error);
	if (result != 0) {
		require(result == -EBADMSG);
		check_error(&error, length);
		return 0;
	}
	check_again(&document);
	result = duis_reference_engine_verify(engine, key, &error);
	require(result == -EBADMSG);
	check_error(&error, length);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "bench/duis_corpus.h"
#include "control/schema_compile.h"

#define VAR BENCH_ROOT "/var"
#define MAIN_XSD VAR "/duis/xsd/DUIS Schema V5.1.xsd"

__attribute__((format(printf, 1, 2), noreturn)) static void give_up(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(2);
}

static void *allocate(size_t size)
{
	void *memory = calloc(1, size > 0 ? size : 1);

	if (memory == NULL)
		give_up("out of memory");
	return memory;
}

static uint8_t *read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "re");
	uint8_t *bytes = NULL;
	long size = -1;

	if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 &&
		fseek(file, 0, SEEK_SET) == 0)
		bytes = allocate((size_t)size);
	if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size)
		give_up("%s: cannot be read", path);
	fclose(file);
	*length = (size_t)size;
	return bytes;
}

static int is_document(const struct dirent *entry)
{
	return strstr(entry->d_name, ".XML") != NULL;
}

static void load_schemas(struct corpus *corpus)
{
	static struct duis_image image;
	struct duis_fast_source sources[2] = {
		{.version = "5.1", .image = &image}, {.version = "5.4", .image = &image}};
	char reason[512];
	uint8_t *compiled;
	uint8_t *aligned;
	size_t length;

	if (schema_compile(MAIN_XSD, NULL, 0, &compiled, &length, reason, sizeof(reason)) != 0)
		give_up("%s", reason);
	aligned = aligned_alloc(64, (length + 63) / 64 * 64);
	memcpy(aligned, compiled, length);
	free(compiled);
	if (duis_image_check(aligned, length, &image, reason, sizeof(reason)) != 0)
		give_up("%s", reason);
	corpus->schemas = duis_fast_schemas_create(sources, 2, reason, sizeof(reason));
	if (corpus->schemas == NULL)
		give_up("%s", reason);
}

struct duis_fast_engine *corpus_engine(const struct corpus *corpus, uint32_t document_bytes_max)
{
	struct duis_fast_engine *engine =
		duis_fast_engine_create(corpus->schemas, document_bytes_max);

	if (engine == NULL)
		give_up("out of memory");
	return engine;
}

void corpus_load(struct corpus *corpus, const char *name, const struct corpus *other)
{
	struct dirent **entries;
	char folder[512];
	int count;

	memset(corpus, 0, sizeof(*corpus));
	if (system(BENCH_ROOT "/bench/make-corpus") != 0)
		give_up("bench/make-corpus failed");
	snprintf(folder, sizeof(folder), VAR "/bench/%s", name);
	count = scandir(folder, &entries, is_document, alphasort);
	if (count <= 0)
		give_up("%s: no documents", folder);
	corpus->documents = allocate((size_t)count * sizeof(corpus->documents[0]));
	for (int index = 0; index < count; index++) {
		struct corpus_document *document = &corpus->documents[corpus->count++];
		char path[1024];
		size_t length;

		snprintf(path, sizeof(path), "%s/%s", folder, entries[index]->d_name);
		document->bytes = read_file(path, &length);
		document->length = (uint32_t)length;
		corpus->bytes += length;
		free(entries[index]);
	}
	free(entries);
	if (other != NULL)
		corpus->schemas = other->schemas;
	else
		load_schemas(corpus);
	corpus->engine = corpus_engine(corpus, CORPUS_DOCUMENT_BYTES_MAX);
}

void corpus_make_ready(struct corpus *corpus)
{
	for (size_t index = 0; index < corpus->count; index++) {
		struct corpus_document *document = &corpus->documents[index];
		size_t capacity = 4 * (size_t)document->length;
		struct duis_document description;
		struct duis_error error;
		int64_t first;
		int64_t second;

		document->ready = corpus_engine(corpus, document->length);
		if (duis_fast_engine_read(document->ready, document->bytes, document->length,
			    &description, &error) != 0)
			give_up("document %zu is not valid: %s", index, error.rule);
		document->canonical = allocate(capacity);
		first = duis_fast_engine_digested(document->ready, document->canonical, capacity);
		second = first < 0 ? first
				   : duis_fast_engine_signed_info(document->ready,
					     document->canonical + first, capacity - (size_t)first);
		if (second < 0)
			give_up("document %zu has no canonical forms", index);
		document->canonical_length = (size_t)(first + second);
	}
}

static void load_certificate(struct corpus *corpus, const char *path)
{
	struct corpus_key *key = &corpus->keys[corpus->key_count];
	FILE *file = fopen(path, "re");
	X509 *certificate = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	uint8_t *der = NULL;
	uint64_t eui;
	int length = certificate != NULL ? i2d_X509(certificate, &der) : 0;
	int result = length > 0 ? duis_certificate_read(der, (size_t)length, key->issuer,
					  key->serial, &eui, &key->public_key)
				: -EBADMSG;

	if (file != NULL)
		fclose(file);
	X509_free(certificate);
	OPENSSL_free(der);
	if (result != 0)
		return; /* the folders hold other certificates, too */
	key->key = p256_key_create(key->public_key);
	if (key->key == NULL)
		give_up("%s: not a key on P-256", path);
	corpus->key_count++;
}

static int is_certificate(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot != NULL && strcmp(dot, ".pem") == 0;
}

const struct corpus_key *corpus_find_key(
	const struct corpus *corpus, const struct duis_document *document)
{
	for (size_t index = 0; index < corpus->key_count; index++)
		if (memcmp(corpus->keys[index].serial, document->serial, DUIS_SERIAL_SIZE) == 0 &&
			strcmp(corpus->keys[index].issuer, document->issuer) == 0)
			return &corpus->keys[index];
	return NULL;
}

void corpus_build_tables(struct corpus *corpus, size_t count)
{
	for (size_t index = 0; index < count; index++) {
		struct duis_document description;
		struct duis_error error;
		const struct corpus_key *key = NULL;

		if (duis_fast_engine_read(corpus->engine, corpus->documents[index].bytes,
			    corpus->documents[index].length, &description, &error) == 0)
			key = corpus_find_key(corpus, &description);
		if (key == NULL || p256_key_build_table(key->key) != 0)
			give_up("document %zu: no table", index);
	}
}

static void load_certificates(struct corpus *corpus)
{
	static const char *const folders[] = {VAR "/duis/certificates", VAR "/keys"};

	corpus->keys = allocate(256 * sizeof(corpus->keys[0]));
	for (size_t folder = 0; folder < 2; folder++) {
		struct dirent **entries;
		int count = scandir(folders[folder], &entries, is_certificate, alphasort);

		for (int index = 0; index < count; index++) {
			char path[1024];

			snprintf(path, sizeof(path), "%s/%s", folders[folder],
				entries[index]->d_name);
			if (corpus->key_count < 256)
				load_certificate(corpus, path);
			free(entries[index]);
		}
		if (count >= 0)
			free(entries);
	}
}

void corpus_load_keys(struct corpus *corpus, const struct corpus *other)
{
	if (other != NULL) {
		corpus->keys = other->keys;
		corpus->key_count = other->key_count;
	} else {
		load_certificates(corpus);
	}
	for (size_t index = 0; index < corpus->count; index++) {
		struct duis_document description;
		struct duis_error error;
		const struct corpus_key *key;

		if (duis_fast_engine_read(corpus->engine, corpus->documents[index].bytes,
			    corpus->documents[index].length, &description, &error) != 0)
			give_up("document %zu is not valid: %s", index, error.rule);
		key = corpus_find_key(corpus, &description);
		if (key == NULL)
			give_up("document %zu: its certificate is not there", index);
		corpus->documents[index].public_key = key->public_key;
	}
}

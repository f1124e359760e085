/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/differential/buffer.h"
#include "tests/differential/oracle_schema.h"

/* One file of the set, and the texts that are replaced in it. */
struct schema_file {
	const char *from;
	const char *to;
	struct {
		const char *old;
		const char *new;
	} changes[8];
};

#define WIDE_TYPE(prefix, base)                                                                    \
	"<" prefix "simpleType name=\"wideInteger\"><" prefix "restriction base=\"" base "\">"     \
	"<" prefix "pattern value=\"[+\\-]?[0-9]+\"/></" prefix "restriction></" prefix            \
	"simpleType>"

static const struct schema_file files[] = {
	{"DUIS Schema V5.1.xsd", "duis.xsd",
		{{"MMC Schema V5.1.xsd\"", "mmc.xsd\""}, {"xmldsig-core-schema.xsd", "dsig.xsd"},
			{"type=\"xs:integer\"", "type=\"sr:wideInteger\""},
			{"</xs:schema>", WIDE_TYPE("xs:", "xs:token") "</xs:schema>"}}},
	{"MMC Schema V5.1.xsd", "mmc.xsd",
		{{"type=\"xs:integer\"", "type=\"ra:wideInteger\""},
			{"extension base=\"xs:integer\"", "extension base=\"ra:wideInteger\""},
			{"</xs:schema>", WIDE_TYPE("xs:", "xs:token") "</xs:schema>"}}},
	{"xmldsig-core-schema.xsd", "dsig.xsd",
		{{"type=\"integer\"", "type=\"ds:wideInteger\""},
			{"base=\"integer\"", "base=\"ds:wideInteger\""},
			{"</schema>", WIDE_TYPE("", "token") "</schema>"}}},
};

static void change(struct buffer *buffer, const char *old, const char *new)
{
	size_t at = 0;
	uint8_t *found;

	while ((found = memmem(buffer->bytes + at, buffer->length - at, old, strlen(old))) !=
		NULL) {
		at = (size_t)(found - buffer->bytes);
		buffer_splice(buffer, at, at + strlen(old), new, strlen(new));
		at += strlen(new);
	}
}

static void drop_doctype(struct buffer *buffer)
{
	uint8_t *begin = memmem(buffer->bytes, buffer->length, "<!DOCTYPE", 9);
	uint8_t *end;

	if (begin == NULL)
		return;
	end = memmem(begin, buffer->length - (size_t)(begin - buffer->bytes), "]>", 2);
	if (end != NULL)
		buffer_splice(buffer, (size_t)(begin - buffer->bytes),
			(size_t)(end + 2 - buffer->bytes), NULL, 0);
}

void oracle_schema_copy(const char *xsd_folder, char *folder, size_t size)
{
	snprintf(folder, size, "/tmp/motorway-differential-XXXXXX");
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		exit(2);
	}
	for (size_t index = 0; index < sizeof(files) / sizeof(files[0]); index++) {
		struct buffer text = {0};
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", xsd_folder, files[index].from);
		if (buffer_read(&text, path) != 0) {
			fprintf(stderr, "%s: cannot be read; scripts/setup fetches it\n", path);
			exit(2);
		}
		for (size_t step = 0; files[index].changes[step].old != NULL; step++)
			change(&text, files[index].changes[step].old,
				files[index].changes[step].new);
		drop_doctype(&text);
		snprintf(path, sizeof(path), "%s/%s", folder, files[index].to);
		if (buffer_write(&text, path) != 0) {
			perror(path);
			exit(2);
		}
		buffer_free(&text);
	}
}

xmlSchemaPtr oracle_schema_compile(const char *folder)
{
	char path[512];
	xmlSchemaParserCtxtPtr parser;
	xmlSchemaPtr schema;

	snprintf(path, sizeof(path), "%s/duis.xsd", folder);
	parser = xmlSchemaNewParserCtxt(path);
	schema = parser != NULL ? xmlSchemaParse(parser) : NULL;
	xmlSchemaFreeParserCtxt(parser);
	if (schema == NULL) {
		fprintf(stderr, "%s: libxml2 does not compile it\n", path);
		exit(2);
	}
	return schema;
}

void oracle_schema_remove(const char *folder)
{
	char path[512];

	for (size_t index = 0; index < sizeof(files) / sizeof(files[0]); index++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[index].to);
		unlink(path);
	}
	rmdir(folder);
}

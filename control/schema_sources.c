/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image holds its source files byte for byte, and which of them each import names. Names and
 * folders of the files are not taken from it: what is written is called 0.xsd, 1.xsd, 2.yaml.
 *
 * The folder exists for a second or two. So nothing clever is done about signals: those that end a
 * program wait until it is gone.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "control/schema_sources.h"

#define XSD_NAMESPACE "http://www.w3.org/2001/XMLSchema"

static int write_file(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "wxe");
	bool good;

	if (file == NULL)
		return -errno;
	good = fwrite(bytes, 1, length, file) == length;
	return fclose(file) == 0 && good ? 0 : -EIO;
}

static bool names_file(const xmlNode *node)
{
	return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       xmlStrEqual(node->ns->href, BAD_CAST XSD_NAMESPACE) &&
	       (xmlStrEqual(node->name, BAD_CAST "import") ||
		       xmlStrEqual(node->name, BAD_CAST "include")) &&
	       xmlHasNsProp((xmlNodePtr)(uintptr_t)node, BAD_CAST "schemaLocation", NULL) != NULL;
}

/* Let the imports of the schema name the files that are written. */
static int change_imports(
	const struct duis_image *image, const struct mw_image_source *source, xmlDocPtr document)
{
	xmlNodePtr root = xmlDocGetRootElement(document);
	uint32_t count = 0;

	for (xmlNodePtr node = root->children; node != NULL; node = node->next) {
		char name[32];

		if (!names_file(node))
			continue;
		if (count == source->import_count)
			return -EBADMSG;
		snprintf(name, sizeof(name), "%u.xsd",
			image->imports[source->first_import + count++]);
		if (xmlSetProp(node, BAD_CAST "schemaLocation", BAD_CAST name) == NULL)
			return -ENOMEM;
	}
	return count == source->import_count ? 0 : -EBADMSG;
}

static int write_schema(
	const struct duis_image *image, const struct mw_image_source *source, const char *path)
{
	xmlDocPtr document = xmlReadMemory((const char *)image->source_text + source->first_byte,
		(int)source->byte_count, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlChar *text = NULL;
	int length = 0;
	int result;

	if (document == NULL)
		return -EBADMSG;
	result = change_imports(image, source, document);
	if (result == 0) {
		xmlDocDumpMemory(document, &text, &length);
		result = text != NULL ? write_file(path, text, (size_t)length) : -ENOMEM;
	}
	xmlFree(text);
	xmlFreeDoc(document);
	return result;
}

static int write_all(const struct duis_image *image, struct schema_sources *sources)
{
	for (uint32_t index = 0; index < image->counts[MW_IMAGE_SOURCES]; index++) {
		const struct mw_image_source *source = &image->sources[index];
		char *path = sources->paths[index];
		int result;

		if (index == SCHEMA_SOURCES_MAX)
			return -E2BIG;
		if (snprintf(path, SCHEMA_SOURCES_PATH_SIZE, "%s/%u.%s", sources->folder, index,
			    source->is_overlay ? "yaml" : "xsd") >= SCHEMA_SOURCES_PATH_SIZE)
			return -ENAMETOOLONG;
		sources->count = index + 1;
		if (!source->is_overlay)
			result = write_schema(image, source, path);
		else if (sources->overlay_count == DUIS_SCHEMA_FILES_MAX)
			result = -E2BIG;
		else
			result = write_file(
				path, image->source_text + source->first_byte, source->byte_count);
		if (result != 0)
			return result;
		if (source->is_overlay)
			sources->overlays[sources->overlay_count++] = path;
	}
	return sources->count > 0 && !image->sources[0].is_overlay ? 0 : -EBADMSG;
}

static void hold_signals(sigset_t *before)
{
	static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	sigset_t held;

	sigemptyset(&held);
	for (size_t index = 0; index < sizeof(ending) / sizeof(ending[0]); index++)
		sigaddset(&held, ending[index]);
	sigprocmask(SIG_BLOCK, &held, before);
}

int schema_sources_write(const struct duis_image *image, struct schema_sources *sources,
	char *reason, size_t reason_size)
{
	const char *below = getenv("TMPDIR");
	int result = 0;
	int length;

	memset(sources, 0, sizeof(*sources));
	hold_signals(&sources->before);
	length = snprintf(sources->folder, sizeof(sources->folder), "%s/motorway-schema-XXXXXX",
		below != NULL && below[0] != '\0' ? below : "/tmp");
	if (length < 0 || (size_t)length >= sizeof(sources->folder))
		result = -ENAMETOOLONG;
	else if (mkdtemp(sources->folder) == NULL)
		result = -errno;
	if (result != 0) {
		snprintf(reason, reason_size, "%.200s: no folder for the image's sources: %s",
			below != NULL ? below : "/tmp", strerror(-result));
		sources->folder[0] = '\0';
		return result;
	}
	result = write_all(image, sources);
	if (result != 0)
		snprintf(reason, reason_size, "the image's sources cannot be written to %.200s: %s",
			sources->folder,
			result == -EBADMSG ? "they are not those of a schema" : strerror(-result));
	return result;
}

void schema_sources_remove(struct schema_sources *sources)
{
	/* There is nothing in it but what was written. */
	for (size_t index = 0; index < sources->count; index++)
		unlink(sources->paths[index]);
	if (sources->folder[0] != '\0')
		rmdir(sources->folder);
	sources->folder[0] = '\0';
	sigprocmask(SIG_SETMASK, &sources->before, NULL);
}

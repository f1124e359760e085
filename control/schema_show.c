/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <openssl/sha.h>

#include "control/schema_show.h"

static void print_text(const struct duis_image *image, struct mw_image_text text)
{
	printf("%.*s", (int)text.length, (const char *)image->text + text.offset);
}

/* As wc and sha256sum say of the file. */
static void show_digest(const uint8_t *bytes, uint32_t length)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(bytes, length, digest);
	printf("%-16s%u bytes, SHA-256 ", "", length);
	for (unsigned index = 0; index < sizeof(digest); index++)
		printf("%02x", digest[index]);
	printf("\n");
}

static void show_sources(const struct duis_image *image)
{
	for (uint32_t index = 0; index < image->counts[MW_IMAGE_SOURCES]; index++) {
		const struct mw_image_source *source = &image->sources[index];

		printf("%-16s", source->is_overlay ? "overlay" : "schema");
		print_text(image, source->name);
		if (source->version.length > 0) {
			printf(" version ");
			print_text(image, source->version);
		}
		if (source->target_namespace != MW_IMAGE_NONE) {
			printf(" of ");
			print_text(image, image->namespaces[source->target_namespace]);
		}
		printf("\n");
		show_digest(image->source_text + source->first_byte, source->byte_count);
	}
}

static void show_globals(const struct duis_image *image)
{
	for (uint32_t index = 0; index < image->counts[MW_IMAGE_SYMBOLS]; index++) {
		const struct mw_image_symbol *symbol = &image->symbols[index];

		if (symbol->global_type == MW_IMAGE_NONE)
			continue;
		printf("%-16s", "global element");
		print_text(image, symbol->name);
		if (symbol->name_space != MW_IMAGE_NONE) {
			printf(" of ");
			print_text(image, image->namespaces[symbol->name_space]);
		}
		printf("\n");
	}
}

static void show_types(const struct duis_image *image)
{
	uint32_t kinds[MW_IMAGE_CONTENT_MIXED + 1] = {0};

	for (uint32_t index = 0; index < image->counts[MW_IMAGE_TYPES]; index++)
		kinds[image->types[index].content]++;
	printf("%-16s%u: %u with elements, %u with values, %u mixed, %u empty\n", "types",
		image->counts[MW_IMAGE_TYPES], kinds[MW_IMAGE_CONTENT_ELEMENTS],
		kinds[MW_IMAGE_CONTENT_SIMPLE], kinds[MW_IMAGE_CONTENT_MIXED],
		kinds[MW_IMAGE_CONTENT_EMPTY]);
	printf("%-16s%u, with %u enumeration values and %u patterns\n", "simple types",
		image->counts[MW_IMAGE_SIMPLES], image->counts[MW_IMAGE_VALUES],
		image->counts[MW_IMAGE_PATTERNS]);
	printf("%-16s%u, with %u transitions\n", "states", image->counts[MW_IMAGE_STATES],
		image->counts[MW_IMAGE_TRANSITIONS]);
}

void schema_show(const char *path, const struct duis_image *image)
{
	printf("%-16s%s\n", "image", path);
	printf("%-16s%u\n", "format", image->header->format_version);
	printf("%-16s%u bytes\n", "size", image->header->file_size);
	printf("%-16s", "identity");
	for (unsigned index = 0; index < 8; index++)
		printf("%02x", image->header->checksum[index]);
	printf("\n");
	show_sources(image);
	show_globals(image);
	show_types(image);
}

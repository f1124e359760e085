/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differential/generate.h"
#include "tests/differential/source.h"

#define DUIS "http://www.dccinterface.co.uk/ServiceUserGateway"

static int is_template(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot != NULL && strcasecmp(dot, ".xml") == 0;
}

static void read_templates(struct source *source, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_template, alphasort);

	if (count <= 0) {
		fprintf(stderr, "%s: no templates; scripts/setup fetches them\n", folder);
		exit(2);
	}
	source->templates = buffer_allocate((size_t)count * sizeof(source->templates[0]));
	for (int index = 0; index < count; index++) {
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[index]->d_name);
		if (buffer_read(&source->templates[source->template_count++], path) != 0) {
			fprintf(stderr, "%s: cannot be read\n", path);
			exit(2);
		}
		free(entries[index]);
	}
	free(entries);
}

void source_open(struct source *source, const char *xsd_folder, const char *template_folder)
{
	static const char *const names[] = {
		"DUIS Schema V5.1.xsd", "MMC Schema V5.1.xsd", "xmldsig-core-schema.xsd"};
	char paths[3][512];
	const char *list[3];

	memset(source, 0, sizeof(*source));
	for (size_t index = 0; index < 3; index++) {
		snprintf(paths[index], sizeof(paths[index]), "%s/%s", xsd_folder, names[index]);
		list[index] = paths[index];
	}
	source->xsd = xsd_read(list, 3);
	source->oracle = oracle_create(xsd_folder);
	source->key = signing_key_create(0);
	source->roots[0] = xsd_find_element(source->xsd, DUIS, "Request");
	source->roots[1] = xsd_find_element(source->xsd, DUIS, "Response");
	read_templates(source, template_folder);
}

void source_close(struct source *source)
{
	for (size_t index = 0; index < source->template_count; index++)
		buffer_free(&source->templates[index]);
	free(source->templates);
	mutate_release(&source->mutation);
	signing_key_destroy(source->key);
	oracle_destroy(source->oracle);
}

/* The prefix of the signature to append: one that the root declares, or another. */
static const char *signature_prefix(struct chance *chance)
{
	static const char *const prefixes[] = {"", "ds", "dsig", "s"};

	return prefixes[chance_below(chance, 4)];
}

static void make_base(struct source *source, struct chance *chance, struct sample *sample)
{
	struct generate_style style;
	size_t root;

	buffer_clear(&sample->bytes);
	if (chance_hits(chance, 50)) {
		const struct buffer *template =
			&source->templates[chance_below(chance, source->template_count)];

		buffer_add(&sample->bytes, template->bytes, template->length);
		sample->origin = "template";
		return;
	}
	root = chance_below(chance, 2);
	generate_style_pick(chance, source->xsd, &style);
	style.steer = false;
	style.schema_version = chance_hits(chance, 80) ? "5.1" : "05.40";
	if (chance_hits(chance, 75))
		style.left_out = "Signature";
	generate_document(chance, source->xsd, source->roots[root], &style, &sample->bytes);
	if (style.left_out != NULL && chance_hits(chance, 85))
		signing_append(&sample->bytes, signature_prefix(chance));
	sample->origin = root == 0 ? "request" : "response";
}

static void change(struct source *source, struct chance *chance, struct sample *sample, bool keep)
{
	source->mutation.chance = chance;
	source->mutation.xsd = source->xsd;
	source->mutation.document = &sample->bytes;
	for (unsigned attempt = 0; attempt < 4; attempt++) {
		const char *name = mutate(&source->mutation, keep);

		if (name == NULL)
			continue;
		if (sample->step_count < SOURCE_STEPS_MAX)
			sample->steps[sample->step_count++] = name;
		return;
	}
}

void source_sample(struct source *source, uint64_t seed, uint64_t index, struct sample *sample)
{
	struct chance chance = chance_of(seed, index);
	bool keep = chance_hits(&chance, 40);
	size_t steps = keep ? chance_below(&chance, 5) : 1 + chance_below(&chance, 3);
	bool before = chance_hits(&chance, 40);

	sample->step_count = 0;
	sample->filled = false;
	make_base(source, &chance, sample);
	if (before)
		signing_fill(source->oracle, source->key, &sample->bytes);
	for (size_t step = 0; step < steps; step++)
		change(source, &chance, sample,
			keep || (step + 1 < steps && chance_hits(&chance, 60)));
	if (chance_hits(&chance, 55))
		sample->filled = signing_fill(source->oracle, source->key, &sample->bytes);
}

bool source_walk(struct source *source, uint64_t index, struct sample *sample)
{
	struct chance chance = chance_of(0, index);
	struct generate_style style;
	size_t root = index % 2;

	if (generate_is_complete(source->xsd, source->roots[root])) {
		root = 1 - root;
		if (generate_is_complete(source->xsd, source->roots[root]))
			return false;
	}
	sample->step_count = 0;
	sample->origin = "walk";
	buffer_clear(&sample->bytes);
	generate_style_pick(&chance, source->xsd, &style);
	style.schema_version = "5.1";
	generate_document(&chance, source->xsd, source->roots[root], &style, &sample->bytes);
	sample->filled = signing_fill(source->oracle, source->key, &sample->bytes);
	return true;
}

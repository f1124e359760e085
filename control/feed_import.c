/* SPDX-License-Identifier: Apache-2.0 */
/* Reads blocks and applies whole lines of them; what is left of the last line moves to the front.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/feed.h"

struct importer {
	struct feed_import *import;
	struct feed_outcome *outcomes;
	char *block;
	size_t length;
	bool ended;
	bool overlong; /* in the midst of a line that is longer than a block */
};

/* Read until the block is full or the file ends. 0 or -errno. */
static int fill(struct importer *importer)
{
	size_t room = FEED_BATCH_BYTES_MAX - importer->length;
	size_t got = fread(importer->block + importer->length, 1, room, importer->import->file);

	if (got < room && ferror(importer->import->file))
		return errno != 0 ? -errno : -EIO;
	importer->length += got;
	importer->ended = got < room;
	return 0;
}

/* The bytes of at most FEED_BATCH_MESSAGES_MAX whole lines, and how many they are. */
static size_t whole_lines(const struct importer *importer, uint64_t *lines)
{
	size_t end = 0;

	*lines = 0;
	while (*lines < FEED_BATCH_MESSAGES_MAX && end < importer->length) {
		const char *newline = memchr(importer->block + end, '\n', importer->length - end);

		if (newline == NULL && !importer->ended)
			break;
		end = newline != NULL ? (size_t)(newline - importer->block) + 1 : importer->length;
		++*lines;
	}
	return end;
}

static int apply(struct importer *importer, size_t length, uint64_t lines)
{
	struct feed_import *import = importer->import;
	struct feed_batch batch = {
		.text = {importer->block, length, FEED_LINES},
		.first_line = (uint32_t)(import->lines + 1),
		.now_ms = import->now_ms,
		.outcomes = importer->outcomes,
		.outcomes_max = FEED_BATCH_MESSAGES_MAX,
	};
	struct store_change *change = store_begin(import->store);
	uint64_t number = 0;

	if (change == NULL)
		return -errno;
	int result = feed_apply(change, &batch);
	if (result != 0) {
		store_abandon(change);
		return result;
	}
	result = store_commit(change, &number);
	if (result != 0)
		return result;
	import->lines += lines;
	import->change = number;
	feed_count(&import->counters, batch.outcomes, batch.count);
	for (size_t i = 0; import->report != NULL && i < batch.count; i++)
		import->report(import->argument, &batch.outcomes[i]);
	return 0;
}

static void drop_front(struct importer *importer, size_t length)
{
	assert(length <= importer->length);
	importer->length -= length;
	memmove(importer->block, importer->block + length, importer->length);
}

/* Pass over the rest of a line whose beginning was set aside. */
static void pass_rest(struct importer *importer)
{
	const char *newline = memchr(importer->block, '\n', importer->length);

	importer->overlong = newline == NULL && !importer->ended;
	drop_front(importer,
		newline != NULL ? (size_t)(newline - importer->block) + 1 : importer->length);
	if (!importer->overlong)
		importer->import->lines++;
}

static int run(struct importer *importer)
{
	while (!importer->ended || importer->length > 0) {
		uint64_t lines;
		int result = importer->ended ? 0 : fill(importer);

		if (result != 0)
			return result;
		if (importer->overlong) {
			pass_rest(importer);
			continue;
		}
		size_t length = whole_lines(importer, &lines);
		if (length == 0 && importer->length > 0) {
			/* The reader will say that this is too large. */
			length = importer->length;
			importer->overlong = true;
		}
		if (length == 0)
			continue;
		result = apply(importer, length, lines);
		if (result != 0)
			return result;
		drop_front(importer, length);
	}
	return 0;
}

int feed_import(struct feed_import *import)
{
	struct importer importer = {
		.import = import,
		.outcomes = calloc(FEED_BATCH_MESSAGES_MAX, sizeof(*importer.outcomes)),
		.block = malloc(FEED_BATCH_BYTES_MAX),
	};
	int result = importer.outcomes != NULL && importer.block != NULL ? 0 : -ENOMEM;

	memset(&import->counters, 0, sizeof(import->counters));
	import->lines = 0;
	import->change = 0;
	errno = 0;
	if (result == 0)
		result = run(&importer);
	free(importer.block);
	free(importer.outcomes);
	return result;
}

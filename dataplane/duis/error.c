/* SPDX-License-Identifier: Apache-2.0 */
/* Names and meanings of the input errors, generated from their one list. */
#include <assert.h>
#include <string.h>

#include "dataplane/duis/error.h"

const char *duis_error_name(enum duis_error_code code)
{
	static const char *const names[] = {[DUIS_OK] = "ok",
#define DUIS_ERROR_TEXT(name, text, meaning) [DUIS_ERROR_##name] = text,
		DUIS_ERRORS (DUIS_ERROR_TEXT)
#undef DUIS_ERROR_TEXT
	};

	assert(code >= DUIS_OK && code < DUIS_ERROR_COUNT);
	return names[code];
}

const char *duis_error_meaning(enum duis_error_code code)
{
	static const char *const meanings[] = {[DUIS_OK] = "the document is accepted",
#define DUIS_ERROR_MEANING(name, text, meaning) [DUIS_ERROR_##name] = meaning,
		DUIS_ERRORS (DUIS_ERROR_MEANING)
#undef DUIS_ERROR_MEANING
	};

	assert(code >= DUIS_OK && code < DUIS_ERROR_COUNT);
	return meanings[code];
}

size_t duis_path_add(char path[DUIS_PATH_SIZE], size_t used, const char *step, size_t length)
{
	const size_t mark = sizeof(DUIS_PATH_CUT); /* with its NUL */

	if (used == DUIS_PATH_SIZE)
		return used;
	assert(used + mark <= DUIS_PATH_SIZE);
	/* Room for the mark stays: the next step may need it. */
	if (length > DUIS_PATH_SIZE - used - mark) {
		memcpy(path + used, DUIS_PATH_CUT, mark);
		return DUIS_PATH_SIZE;
	}
	memcpy(path + used, step, length);
	path[used + length] = '\0';
	return used + length;
}

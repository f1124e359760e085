/* SPDX-License-Identifier: Apache-2.0 */
/* Names and meanings of the input errors, generated from their one list. */
#include <assert.h>

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

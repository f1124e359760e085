/* SPDX-License-Identifier: Apache-2.0 */
#include "control/device_words.h"

#include <stddef.h>
#include <string.h>

const char *const device_type_words[] = {
	"ESME",
	"GSME",
	"GPF",
	"CHF",
	"HCALCS",
	"PPMID",
	"IHD",
	"CAD",
	NULL,
};
const char *const device_status_words[] = {
	"Pending",
	"Whitelisted",
	"InstalledNotCommissioned",
	"Commissioned",
	"Decommissioned",
	"Withdrawn",
	"Suspended",
	"Recovery",
	"Recovered",
	NULL,
};
const char *const device_list_status_words[] = {
	"Active",
	"Cancelled",
	"Expired",
	"Withdrawn",
	NULL,
};
const char *const device_variant_words[] = {
	"A",
	"B",
	"C",
	"AD",
	"BD",
	"CD",
	"ADE",
	"BDE",
	"CDE",
	"ADF",
	"BDF",
	"CDF",
	"ADEF",
	"BDEF",
	"CDEF",
	"ADG",
	"ADEG",
	"AF",
	"BF",
	"CF",
	"AEF",
	"BEF",
	"CEF",
	"AG",
	"AEG",
	NULL,
};
const char *const device_region_words[] = {
	"North",
	"Central",
	"South",
	"Unknown",
	"SMETS1",
	NULL,
};

int device_word_number(const char *const *words, const char *text)
{
	if (text[0] == '\0')
		return 0;
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0)
			return i + 1;
	return -1;
}

const char *device_word(const char *const *words, unsigned number)
{
	if (number == 0)
		return "";
	for (unsigned i = 0; words[i] != NULL; i++)
		if (i + 1 == number)
			return words[i];
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that DUIS has for properties of a device: the enumerations DeviceType, DeviceStatus,
 * FirmwareVersionStatus and CPLStatus (one list), ESMEVariant and CSPRegion. Rows of the store hold
 * the number of a word, so words are only ever added at the end of a list. Those of types and
 * statuses are in the order of enum mw_device_type and enum mw_device_status. Any thread.
 */
#ifndef CONTROL_DEVICE_WORDS_H
#define CONTROL_DEVICE_WORDS_H

/* NULL ends each list. */
extern const char *const device_type_words[];
extern const char *const device_status_words[];
extern const char *const device_list_status_words[];
extern const char *const device_variant_words[];
extern const char *const device_region_words[];

/* The number of `text` in `words`, counted from 1; 0 for an empty text; -1 when it is none of
 * them. */
int device_word_number(const char *const *words, const char *text);

/* The word with that number, "" for 0; NULL when there is none. */
const char *device_word(const char *const *words, unsigned number);

#endif

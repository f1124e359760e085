/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts and their order: a radix sort from the lowest digit up, 11 bits at a time. Digits that are
 * the same in all keys cost nothing but their counting, which is done for all digits in one pass.
 */
#include "control/bulk_load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define DIGIT_BITS 11
#define DIGITS_MAX 6
#define DIGIT_VALUES (1u << DIGIT_BITS)

int fact_list_reserve(struct fact_list *list, size_t room)
{
	assert(list->facts == NULL);
	list->room = room + 1;
	list->count = 0;
	list->facts = mmap(NULL, list->room * sizeof(*list->facts), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (list->facts != MAP_FAILED)
		return 0;
	list->facts = NULL;
	return -ENOMEM;
}

void fact_list_free(struct fact_list *list)
{
	if (list->facts != NULL)
		munmap(list->facts, list->room * sizeof(*list->facts));
	*list = (struct fact_list){0};
}

static void count_digits(
	const struct fact_list *list, unsigned low_bit, size_t counts[][DIGIT_VALUES])
{
	for (size_t i = 0; i < list->count; i++) {
		uint64_t key = list->facts[i].key >> low_bit;

		for (unsigned digit = 0; digit < DIGITS_MAX; digit++) {
			counts[digit][key % DIGIT_VALUES]++;
			key >>= DIGIT_BITS;
		}
	}
}

static void move(const struct fact *from, struct fact *to, size_t count, unsigned shift,
	size_t places[DIGIT_VALUES])
{
	size_t place = 0;

	for (unsigned value = 0; value < DIGIT_VALUES; value++) {
		size_t of_value = places[value];

		places[value] = place;
		place += of_value;
	}
	for (size_t i = 0; i < count; i++)
		to[places[(shift < 64 ? from[i].key >> shift : 0) % DIGIT_VALUES]++] = from[i];
}

int fact_list_sort(struct fact_list *list, unsigned low_bit)
{
	struct fact_list other = {0};
	bool sorted = true;

	for (size_t i = 1; i < list->count && sorted; i++)
		sorted = list->facts[i - 1].key >> low_bit <= list->facts[i].key >> low_bit;
	if (sorted)
		return 0;
	size_t(*counts)[DIGIT_VALUES] = calloc(DIGITS_MAX, sizeof(*counts));
	int result = counts == NULL ? -ENOMEM : fact_list_reserve(&other, list->room);
	if (result != 0) {
		free(counts);
		return result;
	}
	count_digits(list, low_bit, counts);
	for (unsigned digit = 0; digit < DIGITS_MAX; digit++) {
		unsigned shift = low_bit + digit * DIGIT_BITS;
		uint64_t first = shift < 64 ? list->facts[0].key >> shift : 0;

		if (counts[digit][first % DIGIT_VALUES] == list->count)
			continue;
		move(list->facts, other.facts, list->count, shift, counts[digit]);
		struct fact *facts = list->facts;
		list->facts = other.facts;
		other.facts = facts;
	}
	free(counts);
	fact_list_free(&other);
	return 0;
}

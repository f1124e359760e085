/* SPDX-License-Identifier: Apache-2.0 */
/* Bit by bit over nibbles: a table of 16 is small enough to be checked by eye and a reference set
 * is checked once for each load. */
#include "control/crc32c.h"

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41 with its bits in reverse order */

static uint32_t nibble_crc(uint32_t nibble)
{
	for (int bit = 0; bit < 4; bit++)
		nibble = (nibble & 1) != 0 ? nibble >> 1 ^ POLYNOMIAL : nibble >> 1;
	return nibble;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
	uint32_t table[16];
	const unsigned char *byte = bytes;

	for (uint32_t i = 0; i < 16; i++)
		table[i] = nibble_crc(i);
	crc = ~crc;
	for (size_t i = 0; i < length; i++) {
		crc ^= byte[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

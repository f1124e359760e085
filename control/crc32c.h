/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C (Castagnoli, RFC 3720 appendix B.4): reflected, polynomial 0x1edc6f41, initial value and
 * final exclusive-or 0xffffffff. The CRC of "123456789" is 0xe3069283. Pure; any thread. */
#ifndef CONTROL_CRC32C_H
#define CONTROL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continue `crc` (0 to begin) over bytes[0 .. length). Returns the CRC of everything so far. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);

#endif

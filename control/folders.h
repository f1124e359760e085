/* SPDX-License-Identifier: Apache-2.0 */
/* Folders for files that a program makes. Start only. */
#ifndef CONTROL_FOLDERS_H
#define CONTROL_FOLDERS_H

#include <stddef.h>

/* Make the folders that the file `path` is to lie in, as far as they are missing. Writes the name
 * of the last one into folder[0 .. size). Returns 0 or -errno. */
int folders_make(const char *path, char *folder, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of windows.yaml, each with its reader and its writer; windows_conf.c has the whole. */
#ifndef CONTROL_WINDOW_READ_H
#define CONTROL_WINDOW_READ_H

#include "control/window_time.h"
#include "control/windows_conf.h"
#include "control/yaml.h"

/* Read the list of a gate's windows into `gate`, whose name is set. */
void window_read_list(
	struct yaml_document *document, const struct yaml_node *list, struct window_gate *gate);

/* Read the mapping "classes" (NULL: it is not there) into `conf`. */
void window_read_classes(struct yaml_document *document, const struct yaml_node *node,
	const struct reference *known, struct windows_conf *conf);

/* Write one row of "classes" as one mapping in braces. */
void window_write_class_row(FILE *file, const struct window_class_row *row);

/* Write ", key: "text"" unless the text is empty. It has no control characters. */
void window_write_text(FILE *file, const char *key, const char *text);

/* What clocks show `time_s` after the window's beginning; midnight is 24:00 when it is an `end`.
 * Returns `text`. */
const char *window_time_of(
	const struct window_conf *window, int32_t time_s, bool end, char text[WINDOW_TIME_SIZE]);

#endif

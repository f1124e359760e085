/* SPDX-License-Identifier: Apache-2.0 */
/* The status for people. What a later data plane reports and this program does not know by name is
 * printed all the same: every number has its line. */
#ifndef CONTROL_MOTORWAYCTL_PRINT_H
#define CONTROL_MOTORWAYCTL_PRINT_H

#include <stdio.h>

#include <jansson.h>

/* Print the reply to "status" to `out`. `reply` is an object; parts that are missing are left out.
 */
void status_print(FILE *out, const json_t *reply);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The elements of an alert; for alert.c alone. */
#ifndef CONTROL_ALERT_ELEMENTS_H
#define CONTROL_ALERT_ELEMENTS_H

#include "control/alert.h"

/* Write both elements by the alert's terms, id, code and version; false: memory is short. */
bool alert_write_elements(struct alert *alert);

#endif

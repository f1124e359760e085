/* SPDX-License-Identifier: Apache-2.0 */
/* One device, or one MPxN, with what follows from what was told: who is what there on which days.
 */
#ifndef CONTROL_PREMISES_SHOW_H
#define CONTROL_PREMISES_SHOW_H

#include <jansson.h>

#include "control/bulk.h"

/* The reply to `show` of the row `id`: of devices an EUI-64, of the other tables an MPxN.
 *   devices {"row": {COLUMN: TEXT ...}, "mpxns": [MPXN ...]}
 *   others  {"rows": [{COLUMN: TEXT ...} ...], "mpxns": [MPXN]}
 *   MPXN    {"mpxn", "use" (of a device), "devices": [{"device_id", "use"} ...],
 *            "timeline": [{"is", "mpid", "from", "to" (absent: open)} ...]}
 * or a refusal. A new reference. */
json_t *premises_show(struct store *store, enum bulk_table table, const char *id);

#endif

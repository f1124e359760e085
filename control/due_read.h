/* SPDX-License-Identifier: Apache-2.0 */
/* The request that goes to a provider when a scheduled read is due. */
#ifndef CONTROL_DUE_READ_H
#define CONTROL_DUE_READ_H

#include "control/schedule.h"
#include "control/xml_text.h"

/* Append the DUIS Request of the schedule's present occurrence to `text`: the SRV's element, the
 * period reckoned from the day of the run, the user's key agreement credential where the read has a
 * place for it, command variant 1, the schemaVersion of the schedule's creator. Unsigned and its
 * own inclusive canonical form, so that it can be signed as it stands. text->failed when memory is
 * short.
 */
void due_read_write(struct xml_text *text, const struct schedule *schedule, uint64_t dsp_eui);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SRVs that Create Schedule (5.1) can schedule, with the element that names the read in a
 * schedule and the one that asks for it in a request. Source: DUIS XSD 5.1, types DSPSchedule and
 * Request; 4.2 from MP162. Which roles may schedule an SRV is not here: it is who may send it
 * (access/matrix.yaml).
 */
#ifndef CONTROL_SCHEDULABLE_H
#define CONTROL_SCHEDULABLE_H

#include <stdbool.h>

struct schedulable {
	const char *srv;
	const char *service_reference;
	const char *dsp_element;
	const char *request_element;
	bool has_period;     /* ReadLogPeriodOffset becomes ReadLogPeriod */
	bool has_credential; /* KAPublicSecurityCredential is passed on */
};

/* The row of `srv`, or NULL when it cannot be scheduled. */
const struct schedulable *schedulable_find(const char *srv);

/* Row `index` (from 0), or NULL behind the last one. */
const struct schedulable *schedulable_row(unsigned index);

#endif

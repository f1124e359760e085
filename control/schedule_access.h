/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May the sender of a Create Schedule (5.1) have what he schedules? Judged as the data plane will
 * judge the first run when it is due: with the schedule's offsets applied to its day, by the
 * entitlements that are known now, those of the future included. One thread.
 */
#ifndef CONTROL_SCHEDULE_ACCESS_H
#define CONTROL_SCHEDULE_ACCESS_H

#include "control/schedule.h"
#include "control/service.h"

/* SERVICE_DONE, or the reason of the refusal (conf/access/services.yaml has the codes). Brings
 * services->view up to date. */
enum service_reason schedule_access_judge(struct services *services,
	const struct service_request *request, const struct schedule_terms *terms);

#endif

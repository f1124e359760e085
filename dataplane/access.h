/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may send what: the checks that follow a proven signature, in the order of doc/answers.md.
 * Pure: reference data and a described document in, a decision out. Any lcore.
 */
#ifndef DATAPLANE_ACCESS_H
#define DATAPLANE_ACCESS_H

#include "dataplane/answer.h"
#include "dataplane/duis/engine.h"
#include "dataplane/registry.h"

/* What a permitted request needs next. */
enum access_route {
	ACCESS_ROUTE_DEVICE = 1,	   /* to the device's provider: command variant 1 */
	ACCESS_ROUTE_TRANSFORM,		   /* to the transform provider: 2 4 6 */
	ACCESS_ROUTE_TRANSFORM_AND_DEVICE, /* first the one, then the other: 3 5 7 */
	ACCESS_ROUTE_CONTROL,		   /* answered by motorway-control: 5.1 5.2 5.3 8.2 */
};

struct access_decision {
	enum answer_reason reason; /* ANSWER_ACCEPTED: permitted */
	const char *code;	   /* overrides the reason's code when not NULL */
	enum access_route route;
	const struct registry_srv *srv;
	uint8_t provider_id; /* of the device, for the routes that reach one */
};

/* Decide about `document` (a Request with a proven signature) sent by `user` to `service`.
 * `dsp_eui` is the target that non-device requests must name. The pointers in the decision live as
 * long as the registry. */
struct access_decision access_check(const struct registry *registry,
	const struct registry_user *user, const struct duis_document *document,
	enum mw_service service, uint64_t dsp_eui);

/* Does `service` take command variant `command_variant` (1 .. 9)? Source: DUIS XSD, comment
 * on CommandVariant. */
bool access_service_takes(enum mw_service service, uint8_t command_variant);

#endif

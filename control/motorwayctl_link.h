/* SPDX-License-Identifier: Apache-2.0 */
/* motorwayctl's connection to motorway-control: one request, one reply, any number of times. */
#ifndef CONTROL_MOTORWAYCTL_LINK_H
#define CONTROL_MOTORWAYCTL_LINK_H

#include <jansson.h>

#include "control/peer.h"

struct ctl_link {
	struct peer peer;
	const char *path;
	int timeout_ms; /* for each reply */
};

/* Connect to the socket at `path` (borrowed) and say hello. 0, or -1: told on stderr. */
int ctl_link_open(struct ctl_link *link, const char *path, int timeout_ms);
void ctl_link_close(struct ctl_link *link);

/* Send a request and wait for the reply. Returns it, a new reference, or NULL: told on stderr. */
json_t *ctl_link_ask(struct ctl_link *link, const json_t *request);

/* Say on stderr why a reply is a refusal. */
void ctl_link_refused(const json_t *reply);

#endif

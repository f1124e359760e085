/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the bytes of a sending: template, RequestID, edits, signature, damage.
 */
#ifndef SIM_COMPOSE_H
#define SIM_COMPOSE_H

#include <stdint.h>

#include "bench/sim/plan.h"
#include "bench/sim/text.h"

/* A larger document than any template and signature. */
#define COMPOSE_BYTES_MAX (TEMPLATE_BYTES_MAX + 64 * 1024)

/* Write the message of `sending` (its id is set) into *text, which has room for COMPOSE_BYTES_MAX
 * bytes and is emptied first. Composing the same sending again gives the same message but for the
 * signature. Returns 0; -EAGAIN when it needs a schedule that has not been created; other -errno
 * when a template has not the parts that an edit needs. */
int compose(const struct plan *plan, const struct plan_sending *sending, uint64_t seed,
	struct text *text);

/* The EUI-64 to which `sending` is addressed. */
uint64_t compose_target(const struct plan *plan, const struct plan_sending *sending);

/* The EUI-64 from which it seems to come. */
uint64_t compose_originator(const struct plan *plan, const struct plan_sending *sending);

/* The GBCS pre-command that the transform provider makes for request `id`, of which the signed
 * pre-command is made: octets into out[0 .. capacity), their number or -ENOBUFS. */
int compose_pre_command(const char *srv, const struct mw_request_id *id, uint64_t seed,
	uint8_t *out, size_t capacity);

#endif

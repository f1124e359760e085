/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a request is permitted or refused, as JSON (motorwayctl explain; doc/access.md): each check
 * in order with what it looked at, by the data plane's own code over control's own sight of the
 * reference data. Time is an argument. One thread.
 *
 *     explain.c           a described request: the checks; a decision that the data plane kept
 *     explain_document.c  a document: read, its signature, then the checks
 *     explain_command.c   the operator's command
 */
#ifndef CONTROL_EXPLAIN_H
#define CONTROL_EXPLAIN_H

#include <jansson.h>

#include "control/access_view.h"
#include "control/conf.h"
#include "control/service.h"
#include "dataplane/duis/engine.h"
#include "dataplane/duis/p256.h"

/* The largest document that can be explained: all but firmware images. */
#define EXPLAIN_DOCUMENT_MAX MW_CONTROL_DOCUMENT_MAX

/* Made when the first document is to be explained, let go of when files are read again. */
struct explainer {
	const struct conf *conf; /* borrowed; NULL: documents cannot be read */
	struct duis_schemas *schemas;
	struct duis_engine *engine;
	struct p256_verifier *verifier;
};

/* What is to be explained beside the request itself. */
struct explain_terms {
	struct services *services; /* its view is up to date, but for explain_document() */
	uint64_t dsp_eui;
	int64_t at_s;	/* the instant at which it is judged */
	int service;	/* enum mw_service that it came to; -1: the one for its command variant */
	int64_t now_ms; /* wall clock */
};

/* A document. Returns the reply. */
json_t *explain_document(struct explainer *explainer, const struct explain_terms *terms,
	const uint8_t *bytes, uint32_t length);
void explainer_close(struct explainer *explainer);

/* What the data plane has kept of a RequestID, and what would be decided at terms->at_s. */
json_t *explain_decisions(const struct explain_terms *terms,
	const struct mw_control_decisions *head, const struct mw_control_decision *decisions);

/* For these files: the checks for a request by `user`, put into `reply` with their result. The
 * request's device, DSP and times are filled in here from `terms`. Returns whether all permit it.
 */
bool explain_access(
	const struct explain_terms *terms, struct access_request *request, json_t *reply);

/* For these files: the element that is at fault, put into `line`. */
void explain_fault(json_t *line, const struct service_refusal *refusal);

/* "2026-06-15T12:00:00Z", or a number of seconds beyond the calendar. */
json_t *explain_instant(int64_t instant_s);

#endif

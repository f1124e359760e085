/* SPDX-License-Identifier: Apache-2.0 */
#include "control/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "control/reference_files.h"
#include "dataplane/duis/identifier.h"

static const char *const service_names[MW_SERVICE_COUNT] = {
	[MW_SERVICE_TRANSFORM] = "T",
	[MW_SERVICE_SEND_COMMAND] = "S",
	[MW_SERVICE_NON_DEVICE] = "D",
};

static const char *const route_names[] = {
	[ACCESS_ROUTE_DEVICE] = "device",
	[ACCESS_ROUTE_TRANSFORM] = "transform",
	[ACCESS_ROUTE_TRANSFORM_AND_DEVICE] = "transform-and-device",
	[ACCESS_ROUTE_CONTROL] = "control",
};

json_t *explain_instant(int64_t instant_s)
{
	char text[64];
	time_t seconds = (time_t)instant_s;
	struct tm utc;

	if (gmtime_r(&seconds, &utc) == NULL ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		snprintf(text, sizeof(text), "%" PRId64 " s", instant_s);
	return json_string(text);
}

static json_t *instant_ms(int64_t instant)
{
	char text[64];
	time_t seconds = (time_t)(instant / 1000);
	struct tm utc;
	size_t length = gmtime_r(&seconds, &utc) != NULL
				? strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc)
				: 0;

	snprintf(text + length, sizeof(text) - length, ".%03dZ", (int)(instant % 1000));
	return json_string(text);
}

static json_t *eui_json(uint64_t eui)
{
	char text[DUIS_EUI_TEXT_SIZE];

	duis_eui_format(eui, text);
	return json_string(text);
}

static json_t *request_id_json(const struct mw_request_id *id)
{
	char text[MW_REQUEST_ID_TEXT_SIZE];

	duis_request_id_format(id, text);
	return json_string(text);
}

static json_t *roles_json(uint32_t roles)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < MW_ROLE_COUNT; i++)
		if (roles & 1u << i)
			json_array_append_new(list, json_string(reference_role_names[i]));
	return list;
}

/* Plain text alone, whatever came over the socket. */
static json_t *word_json(const char *word)
{
	char plain[64];
	size_t i = 0;

	for (; word[i] != '\0' && i < sizeof(plain) - 1; i++)
		plain[i] = word[i] >= 0x20 && word[i] < 0x7f ? word[i] : '?';
	plain[i] = '\0';
	return json_string(plain);
}

static json_t *check_json(const struct access_explanation *told)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:s}", "check", told->name, "verdict",
		access_verdict_name(told->verdict), "code", told->code != NULL ? told->code : "",
		"roles", roles_json(told->roles), "data", told->data);
}

static void put_result(json_t *reply, const struct access_decision *decision)
{
	bool permitted = decision->reason == ANSWER_ACCEPTED;
	bool capacity = decision->reason == ANSWER_CAPACITY;
	json_t *result = json_pack("{s:b, s:s, s:s, s:o}", "permitted", permitted, "reason",
		capacity ? "capacity" : answer_reason_name(decision->reason), "code",
		decision->code != NULL ? decision->code : "", "roles", roles_json(decision->roles));

	if (decision->route != 0)
		json_object_set_new(result, "route", json_string(route_names[decision->route]));
	if (decision->check == MW_ACCESS_NOT_ENTITLED)
		json_object_set_new(
			result, "not_covered_from", explain_instant(decision->uncovered_s));
	json_object_set_new(reply, "result", result);
}

static void put_request(
	const struct explain_terms *terms, const struct access_request *request, json_t *reply)
{
	const struct duis_document *document = request->document;
	json_t *object = json_pack("{s:o, s:o, s:s, s:s, s:i, s:s}", "request_id",
		request_id_json(&document->request_id), "user", eui_json(request->user->eui),
		"user_name", request->user->name, "srv", document->service_reference_variant,
		"command_variant", (int)document->command_variant, "service",
		request->scheduled ? "scheduled" : service_names[request->service]);

	if (request->period.present) {
		json_object_set_new(
			object, "period_from", explain_instant(request->period.start_s));
		json_object_set_new(object, "period_to", explain_instant(request->period.end_s));
	}
	if (document->has_execution_date_time && !request->scheduled)
		json_object_set_new(object, "execution", explain_instant(request->execution_s));
	json_object_set_new(reply, "request", object);
	json_object_set_new(reply, "at", explain_instant(terms->at_s));
	json_object_set_new(reply, "generation",
		json_integer((json_int_t)terms->services->view.registry->generation));
}

bool explain_access(
	const struct explain_terms *terms, struct access_request *request, json_t *reply)
{
	const struct access_view *view = &terms->services->view;
	struct access_explanation told[MW_ACCESS_CHECK_COUNT];
	struct registry_image_device device;
	size_t count;
	int found = access_view_device(view, request->document->request_id.target, &device);
	json_t *checks = json_array();

	request->now_s = terms->at_s;
	request->dsp_eui = terms->dsp_eui;
	request->device = found == 0 ? &device : NULL;
	request->device_busy = found != 0 && found != -ENOENT;
	if (!request->document->has_execution_date_time)
		request->execution_s = terms->at_s;
	struct access_decision decision = access_explain(view->registry, request, told, &count);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(checks, check_json(&told[i]));
	put_request(terms, request, reply);
	json_object_set_new(reply, "checks", checks);
	put_result(reply, &decision);
	return decision.reason == ANSWER_ACCEPTED;
}

void explain_fault(json_t *line, const struct service_refusal *refusal)
{
	if (refusal->element[0] == '\0')
		return;
	json_object_set_new(line, "element", json_string(refusal->element));
	json_object_set_new(line, "offset", json_integer((json_int_t)refusal->offset));
}

/* ---- what the data plane has kept */

static json_t *decision_json(const struct mw_control_decision *decision)
{
	const char *stage =
		decision->flags & MW_DECISION_LATER ? "after access control" : "access control";
	json_t *object = json_pack("{s:o, s:s, s:o, s:o, s:i, s:s, s:o, s:o, s:o, s:I}", "time",
		instant_ms(decision->time_ms), "stage", stage, "user", eui_json(decision->user),
		"srv", word_json(decision->srv), "command_variant", (int)decision->command_variant,
		"service",
		decision->flags & MW_DECISION_SCHEDULED ? "scheduled"
							: service_names[decision->service],
		"version", word_json(decision->schema_version), "reason",
		word_json(decision->reason), "code", word_json(decision->code), "generation",
		(json_int_t)decision->generation);

	json_object_set_new(
		object, "accepted", json_boolean(strcmp(decision->reason, "accepted") == 0));
	if (!(decision->flags & MW_DECISION_LATER))
		json_object_set_new(object, "roles", roles_json(decision->roles));
	if (decision->flags & MW_DECISION_PERIOD) {
		json_object_set_new(
			object, "period_from", explain_instant(decision->period_start_s));
		json_object_set_new(object, "period_to", explain_instant(decision->period_end_s));
	}
	if (decision->flags & MW_DECISION_FUTURE)
		json_object_set_new(object, "execution", explain_instant(decision->period_start_s));
	if (decision->uncovered_s != INT64_MIN)
		json_object_set_new(
			object, "not_covered_from", explain_instant(decision->uncovered_s));
	return object;
}

/* The document as far as the decision tells of it. Whether its header and body fitted is not kept:
 * they are taken to fit. */
static void describe(const struct mw_control_decision *decision, const struct registry_srv *srv,
	struct duis_document *document)
{
	memset(document, 0, sizeof(*document));
	document->root = DUIS_ROOT_REQUEST;
	document->has_request_id = true;
	document->request_id = decision->request_id;
	document->command_variant = decision->command_variant;
	document->has_execution_date_time = decision->flags & MW_DECISION_FUTURE;
	document->execution_s = decision->period_start_s;
	memcpy(document->service_reference_variant, decision->srv, MW_SRV_SIZE);
	if (srv == NULL)
		return;
	memcpy(document->service_reference, srv->service_reference, MW_SRV_SIZE);
	bool signed_command = decision->command_variant >= 5 && decision->command_variant <= 7;
	snprintf(document->body_element, sizeof(document->body_element), "%s",
		signed_command ? "SignedPreCommand" : srv->body_element);
}

static void explain_again(const struct explain_terms *terms,
	const struct mw_control_decision *decision, json_t *reply)
{
	const struct registry *registry = terms->services->view.registry;
	const struct registry_user *user = registry_user(registry, decision->user);
	struct duis_document document;

	if (user == NULL) {
		json_object_set_new(
			reply, "not_explained", json_string("its user is no user any more"));
		return;
	}
	describe(decision, registry_srv(registry, decision->srv), &document);
	struct access_request request = {
		.user = user,
		.document = &document,
		.service = (enum mw_service)decision->service,
		.scheduled = decision->flags & MW_DECISION_SCHEDULED,
		.version = access_version(decision->schema_version),
		.period = {decision->flags & MW_DECISION_PERIOD, decision->period_start_s,
			decision->period_end_s},
		.execution_s = decision->period_start_s,
	};
	explain_access(terms, &request, reply);
	if (decision->check == MW_ACCESS_SRV_MISMATCH)
		json_object_set_new(reply, "note",
			json_string("service reference and body element are not kept: here they "
				    "are taken to fit"));
}

/* What control itself refused: 5.1, 5.2, 5.3 or 8.2. */
static json_t *explain_refused(
	const struct explain_terms *terms, const struct service_refused *refused)
{
	json_t *line = json_pack("{s:b, s:o, s:s, s:s}", "permitted", 0, "time",
		instant_ms(refused->time_ms), "reason", service_reason_name(refused->reason),
		"code", terms->services->reference->codes[refused->reason]);

	explain_fault(line, &refused->refusal);
	return line;
}

json_t *explain_decisions(const struct explain_terms *terms,
	const struct mw_control_decisions *head, const struct mw_control_decision *decisions)
{
	const struct mw_control_decision *judged = NULL;
	json_t *list = json_array();
	json_t *reply = json_pack("{s:b, s:o, s:I}", "ok", 1, "request_id",
		request_id_json(&head->request_id), "kept_max", (json_int_t)head->kept_max);

	for (uint32_t i = 0; i < head->count; i++) {
		json_array_append_new(list, decision_json(&decisions[i]));
		if (judged == NULL && !(decisions[i].flags & MW_DECISION_LATER))
			judged = &decisions[i];
	}
	json_object_set_new(reply, "decisions", list);
	const struct service_refused *refused =
		services_find_refused(terms->services, &head->request_id);
	if (refused != NULL)
		json_object_set_new(reply, "service", explain_refused(terms, refused));
	if (terms->services->view.registry == NULL)
		json_object_set_new(reply, "not_explained",
			json_string("the reference set or the registry image cannot be read now"));
	else if (judged != NULL)
		explain_again(terms, judged, reply);
	else
		json_object_set_new(reply, "not_explained",
			json_string("nothing is known of it any more, or it never came: look at "
				    "the document itself"));
	return reply;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document as the gateway reads it: the same engine over the same schemas, the same steps in the
 * same order (doc/answers.md). Nothing of it is logged or shown but what the engine has described.
 */
#include "control/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON_SIZE 512

static struct duis_schemas *load_schemas(const struct conf *conf, char *reason, size_t reason_size)
{
	struct duis_schema_source sources[CONF_SCHEMAS_MAX];

	conf_schema_sources(conf, sources);
	return duis_schemas_create((enum duis_engine_kind)conf->engine, sources, conf->schema_count,
		reason, reason_size);
}

static bool open_engine(struct explainer *explainer, char *reason, size_t reason_size)
{
	snprintf(reason, reason_size, "memory is short");
	if (explainer->engine != NULL)
		return true;
	explainer->schemas = load_schemas(explainer->conf, reason, reason_size);
	if (explainer->schemas == NULL)
		return false;
	explainer->engine = duis_engine_create(explainer->schemas, EXPLAIN_DOCUMENT_MAX);
	explainer->verifier = p256_verifier_create();
	if (explainer->engine != NULL && explainer->verifier != NULL)
		return true;
	explainer_close(explainer);
	return false;
}

void explainer_close(struct explainer *explainer)
{
	duis_engine_destroy(explainer->engine);
	duis_schemas_destroy(explainer->schemas);
	p256_verifier_destroy(explainer->verifier);
	explainer->engine = NULL;
	explainer->schemas = NULL;
	explainer->verifier = NULL;
}

static json_t *error_json(const struct duis_error *error)
{
	return json_pack("{s:s, s:I, s:s, s:s}", "code", duis_error_name(error->code), "offset",
		(json_int_t)error->offset, "path", error->path, "rule",
		error->rule[0] != '\0' ? error->rule : duis_error_meaning(error->code));
}

/* The signature's line: its verdict in the gateway's words, and what was looked at. */
static void put_signature(
	json_t *reply, enum answer_reason reason, const struct duis_error *error, const char *data)
{
	json_t *line = json_pack("{s:s, s:b, s:s}", "verdict",
		reason == ANSWER_ACCEPTED ? "good" : answer_reason_name(reason), "good",
		reason == ANSWER_ACCEPTED, "data", data);

	if (error != NULL && error->code != DUIS_OK)
		json_object_set_new(line, "error", error_json(error));
	json_object_set_new(reply, "signature", line);
}

/* As the edge's find_sender() and its burst. Returns whether the reply has the line. */
static void judge_signature(struct explainer *explainer, const struct registry *registry,
	const struct registry_user *user, const struct duis_document *document, json_t *reply)
{
	uint8_t digest[DUIS_SIGNED_DIGEST_SIZE];
	uint8_t signature[DUIS_SIGNATURE_SIZE];
	struct duis_error error = {0};
	char data[128];

	if (!document->has_signature) {
		put_signature(reply, ANSWER_SIGNATURE_MISSING, NULL, "the document carries none");
		return;
	}
	if (duis_engine_check_profile(explainer->engine, &error) != 0) {
		put_signature(reply, ANSWER_SIGNATURE_PROFILE, &error, "not of the pinned form");
		return;
	}
	const struct registry_certificate *certificate =
		registry_certificate(registry, document->issuer, document->serial);
	if (certificate == NULL) {
		put_signature(reply, ANSWER_CERTIFICATE_UNKNOWN, NULL,
			"no user has a certificate of this issuer and serial number");
		return;
	}
	const struct registry_user *owner = registry_user(registry, certificate->eui);
	snprintf(data, sizeof(data), "a certificate of user %s",
		owner != NULL ? owner->name : "unknown");
	if (certificate->eui != user->eui) {
		put_signature(reply, ANSWER_CERTIFICATE_FOREIGN, NULL, data);
		return;
	}
	int status = duis_engine_prepare(explainer->engine, digest, signature, &error);
	if (status == 0) {
		status = p256_verify(explainer->verifier, certificate->key->key, digest, signature);
		if (status == -EBADMSG)
			duis_engine_mismatch(explainer->engine, &error);
	}
	put_signature(reply, status == 0 ? ANSWER_ACCEPTED : ANSWER_SIGNATURE_WRONG, &error, data);
}

static enum mw_service service_of(const struct explain_terms *terms, uint8_t command_variant)
{
	if (terms->service >= 0)
		return (enum mw_service)terms->service;
	for (int service = 0; service < MW_SERVICE_COUNT; service++)
		if (access_service_takes((enum mw_service)service, command_variant))
			return (enum mw_service)service;
	return MW_SERVICE_SEND_COMMAND;
}

/* 5.1 has checks of control's own behind those of access control: they are made here without
 * anything being created. */
static void explain_schedule(struct explainer *explainer, const struct explain_terms *terms,
	const struct registry_user *user, const struct duis_document *document, json_t *reply)
{
	size_t length = duis_engine_digested_length(explainer->engine);
	uint8_t *octets = length > 0 && length <= EXPLAIN_DOCUMENT_MAX ? malloc(length) : NULL;

	if (octets == NULL)
		return;
	duis_engine_digested(explainer->engine, octets, length);
	const struct service_request request = {
		.user = user->eui,
		.roles = user->roles,
		.srv = document->service_reference_variant,
		.schema_version = duis_schemas_version(explainer->schemas, document->schema_index),
		.document = octets,
		.document_length = length,
		.now_ms = terms->at_s * 1000,
	};
	struct service_refusal refusal;
	enum service_reason reason = service_judge_schedule(terms->services, &request, &refusal);
	json_t *line = json_pack("{s:b, s:s, s:s}", "permitted", reason == SERVICE_DONE, "reason",
		reason == SERVICE_DONE ? "accepted" : service_reason_name(reason), "code",
		reason == SERVICE_DONE ? "" : terms->services->reference->codes[reason]);
	explain_fault(line, &refusal);
	json_object_set_new(reply, "service", line);
	free(octets);
}

static void explain_request(struct explainer *explainer, const struct explain_terms *terms,
	const struct duis_document *document, json_t *reply)
{
	const struct registry *registry = terms->services->view.registry;
	const struct registry_user *user = registry_user(registry, document->request_id.originator);

	if (user == NULL) {
		put_signature(reply, ANSWER_USER_UNKNOWN, NULL, "the originator is no user");
		json_object_set_new(reply, "not_explained",
			json_string("the checks of access control are about a user"));
		return;
	}
	judge_signature(explainer, registry, user, document, reply);
	struct access_request request = {
		.user = user,
		.document = document,
		.service = service_of(terms, document->command_variant),
		.version = access_version(
			duis_schemas_version(explainer->schemas, document->schema_index)),
		.period = {document->has_period, document->period_start_s, document->period_end_s},
		.execution_s = document->execution_s,
	};
	if (explain_access(terms, &request, reply) &&
		strcmp(document->service_reference_variant, "5.1") == 0)
		explain_schedule(explainer, terms, user, document, reply);
	json_object_set_new(reply, "service_given", json_boolean(terms->service >= 0));
}

json_t *explain_document(struct explainer *explainer, const struct explain_terms *terms,
	const uint8_t *bytes, uint32_t length)
{
	struct duis_document document;
	struct duis_error error = {0};
	char reason[REASON_SIZE];

	if (explainer->conf == NULL || !open_engine(explainer, reason, sizeof(reason)))
		return json_pack("{s:b, s:s}", "ok", 0, "error",
			explainer->conf == NULL ? "documents cannot be read here" : reason);
	int status = duis_engine_read(explainer->engine, bytes, length, &document, &error);
	if (status == -ENOMEM)
		return json_pack("{s:b, s:s}", "ok", 0, "error", "memory is short");
	json_t *reply = json_pack("{s:b, s:s}", "ok", 1, "engine",
		duis_engine_kind_name(duis_schemas_kind(explainer->schemas)));
	if (status != 0)
		json_object_set_new(reply, "input", error_json(&error));
	else if (document.root != DUIS_ROOT_REQUEST)
		json_object_set_new(reply, "not_explained",
			json_string("the document is a Response, not a Request"));
	else
		explain_request(explainer, terms, &document, reply);
	return reply;
}

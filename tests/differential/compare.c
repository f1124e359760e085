/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif
#include <string.h>

#include <libxml/xmlerror.h>
#include <openssl/sha.h>

#include "tests/differential/compare.h"
#include "tests/differential/known.h"

#define DEPTH_MAX 256
#define ATTRIBUTES_MAX 64

static enum oracle_class class_of(int result, const struct duis_error *error)
{
	if (result == 0)
		return ORACLE_VALID;
	switch (error->code) {
	case DUIS_ERROR_EMPTY:
	case DUIS_ERROR_ENCODING:
	case DUIS_ERROR_DOCTYPE:
	case DUIS_ERROR_NOT_WELL_FORMED:
		return ORACLE_MALFORMED;
	case DUIS_ERROR_ROOT:
		return ORACLE_ROOT;
	case DUIS_ERROR_SCHEMA_VERSION:
		return ORACLE_VERSION;
	case DUIS_ERROR_TOO_LARGE:
		return ORACLE_BOUND;
	default:
		return ORACLE_INVALID;
	}
}

static void note_rule(struct compare_tally *tally, const char *rule)
{
	uint32_t hash = 2166136261u;

	for (const char *at = rule; *at != '\0'; at++)
		hash = (hash ^ (uint8_t)*at) * 16777619u;
	for (;; hash++) {
		uint32_t *entry = &tally->rule_table[hash % (2 * COMPARE_RULES_MAX)];

		if (*entry != 0 && strcmp(tally->rules[*entry - 1], rule) == 0)
			return;
		if (*entry != 0)
			continue;
		if (tally->rule_count < COMPARE_RULES_MAX) {
			memcpy(tally->rules[tally->rule_count++], rule, strlen(rule) + 1);
			*entry = (uint32_t)tally->rule_count;
		}
		return;
	}
}

/* Bounds can be met before what is not well-formed. Where quotes and tags are broken, any '=' may
 * be taken for an attribute's, and that of the one attribute too many need not be there. */
static bool tokens_beyond_bounds(const struct tokens *tokens)
{
	size_t signs = 0;

	for (size_t index = 0; index < tokens->count; index++)
		if (tokens->tokens[index].depth >= DEPTH_MAX)
			return true;
	for (size_t at = 0; at < tokens->length; at++)
		signs += tokens->bytes[at] == '=';
	return signs >= ATTRIBUTES_MAX;
}

/* Whether the name of a namespace may be found to be no URI. libxml2 looks at one with a reference
 * as it is written. */
static bool bad_namespace_name(const struct compare_case *document)
{
	return document->verdict->bad_namespace_name || known_namespace_reference(document->tokens);
}

/* Whether there is something that is not well-formed and that libxml2 lets pass. */
static bool passes_libxml2(const struct compare_case *document)
{
	const struct tokens *tokens = document->tokens;

	return bad_namespace_name(document) || known_double_xml(tokens) ||
	       known_nul(tokens->bytes, tokens->length) ||
	       known_missing_blank(tokens->bytes, tokens->length);
}

/* Whether an engine may call a document `class` that the judge calls verdict->class. */
static bool may_say(const struct compare_case *document, enum oracle_class class)
{
	const struct oracle_verdict *verdict = document->verdict;
	const struct tokens *tokens = document->tokens;

	if (class == ORACLE_VALID && verdict->beyond_bounds)
		return false;
	if (class == verdict->class)
		return true;
	if (class == ORACLE_MALFORMED && passes_libxml2(document))
		return true;
	if (class == ORACLE_BOUND)
		return verdict->beyond_bounds ||
		       (verdict->class == ORACLE_MALFORMED && tokens_beyond_bounds(tokens));
	if (verdict->class == ORACLE_MALFORMED)
		return (class == ORACLE_ROOT && verdict->also_root) ||
		       (class == ORACLE_VERSION && verdict->also_version) ||
		       (class == ORACLE_INVALID && verdict->also_invalid);
	if (verdict->class == ORACLE_VALID && class == ORACLE_INVALID)
		return known_stray_base64(tokens) || known_wrong_pattern(tokens);
	return verdict->class == ORACLE_INVALID && class == ORACLE_VALID &&
	       oracle_excuse(document->oracle, tokens->bytes, tokens->length) != NULL;
}

/* Values that libxml2 refuses against the standard may come before what is really wrong. */
static bool has_value_fault(const struct oracle_verdict *verdict)
{
	for (size_t index = 0; index < verdict->fault_count; index++)
		if (verdict->faults[index].code == XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1)
			return true;
	return false;
}

static size_t first_end(const struct oracle_verdict *verdict)
{
	size_t end = SIZE_MAX;

	for (size_t index = 0; index < verdict->fault_count; index++)
		if (verdict->faults[index].end < end)
			end = verdict->faults[index].end;
	return end;
}

/* Whether libxml2's fault is in the XML declaration, whose end is not clear then. */
static bool broken_declaration(const struct compare_case *document)
{
	const struct tokens *tokens = document->tokens;
	const struct oracle_verdict *verdict = document->verdict;

	return tokens->count > 0 && tokens->tokens[0].kind == TOKEN_PI &&
	       tokens->tokens[0].end - tokens->tokens[0].begin > 5 &&
	       memcmp(tokens->bytes + tokens->tokens[0].begin, "<?xml", 5) == 0 &&
	       verdict->fault_count > 0 && verdict->faults[0].begin <= tokens->tokens[0].begin;
}

/* What an engine may look at before it parses: the encoding, and what comes before the root. */
static bool offset_fits_early(const struct compare_case *document, const struct duis_error *error)
{
	const struct tokens *tokens = document->tokens;
	const uint8_t *doctype = memmem(tokens->bytes, tokens->length, "<!DOCTYPE", 9);
	size_t first = tokens->count > 0 ? tokens->tokens[0].end : tokens->length;
	size_t at;

	if (error->code == DUIS_ERROR_ENCODING)
		return error->offset == known_bad_utf8(tokens->bytes, tokens->length) ||
		       broken_declaration(document) ||
		       (known_encoding(tokens->bytes, tokens->length) != NULL &&
			       error->offset <= first);
	if (error->code == DUIS_ERROR_DOCTYPE && doctype != NULL) {
		at = (size_t)(doctype - tokens->bytes);
		return error->offset >= at &&
		       error->offset <= tokens->tokens[tokens_at(tokens, at)].end;
	}
	if (error->code == DUIS_ERROR_NOT_WELL_FORMED && error->offset < tokens->length &&
		tokens->bytes[error->offset] == 0)
		return true;
	return error->code == DUIS_ERROR_NOT_WELL_FORMED &&
	       (known_version(tokens->bytes, tokens->length) || broken_declaration(document)) &&
	       (tokens->element_count == 0 ||
		       error->offset <= tokens->tokens[tokens->elements[0]].end);
}

static bool offset_fits(const struct compare_case *document, enum oracle_class class, size_t offset)
{
	const struct oracle_verdict *verdict = document->verdict;
	const struct tokens *tokens = document->tokens;

	if (class == ORACLE_ROOT || class == ORACLE_VERSION)
		return tokens->element_count > 0 &&
		       offset <= tokens->tokens[tokens->elements[0]].end;
	if (class == ORACLE_BOUND || verdict->known != NULL || bad_namespace_name(document) ||
		(class == ORACLE_MALFORMED && passes_libxml2(document)))
		return offset <= tokens->length;
	if (class == ORACLE_INVALID && (known_stray_base64(tokens) || known_wrong_pattern(tokens)))
		return true;
	if (offset > first_end(verdict) && !verdict->own_rule && !has_value_fault(verdict))
		return false;
	if (class != verdict->class) /* an earlier fault of another class */
		return true;
	for (size_t index = 0; index < verdict->fault_count; index++)
		if (offset >= verdict->faults[index].begin && offset <= verdict->faults[index].end)
			return true;
	return false;
}

static bool compare_verdict(const struct compare_case *document,
	const struct compare_answer *answer, struct compare_tally *tally, struct buffer *reason)
{
	const struct oracle_verdict *verdict = document->verdict;
	enum oracle_class class = class_of(answer->result, &answer->error);

	if (answer->result != 0)
		note_rule(tally, answer->error.rule);
	if (!may_say(document, class)) {
		buffer_print(reason, "libxml2 says %s", oracle_class_name(verdict->class));
		if (verdict->fault_count > 0)
			buffer_print(reason, " (%d at %zu..%zu)", verdict->faults[0].code,
				verdict->faults[0].begin, verdict->faults[0].end);
		buffer_print(reason, ", the engine %s", duis_error_name(answer->error.code));
		if (answer->result != 0)
			buffer_print(reason, " at %zu %s: %s", (size_t)answer->error.offset,
				answer->error.path, answer->error.rule);
		return false;
	}
	tally->bounds += class == ORACLE_BOUND;
	if (class != verdict->class)
		tally->known += class == ORACLE_VALID || verdict->class == ORACLE_VALID;
	if (answer->result == 0)
		return true;
	tally->offsets_checked++;
	if (offset_fits(document, class, answer->error.offset) ||
		offset_fits_early(document, &answer->error))
		return true;
	buffer_print(reason, "%s: offset %zu is not inside of", duis_error_name(answer->error.code),
		(size_t)answer->error.offset);
	for (size_t index = 0; index < verdict->fault_count; index++)
		buffer_print(reason, " %zu..%zu(%d)", verdict->faults[index].begin,
			verdict->faults[index].end, verdict->faults[index].code);
	buffer_print(reason, "; %s: %s", answer->error.path, answer->error.rule);
	return false;
}

static bool compare_form(const char *what, const uint8_t *ours, size_t our_length,
	const uint8_t *wanted, size_t wanted_length, struct buffer *reason)
{
	size_t same = 0;

	if (our_length == wanted_length && memcmp(ours, wanted, wanted_length) == 0)
		return true;
	while (same < our_length && same < wanted_length && ours[same] == wanted[same])
		same++;
	buffer_print(reason,
		"%s: %zu bytes, libxml2 has %zu; first difference at %zu: \"%.40s\" / \"%.40s\"",
		what, our_length, wanted_length, same, (const char *)ours + same,
		(const char *)wanted + same);
	return false;
}

/* What is hashed must be what is written. */
static bool compare_digests(
	struct engine *engine, const struct oracle_verdict *verdict, struct buffer *reason)
{
	uint8_t found[2][SHA256_DIGEST_LENGTH];
	uint8_t wanted[SHA256_DIGEST_LENGTH];

	engine->digest(engine->state, found[0], found[1]);
	SHA256(verdict->canonical, (size_t)verdict->canonical_length, wanted);
	if (memcmp(found[0], wanted, sizeof(wanted)) != 0) {
		buffer_text(reason, "the digest is not that of the canonical form");
		return false;
	}
	if (verdict->signed_info == NULL)
		return true;
	SHA256(verdict->signed_info, (size_t)verdict->signed_info_length, wanted);
	if (memcmp(found[1], wanted, sizeof(wanted)) == 0)
		return true;
	buffer_text(reason, "the digest is not that of the canonical SignedInfo");
	return false;
}

static bool compare_canonical(struct engine *engine, const struct oracle_verdict *verdict,
	struct compare_tally *tally, struct buffer *reason)
{
	size_t length;
	const uint8_t *form = engine->canonical(engine->state, &length);

	if (verdict->canonical == NULL) {
		buffer_text(reason, "libxml2 has no canonical form");
		return false;
	}
	tally->canonical_checked++;
	if (!compare_form("canonical form", form, length, verdict->canonical,
		    (size_t)verdict->canonical_length, reason))
		return false;
	if (engine->fits != NULL && !engine->fits(engine->state, length)) {
		buffer_text(reason, "the canonical form does not fit as it should");
		return false;
	}
	if (engine->digest != NULL && !compare_digests(engine, verdict, reason))
		return false;
	if (engine->signed_info == NULL || verdict->signed_info == NULL)
		return true;
	form = engine->signed_info(engine->state, &length);
	return compare_form("canonical SignedInfo", form, length, verdict->signed_info,
		(size_t)verdict->signed_info_length, reason);
}

/* prepare() must stop where verify() stops before the signature itself, and hand over what that is
 * checked with. */
static bool compare_prepared(struct engine *engine, const struct oracle_verdict *verdict,
	const struct compare_answer *answer, struct buffer *reason)
{
	uint8_t wanted[SHA256_DIGEST_LENGTH];
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint8_t signature[64];
	struct duis_error error = {.code = DUIS_OK};
	int result = engine->prepare(engine->state, digest, signature, &error);

	if (result == 0) {
		SHA256(verdict->signed_info, (size_t)verdict->signed_info_length, wanted);
		if (memcmp(digest, wanted, sizeof(wanted)) != 0) {
			buffer_text(reason, "prepare: another digest of SignedInfo");
			return false;
		}
		if (answer->verify_result == 0)
			return true;
		engine->mismatch(engine->state, &error);
	}
	if (answer->verify_result != 0 && error.code == answer->verify_error.code &&
		error.offset == answer->verify_error.offset &&
		strcmp(error.rule, answer->verify_error.rule) == 0)
		return true;
	buffer_print(reason, "prepare: %s, verify: %s", duis_error_name(error.code),
		duis_error_name(answer->verify_result == 0 ? DUIS_OK : answer->verify_error.code));
	return false;
}

static bool compare_signature(struct engine *engine, const struct compare_case *document,
	struct compare_answer *answer, struct compare_tally *tally, struct buffer *reason)
{
	const struct oracle_verdict *verdict = document->verdict;
	const struct signing_verdict *signing = document->signing;
	enum duis_error_code wanted = DUIS_OK;
	enum duis_error_code said;

	answer->profile_result = engine->check_profile(engine->state, &answer->profile_error);
	answer->verify_result = engine->verify(
		engine->state, signing_key_public(document->key), &answer->verify_error);
	if (!compare_prepared(engine, verdict, answer, reason))
		return false;
	if (answer->profile_result != 0) {
		said = answer->profile_error.code;
		if (verdict->has_signature == (said != DUIS_ERROR_SIGNATURE_MISSING) &&
			answer->verify_result != 0 && answer->verify_error.code == said)
			return true;
		buffer_print(reason, "profile: %s, then verify: %s", duis_error_name(said),
			duis_error_name(answer->verify_error.code));
		return false;
	}
	tally->profile_kept++;
	if (!signing->digest_right)
		wanted = DUIS_ERROR_DIGEST_MISMATCH;
	else if (!signing->signature_right)
		wanted = DUIS_ERROR_SIGNATURE_MISMATCH;
	said = answer->verify_result == 0 ? DUIS_OK : answer->verify_error.code;
	tally->signatures_right += said == DUIS_OK;
	tally->signatures_wrong += said != DUIS_OK;
	if (said == wanted && (said == DUIS_OK) == signing->xmlsec_right)
		return true;
	buffer_print(reason, "signature: the engine says %s, OpenSSL %s, xmlsec1 %s",
		duis_error_name(said), duis_error_name(wanted),
		signing->xmlsec_right ? "right" : "wrong");
	return false;
}

/* libxml2's canonical forms are wrong, or there are none, for some names of namespaces. */
static bool has_forms(const struct compare_case *document)
{
	const struct oracle_verdict *verdict = document->verdict;
	bool made = verdict->canonical != NULL &&
		    (verdict->signed_info != NULL || !verdict->has_signature);

	return !known_namespace_reference(document->tokens) &&
	       (made || !verdict->bad_namespace_name);
}

bool compare_read(struct engine *engine, const struct compare_case *document,
	struct compare_answer *answer, struct compare_tally *tally, struct buffer *reason)
{
	const struct tokens *tokens = document->tokens;

	memset(answer, 0, sizeof(*answer));
	tally->documents++;
	tally->by_class[document->verdict->class]++;
	answer->result = engine->read(engine->state, tokens->bytes, (uint32_t)tokens->length,
		&answer->document, &answer->error);
	if (!compare_verdict(document, answer, tally, reason))
		return false;
	if (answer->result != 0 || document->verdict->class != ORACLE_VALID)
		return true;
	if (!has_forms(document)) {
		tally->known++;
		return true;
	}
	return compare_canonical(engine, document->verdict, tally, reason);
}

bool compare_engine(struct engine *engine, const struct compare_case *document,
	struct compare_answer *answer, struct compare_tally *tally, struct buffer *reason)
{
	if (!compare_read(engine, document, answer, tally, reason))
		return false;
	if (answer->result != 0 || document->verdict->class != ORACLE_VALID || !has_forms(document))
		return true;
	return compare_signature(engine, document, answer, tally, reason);
}

static bool same_code(const char *what, int one_result, const struct duis_error *one,
	int other_result, const struct duis_error *other, struct buffer *reason)
{
	enum duis_error_code first = one_result == 0 ? DUIS_OK : one->code;
	enum duis_error_code second = other_result == 0 ? DUIS_OK : other->code;

	/* Two breaches may share a code; of the same one all is the same. */
	if (first == second &&
		(first == DUIS_OK || strcmp(one->rule, other->rule) != 0 ||
			(one->offset == other->offset && strcmp(one->path, other->path) == 0)))
		return true;
	buffer_print(reason, "%s: %s at %zu %s (%s) / %s at %zu %s (%s)", what,
		duis_error_name(first), (size_t)one->offset, one->path, one->rule,
		duis_error_name(second), (size_t)other->offset, other->path, other->rule);
	return false;
}

/* The descriptions, but for the pointers of the canonical form. */
static bool same_document(
	const struct duis_document *one, const struct duis_document *other, struct buffer *reason)
{
	if (one->root == other->root && one->schema_index == other->schema_index &&
		one->has_request_id == other->has_request_id &&
		one->has_response_id == other->has_response_id &&
		one->has_signature == other->has_signature &&
		one->has_period == other->has_period &&
		one->period_start_s == other->period_start_s &&
		one->period_end_s == other->period_end_s &&
		one->execution_s == other->execution_s &&
		one->has_execution_date_time == other->has_execution_date_time &&
		one->has_body == other->has_body &&
		memcmp(&one->request_id, &other->request_id, sizeof(one->request_id)) == 0 &&
		memcmp(&one->response_id, &other->response_id, sizeof(one->response_id)) == 0 &&
		one->command_variant == other->command_variant &&
		strcmp(one->service_reference, other->service_reference) == 0 &&
		strcmp(one->service_reference_variant, other->service_reference_variant) == 0 &&
		strcmp(one->body_element, other->body_element) == 0 &&
		strcmp(one->response_code, other->response_code) == 0)
		return true;
	buffer_print(reason,
		"descriptions differ: root %d/%d version %d/%d ids %d%d/%d%d signature %d/%d date "
		"%d/%d "
		"body %d/%d variant %u/%u references %s %s/%s %s element %s/%s code %s/%s",
		one->root, other->root, one->schema_index, other->schema_index, one->has_request_id,
		one->has_response_id, other->has_request_id, other->has_response_id,
		one->has_signature, other->has_signature, one->has_execution_date_time,
		other->has_execution_date_time, one->has_body, other->has_body,
		one->command_variant, other->command_variant, one->service_reference,
		one->service_reference_variant, other->service_reference,
		other->service_reference_variant, one->body_element, other->body_element,
		one->response_code, other->response_code);
	return false;
}

/* Issuer and serial mean something only where the profile is kept. */
static bool same_key(
	const struct compare_answer *one, const struct compare_answer *other, struct buffer *reason)
{
	if (one->profile_result != 0 || other->profile_result != 0 ||
		(strcmp(one->document.issuer, other->document.issuer) == 0 &&
			memcmp(one->document.serial, other->document.serial, DUIS_SERIAL_SIZE) ==
				0))
		return true;
	buffer_print(reason, "issuer or serial differ: %s / %s", one->document.issuer,
		other->document.issuer);
	return false;
}

/* An encoding that is declared, or that of the first bytes, may be found before or behind another
 * fault of the declaration. */
static bool is_bad_sequence(const struct duis_error *error)
{
	return error->code == DUIS_ERROR_ENCODING &&
	       strcmp(error->rule, "these bytes are not UTF-8") == 0;
}

/* Bytes that are no UTF-8 have a code of their own, which two engines must agree on. */
static bool same_encoding(
	const struct compare_answer *one, const struct compare_answer *other, struct buffer *reason)
{
	const struct duis_error *first = &one->error;
	const struct duis_error *second = &other->error;

	if (class_of(one->result, first) != ORACLE_MALFORMED ||
		class_of(other->result, second) != ORACLE_MALFORMED ||
		(!is_bad_sequence(first) && !is_bad_sequence(second)))
		return true;
	if (first->code == second->code && first->offset == second->offset)
		return true;
	buffer_print(reason, "encoding: %s at %zu (%s) / %s at %zu (%s)",
		duis_error_name(first->code), (size_t)first->offset, first->rule,
		duis_error_name(second->code), (size_t)second->offset, second->rule);
	return false;
}

bool compare_answers(
	const struct compare_answer *one, const struct compare_answer *other, struct buffer *reason)
{
	if (!same_encoding(one, other, reason))
		return false;
	if (one->result != 0 || other->result != 0)
		return true; /* each has been judged by itself */
	return same_document(&one->document, &other->document, reason) &&
	       same_key(one, other, reason) &&
	       same_code("profile", one->profile_result, &one->profile_error, other->profile_result,
		       &other->profile_error, reason) &&
	       same_code("verify", one->verify_result, &one->verify_error, other->verify_result,
		       &other->verify_error, reason);
}

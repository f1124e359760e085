/* SPDX-License-Identifier: Apache-2.0 */
#include "parties_fixture.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <criterion/criterion.h>

struct conf parties_conf_made;
struct maker_authority parties_authority;
static FILE *log_stream;
static char *log_text;
static size_t log_size;

static void remove_certificates(struct store *store)
{
	struct store_change *change = store_begin(store);
	struct store_certificate row;
	uint8_t cursor[32] = {0};

	while (store_certificate_next(change, cursor, &row) == 1)
		cr_assert_eq(store_certificate_remove(change, cursor), 0);
	cr_assert_eq(store_commit(change, NULL), 0);
}

void parties_suite_open(void)
{
	server.parties = parties_open(&parties_conf_made, log_stream);
	cr_assert_not_null(server.parties);
	server.parties_changed = true;
	server_parties(&server, now);
	cr_assert_not(server.parties_changed);
}

void parties_suite_create(void)
{
	client_suite_create();
	/* Their dates are those of the real clock. */
	remove_certificates(server.services.store);
	parties_authority = maker_authority("Issuing", NULL, NOW_S + 100000000);
	maker_write_pem(fixture_path("issuing.pem"), parties_authority.certificate, NULL);
	log_stream = open_memstream(&log_text, &log_size);
	memset(&parties_conf_made, 0, sizeof(parties_conf_made));
	parties_conf_made.dsp_eui = FIXTURE_DSP;
	parties_conf_made.check_certificate_dates = true;
	parties_conf_made.schema_count = 2;
	strcpy(parties_conf_made.schemas[0].version, "5.1");
	strcpy(parties_conf_made.schemas[1].version, "5.4");
	strcpy(parties_conf_made.trust_anchors[0], fixture_path("issuing.pem"));
	parties_suite_open();
}

void parties_suite_destroy(void)
{
	parties_close(server.parties);
	server.parties = NULL;
	maker_authority_free(&parties_authority);
	fclose(log_stream);
	free(log_text);
	client_suite_destroy();
}

bool parties_logged(const char *text)
{
	fflush(log_stream);
	return strstr(log_text, text) != NULL;
}

json_t *ask_text(const char *text)
{
	bool wait = false;
	char *reply = server_command(&server, (const uint8_t *)text, strlen(text), &wait, now);

	cr_assert_not_null(reply);
	json_t *object = json_loads(reply, 0, NULL);
	free(reply);
	cr_assert(json_is_object(object));
	server_parties(&server, now);
	return object;
}

json_t *ask_json(json_t *request)
{
	char *text = json_dumps(request, 0);
	json_t *reply = ask_text(text);

	free(text);
	json_decref(request);
	return reply;
}

/* The command must be done. */
void done(const char *text)
{
	json_t *reply = ask_text(text);

	cr_assert(json_is_true(json_object_get(reply, "ok")), "%s: %s", text,
		json_string_value(json_object_get(reply, "error")));
	json_decref(reply);
}

/* It must be refused, and say so. */
void refused_reply(json_t *reply, const char *why)
{
	const char *error = json_string_value(json_object_get(reply, "error"));

	cr_assert(json_is_false(json_object_get(reply, "ok")), "not refused: %s", why);
	cr_assert_not_null(strstr(error, why), "%s, not %s", error, why);
	json_decref(reply);
}

void refused(const char *text, const char *why)
{
	refused_reply(ask_text(text), why);
}

const struct reference_user *user_of(uint64_t eui)
{
	return reference_user(server.reference, eui);
}

unsigned certificates_of(uint64_t eui)
{
	unsigned count = 0;

	for (size_t i = 0; i < server.reference->certificate_count; i++)
		count += server.reference->certificates[i].eui == eui;
	return count;
}

json_t *certificate_request(const char *action, const char *eui, X509 *x509)
{
	uint8_t *der = NULL;
	int length = i2d_X509(x509, &der);
	char text[8192];

	EVP_EncodeBlock((uint8_t *)text, der, length);
	OPENSSL_free(der);
	return json_pack("{s:s, s:s, s:{s:s, s:s}}", "command", "certificate", "action", action,
		"row", "eui", eui, "certificate", text);
}

/* The network operator's, with these differences. */
X509 *make(struct maker_terms terms)
{
	if (terms.eui == 0)
		terms.eui = FIXTURE_OPERATOR;
	if (terms.from_s == 0)
		terms.from_s = NOW_S - 100;
	if (terms.to_s == 0)
		terms.to_s = NOW_S + 1000000;
	return maker_certificate(&parties_authority, &terms);
}

void add_certificate(X509 *x509)
{
	json_t *reply = ask_json(certificate_request("add", USER, x509));

	cr_assert(json_is_true(json_object_get(reply, "ok")), "%s",
		json_string_value(json_object_get(reply, "error")));
	json_decref(reply);
}

void pass_ms(int64_t ms)
{
	now.monotonic_ms += ms;
	now.wall_ms += ms;
	server_parties(&server, now);
}

void fingerprint_of(X509 *x509, char text[17])
{
	uint8_t octets[32];
	unsigned length = sizeof(octets);

	X509_digest(x509, EVP_sha256(), octets, &length);
	for (int i = 0; i < 8; i++)
		snprintf(text + 2 * i, 3, "%02x", octets[i]);
}

json_int_t number_of(const json_t *reply, const char *name)
{
	return json_integer_value(json_object_get(reply, name));
}

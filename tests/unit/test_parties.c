/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users, certificates, organisations, providers and thresholds as operators change them: commands
 * to a server on made-up time, and the set that the data plane would get.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/store_reference.h"
#include "parties_fixture.h"

TestSuite(parties, .init = parties_suite_create, .fini = parties_suite_destroy, .timeout = 60);

Test(parties, a_user_comes_changes_and_goes)
{
	const struct reference_user *user;
	size_t users = server.reference->user_count;
	uint64_t generation = server.reference->generation;

	done("{\"command\":\"user\",\"action\":\"add\",\"row\":{\"eui\":\"" OTHER
	     "\",\"name\":\"new one\",\"organisation\":\"NEWX\"}}");
	user = user_of(OTHER_EUI);
	cr_assert_not_null(user);
	cr_assert_eq(server.reference->user_count, users + 1);
	cr_assert_gt(server.reference->generation, generation);
	cr_assert_eq(user->roles, 0);
	cr_assert(user->active);
	cr_assert_str_eq(user->duis_version, "5.1", "the first of the configuration");
	cr_assert_str_eq(user->mpid, "NEWX");
	cr_assert_neq(user->organisation, 0);
	refused("{\"command\":\"user\",\"action\":\"add\",\"row\":{\"eui\":\"" OTHER
		"\",\"name\":\"again\"}}",
		"it is there already");
	done("{\"command\":\"user\",\"action\":\"change\",\"row\":{\"eui\":\"" OTHER
	     "\",\"roles\":\"MDR, OU\"}}");
	done("{\"command\":\"user\",\"action\":\"change\",\"row\":{\"eui\":\"" OTHER
	     "\",\"callback_url\":\"http://127.0.0.1:9/x\"}}");
	done("{\"command\":\"user\",\"action\":\"change\",\"row\":{\"eui\":\"" OTHER
	     "\",\"active\":\"no\",\"duis_version\":\"5.40\"}}");
	user = user_of(OTHER_EUI);
	cr_assert_eq(user->roles, MW_ROLE_MDR | MW_ROLE_OU);
	cr_assert_str_eq(user->callback_url, "http://127.0.0.1:9/x");
	cr_assert_str_eq(user->duis_version, "5.40");
	cr_assert_str_eq(user->name, "new one");
	cr_assert_not(user->active);
	/* The same again changes nothing, and makes no new set. */
	generation = server.reference->generation;
	json_t *reply =
		ask_text("{\"command\":\"user\",\"action\":\"change\",\"row\":{\"eui\":\"" OTHER
			 "\",\"active\":\"no\"}}");
	cr_assert(json_is_false(json_object_get(reply, "changed")));
	json_decref(reply);
	cr_assert_eq(server.reference->generation, generation);
	done("{\"command\":\"user\",\"action\":\"remove\",\"row\":{\"eui\":\"" OTHER "\"}}");
	cr_assert_null(user_of(OTHER_EUI));
	refused("{\"command\":\"user\",\"action\":\"remove\",\"row\":{\"eui\":\"" OTHER "\"}}",
		"there is none");
}

Test(parties, what_a_user_may_not_be)
{
	static const struct {
		const char *fields;
		const char *why;
	} cases[] = {
		{"\"eui\":\"nobody\",\"name\":\"x\"", "must be an EUI-64"},
		{"\"eui\":\"00-00-00-00-00-00-00-00\",\"name\":\"x\"", "must be an EUI-64"},
		{"\"name\":\"x\"", "must be an EUI-64"},
		{"\"eui\":\"" OTHER "\"", "a name is required"},
		{"\"eui\":\"" OTHER "\",\"name\":\"\"", "a name is required"},
		{"\"eui\":\"" OTHER "\",\"name\":\"a\\tb\"", "control characters"},
		{"\"eui\":\"" OTHER "\",\"name\":\"x\",\"roles\":\"KING\"", "must be roles"},
		{"\"eui\":\"" OTHER "\",\"name\":\"x\",\"organisation\":\"abc\"",
			"capital letters"},
		{"\"eui\":\"" OTHER "\",\"name\":\"x\",\"organisation\":\"TOOLONGX\"", "at most 7"},
		{"\"eui\":\"" OTHER "\",\"name\":\"x\",\"callback_url\":\"ftp://x/\"", "not a URL"},
		{"\"eui\":\"" OTHER "\",\"name\":\"x\",\"duis_version\":\"9.9\"",
			"schema.versions"},
		{"\"eui\":\"" OTHER "\",\"name\":\"x\",\"active\":\"maybe\"", "yes or no"},
		{"\"eui\":\"" OTHER "\",\"name\":\"x\",\"origin\":\"moon\"", "operator, file"},
		{"\"eui\":\"" OTHER "\",\"colour\":\"x\"", "not that of a column"},
		{"\"eui\":7", "not a text"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[400];

		snprintf(text, sizeof(text),
			"{\"command\":\"user\",\"action\":\"add\",\"row\":{%s}}", cases[i].fields);
		refused(text, cases[i].why);
	}
	refused("{\"command\":\"user\",\"action\":\"add\"}", "\"row\" is not an object");
	refused("{\"command\":\"user\",\"action\":\"dance\"}", "\"action\"");
	refused("{\"command\":\"user\",\"action\":\"remove\",\"row\":{\"eui\":\"" USER "\"}}",
		"stands in the users' file");
	cr_assert_null(user_of(OTHER_EUI));
}

/* ---- certificates ---- */

Test(parties, certificates_are_checked_when_added)
{
	struct maker_authority other = maker_authority("Issuing", NULL, NOW_S + 100000);
	const struct {
		struct maker_terms terms;
		const char *why;
	} cases[] = {
		{{.curve = "P-384"}, "P-256"},
		{{.digest = "SHA512"}, "ecdsa-with-SHA256"},
		{{.role = "02"}, "fits none of the user's roles"},
		{{.role = "07"}, "not one that signs"},
		{{.eui = OTHER_EUI}, "another EUI-64"},
		{{.key_usage = "keyAgreement"}, "digital signatures"},
		{{.to_s = NOW_S}, "has expired"},
		{{.to_s = NOW_S - 1}, "has expired"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		X509 *x509 = make(cases[i].terms);

		refused_reply(ask_json(certificate_request("add", USER, x509)), cases[i].why);
		X509_free(x509);
	}
	struct maker_terms terms = {
		.eui = FIXTURE_OPERATOR, .from_s = NOW_S - 1, .to_s = NOW_S + 1000};
	X509 *x509 = maker_certificate(&other, &terms);
	refused_reply(ask_json(certificate_request("add", USER, x509)), "trusted issuer");
	X509_free(x509);
	x509 = make((struct maker_terms){0});
	refused_reply(ask_json(certificate_request("add", OTHER, x509)), "no such user");
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 0);
	add_certificate(x509);
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 1);
	refused_reply(ask_json(certificate_request("add", USER, x509)), "there already");
	/* Signatures name a certificate by issuer and serial number. */
	terms.serial = ASN1_INTEGER_get(X509_get0_serialNumber(x509));
	X509 *twin = maker_certificate(&parties_authority, &terms);
	refused_reply(ask_json(certificate_request("add", USER, twin)), "same issuer and serial");
	X509_free(twin);
	X509_free(x509);
	refused("{\"command\":\"certificate\",\"action\":\"add\",\"row\":{\"eui\":\"" USER
		"\",\"certificate\":\"AAAA\"}}",
		"no X.509 certificate");
	refused("{\"command\":\"certificate\",\"action\":\"add\",\"row\":{\"eui\":\"" USER
		"\",\"certificate\":\"%%%%\"}}",
		"base64");
	maker_authority_free(&other);
}

static char *standing_of(X509 *x509)
{
	json_t *reply =
		ask_text("{\"command\":\"certificate\",\"action\":\"list\",\"user\":\"" USER "\"}");
	char serial[64] = "";
	char *found = NULL;
	size_t index;
	json_t *row;

	snprintf(serial, sizeof(serial), "%08lx",
		(unsigned long)ASN1_INTEGER_get(X509_get0_serialNumber(x509)));
	json_array_foreach(json_object_get(reply, "rows"), index, row)
	{
		const char *text = json_string_value(json_array_get(row, 7));

		if (strlen(text) == 40 && strcmp(text + 32, serial) == 0)
			found = strdup(json_string_value(json_array_get(row, 2)));
	}
	json_decref(reply);
	cr_assert_not_null(found);
	return found;
}

static void expect_standing(X509 *x509, const char *standing)
{
	char *found = standing_of(x509);

	cr_assert_str_eq(found, standing);
	free(found);
}

/* Control owns dates: the set has what is in force, from the instant and to the instant. */
Test(parties, certificates_come_and_go_by_time)
{
	X509 *first = make((struct maker_terms){.to_s = NOW_S + 60});
	X509 *second = make((struct maker_terms){.from_s = NOW_S + 30});

	add_certificate(first);
	add_certificate(second);
	expect_standing(first, "valid");
	expect_standing(second, "not-yet-valid");
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 1);
	cr_assert_eq(parties_next_ms(server.parties), START_WALL + 30000);
	cr_assert_eq(parties_left_out(server.parties), 1);
	pass_ms(29999);
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 1);
	cr_assert_leq(server_timeout_ms(&server, now), 1);
	uint64_t generation = server.reference->generation;
	pass_ms(1);
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 2, "both, without a gap");
	cr_assert_gt(server.reference->generation, generation);
	cr_assert(parties_logged("is in force: valid"));
	cr_assert_eq(parties_next_ms(server.parties), START_WALL + 60000);
	pass_ms(29999);
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 2);
	pass_ms(1);
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 1);
	expect_standing(first, "expired");
	expect_standing(second, "valid");
	cr_assert(parties_logged("is not in force: expired"));
	/* The clock is set back: what was in force then is so again. */
	now.wall_ms -= 45000;
	server_parties(&server, now);
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 1);
	expect_standing(first, "valid");
	expect_standing(second, "not-yet-valid");
	X509_free(first);
	X509_free(second);
}

Test(parties, revocation_lists_are_read_when_they_change)
{
	X509 *good = make((struct maker_terms){0});
	X509 *bad = make((struct maker_terms){0});

	parties_close(server.parties);
	maker_write_list(fixture_path("list.crl"), &parties_authority, NULL, NOW_S + 50, 0);
	strcpy(parties_conf_made.revocation_lists[0], fixture_path("list.crl"));
	parties_suite_open();
	add_certificate(good);
	add_certificate(bad);
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 2);
	/* By another name first: a list that is half written is no list. */
	maker_write_list(fixture_path("new"), &parties_authority, bad, NOW_S + 60, 1);
	cr_assert_eq(rename(fixture_path("new"), fixture_path("list.crl")), 0);
	pass_ms(999);
	pass_ms(1);
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 1);
	expect_standing(bad, "revoked");
	cr_assert(parties_logged("is not in force: revoked"));
	refused_reply(ask_json(certificate_request("add", USER, bad)), "there already");
	/* One with errors leaves what is in force as it was. */
	fixture_write("list.crl", "no list\n");
	pass_ms(1000);
	pass_ms(1000);
	cr_assert(parties_logged("in force stay"));
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 1);
	expect_standing(bad, "revoked");
	pass_ms(60000);
	cr_assert(parties_logged("nextUpdate"));
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 1);
	X509_free(good);
	X509_free(bad);
}

Test(parties, a_role_that_no_longer_fits)
{
	X509 *x509 = make((struct maker_terms){.role = "03"});

	add_certificate(x509);
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 1);
	done("{\"command\":\"user\",\"action\":\"change\",\"row\":{\"eui\":\"" USER
	     "\",\"roles\":\"MDR\"}}");
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 0);
	expect_standing(x509, "role-does-not-fit");
	done("{\"command\":\"user\",\"action\":\"change\",\"row\":{\"eui\":\"" USER
	     "\",\"roles\":\"MDR GT\"}}");
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 1);
	X509_free(x509);
}

Test(parties, a_withdrawn_certificate_is_gone_for_good)
{
	X509 *x509 = make((struct maker_terms){0});
	char mark[17];
	char text[200];

	add_certificate(x509);
	fingerprint_of(x509, mark);
	snprintf(text, sizeof(text),
		"{\"command\":\"certificate\",\"action\":\"withdraw\",\"fingerprint\":\"%s\"}",
		mark);
	done(text);
	cr_assert_eq(certificates_of(FIXTURE_OPERATOR), 0);
	expect_standing(x509, "withdrawn");
	refused_reply(ask_json(certificate_request("add", USER, x509)), "there already");
	refused_reply(ask_json(certificate_request("set", USER, x509)), "for good");
	refused("{\"command\":\"certificate\",\"action\":\"withdraw\",\"fingerprint\":"
		"\"00000000\"}",
		"no certificate");
	refused("{\"command\":\"certificate\",\"action\":\"withdraw\",\"fingerprint\":\"0000\"}",
		"8 to 64");
	X509_free(x509);
}

/* ---- organisations, providers, thresholds ---- */

Test(parties, providers)
{
	done("{\"command\":\"provider\",\"action\":\"add\",\"row\":{\"id\":\"9\",\"name\":\"late\","
	     "\"kind\":\"CSP\",\"url\":\"http://127.0.0.1:1/x\"}}");
	cr_assert_eq(server.reference->provider_count, 4);
	refused("{\"command\":\"provider\",\"action\":\"add\",\"row\":{\"id\":\"10\",\"name\":"
		"\"late\","
		"\"kind\":\"CSP\",\"url\":\"http://127.0.0.1:1/x\"}}",
		"another provider has this name");
	refused("{\"command\":\"provider\",\"action\":\"add\",\"row\":{\"id\":\"10\",\"name\":"
		"\"t\","
		"\"kind\":\"transform\",\"url\":\"http://127.0.0.1:1/x\"}}",
		"a transform provider already");
	refused("{\"command\":\"provider\",\"action\":\"add\",\"row\":{\"id\":\"64\",\"name\":"
		"\"t\","
		"\"kind\":\"CSP\",\"url\":\"http://127.0.0.1:1/x\"}}",
		"0 to 63");
	refused("{\"command\":\"provider\",\"action\":\"add\",\"row\":{\"id\":\"10\",\"name\":\"a/"
		"b\","
		"\"kind\":\"CSP\",\"url\":\"http://127.0.0.1:1/x\"}}",
		"part of a URL");
	refused("{\"command\":\"provider\",\"action\":\"add\",\"row\":{\"id\":\"10\",\"name\":"
		"\"a\","
		"\"kind\":\"GSP\",\"url\":\"http://127.0.0.1:1/x\"}}",
		"must be CSP");
	done("{\"command\":\"provider\",\"action\":\"change\",\"row\":{\"id\":\"9\",\"url\":"
	     "\"http://127.0.0.1:2/y\"}}");
	/* One that reaches devices stays. */
	struct store_change *change = store_begin(server.services.store);
	struct store_device device;
	cr_assert_eq(store_device_get(change, FIXTURE_SMETS2, &device), 0);
	device.device.provider_id = 9;
	cr_assert_eq(store_device_put(change, &device), 0);
	cr_assert_eq(store_commit(change, NULL), 0);
	refused("{\"command\":\"provider\",\"action\":\"remove\",\"row\":{\"id\":\"9\"}}",
		"devices are reached");
	change = store_begin(server.services.store);
	device.device.provider_id = 0;
	cr_assert_eq(store_device_put(change, &device), 0);
	cr_assert_eq(store_commit(change, NULL), 0);
	done("{\"command\":\"provider\",\"action\":\"remove\",\"row\":{\"id\":\"9\"}}");
	cr_assert_eq(server.reference->provider_count, 3);
	refused("{\"command\":\"provider\",\"action\":\"remove\",\"row\":{\"id\":\"0\"}}",
		"stands in the providers' file");
}

Test(parties, thresholds)
{
	done("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"" USER
	     "\",\"srv\":\"4.8.1\",\"period_s\":\"60\",\"limit\":\"5\"}}");
	done("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"all\",\"srv\":"
	     "\"all\","
	     "\"period_s\":\"3600\",\"limit\":\"1000\"}}");
	done("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"" USER
	     "\",\"srv\":\"4.8.1\",\"period_s\":\"60\",\"limit\":\"6\"}}");
	cr_assert_eq(server.reference->threshold_count, 2);
	const struct mw_control_threshold *all = &server.reference->thresholds[0];
	const struct mw_control_threshold *own = &server.reference->thresholds[1];
	cr_assert(all->user == 0 && all->srv[0] == '\0' && all->limit == 1000);
	cr_assert(own->user == FIXTURE_OPERATOR && strcmp(own->srv, "4.8.1") == 0 &&
		  own->period_s == 60 && own->limit == 6);
	refused("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"" OTHER
		"\",\"srv\":\"4.8.1\",\"period_s\":\"60\",\"limit\":\"5\"}}",
		"no such user");
	refused("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"all\","
		"\"srv\":\"4.99\",\"period_s\":\"60\",\"limit\":\"5\"}}",
		"SRV of the access matrix");
	refused("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"all\","
		"\"srv\":\"4.8.1\",\"period_s\":\"34560001\",\"limit\":\"5\"}}",
		"34560000");
	refused("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"all\","
		"\"srv\":\"4.8.1\",\"period_s\":\"60\"}}",
		"whole number");
	done("{\"command\":\"threshold\",\"action\":\"remove\",\"row\":{\"user\":\"all\","
	     "\"srv\":\"all\",\"period_s\":\"3600\"}}");
	/* A user's go with him. */
	done("{\"command\":\"user\",\"action\":\"add\",\"row\":{\"eui\":\"" OTHER
	     "\",\"name\":\"x\"}}");
	done("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"" OTHER
	     "\",\"srv\":\"all\",\"period_s\":\"60\",\"limit\":\"0\"}}");
	cr_assert_eq(server.reference->threshold_count, 2);
	done("{\"command\":\"user\",\"action\":\"remove\",\"row\":{\"eui\":\"" OTHER "\"}}");
	cr_assert_eq(server.reference->threshold_count, 1);
}

Test(parties, organisations)
{
	done("{\"command\":\"organisation\",\"action\":\"add\",\"row\":{\"mpid\":\"ACME\","
	     "\"name\":\"Acme, \\\"Ltd\\\"\"}}");
	done("{\"command\":\"organisation\",\"action\":\"change\",\"row\":{\"mpid\":\"ACME\","
	     "\"name\":\"Acme plc\"}}");
	refused("{\"command\":\"organisation\",\"action\":\"add\",\"row\":{\"mpid\":\"ACME\","
		"\"name\":\"x\"}}",
		"there already");
	refused("{\"command\":\"organisation\",\"action\":\"remove\",\"row\":{\"mpid\":\"ACME\"}}",
		"\"action\"");
	json_t *reply = ask_text(
		"{\"command\":\"organisation\",\"action\":\"show\",\"row\":{\"mpid\":\"ACME\"}}");
	json_t *row = json_array_get(json_object_get(reply, "rows"), 0);
	cr_assert_str_eq(json_string_value(json_array_get(row, 1)), "Acme plc");
	cr_assert_str_eq(json_string_value(json_array_get(row, 2)), "operator");
	json_decref(reply);
}

/* ---- files beside operators ---- */

static void reload(void)
{
	struct reference *set = fixture_reference(server.reference->generation + 1);
	struct store_import import;
	char reason[256];

	cr_assert_eq(
		store_reference_merge(server.services.store, set, &import, reason, sizeof(reason)),
		0, "%s", reason);
	parties_admit(server.parties, set, now.wall_ms);
	server_set_reference(&server, set, now);
}

Test(parties, files_and_operators)
{
	/* What an operator changed is his: the files leave it alone, and he may not remove it. */
	done("{\"command\":\"user\",\"action\":\"change\",\"row\":{\"eui\":\"" USER
	     "\",\"active\":\"no\"}}");
	fixture_write("thresholds.yaml",
		"thresholds:\n"
		"  - {user: all, srv: \"4.8.1\", period_s: 60, limit: 7}\n"
		"  - {user: " USER ", srv: all, period_s: 60, limit: 8}\n");
	reload();
	cr_assert_not(user_of(FIXTURE_OPERATOR)->active);
	cr_assert_eq(server.reference->threshold_count, 2);
	refused("{\"command\":\"threshold\",\"action\":\"remove\",\"row\":{\"user\":\"all\","
		"\"srv\":\"4.8.1\",\"period_s\":\"60\"}}",
		"stands in the thresholds' file");
	done("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"all\",\"srv\":"
	     "\"4.8.1\",\"period_s\":\"60\",\"limit\":\"70\"}}");
	reload();
	cr_assert_eq(server.reference->thresholds[0].limit, 70);
	/* Out of the file: the operator's stays, the file's goes; now it may be removed. */
	fixture_write("thresholds.yaml", "thresholds: []\n");
	reload();
	cr_assert_eq(server.reference->threshold_count, 1);
	done("{\"command\":\"threshold\",\"action\":\"remove\",\"row\":{\"user\":\"all\","
	     "\"srv\":\"4.8.1\",\"period_s\":\"60\"}}");
	cr_assert_eq(server.reference->threshold_count, 0);
	/* A name that an operator's provider has is not the files' to give. */
	done("{\"command\":\"provider\",\"action\":\"add\",\"row\":{\"id\":\"9\",\"name\":\"late\","
	     "\"kind\":\"DCO\",\"url\":\"http://127.0.0.1:1/x\"}}");
	fixture_write("providers.yaml",
		"providers:\n"
		"  - {id: 0, name: csp, kind: CSP, url: \"http://127.0.0.1:8091/csp\"}\n"
		"  - {id: 7, name: s1sp, kind: S1SP, url: \"http://localhost:8091/s1sp\"}\n"
		"  - {id: 8, name: late, kind: CSP, url: \"http://127.0.0.1/t\"}\n");
	reload();
	cr_assert_eq(server.reference->provider_count, 3);
}

/* ---- towards the data plane ---- */

Test(parties, a_set_on_its_way_arrives_first)
{
	struct client client;
	struct received received;

	ready_data_plane(&client, 0);
	uint64_t first = server.reference->generation;
	done("{\"command\":\"user\",\"action\":\"change\",\"row\":{\"eui\":\"" USER
	     "\",\"active\":\"no\"}}");
	uint64_t second = server.reference->generation;
	cr_assert_gt(second, first);
	/* The data plane has given no credit: the second set waits, and so does what follows. */
	done("{\"command\":\"user\",\"action\":\"change\",\"row\":{\"eui\":\"" USER
	     "\",\"active\":\"yes\"}}");
	done("{\"command\":\"user\",\"action\":\"add\",\"row\":{\"eui\":\"" OTHER
	     "\",\"name\":\"x\"}}");
	cr_assert_eq(server.reference->generation, second);
	cr_assert(server.parties_changed);
	client_credit(&client, 1000);
	memset(&received, 0, sizeof(received));
	take_push(&client, &received);
	cr_assert(received.ended);
	cr_assert_eq(received.end.generation, second);
	cr_assert_eq(received.crc, received.end.crc32c);
	send_applied(&client, second, 0);
	server_parties(&server, now);
	turn();
	memset(&received, 0, sizeof(received));
	take_push(&client, &received);
	cr_assert(received.ended);
	cr_assert_gt(received.end.generation, second);
	cr_assert_eq(received.crc, received.end.crc32c);
	cr_assert_not_null(user_of(OTHER_EUI));
	cr_assert(user_of(FIXTURE_OPERATOR)->active);
	client_close(&client);
}

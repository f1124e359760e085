/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of parties in and out: an import as one change, its chunks, and copies of everything. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "parties_fixture.h"

TestSuite(party_tables, .init = parties_suite_create, .fini = parties_suite_destroy, .timeout = 60);

static json_t *import_lines(const char *command, const char *header, const char *lines, bool check)
{
	json_t *request = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:b, s:b}", "command",
		command, "action", "import", "format", "csv", "header", header, "header_line", 1,
		"line", 2, "text", lines, "last", 1, "check", check);

	return ask_json(request);
}

Test(party_tables, an_import_is_done_whole_or_not_at_all)
{
	static const char header[] = "eui,name,roles,organisation,callback_url";
	static const char bad[] = "90-B3-D5-1F-30-55-00-01,one,IS,AAAA,\n"
				  "90-B3-D5-1F-30-55-00-02,two,XX,AAAA,\n"
				  "\n"
				  "90-B3-D5-1F-30-55-00-03,three,IS,AAAA,gopher://x\n";
	static const char good[] = "90-B3-D5-1F-30-55-00-01,one,IS,AAAA,\n"
				   "90-B3-D5-1F-30-55-00-02,two,ES GS,,http://127.0.0.1/two\n";
	size_t users = server.reference->user_count;

	json_t *reply = import_lines("user", header, bad, false);
	cr_assert_eq(number_of(reply, "wrong"), 2);
	const json_t *first = json_array_get(json_object_get(reply, "faults"), 0);
	const json_t *second = json_array_get(json_object_get(reply, "faults"), 1);
	cr_assert_eq(number_of(first, "line"), 3);
	cr_assert_eq(number_of(first, "column"), 29);
	cr_assert_eq(number_of(second, "line"), 5);
	cr_assert_eq(number_of(second, "column"), 39);
	json_decref(reply);
	cr_assert_eq(server.reference->user_count, users);
	reply = import_lines("user", header, good, true);
	cr_assert_eq(number_of(reply, "written"), 2);
	json_decref(reply);
	cr_assert_eq(server.reference->user_count, users, "a look only");
	reply = import_lines("user", header, good, false);
	cr_assert_eq(number_of(reply, "wrong"), 0);
	cr_assert_eq(number_of(reply, "written"), 2);
	json_decref(reply);
	cr_assert_eq(server.reference->user_count, users + 2);
	reply = import_lines("user", header, good, false);
	cr_assert_eq(number_of(reply, "written"), 0);
	cr_assert_eq(number_of(reply, "unchanged"), 2);
	json_decref(reply);
	reply = import_lines("user", "eui,colour", good, false);
	cr_assert_eq(number_of(reply, "wrong"), 1);
	first = json_array_get(json_object_get(reply, "faults"), 0);
	cr_assert_eq(number_of(first, "line"), 1);
	cr_assert_eq(number_of(first, "column"), 5);
	json_decref(reply);
}

Test(party_tables, more_than_a_set_holds_is_refused)
{
	char *lines = calloc(1, 64 * 700);
	size_t used = 0;

	for (int i = 0; i < 520; i++)
		used += (size_t)sprintf(lines + used, "90-B3-D5-1F-31-00-%02X-%02X,user %d\n",
			(unsigned)i >> 8, (unsigned)i & 255, i);
	json_t *reply = import_lines("user", "eui,name", lines, false);
	cr_assert_eq(number_of(reply, "wrong"), 1);
	const json_t *fault = json_array_get(json_object_get(reply, "faults"), 0);
	cr_assert_not_null(strstr(json_string_value(json_object_get(fault, "rule")), "512 users"));
	cr_assert_eq(number_of(fault, "line"), 521);
	json_decref(reply);
	cr_assert_eq(server.reference->user_count, 4);
	free(lines);
}

static json_t *chunk(json_int_t token, int line, const char *text, bool last)
{
	json_t *request = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:b}", "command",
		"organisation", "action", "import", "format", "csv", "header", "mpid,name",
		"header_line", 1, "line", line, "text", text, "last", last);

	if (token != 0)
		json_object_set_new(request, "import", json_integer(token));
	return ask_json(request);
}

Test(party_tables, chunks_of_an_import)
{
	json_t *reply = chunk(0, 2, "AAAA,one\nBBBB,two\n", false);
	json_int_t token = number_of(reply, "import");

	cr_assert_gt(token, 0);
	json_decref(reply);
	/* Nothing is done before the last one. */
	refused("{\"command\":\"organisation\",\"action\":\"show\",\"row\":{\"mpid\":\"AAAA\"}}",
		"there is none");
	reply = chunk(token, 4, "CCCC,three\nDDDD\n", true);
	cr_assert_eq(number_of(reply, "wrong"), 1);
	cr_assert_eq(number_of(json_array_get(json_object_get(reply, "faults"), 0), "line"), 5);
	json_decref(reply);
	refused_reply(chunk(token, 6, "", true), "not known");
	reply = chunk(0, 2, "AAAA,one\n", false);
	token = number_of(reply, "import");
	json_decref(reply);
	refused_reply(chunk(token, 4, "CCCC,three\n", true), "does not follow");
	refused_reply(chunk(token, 3, "CCCC,three\n", true), "not known");
	/* Those that are left by their operators make room after a while. */
	for (int i = 0; i < TABLE_STAGES_MAX; i++)
		json_decref(chunk(0, 2, "AAAA,one\n", false));
	refused_reply(chunk(0, 2, "AAAA,one\n", false), "try again");
	now.monotonic_ms += TABLE_STAGE_IDLE_MS;
	reply = chunk(0, 2, "AAAA,one\n", true);
	cr_assert_eq(number_of(reply, "written"), 1);
	json_decref(reply);
	cr_assert_eq(server.stages.given_up, TABLE_STAGES_MAX);
}

/* Everything of a table, joined from its pages; for CSV without the header. */
static char *export_table(const char *command, const char *format, char header[256])
{
	char *all = calloc(1, 1);
	json_t *after = NULL;

	for (;;) {
		json_t *request = json_pack("{s:s, s:s, s:s}", "command", command, "action",
			"export", "format", format);

		if (after != NULL)
			json_object_set_new(request, "after", after);
		json_t *reply = ask_json(request);
		const char *text = json_string_value(json_object_get(reply, "text"));
		cr_assert_not_null(text);
		if (after == NULL && strcmp(format, "csv") == 0) {
			size_t length = strcspn(text, "\n");

			snprintf(header, 256, "%.*s", (int)length, text);
			text += length + 1;
		}
		all = realloc(all, strlen(all) + strlen(text) + 1);
		strcat(all, text);
		after = json_incref(json_object_get(reply, "after"));
		json_decref(reply);
		if (after == NULL)
			return all;
	}
}

static void fill_tables(void)
{
	X509 *kept = make((struct maker_terms){0});
	X509 *withdrawn = make((struct maker_terms){.role = "03"});
	X509 *ending = make((struct maker_terms){.to_s = NOW_S + 5});
	char mark[17];
	char text[200];

	add_certificate(kept);
	add_certificate(withdrawn);
	add_certificate(ending);
	fingerprint_of(withdrawn, mark);
	snprintf(text, sizeof(text),
		"{\"command\":\"certificate\",\"action\":\"withdraw\",\"fingerprint\":\"%s\"}",
		mark);
	done(text);
	done("{\"command\":\"user\",\"action\":\"add\",\"row\":{\"eui\":\"" OTHER
	     "\",\"name\":\"a, \\\"b\\\" \\\\ "
	     "\\u20ac\",\"roles\":\"MDR\",\"organisation\":\"NEWX\","
	     "\"active\":\"no\"}}");
	done("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"" OTHER
	     "\",\"srv\":\"4.8.1\",\"period_s\":\"60\",\"limit\":\"5\"}}");
	done("{\"command\":\"threshold\",\"action\":\"set\",\"row\":{\"user\":\"all\",\"srv\":"
	     "\"all\","
	     "\"period_s\":\"60\",\"limit\":\"4294967295\"}}");
	done("{\"command\":\"provider\",\"action\":\"add\",\"row\":{\"id\":\"9\",\"name\":\"late\","
	     "\"kind\":\"DCO\",\"url\":\"http://127.0.0.1:1/x\"}}");
	X509_free(kept);
	X509_free(withdrawn);
	X509_free(ending);
}

/* What was exported, imported into an empty store, is exported again as it was. */
static void there_and_back(const char *format)
{
	static const char *const tables[] = {
		"organisation", "user", "certificate", "provider", "threshold"};
	char headers[5][256] = {""};
	char *before[5];

	fill_tables();
	/* One has expired meanwhile: a copy of the rows has it all the same. */
	pass_ms(10000);
	for (int i = 0; i < 5; i++)
		before[i] = export_table(tables[i], format, headers[i]);
	struct store *full = server.services.store;
	struct store_options options = {.bytes_max = 16 << 20, .without_sync = true};
	char reason[256];
	options.path = fixture_path("empty");
	server.services.store = store_open(&options, reason, sizeof(reason));
	cr_assert_not_null(server.services.store, "%s", reason);
	for (int i = 0; i < 5; i++) {
		json_t *request = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:b}", "command",
			tables[i], "action", "import", "format", format, "header", headers[i],
			"header_line", 1, "line", 2, "text", before[i], "last", 1);
		json_t *reply = ask_json(request);
		char header[256];

		cr_assert(json_is_true(json_object_get(reply, "ok")), "%s: %s", tables[i],
			json_string_value(json_object_get(reply, "error")));
		cr_assert_eq(number_of(reply, "wrong"), 0, "%s", tables[i]);
		json_decref(reply);
		char *after = export_table(tables[i], format, header);
		cr_assert_str_eq(after, before[i]);
		cr_assert_gt(strlen(after), 0, "%s", tables[i]);
		free(after);
		free(before[i]);
	}
	store_close(server.services.store);
	server.services.store = full;
}

Test(party_tables, there_and_back_as_csv)
{
	there_and_back("csv");
}

Test(party_tables, there_and_back_as_json_lines)
{
	there_and_back("jsonl");
}

Test(party_tables, cursors_of_other_shapes_are_refused)
{
	refused("{\"command\":\"user\",\"action\":\"list\",\"after\":\"xyz\"}", "cursor");
	refused("{\"command\":\"user\",\"action\":\"list\",\"after\":5}", "cursor");
	refused("{\"command\":\"user\",\"action\":\"export\",\"format\":\"xml\"}", "format");
	refused("{\"command\":\"user\",\"action\":\"import\",\"format\":\"csv\"}", "text");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* motorwayctl explain: why a request is permitted or refused (doc/access.md). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "control/motorwayctl_command.h"
#include "dataplane/duis/base64.h"
#include "dataplane/duis/identifier.h"

/* As control takes it; also what a reader of this file needs to know of the file's length. */
#define DOCUMENT_BYTES_MAX (256u * 1024)

static const char *put_document(const char *path, json_t *request)
{
	static uint8_t bytes[DOCUMENT_BYTES_MAX + 1];
	static char text[DUIS_BASE64_LENGTH(DOCUMENT_BYTES_MAX) + 1];
	FILE *file = fopen(path, "rb");

	if (file == NULL)
		return "--request names neither a RequestID (EUI-64:EUI-64:counter) nor a file "
		       "that "
		       "can be read";
	size_t length = fread(bytes, 1, sizeof(bytes), file);
	bool failed = ferror(file) != 0;
	fclose(file);
	if (failed)
		return "the file of --request cannot be read";
	if (length > DOCUMENT_BYTES_MAX)
		return "the file of --request is longer than 256 KiB";
	size_t written = duis_base64_encode(bytes, length, (uint8_t *)text);
	json_object_set_new(request, "document", json_stringn(text, written));
	return NULL;
}

static const char *read_words(char *const *words, int count, json_t *request)
{
	/* What --request says, put there with the other options. */
	json_t *value = json_incref(json_object_get(request, "request"));
	const char *text = json_string_value(value);
	struct mw_request_id id;
	const char *wrong = NULL;

	(void)words;
	json_object_del(request, "request");
	if (count > 0 || text == NULL)
		wrong = "explain takes --request FILE or --request REQUEST-ID";
	else if (duis_request_id_parse(text, strlen(text), &id) == 0)
		json_object_set(request, "request_id", value);
	else
		wrong = put_document(text, request);
	json_decref(value);
	return wrong;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static void print_member(FILE *out, const json_t *object, const char *name, const char *before)
{
	const char *text = text_of(object, name);

	if (text[0] == '\0')
		return;
	fputs(before, out);
	ctl_print_text(out, text);
}

static void print_roles(FILE *out, const json_t *object)
{
	const char *separator = "";
	size_t index;
	json_t *role;

	json_array_foreach(json_object_get(object, "roles"), index, role)
	{
		fputs(separator, out);
		ctl_print_text(out, json_is_string(role) ? json_string_value(role) : "-");
		separator = " ";
	}
}

static void print_input(FILE *out, const json_t *error)
{
	fputs("input       no valid DUIS: ", out);
	ctl_print_text(out, text_of(error, "code"));
	fprintf(out, " at byte %" JSON_INTEGER_FORMAT,
		json_integer_value(json_object_get(error, "offset")));
	print_member(out, error, "path", " in ");
	print_member(out, error, "rule", ": ");
	fputc('\n', out);
}

static void print_request(FILE *out, const json_t *reply)
{
	const json_t *request = json_object_get(reply, "request");

	if (!json_is_object(request))
		return;
	fputs("request     ", out);
	ctl_print_text(out, text_of(request, "request_id"));
	print_member(out, request, "srv", "  SRV ");
	fprintf(out, "  command variant %" JSON_INTEGER_FORMAT,
		json_integer_value(json_object_get(request, "command_variant")));
	print_member(out, request, "service", "  service ");
	if (json_is_false(json_object_get(reply, "service_given")))
		fputs(" (taken for granted)", out);
	fputs("\nuser        ", out);
	ctl_print_text(out, text_of(request, "user"));
	print_member(out, request, "user_name", "  ");
	print_member(out, request, "period_from", "\nperiod      ");
	print_member(out, request, "period_to", " to ");
	print_member(out, request, "execution", "\nexecution   ");
	print_member(out, reply, "at", "\njudged at   ");
	fprintf(out, "  reference set %" JSON_INTEGER_FORMAT "\n",
		json_integer_value(json_object_get(reply, "generation")));
}

static void print_signature(FILE *out, const json_t *signature)
{
	if (!json_is_object(signature))
		return;
	fputs("signature   ", out);
	ctl_print_text(out, text_of(signature, "verdict"));
	print_member(out, signature, "data", ": ");
	print_member(out, json_object_get(signature, "error"), "rule", "; ");
	fputc('\n', out);
}

static void print_decision(FILE *out, const json_t *decision)
{
	ctl_print_text(out, text_of(decision, "time"));
	fputs("  ", out);
	ctl_print_text(out, text_of(decision, "stage"));
	fputs(": ", out);
	ctl_print_text(out, text_of(decision, "reason"));
	print_member(out, decision, "code", " ");
	print_member(out, decision, "srv", "; SRV ");
	fprintf(out, ", command variant %" JSON_INTEGER_FORMAT,
		json_integer_value(json_object_get(decision, "command_variant")));
	print_member(out, decision, "service", ", service ");
	print_member(out, decision, "version", ", DUIS ");
	print_member(out, decision, "period_from", ", period ");
	print_member(out, decision, "period_to", " to ");
	print_member(out, decision, "execution", ", execution ");
	print_member(out, decision, "not_covered_from", ", not covered from ");
	print_member(out, decision, "user", "; user ");
	fprintf(out, "; reference set %" JSON_INTEGER_FORMAT "\n",
		json_integer_value(json_object_get(decision, "generation")));
}

static void print_decisions(FILE *out, const json_t *reply)
{
	const json_t *decisions = json_object_get(reply, "decisions");
	size_t index;
	json_t *decision;

	if (!json_is_array(decisions))
		return;
	if (json_array_size(decisions) == 0)
		fprintf(out,
			"decided     nothing is known of it: it never came, its sender was not "
			"proven, or it is not among the last %" JSON_INTEGER_FORMAT
			" of any core\n",
			json_integer_value(json_object_get(reply, "kept_max")));
	json_array_foreach((json_t *)decisions, index, decision)
	{
		fputs("decided     ", out);
		print_decision(out, decision);
	}
}

static void print_checks(FILE *out, const json_t *reply)
{
	size_t index;
	json_t *check;

	json_array_foreach(json_object_get(reply, "checks"), index, check)
	{
		fputs("  ", out);
		ctl_print_padded(out, text_of(check, "check"), 20);
		ctl_print_padded(out, text_of(check, "verdict"), 14);
		ctl_print_padded(out, text_of(check, "code"), 9);
		ctl_print_text(out, text_of(check, "data"));
		fputc('\n', out);
	}
}

static void print_line(FILE *out, const char *title, const json_t *line)
{
	if (!json_is_object(line))
		return;
	fputs(title, out);
	fputs(json_is_true(json_object_get(line, "permitted")) ? "permitted" : "refused", out);
	if (!json_is_true(json_object_get(line, "permitted")))
		print_member(out, line, "reason", ": ");
	print_member(out, line, "code", " ");
	print_member(out, line, "element", ", element ");
	if (text_of(line, "element")[0] != '\0')
		fprintf(out, " at octet %" JSON_INTEGER_FORMAT " of the canonical form",
			json_integer_value(json_object_get(line, "offset")));
	print_member(out, line, "not_covered_from", ", not covered from ");
	print_member(out, line, "route", ", goes by way of: ");
	if (json_array_size(json_object_get(line, "roles")) > 0) {
		fputs(", as ", out);
		print_roles(out, line);
	}
	fputc('\n', out);
}

static void print_reply(FILE *out, const json_t *reply)
{
	const json_t *input = json_object_get(reply, "input");

	if (json_is_object(input))
		print_input(out, input);
	print_decisions(out, reply);
	print_request(out, reply);
	print_signature(out, json_object_get(reply, "signature"));
	print_checks(out, reply);
	print_line(out, "result      ", json_object_get(reply, "result"));
	print_line(out, "service     ", json_object_get(reply, "service"));
	print_member(out, reply, "note", "note        ");
	if (text_of(reply, "note")[0] != '\0')
		fputc('\n', out);
	if (text_of(reply, "not_explained")[0] != '\0') {
		fputs("explained   not: ", out);
		ctl_print_text(out, text_of(reply, "not_explained"));
		fputc('\n', out);
	}
}

/* 1 when there was nothing that could be explained. */
static int status_of(const json_t *reply)
{
	return json_is_object(json_object_get(reply, "result")) ||
			       json_is_object(json_object_get(reply, "input")) ||
			       json_array_size(json_object_get(reply, "decisions")) > 0
		       ? 0
		       : 1;
}

const struct ctl_command ctl_explain = {
	.name = "explain",
	.usage = "  explain --request FILE|REQUEST-ID [--at TIME] [--service T|S|D]\n"
		 "          print each check of access control, what it looked at and its result\n",
	.read = read_words,
	.print = print_reply,
	.status = status_of,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* motorwayctl user, organisation, provider and threshold (doc/users.md). */
#include "control/motorwayctl_party.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "control/certificate.h"
#include "control/motorwayctl_command.h"
#include "control/motorwayctl_table.h"
#include "motorway/control_protocol.h"

#define COLUMN_WIDTH_MAX 48
#define COLUMNS_MAX 16

static const char not_utf8[] = "not UTF-8, or memory is short";

/* ---- words ---- */

/* Put the words behind the columns of a form: COLUMN=VALUE each. */
static const char *read_more(char *const *words, int count, json_t *row, const char *usage)
{
	for (int i = 0; i < count; i++) {
		const char *sign = strchr(words[i], '=');

		if (sign == NULL || sign == words[i])
			return usage;
		char *name = strndup(words[i], (size_t)(sign - words[i]));
		bool put =
			name != NULL && json_object_set_new(row, name, json_string(sign + 1)) == 0;
		free(name);
		if (!put)
			return not_utf8;
	}
	return NULL;
}

static const char *read_rest(
	char *const *words, int count, json_t *row, const struct ctl_form *form)
{
	char text[256] = "";
	size_t used = 0;

	if (count == 0)
		return form->usage;
	for (int i = 0; i < count; i++) {
		int length = snprintf(
			text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "", words[i]);

		if (length < 0 || (size_t)length >= sizeof(text) - used)
			return form->usage;
		used += (size_t)length;
	}
	if (strcmp(text, "none") == 0)
		text[0] = '\0';
	return json_object_set_new(row, form->rest, json_string(text)) == 0 ? NULL : not_utf8;
}

static const char *read_form(
	const struct ctl_form *form, char *const *words, int count, json_t *request)
{
	json_t *row = json_object();
	int taken = 0;

	json_object_set_new(request, "row", row);
	json_object_set_new(request, "action", json_string(form->action));
	for (; taken < CTL_FORM_COLUMNS_MAX && form->columns[taken] != NULL; taken++) {
		if (taken == count)
			return form->usage;
		const char *text = strcmp(words[taken], "none") == 0 ? "" : words[taken];
		if (json_object_set_new(row, form->columns[taken], json_string(text)) != 0)
			return not_utf8;
	}
	if (form->constant[0] != NULL)
		json_object_set_new(row, form->constant[0], json_string(form->constant[1]));
	words += taken;
	count -= taken;
	if (form->rest != NULL)
		return read_rest(words, count, row, form);
	if (form->has_more)
		return read_more(words, count, row, form->usage);
	return count == 0 ? NULL : form->usage;
}

const char *ctl_form_read(
	const struct ctl_form *forms, char *const *words, int count, json_t *request)
{
	const struct ctl_form *form = forms;

	while (form->word != NULL && (count == 0 || strcmp(form->word, words[0]) != 0))
		form++;
	if (form->word != NULL)
		return read_form(form, words + 1, count - 1, request);
	if (ctl_table_wanted(words, count))
		return ctl_table_read(words, count, request);
	return form->usage;
}

/* `list`, with an EUI-64 of whom. */
static const char *read_list(char *const *words, int count, json_t *request)
{
	json_object_set_new(request, "action", json_string("list"));
	if (count > 1)
		return "list takes one EUI-64 at most";
	if (count == 1 && json_object_set_new(request, "user", json_string(words[0])) != 0)
		return not_utf8;
	return NULL;
}

/* ---- users and their certificates ---- */

static const struct ctl_form user_forms[] = {
	{.word = "add",
		.action = "add",
		.columns = {"eui", "name"},
		.has_more = true,
		.usage = "user add takes an EUI-64, a name, and COLUMN=VALUE words (roles, "
			 "organisation, callback_url, duis_version, active)"},
	{.word = "change",
		.action = "change",
		.columns = {"eui"},
		.has_more = true,
		.usage = "user change takes an EUI-64 and COLUMN=VALUE words"},
	{.word = "role",
		.action = "change",
		.columns = {"eui"},
		.rest = "roles",
		.usage = "user role takes an EUI-64 and roles, or none"},
	{.word = "callback",
		.action = "change",
		.columns = {"eui", "callback_url"},
		.usage = "user callback takes an EUI-64 and a URL, or none"},
	{.word = "suspend",
		.action = "change",
		.columns = {"eui"},
		.constant = {"active", "no"},
		.usage = "user suspend takes an EUI-64"},
	{.word = "activate",
		.action = "change",
		.columns = {"eui"},
		.constant = {"active", "yes"},
		.usage = "user activate takes an EUI-64"},
	{.word = "show",
		.action = "show",
		.columns = {"eui"},
		.usage = "user show takes an EUI-64"},
	{.word = "remove",
		.action = "remove",
		.columns = {"eui"},
		.usage = "user remove takes an EUI-64"},
	{.word = "list", .action = "list", .usage = "user list takes no further words"},
	{.usage = "user takes add, change, role, callback, suspend, activate, certificate, show, "
		  "list, remove, import or export"},
};

/* The certificate in a file as base64 of its DER, into the row. */
static const char *read_certificate_file(const char *path, json_t *row)
{
	static char reason[CERTIFICATE_REASON_SIZE + 64];
	static uint8_t bytes[CERTIFICATE_PEM_BYTES_MAX];
	static uint8_t der[MW_CERTIFICATE_DER_MAX];
	static char text[2 * MW_CERTIFICATE_DER_MAX];
	char why[CERTIFICATE_REASON_SIZE];
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");

	if (file == NULL)
		return "the certificate's file cannot be read";
	size_t length = fread(bytes, 1, sizeof(bytes), file);
	if (file != stdin)
		fclose(file);
	int made = certificate_decode(bytes, length, der, sizeof(der), why);
	if (made < 0) {
		snprintf(reason, sizeof(reason), "the certificate's file: %s", why);
		return reason;
	}
	EVP_EncodeBlock((uint8_t *)text, der, made);
	json_object_set_new(row, "certificate", json_string(text));
	return NULL;
}

static const char *read_certificate_add(char *const *words, int count, json_t *request)
{
	json_t *row = json_object();

	json_object_set_new(request, "action", json_string("add"));
	json_object_set_new(request, "row", row);
	if (count != 2)
		return "user certificate add takes an EUI-64 and a file (PEM or DER), or -";
	if (json_object_set_new(row, "eui", json_string(words[0])) != 0)
		return not_utf8;
	return read_certificate_file(words[1], row);
}

static const char *read_certificate(char *const *words, int count, json_t *request)
{
	json_object_set_new(request, "command", json_string("certificate"));
	if (ctl_table_wanted(words, count))
		return ctl_table_read(words, count, request);
	if (count > 0 && strcmp(words[0], "list") == 0)
		return read_list(words + 1, count - 1, request);
	if (count > 0 && strcmp(words[0], "add") == 0)
		return read_certificate_add(words + 1, count - 1, request);
	if (count == 0 || strcmp(words[0], "withdraw") != 0)
		return "user certificate takes add, withdraw, list, import or export";
	json_object_set_new(request, "action", json_string("withdraw"));
	if (count != 2 || json_object_set_new(request, "fingerprint", json_string(words[1])) != 0)
		return "user certificate withdraw takes a fingerprint, or how it begins";
	return NULL;
}

static const char *read_user(char *const *words, int count, json_t *request)
{
	if (count > 0 && strcmp(words[0], "certificate") == 0)
		return read_certificate(words + 1, count - 1, request);
	return ctl_form_read(user_forms, words, count, request);
}

const struct ctl_command ctl_user = {
	.name = "user",
	.usage = "  user list | show EUI | remove EUI\n"
		 "  user add EUI NAME [COLUMN=VALUE ...] | change EUI COLUMN=VALUE ...\n"
		 "          columns: name roles organisation callback_url duis_version active\n"
		 "  user role EUI ROLE ... | callback EUI URL | suspend EUI | activate EUI\n"
		 "  user certificate list [EUI] | add EUI FILE | withdraw FINGERPRINT\n"
		 "  user [certificate] import|export FILE\n"
		 "          users and their certificates, at once and without a restart\n",
	.read = read_user,
	.print = ctl_party_print,
};

/* ---- organisations, providers, thresholds ---- */

static const struct ctl_form organisation_forms[] = {
	{.word = "add",
		.action = "add",
		.columns = {"mpid", "name"},
		.usage = "organisation add takes a market participant id and a name"},
	{.word = "change",
		.action = "change",
		.columns = {"mpid"},
		.has_more = true,
		.usage = "organisation change takes a market participant id and name=NAME"},
	{.word = "show",
		.action = "show",
		.columns = {"mpid"},
		.usage = "organisation show takes a market participant id"},
	{.word = "list", .action = "list", .usage = "organisation list takes no further words"},
	{.usage = "organisation takes add, change, show, list, import or export"},
};

static const char *read_organisation(char *const *words, int count, json_t *request)
{
	return ctl_form_read(organisation_forms, words, count, request);
}

const struct ctl_command ctl_organisation = {
	.name = "organisation",
	.usage = "  organisation list | show MPID | add MPID NAME | change MPID name=NAME\n"
		 "  organisation import|export FILE\n"
		 "          market participants\n",
	.read = read_organisation,
	.print = ctl_party_print,
};

static const struct ctl_form provider_forms[] = {
	{.word = "add",
		.action = "add",
		.columns = {"id", "name", "kind", "url"},
		.usage = "provider add takes an id, a name, a kind (CSP, S1SP, DCO, transform) and "
			 "a URL"},
	{.word = "change",
		.action = "change",
		.columns = {"id"},
		.has_more = true,
		.usage = "provider change takes an id and COLUMN=VALUE words (name, kind, url)"},
	{.word = "show", .action = "show", .columns = {"id"}, .usage = "provider show takes an id"},
	{.word = "remove",
		.action = "remove",
		.columns = {"id"},
		.usage = "provider remove takes an id"},
	{.word = "list", .action = "list", .usage = "provider list takes no further words"},
	{.usage = "provider takes add, change, show, list, remove, import or export"},
};

static const char *read_provider(char *const *words, int count, json_t *request)
{
	return ctl_form_read(provider_forms, words, count, request);
}

const struct ctl_command ctl_provider = {
	.name = "provider",
	.usage = "  provider list | show ID | remove ID | add ID NAME KIND URL\n"
		 "  provider change ID COLUMN=VALUE ... | import|export FILE\n"
		 "          who reaches devices, and the transform provider\n",
	.read = read_provider,
	.print = ctl_party_print,
};

static const struct ctl_form threshold_forms[] = {
	{.word = "set",
		.action = "set",
		.columns = {"user", "srv", "period_s", "limit"},
		.usage = "threshold set takes an EUI-64 or all, an SRV or all, a period in seconds "
			 "and a limit"},
	{.word = "remove",
		.action = "remove",
		.columns = {"user", "srv", "period_s"},
		.usage = "threshold remove takes an EUI-64 or all, an SRV or all, and a period"},
	{.usage = "threshold takes set, remove, list, import or export"},
};

static const char *read_threshold(char *const *words, int count, json_t *request)
{
	if (count > 0 && strcmp(words[0], "list") == 0)
		return read_list(words + 1, count - 1, request);
	return ctl_form_read(threshold_forms, words, count, request);
}

const struct ctl_command ctl_threshold = {
	.name = "threshold",
	.usage = "  threshold list [EUI|all] | set EUI|all SRV|all PERIOD_S LIMIT\n"
		 "  threshold remove EUI|all SRV|all PERIOD_S | import|export FILE\n"
		 "          of anomaly detection: of one user, or of all of them together\n",
	.read = read_threshold,
	.print = ctl_party_print,
};

/* ---- replies ---- */

/* Columns on a terminal, by characters; what is not one is counted by its first byte. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static const char *cell(const json_t *row, size_t column)
{
	const char *text = json_string_value(json_array_get(row, column));

	return text != NULL && *text != '\0' ? text : "-";
}

static void print_table(FILE *out, const json_t *columns, const json_t *rows)
{
	size_t count = json_array_size(columns);
	int widths[COLUMNS_MAX];
	size_t index;
	json_t *row;

	if (count > COLUMNS_MAX)
		count = COLUMNS_MAX;
	for (size_t c = 0; c < count; c++) {
		widths[c] = width_of(cell(columns, c));
		json_array_foreach((json_t *)(uintptr_t)rows, index, row)
		{
			int width = width_of(cell(row, c));

			if (width > widths[c])
				widths[c] = width < COLUMN_WIDTH_MAX ? width : COLUMN_WIDTH_MAX;
		}
	}
	for (size_t r = 0; r <= json_array_size(rows); r++) {
		const json_t *line = r == 0 ? columns : json_array_get(rows, r - 1);

		for (size_t c = 0; c < count; c++) {
			ctl_print_text(out, cell(line, c));
			for (int used = width_of(cell(line, c));
				c + 1 < count && used < widths[c] + 2; used++)
				fputc(' ', out);
			/* A longer one pushes the others away, and never touches them. */
			if (c + 1 < count && width_of(cell(line, c)) >= widths[c] + 2)
				fputs("  ", out);
		}
		fputc('\n', out);
	}
}

static void print_lines(FILE *out, const json_t *columns, const json_t *row)
{
	for (size_t c = 0; c < json_array_size(columns); c++) {
		fprintf(out, "%-14s", json_string_value(json_array_get(columns, c)));
		ctl_print_text(out, cell(row, c));
		fputc('\n', out);
	}
}

static void print_part(FILE *out, const json_t *reply, const char *name)
{
	const json_t *part = json_object_get(reply, name);
	const json_t *rows = json_object_get(part, "rows");

	fprintf(out, "\n%s: %zu\n", name, json_array_size(rows));
	if (json_array_size(rows) > 0)
		print_table(out, json_object_get(part, "columns"), rows);
}

void ctl_party_print(FILE *out, const json_t *reply)
{
	const json_t *rows = json_object_get(reply, "rows");
	const json_t *columns = json_object_get(reply, "columns");

	if (!json_is_array(rows)) {
		fputs(json_is_true(json_object_get(reply, "changed"))
				? "done\n"
				: "nothing to do: it is so already\n",
			out);
		return;
	}
	if (json_object_get(reply, "certificates") != NULL) {
		print_lines(out, columns, json_array_get(rows, 0));
		print_part(out, reply, "certificates");
		print_part(out, reply, "thresholds");
		return;
	}
	print_table(out, columns, rows);
	if (json_object_get(reply, "after") != NULL)
		fputs("there are more; export gives all of them\n", out);
}

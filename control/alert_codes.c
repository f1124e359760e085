/* SPDX-License-Identifier: Apache-2.0 */
/* alerts.yaml: which DCCAlertCode announces which event. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "control/reference_files.h"

struct code_row {
	char code[MW_CODE_SIZE];
	int basis;
	char note[160];
};

#define AT(member) offsetof(struct code_row, member)

static const struct yaml_field fields[] = {
	{.name = "code",
		.type = YAML_TEXT,
		.required = true,
		.offset = AT(code),
		.min = 2,
		.max = MW_CODE_SIZE - 1},
	{.name = "basis",
		.type = YAML_CHOICE,
		.required = true,
		.offset = AT(basis),
		.choices = reference_basis_names},
	{.name = "note",
		.type = YAML_TEXT,
		.required = true,
		.offset = AT(note),
		.min = 1,
		.max = sizeof(((struct code_row *)0)->note) - 1},
};

const char *alert_event_name(enum alert_event event)
{
	static const char *const names[] = {
#define ALERT_EVENT_NAME(name, text) [ALERT_##name] = text,
		ALERT_EVENTS(ALERT_EVENT_NAME)
#undef ALERT_EVENT_NAME
	};

	assert(event < ALERT_EVENT_COUNT);
	return names[event];
}

/* A DCCAlertCode as the schema writes it: letters, then digits (AD1, N66, N999). */
static bool code_valid(const char *code)
{
	size_t letters = 0;

	while (isupper((unsigned char)code[letters]))
		letters++;
	size_t digits = strspn(code + letters, "0123456789");
	return letters > 0 && digits > 0 && code[letters + digits] == '\0';
}

static void read_row(
	struct yaml_document *document, const struct yaml_node *item, struct reference *reference)
{
	struct code_row row = {0};
	unsigned event = 0;

	while (event < ALERT_EVENT_COUNT &&
		strcmp(alert_event_name((enum alert_event)event), item->key) != 0)
		event++;
	if (event == ALERT_EVENT_COUNT) {
		yaml_error_key(document, item,
			"\"%.64s\" is no event that is announced; doc/alerts.md lists them",
			item->key);
		return;
	}
	if (!yaml_read_fields(document, item, fields, sizeof(fields) / sizeof(fields[0]), &row))
		return;
	if (!code_valid(row.code))
		yaml_error(document, yaml_child(item, "code"),
			"not a DCCAlertCode: capital letters and digits, such as N66");
	memcpy(reference->alert_codes[event], row.code, sizeof(row.code));
}

static void read_rows(
	struct yaml_document *document, const struct yaml_node *alerts, struct reference *reference)
{
	yaml_check_duplicates(document, alerts);
	for (const struct yaml_node *item = alerts->first; item != NULL; item = item->next)
		read_row(document, item, reference);
	for (unsigned event = 0; event < ALERT_EVENT_COUNT; event++) {
		const char *name = alert_event_name((enum alert_event)event);

		if (yaml_child(alerts, name) == NULL)
			yaml_error(document, alerts, "the event \"%s\" is missing; it is required",
				name);
	}
}

int reference_read_alert_codes(const char *path, FILE *errors, struct reference *reference)
{
	struct yaml_document *document;
	int result = yaml_read(path, errors, &document);

	if (result != 0)
		return result;
	const struct yaml_node *root = yaml_root(document);
	if (yaml_expect(document, root, YAML_MAPPING)) {
		const struct yaml_node *alerts = yaml_child(root, "alerts");

		for (const struct yaml_node *node = root->first; node != NULL; node = node->next)
			if (strcmp(node->key, "alerts") != 0)
				yaml_error_key(document, node,
					"the key \"%.64s\" is not known here; known is: alerts",
					node->key);
		if (alerts == NULL)
			yaml_error(document, root, "the key \"alerts\" is missing; it is required");
		else if (yaml_expect(document, alerts, YAML_MAPPING))
			read_rows(document, alerts, reference);
	}
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* thresholds.yaml: how many requests a user, or all of them together, may send in a period. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/reference_files.h"
#include "dataplane/duis/identifier.h"

#define AT(member) offsetof(struct mw_control_threshold, member)

/* A user's EUI-64, or all users together: 0. */
static void read_user(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	uint64_t eui = 0;

	if (!yaml_expect(document, node, YAML_SCALAR))
		return;
	if (strcmp(node->text, "all") != 0 &&
		(duis_eui_parse(node->text, node->length, &eui) != 0 || eui == 0))
		yaml_error(document, node, "neither an EUI-64 nor \"all\"");
	*(uint64_t *)target = eui;
}

static const struct yaml_field fields[] = {
	{.name = "user",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = AT(user),
		.read = read_user},
	{.name = "srv",
		.type = YAML_TEXT,
		.required = true,
		.offset = AT(srv),
		.min = 1,
		.max = MW_SRV_SIZE - 1},
	{.name = "period_s",
		.type = YAML_U32,
		.required = true,
		.offset = AT(period_s),
		.min = 1,
		.max = REFERENCE_PERIOD_S_MAX},
	{.name = "limit",
		.type = YAML_U32,
		.required = true,
		.offset = AT(limit),
		.min = 0,
		.max = UINT32_MAX},
};

static bool same(const struct mw_control_threshold *a, const struct mw_control_threshold *b)
{
	return a->user == b->user && a->period_s == b->period_s && strcmp(a->srv, b->srv) == 0;
}

static void add(
	struct yaml_document *document, const struct yaml_node *item, struct reference *reference)
{
	struct mw_control_threshold *row = &reference->thresholds[reference->threshold_count];

	memset(row, 0, sizeof(*row));
	if (!yaml_read_fields(document, item, fields, sizeof(fields) / sizeof(fields[0]), row))
		return;
	if (strcmp(row->srv, "all") == 0)
		memset(row->srv, 0, sizeof(row->srv));
	else if (reference_rule(reference, row->srv) == NULL)
		yaml_error(document, yaml_child(item, "srv"),
			"not an SRV of the access matrix, nor \"all\"");
	if (row->user != 0 && reference_user(reference, row->user) == NULL)
		yaml_error(document, yaml_child(item, "user"), "not a user of the users' file");
	for (size_t i = 0; i < reference->threshold_count; i++)
		if (same(&reference->thresholds[i], row))
			yaml_error(document, item,
				"this user, SRV and period stand in the file a second time");
	reference->threshold_count++;
}

int reference_read_thresholds(const char *path, FILE *errors, struct reference *reference)
{
	struct yaml_document *document;
	const struct yaml_node *list;
	int result = reference_open_list(
		path, errors, "thresholds", REFERENCE_THRESHOLDS_MAX, &document, &list);

	if (result != 0)
		return result;
	reference->thresholds = calloc(list->count + 1, sizeof(*reference->thresholds));
	if (reference->thresholds == NULL) {
		yaml_free(document);
		return -ENOMEM;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next)
		add(document, item, reference);
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	return result;
}

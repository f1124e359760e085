/* SPDX-License-Identifier: Apache-2.0 */
/* thresholds.yaml: how many requests a user may send in a period. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/reference_files.h"

#define AT(member) offsetof(struct mw_control_threshold, member)

static const struct yaml_field fields[] = {
	{.name = "user", .type = YAML_EUI, .required = true, .offset = AT(user)},
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
	if (reference_user(reference, row->user) == NULL)
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

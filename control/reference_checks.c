/* SPDX-License-Identifier: Apache-2.0 */
/* access/checks.yaml: the checks of access control in their order, and what they need to know
 * beside the matrix. It becomes one record for the data plane. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "control/reference_files.h"
#include "motorway/registry_image.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const check_names[] = {
#define CHECK_NAME(name, text) text,
	MW_ACCESS_CHECKS(CHECK_NAME)
#undef CHECK_NAME
		NULL,
};

static const char *const kind_names[] = {
	"import-supplier",
	"export-supplier",
	"gas-supplier",
	"distributor",
	"transporter",
	"mdr-import",
	"mdr-export",
	"agent-import",
	"agent-export",
	"agent-gas",
	NULL,
};

_Static_assert(
	MW_ENTITLEMENT_IMPORT_SUPPLIER == 1 && COUNT(kind_names) - 1 == MW_ENTITLEMENT_COUNT - 1,
	"order of kind_names");

/* One of the file's groups or list items; each uses some of it. */
struct row {
	int name;
	int role;
	int direction;
	int basis;
	uint32_t command_variants;
	uint32_t roles;
	uint32_t types;
	uint32_t statuses;
	uint32_t kinds;
	char code[MW_CODE_SIZE];
	char version[MW_SCHEMA_VERSION_SIZE];
	char note[256];
};

#define AT(member) offsetof(struct row, member)
#define CHOICE(key, member, words)                                                                 \
	{                                                                                          \
		.name = key, .type = YAML_CHOICE, .required = true, .offset = AT(member),          \
		.choices = words                                                                   \
	}
#define SET(key, member, first, words)                                                             \
	{                                                                                          \
		.name = key, .type = YAML_SET, .required = true, .offset = AT(member),             \
		.min = first, .choices = words                                                     \
	}
#define TEXT(key, member, needed, low)                                                             \
	{                                                                                          \
		.name = key, .type = YAML_TEXT, .required = needed, .offset = AT(member),          \
		.min = low, .max = sizeof(((struct row *)NULL)->member) - 1,                       \
		.fallback = needed ? NULL : ""                                                     \
	}
#define BASIS CHOICE("basis", basis, reference_basis_names), TEXT("note", note, false, 0)

static const struct yaml_field check_fields[] = {
	CHOICE("name", name, check_names),
	TEXT("code", code, true, 2),
	BASIS,
};
static const struct yaml_field uplift_fields[] = {
	TEXT("version", version, true, 1),
	SET("roles", roles, 0, reference_role_names),
	BASIS,
};
static const struct yaml_field future_dated_fields[] = {
	SET("command_variants", command_variants, 1, reference_variant_names),
	BASIS,
};
static const struct yaml_field local_fields[] = {
	SET("command_variants", command_variants, 1, reference_variant_names),
	SET("roles", roles, 0, reference_role_names),
	SET("device_statuses", statuses, MW_STATUS_PENDING, reference_status_names),
	BASIS,
};
static const struct yaml_field entitlement_fields[] = {
	CHOICE("role", role, reference_role_names),
	SET("kinds", kinds, MW_ENTITLEMENT_IMPORT_SUPPLIER, kind_names),
};
static const struct yaml_field direction_fields[] = {
	CHOICE("direction", direction, reference_direction_names),
	SET("kinds", kinds, MW_ENTITLEMENT_IMPORT_SUPPLIER, kind_names),
};
static const struct yaml_field unlinked_fields[] = {
	SET("roles", roles, 0, reference_role_names),
	SET("device_types", types, MW_DEVICE_ESME, reference_type_names),
	SET("device_statuses", statuses, MW_STATUS_PENDING, reference_status_names),
	BASIS,
};

static void check_basis(
	struct yaml_document *document, const struct yaml_node *node, const struct row *row)
{
	if (row->basis == 1 && row->note[0] == '\0')
		yaml_error(document, yaml_child(node, "basis"),
			"\"note\" is missing; it says why this is assumed");
}

/* A schemaVersion in its plain form, such as 5.4. */
static bool version_valid(const char *version)
{
	size_t whole = strspn(version, "0123456789");
	size_t fraction = version[whole] == '.' ? strspn(version + whole + 1, "0123456789") : 0;

	return whole >= 1 && whole <= 3 && fraction <= 6 &&
	       version[whole + (version[whole] == '.') + fraction] == '\0';
}

static void take_check(struct yaml_document *document, const struct yaml_node *item,
	const struct row *row, size_t index, struct mw_control_access_checks *checks)
{
	for (size_t i = 0; i < index && i < MW_ACCESS_CHECK_COUNT; i++)
		if (checks->checks[i].check == row->name)
			yaml_error(document, yaml_child(item, "name"),
				"this check stands in the list a second time");
	if (!reference_code_valid(row->code))
		yaml_error(document, yaml_child(item, "code"),
			"not a DUIS ResponseCode: I, E or W and 1 to 6 digits");
	check_basis(document, item, row);
	if (index >= MW_ACCESS_CHECK_COUNT)
		return;
	checks->checks[index].check = (uint8_t)row->name;
	memcpy(checks->checks[index].code, row->code, sizeof(row->code));
}

static void read_checks(struct yaml_document *document, const struct yaml_node *list,
	struct mw_control_access_checks *checks)
{
	size_t count = 0;
	uint32_t seen = 0;

	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct row row = {0};

		if (!yaml_read_fields(document, item, check_fields, COUNT(check_fields), &row))
			continue;
		take_check(document, item, &row, count++, checks);
		seen |= 1u << row.name;
	}
	for (size_t i = 0; i < MW_ACCESS_CHECK_COUNT; i++)
		if ((seen & 1u << i) == 0)
			yaml_error(document, list, "the check \"%s\" is missing; each is required",
				check_names[i]);
}

/* The entitlements that each role needs, or that fit each direction: every one of `words` must have
 * its item, exactly once. */
static void read_kinds(struct yaml_document *document, const struct yaml_node *list,
	bool by_direction, uint16_t *kinds)
{
	const char *const *words = by_direction ? reference_direction_names : reference_role_names;
	uint32_t seen = 0;

	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct row row = {0};
		const struct yaml_field *fields =
			by_direction ? direction_fields : entitlement_fields;

		if (!yaml_read_fields(document, item, fields, COUNT(entitlement_fields), &row))
			continue;
		int index = by_direction ? row.direction : row.role;
		if ((seen & 1u << index) != 0)
			yaml_error(document, item, "\"%s\" stands in the list a second time",
				words[index]);
		seen |= 1u << index;
		kinds[index] = (uint16_t)row.kinds;
	}
	for (size_t i = 0; words[i] != NULL; i++)
		if ((seen & 1u << i) == 0)
			yaml_error(document, list, "\"%s\" is missing; each is required", words[i]);
}

_Static_assert(COUNT(direction_fields) == COUNT(entitlement_fields), "read_kinds");

struct group {
	const char *name;
	enum yaml_kind kind;
	const struct yaml_field *fields; /* of a mapping */
	size_t field_count;
};

enum group_index {
	GROUP_CHECKS,
	GROUP_UPLIFT,
	GROUP_FUTURE_DATED,
	GROUP_LOCAL,
	GROUP_ENTITLEMENTS,
	GROUP_DIRECTIONS,
	GROUP_UNLINKED,
	GROUP_COUNT,
};

static const struct group groups[GROUP_COUNT] = {
	[GROUP_CHECKS] = {"checks", YAML_SEQUENCE, NULL, 0},
	[GROUP_UPLIFT] = {"uplift", YAML_MAPPING, uplift_fields, COUNT(uplift_fields)},
	[GROUP_FUTURE_DATED] = {"future_dated", YAML_MAPPING, future_dated_fields,
		COUNT(future_dated_fields)},
	[GROUP_LOCAL] = {"local_commands", YAML_MAPPING, local_fields, COUNT(local_fields)},
	[GROUP_ENTITLEMENTS] = {"entitlements", YAML_SEQUENCE, NULL, 0},
	[GROUP_DIRECTIONS] = {"directions", YAML_SEQUENCE, NULL, 0},
	[GROUP_UNLINKED] = {"unlinked_devices", YAML_MAPPING, unlinked_fields,
		COUNT(unlinked_fields)},
};

static void take_mapping(
	enum group_index index, const struct row *row, struct mw_control_access_checks *checks)
{
	switch (index) {
	case GROUP_UPLIFT:
		memcpy(checks->uplift_version, row->version, sizeof(checks->uplift_version));
		checks->uplift_roles = row->roles;
		break;
	case GROUP_FUTURE_DATED:
		checks->future_dated_variants = (uint16_t)row->command_variants;
		break;
	case GROUP_LOCAL:
		checks->local_variants = (uint16_t)row->command_variants;
		checks->local_roles = row->roles;
		checks->local_statuses = (uint16_t)row->statuses;
		break;
	default:
		assert(index == GROUP_UNLINKED);
		checks->unlinked_roles = row->roles;
		checks->unlinked_types = (uint16_t)row->types;
		checks->unlinked_statuses = (uint16_t)row->statuses;
	}
}

static void read_group(struct yaml_document *document, const struct yaml_node *node,
	enum group_index index, struct mw_control_access_checks *checks)
{
	struct row row = {0};

	if (!yaml_expect(document, node, groups[index].kind))
		return;
	if (index == GROUP_CHECKS) {
		read_checks(document, node, checks);
	} else if (index == GROUP_ENTITLEMENTS) {
		read_kinds(document, node, false, checks->role_entitlements);
	} else if (index == GROUP_DIRECTIONS) {
		read_kinds(document, node, true, checks->direction_entitlements);
	} else if (yaml_read_fields(
			   document, node, groups[index].fields, groups[index].field_count, &row)) {
		check_basis(document, node, &row);
		if (index == GROUP_UPLIFT && !version_valid(row.version))
			yaml_error(document, yaml_child(node, "version"),
				"not a schemaVersion such as \"5.4\"");
		take_mapping(index, &row, checks);
	}
}

static void read_root(struct yaml_document *document, const struct yaml_node *root,
	struct mw_control_access_checks *checks)
{
	yaml_check_duplicates(document, root);
	for (const struct yaml_node *node = root->first; node != NULL; node = node->next) {
		size_t i = 0;

		while (i < GROUP_COUNT && strcmp(groups[i].name, node->key) != 0)
			i++;
		if (i == GROUP_COUNT)
			yaml_error_key(
				document, node, "the key \"%.64s\" is not known here", node->key);
	}
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		const struct yaml_node *node = yaml_child(root, groups[i].name);

		if (node == NULL)
			yaml_error(document, root, "the key \"%s\" is missing; it is required",
				groups[i].name);
		else
			read_group(document, node, (enum group_index)i, checks);
	}
}

int reference_read_checks(const char *path, FILE *errors, struct reference *reference)
{
	struct yaml_document *document;
	int result = yaml_read(path, errors, &document);

	if (result != 0)
		return result;
	const struct yaml_node *root = yaml_root(document);
	if (yaml_expect(document, root, YAML_MAPPING))
		read_root(document, root, &reference->checks);
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* access/matrix.yaml (who may send which SRV to which devices) and access/services.yaml (the codes
 * of the services that control answers). */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/reference_files.h"
#include "motorway/registry_image.h"

bool reference_code_valid(const char *code)
{
	size_t length = strlen(code);

	if (length < 2 || length > 7 || strchr("IEW", code[0]) == NULL)
		return false;
	return strspn(code + 1, "0123456789") == length - 1;
}

struct rule_row {
	struct mw_control_srv_rule rule;
	uint32_t roles;
	uint32_t flags;
	uint32_t command_variants;
	uint32_t mdr_generations;
	uint32_t generations;
	uint32_t modes;
	uint32_t uplift_modes;
	uint32_t device_types;
	uint32_t device_statuses;
	int direction;
	int device_basis;
	int basis;
	char name[128];
	char note[256];
};

const char *const reference_role_names[] = {
	"IS",
	"ES",
	"GS",
	"RSA",
	"ED",
	"GT",
	"OU",
	"MDR",
	"LC",
	NULL,
};
const char *const reference_variant_names[] = {"1", "2", "3", "4", "5", "6", "7", "8", NULL};
const char *const reference_type_names[] = {
	"ESME",
	"GSME",
	"GPF",
	"CHF",
	"HCALCS",
	"PPMID",
	"IHD",
	"CAD",
	NULL,
};
const char *const reference_status_names[] = {
	"Pending",
	"Whitelisted",
	"InstalledNotCommissioned",
	"Commissioned",
	"Decommissioned",
	"Withdrawn",
	"Suspended",
	"Recovery",
	"Recovered",
	NULL,
};
const char *const reference_direction_names[] = {"any", "import", "export", "gas", NULL};
const char *const reference_basis_names[] = {"confirmed", "assumed", NULL};

static const char *const flag_names[] = {"control-answers", "non-device", NULL};
static const char *const generation_names[] = {"SMETS1", "SMETS2", NULL};
static const char *const mode_names[] = {
	"on-demand",
	"future-dated-dsp",
	"future-dated-device",
	"scheduled",
	"dcc-only",
	NULL,
};

#define AT(member) offsetof(struct rule_row, member)

static const struct yaml_field rule_fields[] = {
	{.name = "srv",
		.type = YAML_TEXT,
		.required = true,
		.offset = AT(rule.srv),
		.min = 3,
		.max = MW_SRV_SIZE - 1},
	{.name = "service_reference",
		.type = YAML_TEXT,
		.required = true,
		.offset = AT(rule.service_reference),
		.min = 3,
		.max = MW_SRV_SIZE - 1},
	{.name = "name",
		.type = YAML_TEXT,
		.required = true,
		.offset = AT(name),
		.min = 1,
		.max = 127},
	{.name = "body_element",
		.type = YAML_TEXT,
		.required = true,
		.offset = AT(rule.body_element),
		.min = 1,
		.max = MW_ELEMENT_NAME_SIZE - 1},
	{.name = "roles",
		.type = YAML_SET,
		.required = true,
		.offset = AT(roles),
		.choices = reference_role_names},
	{.name = "command_variants",
		.type = YAML_SET,
		.required = true,
		.offset = AT(command_variants),
		.min = 1,
		.choices = reference_variant_names},
	{.name = "flags", .type = YAML_SET, .offset = AT(flags), .choices = flag_names},
	{.name = "mdr_generations",
		.type = YAML_SET,
		.offset = AT(mdr_generations),
		.min = MW_GENERATION_SMETS1,
		.choices = generation_names},
	{.name = "mdr_generation_code",
		.type = YAML_TEXT,
		.offset = AT(rule.mdr_generation_code),
		.min = 0,
		.max = MW_CODE_SIZE - 1,
		.fallback = ""},
	{.name = "generations",
		.type = YAML_SET,
		.offset = AT(generations),
		.min = MW_GENERATION_SMETS1,
		.choices = generation_names},
	{.name = "modes", .type = YAML_SET, .offset = AT(modes), .choices = mode_names},
	{.name = "uplift_modes",
		.type = YAML_SET,
		.offset = AT(uplift_modes),
		.choices = mode_names},
	{.name = "direction",
		.type = YAML_CHOICE,
		.offset = AT(direction),
		.choices = reference_direction_names},
	{.name = "device_types",
		.type = YAML_SET,
		.offset = AT(device_types),
		.min = MW_DEVICE_ESME,
		.choices = reference_type_names},
	{.name = "device_statuses",
		.type = YAML_SET,
		.offset = AT(device_statuses),
		.min = MW_STATUS_PENDING,
		.choices = reference_status_names},
	{.name = "device_basis",
		.type = YAML_CHOICE,
		.offset = AT(device_basis),
		.choices = reference_basis_names},
	{.name = "basis",
		.type = YAML_CHOICE,
		.required = true,
		.offset = AT(basis),
		.choices = reference_basis_names},
	{.name = "note",
		.type = YAML_TEXT,
		.offset = AT(note),
		.min = 0,
		.max = 255,
		.fallback = ""},
};

_Static_assert(MW_SRV_CONTROL_ANSWERS == 1 && MW_SRV_NON_DEVICE == 2, "order of flag_names");
_Static_assert(MW_ROLE_IS == 1 && MW_ROLE_LC == 1 << 8, "order of reference_role_names");
_Static_assert(MW_MODE_ON_DEMAND == 1 && MW_MODE_DCC_ONLY == 1 << 4, "order of mode_names");
_Static_assert(MW_DEVICE_ESME == 1 && MW_DEVICE_CAD == 8, "order of reference_type_names");
_Static_assert(MW_STATUS_PENDING == 1 && MW_STATUS_RECOVERED == 9, "order of status names");
_Static_assert(MW_DIRECTION_ANY == 0 && MW_DIRECTION_GAS == 3, "order of direction names");

/* "4.8.1" belongs to "4.8", "4.10" to "4.10". */
static bool reference_fits(const char *srv, const char *service_reference)
{
	size_t length = strlen(service_reference);

	if (strncmp(srv, service_reference, length) != 0)
		return false;
	return srv[length] == '\0' || srv[length] == '.';
}

/* What a row says of devices: an SRV for a device names all of it, another one none. */
static void check_rule_devices(
	struct yaml_document *document, const struct yaml_node *item, const struct rule_row *row)
{
	static const char *const keys[] = {
		"direction", "device_types", "device_statuses", "device_basis"};
	bool non_device = (row->flags & MW_SRV_NON_DEVICE) != 0;

	if (row->modes == 0)
		yaml_error(document, item, "\"modes\" is missing; an SRV has at least one");
	if (((row->modes & MW_MODE_DCC_ONLY) != 0) != non_device)
		yaml_error(document, yaml_child(item, "modes"),
			"dcc-only is the mode of non-device requests, and of no others");
	if ((row->uplift_modes & ~row->modes) != 0)
		yaml_error(document, yaml_child(item, "uplift_modes"),
			"\"uplift_modes\" must be some of \"modes\"");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct yaml_node *node = yaml_child(item, keys[i]);

		if ((node != NULL) == non_device)
			yaml_error(document, node != NULL ? node : item,
				non_device ? "\"%s\" is for requests to devices alone"
					   : "\"%s\" is missing; requests to devices have it",
				keys[i]);
	}
	if (!non_device && (row->device_types == 0 || row->device_statuses == 0))
		yaml_error(document, item,
			"\"device_types\" and \"device_statuses\" need one at least");
}

static void check_rule(struct yaml_document *document, const struct yaml_node *item,
	const struct rule_row *row, const struct reference *reference)
{
	if (strspn(row->rule.srv, "0123456789.") != strlen(row->rule.srv))
		yaml_error(document, yaml_child(item, "srv"), "\"srv\" has digits and points only");
	if (reference_rule(reference, row->rule.srv) != NULL)
		yaml_error(document, yaml_child(item, "srv"),
			"this SRV stands in the file a second time; each stands there once");
	if (!reference_fits(row->rule.srv, row->rule.service_reference))
		yaml_error(document, yaml_child(item, "service_reference"),
			"\"service_reference\" must be the first part of \"srv\", such as 4.8 of "
			"4.8.1");
	if (row->roles == 0)
		yaml_error(document, yaml_child(item, "roles"), "an SRV needs at least one role");
	if (row->command_variants == 0)
		yaml_error(document, yaml_child(item, "command_variants"),
			"an SRV needs at least one command variant");
	if ((row->flags & MW_SRV_CONTROL_ANSWERS) != 0 && (row->flags & MW_SRV_NON_DEVICE) == 0)
		yaml_error(document, yaml_child(item, "flags"),
			"control answers non-device requests only: add non-device");
	if (row->rule.mdr_generation_code[0] != '\0' &&
		!reference_code_valid(row->rule.mdr_generation_code))
		yaml_error(document, yaml_child(item, "mdr_generation_code"),
			"not a DUIS ResponseCode: I, E or W and 1 to 6 digits");
	if ((row->roles & MW_ROLE_MDR) != 0 && (row->flags & MW_SRV_NON_DEVICE) == 0 &&
		row->mdr_generations == 0)
		yaml_error(document, item,
			"\"mdr_generations\" is missing; an MDR may send this SRV to some device");
	if (row->basis == 1 && row->note[0] == '\0')
		yaml_error(document, yaml_child(item, "basis"),
			"\"note\" is missing; it says why the row is assumed");
	check_rule_devices(document, item, row);
}

static void fill_rule(struct rule_row *row)
{
	uint32_t both = 1u << MW_GENERATION_SMETS1 | 1u << MW_GENERATION_SMETS2;

	row->rule.roles = row->roles;
	row->rule.flags = row->flags;
	row->rule.command_variants = (uint16_t)row->command_variants;
	row->rule.mdr_generations = (uint8_t)row->mdr_generations;
	row->rule.generations = (uint8_t)(row->generations != 0 ? row->generations : both);
	row->rule.modes = (uint8_t)row->modes;
	row->rule.uplift_modes = (uint8_t)row->uplift_modes;
	row->rule.device_types = (uint16_t)row->device_types;
	row->rule.device_statuses = (uint16_t)row->device_statuses;
	row->rule.direction = (uint8_t)row->direction;
}

int reference_read_access(const char *path, FILE *errors, struct reference *reference)
{
	struct yaml_document *document;
	const struct yaml_node *list;
	int result =
		reference_open_list(path, errors, "rules", REFERENCE_RULES_MAX, &document, &list);

	if (result != 0)
		return result;
	reference->rules = calloc(list->count + 1, sizeof(*reference->rules));
	if (reference->rules == NULL) {
		yaml_free(document);
		return -ENOMEM;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct rule_row row = {0};

		if (!yaml_read_fields(document, item, rule_fields,
			    sizeof(rule_fields) / sizeof(rule_fields[0]), &row))
			continue;
		check_rule(document, item, &row, reference);
		fill_rule(&row);
		reference->rules[reference->rule_count++] = row.rule;
	}
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	return result;
}

struct code_row {
	char code[MW_CODE_SIZE];
	bool assumed;
	char meaning[128];
};

#define CODE(member) offsetof(struct code_row, member)

static const struct yaml_field code_fields[] = {
	{.name = "code",
		.type = YAML_TEXT,
		.required = true,
		.offset = CODE(code),
		.min = 2,
		.max = MW_CODE_SIZE - 1},
	{.name = "assumed", .type = YAML_BOOL, .required = true, .offset = CODE(assumed)},
	{.name = "meaning",
		.type = YAML_TEXT,
		.required = true,
		.offset = CODE(meaning),
		.min = 1,
		.max = 127},
};

static void read_code(
	struct yaml_document *document, const struct yaml_node *item, struct reference *reference)
{
	struct code_row row = {0};
	int reason = 0;

	while (reason < SERVICE_REASON_COUNT &&
		strcmp(service_reason_name((enum service_reason)reason), item->key) != 0)
		reason++;
	if (reason == SERVICE_REASON_COUNT) {
		yaml_error_key(document, item,
			"\"%.64s\" is no reason of a service; doc/reference-data.md lists them",
			item->key);
		return;
	}
	if (!yaml_read_fields(document, item, code_fields,
		    sizeof(code_fields) / sizeof(code_fields[0]), &row))
		return;
	if (!reference_code_valid(row.code))
		yaml_error(document, yaml_child(item, "code"),
			"not a DUIS ResponseCode: I, E or W and 1 to 6 digits");
	memcpy(reference->codes[reason], row.code, sizeof(reference->codes[reason]));
}

static void read_codes(
	struct yaml_document *document, const struct yaml_node *codes, struct reference *reference)
{
	yaml_check_duplicates(document, codes);
	for (const struct yaml_node *item = codes->first; item != NULL; item = item->next)
		read_code(document, item, reference);
	for (int i = 0; i < SERVICE_REASON_COUNT; i++) {
		const char *name = service_reason_name((enum service_reason)i);

		if (yaml_child(codes, name) == NULL)
			yaml_error(document, codes, "the reason \"%s\" is missing; it is required",
				name);
	}
}

int reference_read_codes(const char *path, FILE *errors, struct reference *reference)
{
	struct yaml_document *document;
	int result = yaml_read(path, errors, &document);

	if (result != 0)
		return result;
	const struct yaml_node *root = yaml_root(document);
	if (yaml_expect(document, root, YAML_MAPPING)) {
		const struct yaml_node *codes = yaml_child(root, "codes");

		for (const struct yaml_node *node = root->first; node != NULL; node = node->next)
			if (strcmp(node->key, "codes") != 0)
				yaml_error_key(document, node,
					"the key \"%.64s\" is not known here; known is: codes",
					node->key);
		if (codes == NULL)
			yaml_error(document, root, "the key \"codes\" is missing; it is required");
		else if (yaml_expect(document, codes, YAML_MAPPING))
			read_codes(document, codes, reference);
	}
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	return result;
}

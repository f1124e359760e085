/* SPDX-License-Identifier: Apache-2.0 */
/* providers.yaml and devices.yaml: who reaches the meters, and which devices there are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/calendar.h"
#include "control/device_words.h"
#include "control/reference_files.h"

static const char *const kind_names[] = {"CSP", "S1SP", "DCO", "transform", NULL};

#define PROVIDER(member) offsetof(struct reference_provider, member)

static const struct yaml_field provider_fields[] = {
	{.name = "id",
		.type = YAML_U32,
		.required = true,
		.offset = PROVIDER(id),
		.min = 0,
		.max = REFERENCE_PROVIDERS_MAX - 1},
	{.name = "name",
		.type = YAML_TEXT,
		.required = true,
		.offset = PROVIDER(name),
		.min = 1,
		.max = MW_NAME_SIZE - 1},
	{.name = "kind",
		.type = YAML_CHOICE,
		.required = true,
		.offset = PROVIDER(kind),
		.min = MW_PROVIDER_CSP,
		.choices = kind_names},
	{.name = "url",
		.type = YAML_TEXT,
		.required = true,
		.offset = PROVIDER(url),
		.min = 1,
		.max = MW_URL_SIZE - 1},
};

bool reference_provider_name_valid(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";

	return strspn(name, ".") < strlen(name) && strspn(name, allowed) == strlen(name);
}

static void check_provider(struct yaml_document *document, const struct yaml_node *item,
	const struct reference_provider *provider, const struct reference *reference)
{
	if (!reference_provider_name_valid(provider->name))
		yaml_error(document, yaml_child(item, "name"),
			"a provider's name has letters, digits, '.', '_' and '-' only, and not "
			"dots alone");
	if (!reference_url_valid(provider->url))
		yaml_error(document, yaml_child(item, "url"),
			"not a URL such as http://127.0.0.1:8091/csp-north; the host is an IPv4 "
			"address or localhost");
	for (size_t i = 0; i < reference->provider_count; i++) {
		const struct reference_provider *other = &reference->providers[i];

		if (other->id == provider->id)
			yaml_error(document, yaml_child(item, "id"),
				"this id is taken by provider \"%s\"; ids are unique", other->name);
		if (strcmp(other->name, provider->name) == 0)
			yaml_error(document, yaml_child(item, "name"),
				"this name stands in the file a second time; names are unique");
		if (other->kind == MW_PROVIDER_TRANSFORM && provider->kind == MW_PROVIDER_TRANSFORM)
			yaml_error(document, yaml_child(item, "kind"),
				"\"%s\" is a transform provider already; one is allowed",
				other->name);
	}
}

int reference_read_providers(const char *path, FILE *errors, struct reference *reference)
{
	struct yaml_document *document;
	const struct yaml_node *list;
	int result = reference_open_list(
		path, errors, "providers", REFERENCE_PROVIDERS_MAX, &document, &list);

	if (result != 0)
		return result;
	reference->providers = calloc(list->count + 1, sizeof(*reference->providers));
	if (reference->providers == NULL) {
		yaml_free(document);
		return -ENOMEM;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct reference_provider provider = {0};

		if (!yaml_read_fields(document, item, provider_fields,
			    sizeof(provider_fields) / sizeof(provider_fields[0]), &provider))
			continue;
		check_provider(document, item, &provider, reference);
		reference->providers[reference->provider_count++] = provider;
	}
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	return result;
}

static const char *const generation_names[] = {"SMETS1", "SMETS2", NULL};

#define DEVICE(member) offsetof(struct reference_device, member)
#define TEXT(key, needed, low)                                                                     \
	{                                                                                          \
		.name = #key, .type = YAML_TEXT, .required = needed, .offset = DEVICE(key),        \
		.min = low, .max = sizeof(((struct reference_device *)NULL)->key) - 1,             \
		.fallback = needed ? NULL : ""                                                     \
	}

static const struct yaml_field device_fields[] = {
	{.name = "device_id", .type = YAML_EUI, .required = true, .offset = DEVICE(device_id)},
	{.name = "generation",
		.type = YAML_CHOICE,
		.required = true,
		.offset = DEVICE(generation),
		.min = MW_GENERATION_SMETS1,
		.choices = generation_names},
	TEXT(provider, true, 1),
	TEXT(type, true, 1),
	TEXT(status, false, 0),
	TEXT(manufacturer, true, 0),
	TEXT(model, true, 0),
	TEXT(smets_version, false, 0),
	TEXT(firmware_version, false, 0),
	TEXT(firmware_version_status, false, 0),
	TEXT(cpl_status, false, 0),
	TEXT(date_commissioned, false, 0),
	TEXT(import_mpxn, false, 0),
	TEXT(secondary_import_mpan, false, 0),
	TEXT(export_mpan, false, 0),
	TEXT(esme_variant, false, 0),
	TEXT(uprn, false, 0),
	TEXT(post_code, false, 0),
	TEXT(address_identifier, false, 0),
	TEXT(csp_region, false, 0),
	TEXT(gbcs_version, false, 0),
	TEXT(han_variant, false, 0),
	TEXT(s1sp, false, 0),
};

static void check_word(struct yaml_document *document, const struct yaml_node *item,
	const char *key, const char *value, const char *const *words)
{
	struct yaml_field field = {.name = key, .type = YAML_CHOICE, .choices = words};
	char phrase[512];

	if (value[0] == '\0')
		return;
	for (size_t i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return;
	yaml_error(document, yaml_child(item, key),
		"\"%s\" has a value that is not allowed; allowed is %s", key,
		yaml_allowed(&field, phrase, sizeof(phrase)));
}

static bool all_digits(const char *text)
{
	return strspn(text, "0123456789") == strlen(text);
}

static void check_number(struct yaml_document *document, const struct yaml_node *item,
	const char *key, const char *value, size_t length_min)
{
	if (value[0] == '\0')
		return;
	if (!all_digits(value) || strlen(value) < length_min)
		yaml_error(document, yaml_child(item, key), "\"%s\" must have %zu or more digits",
			key, length_min);
}

static void check_device(struct yaml_document *document, const struct yaml_node *item,
	struct reference_device *device, const struct reference *reference)
{
	bool found = false;
	int32_t day;

	for (size_t i = 0; i < reference->provider_count && !found; i++) {
		if (strcmp(reference->providers[i].name, device->provider) != 0)
			continue;
		found = true;
		device->provider_id = reference->providers[i].id;
		if (reference->providers[i].kind == MW_PROVIDER_TRANSFORM)
			yaml_error(document, yaml_child(item, "provider"),
				"a transform provider reaches no devices");
	}
	if (!found && reference->provider_count > 0)
		yaml_error(document, yaml_child(item, "provider"),
			"\"%s\" is no provider of the providers' file", device->provider);
	check_word(document, item, "type", device->type, device_type_words);
	check_word(document, item, "status", device->status, device_status_words);
	check_word(document, item, "firmware_version_status", device->firmware_version_status,
		device_list_status_words);
	check_word(document, item, "cpl_status", device->cpl_status, device_list_status_words);
	check_word(document, item, "esme_variant", device->esme_variant, device_variant_words);
	check_word(document, item, "csp_region", device->csp_region, device_region_words);
	check_number(document, item, "import_mpxn", device->import_mpxn, 1);
	check_number(document, item, "secondary_import_mpan", device->secondary_import_mpan, 13);
	check_number(document, item, "export_mpan", device->export_mpan, 13);
	check_number(document, item, "uprn", device->uprn, 1);
	if (device->uprn[0] != '\0' && strspn(device->uprn, "0") == strlen(device->uprn))
		yaml_error(document, yaml_child(item, "uprn"), "\"uprn\" must be greater than 0");
	if (device->date_commissioned[0] != '\0' &&
		calendar_parse_date(device->date_commissioned, &day) != 0)
		yaml_error(document, yaml_child(item, "date_commissioned"),
			"\"date_commissioned\" must be a date such as 2024-03-04");
	if (device->post_code[0] != '\0' && strlen(device->post_code) < 6)
		yaml_error(document, yaml_child(item, "post_code"),
			"\"post_code\" must have 6 to 8 characters");
}

/* For the search for repeated ids: the id and where it stands. */
struct device_place {
	uint64_t device_id;
	const struct yaml_node *node;
};

static int compare_places(const void *left, const void *right)
{
	const struct device_place *a = left;
	const struct device_place *b = right;

	if (a->device_id != b->device_id)
		return a->device_id < b->device_id ? -1 : 1;
	return a->node->line - b->node->line;
}

static void check_repeated(
	struct yaml_document *document, struct device_place *places, size_t count)
{
	if (count > 0)
		qsort(places, count, sizeof(*places), compare_places);
	for (size_t i = 1; i < count; i++)
		if (places[i].device_id == places[i - 1].device_id)
			yaml_error(document, places[i].node,
				"this device stands in the file a second time; the first is in "
				"line %d",
				places[i - 1].node->line);
}

int reference_read_devices(const char *path, FILE *errors, struct reference *reference)
{
	struct yaml_document *document;
	const struct yaml_node *list;
	int result = reference_open_list(
		path, errors, "devices", REFERENCE_DEVICES_MAX, &document, &list);

	if (result != 0)
		return result;
	struct device_place *places = calloc(list->count + 1, sizeof(*places));
	reference->devices = calloc(list->count + 1, sizeof(*reference->devices));
	if (places == NULL || reference->devices == NULL) {
		free(places);
		yaml_free(document);
		return -ENOMEM;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct reference_device *device = &reference->devices[reference->device_count];

		if (!yaml_read_fields(document, item, device_fields,
			    sizeof(device_fields) / sizeof(device_fields[0]), device)) {
			memset(device, 0, sizeof(*device));
			continue;
		}
		check_device(document, item, device, reference);
		places[reference->device_count].device_id = device->device_id;
		places[reference->device_count].node = yaml_child(item, "device_id");
		reference->device_count++;
	}
	check_repeated(document, places, reference->device_count);
	free(places);
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	return result;
}

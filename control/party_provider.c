/* SPDX-License-Identifier: Apache-2.0 */
/* Providers and thresholds as tables. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "control/party_table.h"
#include "control/reference_files.h"
#include "dataplane/duis/identifier.h"

enum provider_column {
	PROVIDER_ID,
	PROVIDER_NAME,
	PROVIDER_KIND,
	PROVIDER_URL,
	PROVIDER_ORIGIN,
	PROVIDER_COLUMNS,
};

static const struct csv_column provider_columns[] = {
	[PROVIDER_ID] = {"id", true},
	[PROVIDER_NAME] = {"name", true},
	[PROVIDER_KIND] = {"kind", true},
	[PROVIDER_URL] = {"url", true},
	[PROVIDER_ORIGIN] = {"origin", false},
};

static const char *const kind_names[] = {
	[MW_PROVIDER_CSP] = "CSP",
	[MW_PROVIDER_S1SP] = "S1SP",
	[MW_PROVIDER_DCO] = "DCO",
	[MW_PROVIDER_TRANSFORM] = "transform",
};

static int read_kind(const struct table_row *row, int *kind, struct table_fault *fault)
{
	char word[16];

	if (table_field(row, PROVIDER_KIND, word, sizeof(word), fault) == 0)
		for (*kind = MW_PROVIDER_CSP; *kind <= MW_PROVIDER_TRANSFORM; ++*kind)
			if (strcmp(word, kind_names[*kind]) == 0)
				return 0;
	return table_wrong(row, PROVIDER_KIND, fault, "must be CSP, S1SP, DCO or transform");
}

static int read_provider_key(
	const struct table_row *row, union party_row *made, struct table_fault *fault)
{
	static const struct table_range ids = {0, REFERENCE_PROVIDERS_MAX - 1};
	uint64_t id = 0;
	int result = table_number(row, PROVIDER_ID, ids, &id, fault);

	made->provider.provider.id = (uint32_t)id;
	return result;
}

static int read_provider(const struct party_change *change, const struct table_row *row,
	union party_row *made, struct table_fault *fault)
{
	struct reference_provider *provider = &made->provider.provider;

	(void)change;
	if (read_provider_key(row, made, fault) != 0 ||
		table_field(row, PROVIDER_NAME, provider->name, MW_NAME_SIZE, fault) != 0 ||
		read_kind(row, &provider->kind, fault) != 0 ||
		table_field(row, PROVIDER_URL, provider->url, MW_URL_SIZE, fault) != 0)
		return -EINVAL;
	if (!reference_provider_name_valid(provider->name))
		return table_wrong(row, PROVIDER_NAME, fault,
			"a provider's name is part of a URL: letters, digits, \".\", \"_\", \"-\"");
	if (!reference_url_valid(provider->url))
		return table_wrong(row, PROVIDER_URL, fault,
			"not a URL such as http://127.0.0.1:8091/csp; the host is an IPv4 address "
			"or localhost");
	return 0;
}

static int get_provider(
	const struct party_change *change, const union party_row *key, union party_row *found)
{
	return store_provider_get(change->change, key->provider.provider.id, &found->provider);
}

/* How many devices have it: 0, 1 (or more), or -errno. Looks at all devices. */
static int is_in_use(const struct party_change *change, uint32_t id)
{
	struct store_device_access access;
	uint64_t cursor = 0;
	int result;

	while ((result = store_device_access_next(change->change, &cursor, &access)) == 1)
		if (access.provider_id == id)
			return 1;
	return result;
}

static int put_provider(const struct party_change *change, union party_row *made,
	const union party_row *old, struct table_fault *fault, const struct table_row *row)
{
	const struct reference_provider *provider = &made->provider.provider;
	struct store_provider other;
	int64_t cursor = -1;
	int result;

	while (provider->kind == MW_PROVIDER_TRANSFORM &&
		(result = store_provider_next(change->change, &cursor, &other)) != 0) {
		if (result < 0)
			return result;
		if (other.provider.kind == MW_PROVIDER_TRANSFORM &&
			other.provider.id != provider->id)
			return table_wrong(row, PROVIDER_KIND, fault,
				"there is a transform provider already: %s", other.provider.name);
	}
	if (old != NULL && provider->kind == MW_PROVIDER_TRANSFORM &&
		old->provider.provider.kind != MW_PROVIDER_TRANSFORM) {
		result = is_in_use(change, provider->id);
		if (result != 0)
			return result < 0 ? result
					  : table_wrong(row, PROVIDER_KIND, fault,
						    "it reaches devices, so it cannot become the "
						    "transform provider");
	}
	return store_provider_put(change->change, &made->provider);
}

static int remove_provider(const struct party_change *change, const union party_row *old,
	struct table_fault *fault, const struct table_row *row)
{
	uint32_t id = old->provider.provider.id;

	if ((change->reference->file_providers >> id & 1) != 0)
		return table_wrong(row, -1, fault,
			"the provider stands in the providers' file, which would bring it back; "
			"take it out there and reload");
	int result = is_in_use(change, id);
	if (result != 0)
		return result < 0 ? result
				  : table_wrong(row, -1, fault,
					    "devices are reached through the provider");
	return store_provider_remove(change->change, id);
}

static int next_provider(
	const struct party_change *change, union party_cursor *cursor, union party_row *row)
{
	int64_t id = (int64_t)cursor->number - 1;
	int result = store_provider_next(change->change, &id, &row->provider);

	cursor->number = (uint64_t)(id + 1);
	return result;
}

static void write_provider(const union party_row *row, struct party_texts *texts)
{
	const struct reference_provider *provider = &row->provider.provider;

	party_text(texts, PROVIDER_ID, "%" PRIu32, provider->id);
	party_text(texts, PROVIDER_NAME, "%s", provider->name);
	party_text(texts, PROVIDER_KIND, "%s", kind_names[provider->kind]);
	party_text(texts, PROVIDER_URL, "%s", provider->url);
}

const struct party_table party_providers = {
	.name = "provider",
	.columns = provider_columns,
	.column_count = PROVIDER_COLUMNS,
	.origin_column = PROVIDER_ORIGIN,
	.origin_offset = offsetof(struct store_provider, origin),
	.key = read_provider_key,
	.read = read_provider,
	.get = get_provider,
	.put = put_provider,
	.remove = remove_provider,
	.next = next_provider,
	.write = write_provider,
};

/* ---- thresholds ---- */

enum threshold_column {
	THRESHOLD_USER,
	THRESHOLD_SRV,
	THRESHOLD_PERIOD_S,
	THRESHOLD_LIMIT,
	THRESHOLD_ORIGIN,
	THRESHOLD_COLUMNS,
};

static const struct csv_column threshold_columns[] = {
	[THRESHOLD_USER] = {"user", true},
	[THRESHOLD_SRV] = {"srv", true},
	[THRESHOLD_PERIOD_S] = {"period_s", true},
	[THRESHOLD_LIMIT] = {"limit", true},
	[THRESHOLD_ORIGIN] = {"origin", false},
};

static int read_threshold_key(
	const struct table_row *row, union party_row *made, struct table_fault *fault)
{
	static const struct table_range periods = {1, REFERENCE_PERIOD_S_MAX};
	struct mw_control_threshold *threshold = &made->threshold.threshold;
	char user[DUIS_EUI_TEXT_SIZE];
	uint64_t period_s;

	if (table_field(row, THRESHOLD_USER, user, sizeof(user), fault) != 0 ||
		(strcmp(user, "all") != 0 &&
			table_eui(row, THRESHOLD_USER, &threshold->user, fault) != 0))
		return table_wrong(row, THRESHOLD_USER, fault,
			"must be an EUI-64, or \"all\": all users together");
	if (table_field(row, THRESHOLD_SRV, threshold->srv, MW_SRV_SIZE, fault) != 0 ||
		table_number(row, THRESHOLD_PERIOD_S, periods, &period_s, fault) != 0)
		return -EINVAL;
	if (strcmp(threshold->srv, "all") == 0)
		memset(threshold->srv, 0, sizeof(threshold->srv));
	else if (threshold->srv[0] == '\0')
		return table_wrong(row, THRESHOLD_SRV, fault, "must be an SRV, or \"all\"");
	threshold->period_s = (uint32_t)period_s;
	return 0;
}

static int read_threshold(const struct party_change *change, const struct table_row *row,
	union party_row *made, struct table_fault *fault)
{
	static const struct table_range limits = {0, UINT32_MAX};
	struct mw_control_threshold *threshold = &made->threshold.threshold;
	uint64_t limit;

	if (read_threshold_key(row, made, fault) != 0 ||
		table_number(row, THRESHOLD_LIMIT, limits, &limit, fault) != 0)
		return -EINVAL;
	threshold->limit = (uint32_t)limit;
	if (threshold->srv[0] != '\0' && reference_rule(change->reference, threshold->srv) == NULL)
		return table_wrong(row, THRESHOLD_SRV, fault,
			"must be an SRV of the access matrix, or \"all\"");
	return 0;
}

static int get_threshold(
	const struct party_change *change, const union party_row *key, union party_row *found)
{
	found->threshold = key->threshold;
	return store_threshold_get(change->change, &found->threshold);
}

static int put_threshold(const struct party_change *change, union party_row *made,
	const union party_row *old, struct table_fault *fault, const struct table_row *row)
{
	(void)old;
	int result = store_threshold_put(change->change, &made->threshold);
	return result == -EINVAL ? table_wrong(row, THRESHOLD_USER, fault, "there is no such user")
				 : result;
}

static int remove_threshold(const struct party_change *change, const union party_row *old,
	struct table_fault *fault, const struct table_row *row)
{
	const struct mw_control_threshold *threshold = &old->threshold.threshold;

	for (size_t i = 0; i < change->reference->file_threshold_count; i++) {
		const struct mw_control_threshold *other = &change->reference->file_thresholds[i];

		if (other->user == threshold->user && other->period_s == threshold->period_s &&
			strcmp(other->srv, threshold->srv) == 0)
			return table_wrong(row, -1, fault,
				"the threshold stands in the thresholds' file, which would bring "
				"it back; take it out there and reload, or set a higher limit");
	}
	return store_threshold_remove(change->change, threshold);
}

static int next_threshold(
	const struct party_change *change, union party_cursor *cursor, union party_row *row)
{
	int result = store_threshold_next(change->change, &cursor->threshold);

	row->threshold = cursor->threshold;
	return result;
}

static void write_threshold(const union party_row *row, struct party_texts *texts)
{
	const struct mw_control_threshold *threshold = &row->threshold.threshold;
	char eui[DUIS_EUI_TEXT_SIZE];

	duis_eui_format(threshold->user, eui);
	party_text(texts, THRESHOLD_USER, "%s", threshold->user != 0 ? eui : "all");
	party_text(texts, THRESHOLD_SRV, "%s", threshold->srv[0] != '\0' ? threshold->srv : "all");
	party_text(texts, THRESHOLD_PERIOD_S, "%" PRIu32, threshold->period_s);
	party_text(texts, THRESHOLD_LIMIT, "%" PRIu32, threshold->limit);
}

const struct party_table party_thresholds = {
	.name = "threshold",
	.columns = threshold_columns,
	.column_count = THRESHOLD_COLUMNS,
	.origin_column = THRESHOLD_ORIGIN,
	.origin_offset = offsetof(struct store_threshold, origin),
	.key = read_threshold_key,
	.read = read_threshold,
	.get = get_threshold,
	.put = put_threshold,
	.remove = remove_threshold,
	.next = next_threshold,
	.write = write_threshold,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Users and organisations as tables. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/conf_table.h"
#include "control/party_table.h"
#include "control/reference_files.h"
#include "control/store_reference.h"
#include "dataplane/duis/identifier.h"

enum user_column {
	USER_EUI,
	USER_NAME,
	USER_ROLES,
	USER_ORGANISATION,
	USER_CALLBACK_URL,
	USER_DUIS_VERSION,
	USER_ACTIVE,
	USER_ORIGIN,
	USER_COLUMNS,
};

static const struct csv_column user_columns[] = {
	[USER_EUI] = {"eui", true},
	[USER_NAME] = {"name", true},
	[USER_ROLES] = {"roles", false},
	[USER_ORGANISATION] = {"organisation", false},
	[USER_CALLBACK_URL] = {"callback_url", false},
	[USER_DUIS_VERSION] = {"duis_version", false},
	[USER_ACTIVE] = {"active", false},
	[USER_ORIGIN] = {"origin", false},
};

bool party_roles_parse(const char *text, uint32_t *roles)
{
	char words[128];
	char *rest = NULL;

	*roles = 0;
	if (snprintf(words, sizeof(words), "%s", text) >= (int)sizeof(words))
		return false;
	for (char *word = strtok_r(words, " ,", &rest); word != NULL;
		word = strtok_r(NULL, " ,", &rest)) {
		int role = 0;

		while (reference_role_names[role] != NULL &&
			strcmp(reference_role_names[role], word) != 0)
			role++;
		if (reference_role_names[role] == NULL)
			return false;
		*roles |= 1u << role;
	}
	return true;
}

void party_roles_format(uint32_t roles, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int role = 0; reference_role_names[role] != NULL && used < size; role++)
		if ((roles & 1u << role) != 0)
			used += (size_t)snprintf(text + used, size - used, "%s%s",
				used > 0 ? " " : "", reference_role_names[role]);
}

static bool mpid_valid(const char *mpid)
{
	return strspn(mpid, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == strlen(mpid);
}

static int read_mpid(const struct table_row *row, int column, char mpid[REFERENCE_MPID_SIZE],
	struct table_fault *fault)
{
	if (table_field(row, column, mpid, REFERENCE_MPID_SIZE, fault) != 0)
		return -EINVAL;
	return mpid_valid(mpid) ? 0
				: table_wrong(row, column, fault,
					  "a market participant id has 1 to 7 capital letters and "
					  "digits");
}

static int read_name(
	const struct table_row *row, int column, char name[MW_NAME_SIZE], struct table_fault *fault)
{
	if (table_field_empty(row, column))
		return table_wrong(row, column, fault, "a name is required");
	return table_field(row, column, name, MW_NAME_SIZE, fault);
}

/* The user's own DUIS version, or the first of the configuration. */
static int read_version(const struct party_change *change, const struct table_row *row,
	char version[MW_SCHEMA_VERSION_SIZE], struct table_fault *fault)
{
	const struct conf *conf = parties_conf(change->parties);

	if (table_field(row, USER_DUIS_VERSION, version, MW_SCHEMA_VERSION_SIZE, fault) != 0)
		return -EINVAL;
	if (version[0] == '\0') {
		memcpy(version, conf->schemas[0].version, MW_SCHEMA_VERSION_SIZE);
		return 0;
	}
	for (uint32_t i = 0; conf_version_valid(version) && i < conf->schema_count; i++)
		if (conf_version_equal(version, conf->schemas[i].version))
			return 0;
	return table_wrong(
		row, USER_DUIS_VERSION, fault, "not one of schema.versions of the configuration");
}

static int read_active(const struct table_row *row, bool *active, struct table_fault *fault)
{
	char word[4];

	if (table_field(row, USER_ACTIVE, word, sizeof(word), fault) != 0 ||
		(word[0] != '\0' && strcmp(word, "yes") != 0 && strcmp(word, "no") != 0))
		return table_wrong(row, USER_ACTIVE, fault, "must be yes or no; or empty: yes");
	*active = strcmp(word, "no") != 0;
	return 0;
}

static int read_user_key(
	const struct table_row *row, union party_row *made, struct table_fault *fault)
{
	return table_eui(row, USER_EUI, &made->user.user.eui, fault);
}

static int read_user(const struct party_change *change, const struct table_row *row,
	union party_row *made, struct table_fault *fault)
{
	struct reference_user *user = &made->user.user;
	char roles[128];

	if (read_user_key(row, made, fault) != 0 ||
		read_name(row, USER_NAME, user->name, fault) != 0 ||
		table_field(row, USER_ROLES, roles, sizeof(roles), fault) != 0 ||
		read_mpid(row, USER_ORGANISATION, user->mpid, fault) != 0 ||
		table_field(row, USER_CALLBACK_URL, user->callback_url, MW_URL_SIZE, fault) != 0 ||
		read_version(change, row, user->duis_version, fault) != 0 ||
		read_active(row, &user->active, fault) != 0)
		return -EINVAL;
	if (!party_roles_parse(roles, &user->roles))
		return table_wrong(row, USER_ROLES, fault,
			"must be roles separated by blanks: IS, ES, GS, RSA, ED, GT, OU, MDR, LC");
	if (user->callback_url[0] != '\0' && !reference_url_valid(user->callback_url))
		return table_wrong(row, USER_CALLBACK_URL, fault,
			"not a URL such as http://127.0.0.1:8090/receive; the host is an IPv4 "
			"address or localhost");
	return 0;
}

/* The row with its organisation's MPID. */
static int complete_user(const struct party_change *change, struct store_user *user)
{
	struct store_organisation organisation;
	int result = store_organisation_get(change->change, user->organisation, &organisation);

	if (result == 0)
		memcpy(user->user.mpid, organisation.mpid, sizeof(user->user.mpid));
	return result == -ENOENT ? -EIO : result;
}

static int get_user(
	const struct party_change *change, const union party_row *key, union party_row *found)
{
	int result = store_user_get(change->change, key->user.user.eui, &found->user);

	return result != 0 ? result : complete_user(change, &found->user);
}

static int put_user(const struct party_change *change, union party_row *made,
	const union party_row *old, struct table_fault *fault, const struct table_row *row)
{
	struct store_organisation organisation = {0};
	struct store_user *user = &made->user;

	(void)fault;
	(void)row;
	if (old != NULL && strcmp(old->user.user.mpid, user->user.mpid) == 0) {
		organisation.number = old->user.organisation;
	} else {
		int result = store_user_organisation(
			change->change, &user->user, STORE_ORIGIN_OPERATOR, &organisation);
		if (result < 0)
			return result;
	}
	user->organisation = organisation.number;
	return store_user_put(change->change, user);
}

static int remove_user(const struct party_change *change, const union party_row *old,
	struct table_fault *fault, const struct table_row *row)
{
	uint64_t eui = old->user.user.eui;

	for (size_t i = 0; i < change->reference->file_user_count; i++)
		if (change->reference->file_users[i] == eui)
			return table_wrong(row, -1, fault,
				"the user stands in the users' file, which would bring him back; "
				"take him out there and reload first, or suspend him");
	return store_user_remove(change->change, eui);
}

static int next_user(
	const struct party_change *change, union party_cursor *cursor, union party_row *row)
{
	int result = store_user_next(change->change, &cursor->number, &row->user);

	if (result != 1)
		return result;
	result = complete_user(change, &row->user);
	return result == 0 ? 1 : result;
}

static void write_user(const union party_row *row, struct party_texts *texts)
{
	const struct reference_user *user = &row->user.user;
	char eui[DUIS_EUI_TEXT_SIZE];
	char roles[64];

	duis_eui_format(user->eui, eui);
	party_roles_format(user->roles, roles, sizeof(roles));
	party_text(texts, USER_EUI, "%s", eui);
	party_text(texts, USER_NAME, "%s", user->name);
	party_text(texts, USER_ROLES, "%s", roles);
	party_text(texts, USER_ORGANISATION, "%s", user->mpid);
	party_text(texts, USER_CALLBACK_URL, "%s", user->callback_url);
	party_text(texts, USER_DUIS_VERSION, "%s", user->duis_version);
	party_text(texts, USER_ACTIVE, "%s", user->active ? "yes" : "no");
}

const struct party_table party_users = {
	.name = "user",
	.columns = user_columns,
	.column_count = USER_COLUMNS,
	.origin_column = USER_ORIGIN,
	.origin_offset = offsetof(struct store_user, origin),
	.key = read_user_key,
	.read = read_user,
	.get = get_user,
	.put = put_user,
	.remove = remove_user,
	.next = next_user,
	.write = write_user,
};

/* ---- organisations ---- */

enum organisation_column {
	ORGANISATION_MPID,
	ORGANISATION_NAME,
	ORGANISATION_ORIGIN,
	ORGANISATION_COLUMNS,
};

static const struct csv_column organisation_columns[] = {
	[ORGANISATION_MPID] = {"mpid", true},
	[ORGANISATION_NAME] = {"name", true},
	[ORGANISATION_ORIGIN] = {"origin", false},
};

static int read_organisation_key(
	const struct table_row *row, union party_row *made, struct table_fault *fault)
{
	struct store_organisation *organisation = &made->organisation;

	if (read_mpid(row, ORGANISATION_MPID, organisation->mpid, fault) != 0)
		return -EINVAL;
	/* One that has no MPID goes by its name. */
	return organisation->mpid[0] != '\0'
		       ? 0
		       : read_name(row, ORGANISATION_NAME, organisation->name, fault);
}

static int read_organisation(const struct party_change *change, const struct table_row *row,
	union party_row *made, struct table_fault *fault)
{
	struct store_organisation *organisation = &made->organisation;

	(void)change;
	if (read_organisation_key(row, made, fault) != 0 ||
		read_name(row, ORGANISATION_NAME, organisation->name, fault) != 0)
		return -EINVAL;
	return 0;
}

static int get_organisation(
	const struct party_change *change, const union party_row *key, union party_row *found)
{
	uint32_t cursor = 0;
	int result;

	if (key->organisation.mpid[0] != '\0')
		return store_organisation_find(
			change->change, key->organisation.mpid, &found->organisation);
	while ((result = store_organisation_next(change->change, &cursor, &found->organisation)) ==
		1)
		if (found->organisation.mpid[0] == '\0' &&
			strcmp(found->organisation.name, key->organisation.name) == 0)
			return 0;
	return result == 0 ? -ENOENT : result;
}

static int put_organisation(const struct party_change *change, union party_row *made,
	const union party_row *old, struct table_fault *fault, const struct table_row *row)
{
	(void)fault;
	(void)row;
	if (old != NULL)
		made->organisation.number = old->organisation.number;
	return store_organisation_put(change->change, &made->organisation);
}

static int next_organisation(
	const struct party_change *change, union party_cursor *cursor, union party_row *row)
{
	uint32_t number = (uint32_t)cursor->number;
	int result = store_organisation_next(change->change, &number, &row->organisation);

	cursor->number = number;
	return result;
}

static void write_organisation(const union party_row *row, struct party_texts *texts)
{
	party_text(texts, ORGANISATION_MPID, "%s", row->organisation.mpid);
	party_text(texts, ORGANISATION_NAME, "%s", row->organisation.name);
}

const struct party_table party_organisations = {
	.name = "organisation",
	.columns = organisation_columns,
	.column_count = ORGANISATION_COLUMNS,
	.origin_column = ORGANISATION_ORIGIN,
	.origin_offset = offsetof(struct store_organisation, origin),
	.key = read_organisation_key,
	.read = read_organisation,
	.get = get_organisation,
	.put = put_organisation,
	.next = next_organisation,
	.write = write_organisation,
};

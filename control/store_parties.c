/* SPDX-License-Identifier: Apache-2.0 */
/* Organisations, users, certificates and providers: few rows, each changed by hand. */
#include "control/store_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "motorway/registry_image.h"

static bool mpid_valid(const char *mpid)
{
	size_t length = strnlen(mpid, STORE_MPID_SIZE);

	return length < STORE_MPID_SIZE &&
	       strspn(mpid, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == length;
}

/* ---- organisations ---- */

static int read_organisation(struct store_change *change, struct store_key key,
	struct store_bytes row, struct store_organisation *organisation)
{
	if (key.length != 4 || !store_row_read_organisation(row, organisation))
		return store_damaged(change, STORE_TABLE_ORGANISATION, key);
	organisation->number = (uint32_t)key.bytes[0] << 24 | (uint32_t)key.bytes[1] << 16 |
			       (uint32_t)key.bytes[2] << 8 | key.bytes[3];
	return 0;
}

int store_organisation_get(
	struct store_change *change, uint32_t number, struct store_organisation *organisation)
{
	struct store_key key = store_key_small(number);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_ORGANISATION, key, &row);

	return result != 0 ? result : read_organisation(change, key, row, organisation);
}

int store_organisation_find(
	struct store_change *change, const char *mpid, struct store_organisation *organisation)
{
	struct store_bytes row;

	if (mpid[0] == '\0' || !mpid_valid(mpid))
		return -ENOENT;
	struct store_key key = store_key_bytes(mpid, strlen(mpid));
	int result = store_row_get(change, STORE_TABLE_ORGANISATION_MPID, key, &row);
	if (result != 0)
		return result;
	if (row.length != 4)
		return store_damaged(change, STORE_TABLE_ORGANISATION_MPID, key);
	struct store_key number = store_key_bytes(row.bytes, 4);
	result = store_row_get(change, STORE_TABLE_ORGANISATION, number, &row);
	if (result == -ENOENT)
		return store_damaged(change, STORE_TABLE_ORGANISATION_MPID, key);
	return result != 0 ? result : read_organisation(change, number, row, organisation);
}

static int write_organisation(struct store_change *change,
	const struct store_organisation *organisation, const char *old_mpid)
{
	uint8_t bytes[STORE_ROW_USER_MAX];
	struct store_key key = store_key_small(organisation->number);
	struct store_bytes row = {bytes, store_row_write_organisation(organisation, bytes)};
	const char *mpid = organisation->mpid;

	int result = store_row_put(change, STORE_TABLE_ORGANISATION, key, row);
	if (result >= 0 && old_mpid[0] != '\0' && strcmp(old_mpid, mpid) != 0)
		result = store_row_remove(change, STORE_TABLE_ORGANISATION_MPID,
			store_key_bytes(old_mpid, strlen(old_mpid)));
	if (result >= 0 && mpid[0] != '\0')
		result = store_row_put(change, STORE_TABLE_ORGANISATION_MPID,
			store_key_bytes(mpid, strlen(mpid)), (struct store_bytes){key.bytes, 4});
	return store_end_rows(change, result);
}

int store_organisation_put(struct store_change *change, struct store_organisation *organisation)
{
	struct store_organisation other = {0};
	uint8_t bytes[STORE_ROW_USER_MAX];

	if (!mpid_valid(organisation->mpid) ||
		store_row_write_organisation(organisation, bytes) == 0)
		return -EINVAL;
	int result = store_organisation_find(change, organisation->mpid, &other);
	if (result == 0 && other.number != organisation->number)
		return -EEXIST;
	if (result != 0 && result != -ENOENT)
		return result;
	other.mpid[0] = '\0';
	if (organisation->number != 0) {
		result = store_organisation_get(change, organisation->number, &other);
		if (result != 0)
			return result == -ENOENT ? -EINVAL : result;
		/* Changing one works in a full store, too. */
		return write_organisation(change, organisation, other.mpid);
	}
	if (!store_has_room(change) || change->state.organisations == MW_REGISTRY_ORGANISATION_MAX)
		return -ENOSPC;
	organisation->number = ++change->state.organisations;
	return write_organisation(change, organisation, other.mpid);
}

int store_organisation_next(
	struct store_change *change, uint32_t *cursor, struct store_organisation *organisation)
{
	struct store_key key = store_key_small(*cursor);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_ORGANISATION, &key, &row);

	if (result != 1)
		return result;
	result = read_organisation(change, key, row, organisation);
	if (result != 0)
		return result;
	*cursor = organisation->number;
	return 1;
}

/* ---- users ---- */

static int read_user(struct store_change *change, struct store_key key, struct store_bytes row,
	struct store_user *user)
{
	if (key.length != 8 || !store_row_read_user(row, user))
		return store_damaged(change, STORE_TABLE_USER, key);
	user->user.eui = store_bytes_number(key.bytes);
	return 0;
}

int store_user_get(struct store_change *change, uint64_t eui, struct store_user *user)
{
	struct store_key key = store_key_number(eui);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_USER, key, &row);

	return result != 0 ? result : read_user(change, key, row, user);
}

/* Put the one row of a thing: a new or longer one needs room. */
static int put_row(struct store_change *change, enum store_table table, struct store_key key,
	struct store_bytes row)
{
	struct store_bytes old;
	int result = store_row_get(change, table, key, &old);

	if (result != 0 && result != -ENOENT)
		return result;
	if ((result == -ENOENT || old.length < row.length) && !store_has_room(change))
		return -ENOSPC;
	result = store_row_put(change, table, key, row);
	return result < 0 ? result : 0;
}

int store_user_put(struct store_change *change, const struct store_user *user)
{
	struct store_organisation organisation;
	uint8_t bytes[STORE_ROW_USER_MAX];
	struct store_bytes row = {bytes, store_row_write_user(user, bytes)};

	if (row.length == 0 || user->user.eui == 0)
		return -EINVAL;
	int result = store_organisation_get(change, user->organisation, &organisation);
	if (result != 0)
		return result == -ENOENT ? -EINVAL : result;
	return put_row(change, STORE_TABLE_USER, store_key_number(user->user.eui), row);
}

static struct store_key certificate_user_key(uint64_t eui, const uint8_t fingerprint[32])
{
	struct store_key key = store_key_number(eui);

	memcpy(key.bytes + 8, fingerprint, 32);
	key.length = 40;
	return key;
}

int store_user_remove(struct store_change *change, uint64_t eui)
{
	struct store_key key = store_key_number(eui);
	struct store_bytes row;
	int result = store_row_remove(change, STORE_TABLE_USER, key);

	if (result != 0)
		return result;
	while ((result = store_row_next(change, STORE_TABLE_CERTIFICATE_USER, &key, &row)) == 1 &&
		key.length == 40 && store_bytes_number(key.bytes) == eui) {
		struct store_key fingerprint = store_key_bytes(key.bytes + 8, 32);

		result = store_row_remove(change, STORE_TABLE_CERTIFICATE_USER, key);
		if (result == 0)
			result = store_row_remove(change, STORE_TABLE_CERTIFICATE, fingerprint);
		if (result != 0)
			break;
	}
	key = store_key_number(eui);
	while (result >= 0 &&
		(result = store_row_next(change, STORE_TABLE_THRESHOLD, &key, &row)) == 1 &&
		store_bytes_number(key.bytes) == eui)
		result = store_row_remove(change, STORE_TABLE_THRESHOLD, key);
	if (result > 0)
		result = 0;
	return store_end_rows(change, result == -ENOENT ? -EIO : result);
}

int store_user_next(struct store_change *change, uint64_t *cursor, struct store_user *user)
{
	struct store_key key = store_key_number(*cursor);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_USER, &key, &row);

	if (result != 1)
		return result;
	result = read_user(change, key, row, user);
	if (result != 0)
		return result;
	*cursor = user->user.eui;
	return 1;
}

/* ---- certificates ---- */

void store_certificate_fingerprint(
	const struct store_certificate *certificate, uint8_t fingerprint[32])
{
	SHA256(certificate->der, certificate->der_length, fingerprint);
}

/* The row with this fingerprint: 0, -ENOENT or -EIO. */
static int get_certificate(
	struct store_change *change, struct store_key key, struct store_certificate *certificate)
{
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_CERTIFICATE, key, &row);

	if (result == 0 && (key.length != 32 || !store_row_read_certificate(row, certificate)))
		return store_damaged(change, STORE_TABLE_CERTIFICATE, key);
	return result;
}

int store_certificate_get(struct store_change *change, const uint8_t fingerprint[32],
	struct store_certificate *certificate)
{
	return get_certificate(change, store_key_bytes(fingerprint, 32), certificate);
}

int store_certificate_put(struct store_change *change, const struct store_certificate *certificate)
{
	struct store_certificate old;
	struct store_user user;
	uint8_t fingerprint[32];
	uint8_t bytes[STORE_ROW_CERTIFICATE_MAX];
	struct store_bytes row = {bytes, store_row_write_certificate(certificate, bytes)};

	if (row.length == 0)
		return -EINVAL;
	int result = store_user_get(change, certificate->eui, &user);
	if (result != 0)
		return result == -ENOENT ? -EINVAL : result;
	store_certificate_fingerprint(certificate, fingerprint);
	struct store_key key = store_key_bytes(fingerprint, sizeof(fingerprint));
	result = get_certificate(change, key, &old);
	if (result != 0 && result != -ENOENT)
		return result;
	if (result == -ENOENT && !store_has_room(change))
		return -ENOSPC;
	bool moved = result == 0 && old.eui != certificate->eui;
	result = store_row_put(change, STORE_TABLE_CERTIFICATE, key, row);
	if (result >= 0 && moved)
		result = store_row_remove(change, STORE_TABLE_CERTIFICATE_USER,
			certificate_user_key(old.eui, fingerprint));
	if (result >= 0)
		result = store_row_put(change, STORE_TABLE_CERTIFICATE_USER,
			certificate_user_key(certificate->eui, fingerprint),
			(struct store_bytes){NULL, 0});
	return store_end_rows(change, result);
}

int store_certificate_remove(struct store_change *change, const uint8_t fingerprint[32])
{
	struct store_certificate certificate;
	struct store_key key = store_key_bytes(fingerprint, 32);
	int result = get_certificate(change, key, &certificate);

	if (result != 0)
		return result;
	result = store_row_remove(change, STORE_TABLE_CERTIFICATE, key);
	if (result == 0)
		result = store_row_remove(change, STORE_TABLE_CERTIFICATE_USER,
			certificate_user_key(certificate.eui, fingerprint));
	return store_end_rows(change, result == -ENOENT ? -EIO : result);
}

int store_certificate_next(
	struct store_change *change, uint8_t cursor[32], struct store_certificate *certificate)
{
	struct store_key key = store_key_bytes(cursor, 32);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_CERTIFICATE, &key, &row);

	if (result != 1)
		return result;
	if (key.length != 32 || !store_row_read_certificate(row, certificate))
		return store_damaged(change, STORE_TABLE_CERTIFICATE, key);
	memcpy(cursor, key.bytes, 32);
	return 1;
}

/* ---- providers ---- */

static int read_provider(struct store_change *change, struct store_key key, struct store_bytes row,
	struct store_provider *provider)
{
	if (key.length != 4 || !store_row_read_provider(row, provider) || key.bytes[0] != 0 ||
		key.bytes[1] != 0 || key.bytes[2] != 0 || key.bytes[3] >= REFERENCE_PROVIDERS_MAX)
		return store_damaged(change, STORE_TABLE_PROVIDER, key);
	provider->provider.id = key.bytes[3];
	return 0;
}

int store_provider_get(struct store_change *change, uint32_t id, struct store_provider *provider)
{
	struct store_key key = store_key_small(id);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_PROVIDER, key, &row);

	return result != 0 ? result : read_provider(change, key, row, provider);
}

int store_provider_put(struct store_change *change, const struct store_provider *provider)
{
	struct store_provider other;
	uint8_t bytes[STORE_ROW_USER_MAX];
	struct store_bytes row = {bytes, store_row_write_provider(provider, bytes)};
	int64_t cursor = -1;
	int result;

	if (row.length == 0 || provider->provider.id >= REFERENCE_PROVIDERS_MAX ||
		provider->provider.name[0] == '\0')
		return -EINVAL;
	while ((result = store_provider_next(change, &cursor, &other)) == 1)
		if (other.provider.id != provider->provider.id &&
			strcmp(other.provider.name, provider->provider.name) == 0)
			return -EEXIST;
	if (result != 0)
		return result;
	change->has_providers = false;
	return put_row(change, STORE_TABLE_PROVIDER, store_key_small(provider->provider.id), row);
}

int store_provider_remove(struct store_change *change, uint32_t id)
{
	change->has_providers = false;
	return store_row_remove(change, STORE_TABLE_PROVIDER, store_key_small(id));
}

int store_provider_next(
	struct store_change *change, int64_t *cursor, struct store_provider *provider)
{
	struct store_key key = {.length = 0};
	struct store_bytes row;

	if (*cursor >= 0)
		key = store_key_small((uint32_t)*cursor);
	int result = store_row_next(change, STORE_TABLE_PROVIDER, &key, &row);
	if (result != 1)
		return result;
	result = read_provider(change, key, row, provider);
	if (result != 0)
		return result;
	*cursor = provider->provider.id;
	return 1;
}

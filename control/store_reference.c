/* SPDX-License-Identifier: Apache-2.0 */
#include "control/store_reference.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/store_table.h"

struct importer {
	struct store_change *change;
	const struct reference *reference;
	struct store_import *import;
};

/* ---- what stands in the files ---- */

static int find_nameless(
	struct store_change *change, const char *name, struct store_organisation *organisation)
{
	uint32_t cursor = 0;
	int result;

	while ((result = store_organisation_next(change, &cursor, organisation)) == 1)
		if (organisation->mpid[0] == '\0' && strcmp(organisation->name, name) == 0)
			return 0;
	return result == 0 ? -ENOENT : result;
}

int store_user_organisation(struct store_change *change, const struct reference_user *user,
	uint8_t origin, struct store_organisation *organisation)
{
	int result = user->mpid[0] != '\0'
			     ? store_organisation_find(change, user->mpid, organisation)
			     : find_nameless(change, user->name, organisation);

	if (result != -ENOENT)
		return result;
	*organisation = (struct store_organisation){.origin = origin};
	memcpy(organisation->mpid, user->mpid, sizeof(organisation->mpid));
	memcpy(organisation->name, user->name, sizeof(organisation->name));
	result = store_organisation_put(change, organisation);
	return result == 0 ? 1 : result;
}

static int find_organisation(
	struct importer *importer, const struct reference_user *user, uint32_t *number)
{
	struct store_organisation organisation = {0};
	int result =
		store_user_organisation(importer->change, user, STORE_ORIGIN_FILE, &organisation);

	importer->import->written += result == 1;
	*number = organisation.number;
	return result < 0 ? result : 0;
}

/* Whether a row with this origin may be written by the files. */
static bool is_ours(struct importer *importer, int found, uint8_t origin)
{
	if (found == -ENOENT || origin == STORE_ORIGIN_FILE)
		return true;
	importer->import->kept++;
	return false;
}

/* A put of a row that is there exactly so writes nothing. */
static int count_written(struct importer *importer, uint64_t before, int result)
{
	importer->import->written += result == 0 && importer->change->wrote != before;
	return result;
}

static int import_users(struct importer *importer)
{
	for (size_t i = 0; i < importer->reference->user_count; i++) {
		struct store_user user = {0};
		struct store_user old = {0};
		int found =
			store_user_get(importer->change, importer->reference->users[i].eui, &old);

		if (found != 0 && found != -ENOENT)
			return found;
		if (!is_ours(importer, found, old.origin))
			continue;
		user.origin = STORE_ORIGIN_FILE;
		user.user = importer->reference->users[i];
		int result = find_organisation(importer, &user.user, &user.organisation);
		uint64_t before = importer->change->wrote;
		if (result == 0)
			result = store_user_put(importer->change, &user);
		result = count_written(importer, before, result);
		if (result != 0)
			return result;
	}
	return 0;
}

static int import_certificates(struct importer *importer)
{
	for (size_t i = 0; i < importer->reference->certificate_count; i++) {
		const struct reference_certificate *from = &importer->reference->certificates[i];
		struct store_certificate old = {0};
		struct store_certificate certificate = {
			.eui = from->eui,
			.origin = STORE_ORIGIN_FILE,
			.der_length = from->der_length,
		};
		uint8_t fingerprint[32];

		assert(from->der_length <= sizeof(certificate.der));
		memcpy(certificate.der, from->der, from->der_length);
		store_certificate_fingerprint(&certificate, fingerprint);
		int found = store_certificate_get(importer->change, fingerprint, &old);
		if (found != 0 && found != -ENOENT)
			return found;
		if (!is_ours(importer, found, old.origin))
			continue;
		uint64_t before = importer->change->wrote;
		int result = count_written(
			importer, before, store_certificate_put(importer->change, &certificate));
		if (result != 0)
			return result;
	}
	return 0;
}

/* Whether another origin's provider stands in the way: there is one transform provider. */
static int is_in_the_way(struct importer *importer, const struct reference_provider *provider)
{
	struct store_provider other;
	int64_t cursor = -1;
	int result;

	if (provider->kind != MW_PROVIDER_TRANSFORM)
		return 0;
	while ((result = store_provider_next(importer->change, &cursor, &other)) == 1)
		if (other.provider.kind == MW_PROVIDER_TRANSFORM &&
			other.provider.id != provider->id && other.origin != STORE_ORIGIN_FILE)
			return 1;
	return result;
}

static int import_providers(struct importer *importer)
{
	for (size_t i = 0; i < importer->reference->provider_count; i++) {
		struct store_provider old = {0};
		struct store_provider provider = {
			.origin = STORE_ORIGIN_FILE,
			.provider = importer->reference->providers[i],
		};
		int found = store_provider_get(importer->change, provider.provider.id, &old);

		if (found != 0 && found != -ENOENT)
			return found;
		if (!is_ours(importer, found, old.origin))
			continue;
		int result = is_in_the_way(importer, &provider.provider);
		uint64_t before = importer->change->wrote;
		if (result == 0)
			result = count_written(
				importer, before, store_provider_put(importer->change, &provider));
		/* The name, or the place of the transform provider, is taken by another origin. */
		if (result == -EEXIST || result == 1)
			importer->import->kept++;
		else if (result != 0)
			return result;
	}
	return 0;
}

static int import_thresholds(struct importer *importer)
{
	for (size_t i = 0; i < importer->reference->threshold_count; i++) {
		struct store_threshold threshold = {
			.origin = STORE_ORIGIN_FILE,
			.threshold = importer->reference->thresholds[i],
		};
		struct store_threshold old = threshold;
		int found = store_threshold_get(importer->change, &old);

		if (found != 0 && found != -ENOENT)
			return found;
		if (!is_ours(importer, found, old.origin))
			continue;
		uint64_t before = importer->change->wrote;
		int result = count_written(
			importer, before, store_threshold_put(importer->change, &threshold));
		if (result != 0)
			return result;
	}
	return 0;
}

static int import_devices(struct importer *importer)
{
	for (size_t i = 0; i < importer->reference->device_count; i++) {
		struct store_device old = {0};
		struct store_device device = {
			.origin = STORE_ORIGIN_FILE,
			.device = importer->reference->devices[i],
		};
		int found = store_device_get(importer->change, device.device.device_id, &old);

		if (found != 0 && found != -ENOENT)
			return found;
		if (!is_ours(importer, found, old.origin))
			continue;
		uint64_t before = importer->change->wrote;
		int result = count_written(
			importer, before, store_device_put(importer->change, &device));
		if (result != 0)
			return result;
	}
	return 0;
}

/* ---- what has left them ---- */

static bool has_certificate(const struct reference *reference, const struct store_certificate *row)
{
	for (size_t i = 0; i < reference->certificate_count; i++) {
		const struct reference_certificate *other = &reference->certificates[i];

		if (other->eui == row->eui && other->der_length == row->der_length &&
			memcmp(other->der, row->der, row->der_length) == 0)
			return true;
	}
	return false;
}

/* The file's provider with this id, or NULL. */
static const struct reference_provider *find_provider(
	const struct reference *reference, uint32_t id)
{
	for (size_t i = 0; i < reference->provider_count; i++)
		if (reference->providers[i].id == id)
			return &reference->providers[i];
	return NULL;
}

static int count_removed(struct importer *importer, int result)
{
	importer->import->removed += result == 0;
	return result;
}

static int remove_certificates(struct importer *importer)
{
	struct store_certificate certificate;
	uint8_t cursor[32] = {0};
	int result;

	while ((result = store_certificate_next(importer->change, cursor, &certificate)) == 1) {
		if (certificate.origin != STORE_ORIGIN_FILE ||
			has_certificate(importer->reference, &certificate))
			continue;
		result =
			count_removed(importer, store_certificate_remove(importer->change, cursor));
		if (result != 0)
			return result;
	}
	return result;
}

static int remove_users(struct importer *importer)
{
	struct store_user user;
	uint64_t cursor = 0;
	int result;

	while ((result = store_user_next(importer->change, &cursor, &user)) == 1) {
		if (user.origin != STORE_ORIGIN_FILE ||
			reference_user(importer->reference, cursor) != NULL)
			continue;
		result = count_removed(importer, store_user_remove(importer->change, cursor));
		if (result != 0)
			return result;
	}
	return result;
}

static int remove_providers(struct importer *importer)
{
	struct store_provider provider;
	int64_t cursor = -1;
	int result;

	while ((result = store_provider_next(importer->change, &cursor, &provider)) == 1) {
		const struct reference_provider *other =
			find_provider(importer->reference, provider.provider.id);

		if (provider.origin != STORE_ORIGIN_FILE)
			continue;
		/* One that gets another name goes, too, so that its old name is free. */
		if (other != NULL && strcmp(other->name, provider.provider.name) == 0)
			continue;
		result = store_provider_remove(importer->change, provider.provider.id);
		if (result != 0)
			return result;
		importer->import->removed += other == NULL;
	}
	return result;
}

static bool has_threshold(
	const struct reference *reference, const struct mw_control_threshold *threshold)
{
	for (size_t i = 0; i < reference->threshold_count; i++) {
		const struct mw_control_threshold *other = &reference->thresholds[i];

		if (other->user == threshold->user && other->period_s == threshold->period_s &&
			strcmp(other->srv, threshold->srv) == 0)
			return true;
	}
	return false;
}

static int remove_thresholds(struct importer *importer)
{
	struct store_threshold row = {0};
	int result;

	while ((result = store_threshold_next(importer->change, &row)) == 1) {
		if (row.origin != STORE_ORIGIN_FILE ||
			has_threshold(importer->reference, &row.threshold))
			continue;
		result = count_removed(
			importer, store_threshold_remove(importer->change, &row.threshold));
		if (result != 0)
			return result;
	}
	return result;
}

static int remove_devices(struct importer *importer)
{
	uint64_t cursor = 0;
	int result;

	while ((result = store_device_file_next(importer->change, &cursor)) == 1) {
		if (reference_device(importer->reference, cursor) != NULL)
			continue;
		result = count_removed(importer, store_device_remove(importer->change, cursor));
		if (result != 0)
			return result;
	}
	return result;
}

int store_reference_import(
	struct store_change *change, const struct reference *reference, struct store_import *import)
{
	struct importer importer = {change, reference, import};

	*import = (struct store_import){0};
	/* Names and numbers that move from one row to another must be free before they are put. */
	int result = remove_devices(&importer);
	if (result == 0)
		result = remove_certificates(&importer);
	if (result == 0)
		result = remove_thresholds(&importer);
	if (result == 0)
		result = remove_users(&importer);
	if (result == 0)
		result = remove_providers(&importer);
	if (result == 0)
		result = import_users(&importer);
	if (result == 0)
		result = import_certificates(&importer);
	if (result == 0)
		result = import_providers(&importer);
	if (result == 0)
		result = import_thresholds(&importer);
	if (result == 0)
		result = import_devices(&importer);
	return result;
}

/* ---- from the store to a set ---- */

static int read_users(struct store_change *change, struct reference *reference)
{
	struct store_organisation organisation;
	struct store_user user;
	uint64_t cursor = 0;
	int result;

	reference->users = calloc(REFERENCE_USERS_MAX, sizeof(*reference->users));
	if (reference->users == NULL)
		return -ENOMEM;
	while ((result = store_user_next(change, &cursor, &user)) == 1) {
		if (reference->user_count == REFERENCE_USERS_MAX)
			return -ENOSPC;
		result = store_organisation_get(change, user.organisation, &organisation);
		if (result != 0)
			return result == -ENOENT ? -EIO : result;
		memcpy(user.user.mpid, organisation.mpid, sizeof(user.user.mpid));
		reference->users[reference->user_count++] = user.user;
	}
	return result;
}

static int read_certificates(struct store_change *change, struct reference *reference)
{
	struct store_certificate row;
	uint8_t cursor[32] = {0};
	int result;

	reference->certificates =
		calloc(REFERENCE_CERTIFICATES_MAX, sizeof(*reference->certificates));
	if (reference->certificates == NULL)
		return -ENOMEM;
	while ((result = store_certificate_next(change, cursor, &row)) == 1) {
		if (row.withdrawn)
			continue;
		if (reference->certificate_count == REFERENCE_CERTIFICATES_MAX)
			return -ENOSPC;
		struct reference_certificate *certificate =
			&reference->certificates[reference->certificate_count];
		certificate->der = malloc(row.der_length);
		if (certificate->der == NULL)
			return -ENOMEM;
		memcpy(certificate->der, row.der, row.der_length);
		certificate->der_length = row.der_length;
		certificate->eui = row.eui;
		reference->certificate_count++;
	}
	return result;
}

static int read_providers(struct store_change *change, struct reference *reference)
{
	struct store_provider provider;
	int64_t cursor = -1;
	int result;

	reference->providers = calloc(REFERENCE_PROVIDERS_MAX, sizeof(*reference->providers));
	if (reference->providers == NULL)
		return -ENOMEM;
	while ((result = store_provider_next(change, &cursor, &provider)) == 1)
		reference->providers[reference->provider_count++] = provider.provider;
	return result;
}

static int read_thresholds(struct store_change *change, struct reference *reference)
{
	struct store_threshold row = {0};
	int result;

	reference->thresholds = calloc(REFERENCE_THRESHOLDS_MAX, sizeof(*reference->thresholds));
	if (reference->thresholds == NULL)
		return -ENOMEM;
	reference->thresholds_left_out = 0;
	while ((result = store_threshold_next(change, &row)) == 1) {
		if (row.threshold.srv[0] != '\0' && reference->rule_count > 0 &&
			reference_rule(reference, row.threshold.srv) == NULL) {
			reference->thresholds_left_out++;
			continue;
		}
		if (reference->threshold_count == REFERENCE_THRESHOLDS_MAX)
			return -ENOSPC;
		reference->thresholds[reference->threshold_count++] = row.threshold;
	}
	return result;
}

int store_reference_read(struct store_change *change, struct reference *reference)
{
	assert(reference->users == NULL && reference->certificates == NULL &&
		reference->providers == NULL && reference->thresholds == NULL);
	int result = read_users(change, reference);
	if (result == 0)
		result = read_certificates(change, reference);
	if (result == 0)
		result = read_providers(change, reference);
	if (result == 0)
		result = read_thresholds(change, reference);
	return result;
}

/* Whether what the store would have then fits into a set. */
static int probe(struct store_change *change)
{
	struct reference *reference = calloc(1, sizeof(*reference));
	int result = reference != NULL ? store_reference_read(change, reference) : -ENOMEM;

	reference_free(reference);
	return result;
}

static int commit_import(struct store *store, const struct reference *reference,
	struct store_import *import, char *reason, size_t reason_size)
{
	struct store_change *change = store_begin(store);
	uint64_t number;

	if (change == NULL) {
		int error = errno;

		snprintf(reason, reason_size, "the store cannot be changed: %s", strerror(error));
		return -error;
	}
	int result = store_reference_import(change, reference, import);
	if (result == 0)
		result = probe(change);
	if (result != 0) {
		const char *fault = store_change_fault(change);

		snprintf(reason, reason_size, "the files cannot be brought into the store: %s",
			fault[0] != '\0'    ? fault
			: result == -ENOSPC ? "the store is full, or has more than a set holds"
					    : strerror(-result));
		store_abandon(change);
		return result;
	}
	result = store_commit(change, &number);
	if (result != 0)
		snprintf(reason, reason_size, "the store cannot be written: %s", strerror(-result));
	return result;
}

int store_reference_merge(struct store *store, struct reference *reference,
	struct store_import *import, char *reason, size_t reason_size)
{
	int result = commit_import(store, reference, import, reason, reason_size);

	if (result != 0)
		return result;
	struct store_change *snapshot = store_snapshot(store);
	if (snapshot == NULL) {
		snprintf(reason, reason_size, "the store cannot be read: %s", strerror(errno));
		return -errno;
	}
	result = reference_note_files(reference);
	if (result == 0)
		result = store_reference_read(snapshot, reference);
	if (result != 0)
		snprintf(reason, reason_size, "the store cannot be read: %s", strerror(-result));
	store_abandon(snapshot);
	reference_seal(reference);
	return result;
}

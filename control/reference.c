/* SPDX-License-Identifier: Apache-2.0 */
#include "control/reference.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/crc32c.h"
#include "control/reference_files.h"

const char *service_reason_name(enum service_reason reason)
{
	static const char *const names[] = {
#define SERVICE_REASON_NAME(name, text) [SERVICE_##name] = text,
		SERVICE_REASONS(SERVICE_REASON_NAME)
#undef SERVICE_REASON_NAME
	};

	assert(reason >= 0 && reason < SERVICE_REASON_COUNT);
	return names[reason];
}

void reference_drop_parties(struct reference *reference)
{
	for (size_t i = 0; i < reference->certificate_count; i++)
		free(reference->certificates[i].der);
	free(reference->users);
	free(reference->certificates);
	free(reference->providers);
	free(reference->thresholds);
	reference->thresholds = NULL;
	reference->threshold_count = 0;
	reference->users = NULL;
	reference->certificates = NULL;
	reference->providers = NULL;
	reference->user_count = reference->certificate_count = reference->provider_count = 0;
}

int reference_note_files(struct reference *reference)
{
	uint64_t *users = calloc(reference->user_count + 1, sizeof(*users));

	if (users == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < reference->user_count; i++)
		users[i] = reference->users[i].eui;
	free(reference->file_users);
	free(reference->file_thresholds);
	reference->file_users = users;
	reference->file_user_count = reference->user_count;
	reference->file_providers = 0;
	for (size_t i = 0; i < reference->provider_count; i++)
		reference->file_providers |= 1ull << reference->providers[i].id;
	reference->file_thresholds = reference->thresholds;
	reference->file_threshold_count = reference->threshold_count;
	reference->thresholds = NULL;
	reference->threshold_count = 0;
	reference_drop_parties(reference);
	return 0;
}

void reference_free(struct reference *reference)
{
	if (reference == NULL)
		return;
	reference_drop_parties(reference);
	free(reference->file_users);
	free(reference->file_thresholds);
	free(reference->devices);
	free(reference->rules);
	free(reference->windows);
	free(reference->timings);
	free(reference);
}

static int compare_devices(const void *left, const void *right)
{
	uint64_t a = ((const struct reference_device *)left)->device_id;
	uint64_t b = ((const struct reference_device *)right)->device_id;

	return a < b ? -1 : a > b;
}

void reference_seal(struct reference *reference)
{
	uint8_t payload[REFERENCE_RECORD_BYTES_MAX];
	enum mw_control_type type;

	reference->crc32c = 0;
	for (size_t i = 0; i < reference_record_count(reference); i++)
		reference->crc32c = crc32c(
			reference->crc32c, payload, reference_record(reference, i, &type, payload));
}

int reference_read(const struct reference_paths *paths, uint64_t generation, FILE *errors,
	struct reference **reference)
{
	struct reference *made = calloc(1, sizeof(*made));
	int first = 0;

	*reference = NULL;
	if (made == NULL)
		return -ENOMEM;
	assert(generation != 0);
	made->generation = generation;
	/* Devices name providers, thresholds name users and SRVs, so those come first; the rest is
	 * independent, and all files are read even when one is wrong, so that all errors are seen
	 * at once. */
	int results[] = {
		reference_read_users(paths, errors, made),
		reference_read_providers(paths->providers, errors, made),
		reference_read_devices(paths->devices, errors, made),
		reference_read_access(paths->access, errors, made),
		reference_read_codes(paths->service_codes, errors, made),
		reference_read_checks(paths->access_checks, errors, made),
		reference_read_alert_codes(paths->alerts, errors, made),
		reference_read_thresholds(paths->thresholds, errors, made),
	};
	for (size_t i = 0; i < made->user_count && paths->duis_version != NULL; i++)
		if (made->users[i].duis_version[0] == '\0')
			snprintf(made->users[i].duis_version, sizeof(made->users[i].duis_version),
				"%s", paths->duis_version);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]) && first == 0; i++)
		first = results[i];
	if (first != 0) {
		reference_free(made);
		return first;
	}
	if (made->device_count > 0)
		qsort(made->devices, made->device_count, sizeof(*made->devices), compare_devices);
	reference_seal(made);
	*reference = made;
	return 0;
}

const struct reference_user *reference_user(const struct reference *reference, uint64_t eui)
{
	for (size_t i = 0; i < reference->user_count; i++)
		if (reference->users[i].eui == eui)
			return &reference->users[i];
	return NULL;
}

const struct reference_device *reference_device(
	const struct reference *reference, uint64_t device_id)
{
	struct reference_device key;

	if (reference->device_count == 0)
		return NULL;
	key.device_id = device_id;
	return bsearch(&key, reference->devices, reference->device_count,
		sizeof(*reference->devices), compare_devices);
}

const struct mw_control_srv_rule *reference_rule(const struct reference *reference, const char *srv)
{
	for (size_t i = 0; i < reference->rule_count; i++)
		if (strcmp(reference->rules[i].srv, srv) == 0)
			return &reference->rules[i];
	return NULL;
}

/* The registry image, before the rules. */
#define IMAGE_RECORDS 1
/* Access checks, alert code. */
#define SINGLE_RECORDS 2

size_t reference_record_count(const struct reference *reference)
{
	return reference->user_count + reference->certificate_count + reference->provider_count +
	       IMAGE_RECORDS + reference->rule_count + SINGLE_RECORDS + reference->threshold_count +
	       reference->timing_count + reference->window_count;
}

static size_t user_record(const struct reference_user *user, uint8_t *payload)
{
	struct mw_control_user record = {
		.eui = user->eui,
		.roles = user->roles,
		.flags = user->active ? MW_USER_ACTIVE : 0,
		.organisation = user->organisation,
	};

	memcpy(record.name, user->name, sizeof(record.name));
	memcpy(record.callback_url, user->callback_url, sizeof(record.callback_url));
	memcpy(record.duis_version, user->duis_version, sizeof(record.duis_version));
	memcpy(payload, &record, sizeof(record));
	return sizeof(record);
}

static size_t certificate_record(const struct reference_certificate *certificate, uint8_t *payload)
{
	struct mw_control_certificate record = {
		.eui = certificate->eui,
		.der_length = certificate->der_length,
	};

	memcpy(payload, &record, sizeof(record));
	memcpy(payload + sizeof(record), certificate->der, certificate->der_length);
	return sizeof(record) + certificate->der_length;
}

static size_t provider_record(const struct reference_provider *provider, uint8_t *payload)
{
	struct mw_control_provider record = {
		.id = provider->id,
		.kind = (uint32_t)provider->kind,
	};

	memcpy(record.name, provider->name, sizeof(record.name));
	memcpy(record.url, provider->url, sizeof(record.url));
	memcpy(payload, &record, sizeof(record));
	return sizeof(record);
}

static size_t alert_code_record(const struct reference *reference, uint8_t *payload)
{
	struct mw_control_alert_code record = {.event = MW_ALERT_VERSION_MISMATCH};

	memcpy(record.code, reference->alert_codes[ALERT_VERSION_MISMATCH], sizeof(record.code));
	memcpy(payload, &record, sizeof(record));
	return sizeof(record);
}

/* The records behind the rules. */
static size_t last_record(const struct reference *reference, size_t index,
	enum mw_control_type *type, uint8_t *payload)
{
	switch (index) {
	case 0:
		*type = MW_CONTROL_ACCESS_CHECKS;
		memcpy(payload, &reference->checks, sizeof(reference->checks));
		return sizeof(reference->checks);
	case 1:
		*type = MW_CONTROL_ALERT_CODE;
		return alert_code_record(reference, payload);
	default:
		break;
	}
	index -= SINGLE_RECORDS;
	if (index < reference->threshold_count) {
		*type = MW_CONTROL_THRESHOLD;
		memcpy(payload, &reference->thresholds[index], sizeof(reference->thresholds[0]));
		return sizeof(reference->thresholds[0]);
	}
	index -= reference->threshold_count;
	if (index < reference->timing_count) {
		*type = MW_CONTROL_TIMING;
		memcpy(payload, &reference->timings[index], sizeof(reference->timings[0]));
		return sizeof(reference->timings[0]);
	}
	*type = MW_CONTROL_WINDOW;
	memcpy(payload, &reference->windows[index - reference->timing_count],
		sizeof(reference->windows[0]));
	return sizeof(reference->windows[0]);
}

size_t reference_record(const struct reference *reference, size_t index, enum mw_control_type *type,
	uint8_t *payload)
{
	assert(index < reference_record_count(reference));
	if (index < reference->user_count) {
		*type = MW_CONTROL_USER;
		return user_record(&reference->users[index], payload);
	}
	index -= reference->user_count;
	if (index < reference->certificate_count) {
		*type = MW_CONTROL_CERTIFICATE;
		return certificate_record(&reference->certificates[index], payload);
	}
	index -= reference->certificate_count;
	if (index < reference->provider_count) {
		*type = MW_CONTROL_PROVIDER;
		return provider_record(&reference->providers[index], payload);
	}
	index -= reference->provider_count;
	if (index < IMAGE_RECORDS) {
		*type = MW_CONTROL_REGISTRY_IMAGE;
		memcpy(payload, &reference->image, sizeof(reference->image));
		return sizeof(reference->image);
	}
	index -= IMAGE_RECORDS;
	if (index < reference->rule_count) {
		*type = MW_CONTROL_SRV_RULE;
		memcpy(payload, &reference->rules[index], sizeof(reference->rules[index]));
		return sizeof(reference->rules[index]);
	}
	return last_record(reference, index - reference->rule_count, type, payload);
}

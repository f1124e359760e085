/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/registry.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

/* Is `text`, a field of `size` bytes from the wire, ended by a NUL? */
static bool text_ended(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static void srv_words(const char *srv, uint64_t words[1])
{
	char padded[MW_SRV_SIZE] = {0};
	memcpy(padded, srv, strnlen(srv, sizeof(padded) - 1));
	memcpy(words, padded, sizeof(words[0]));
}

static uint32_t certificate_hash(
	const struct hash_index *index, const char *issuer, const uint8_t serial[DUIS_SERIAL_SIZE])
{
	/* The issuers are few, the serials many: the serial and the issuer's length suffice. */
	uint64_t words[4] = {0, 0, 0, strlen(issuer)};
	memcpy(words, serial, DUIS_SERIAL_SIZE);
	return hash_index_hash(index, words, 4);
}

struct registry *registry_create(uint64_t generation, struct key_store *keys)
{
	struct registry *registry = calloc(1, sizeof(*registry));
	uint64_t secret = 0;
	if (!registry || RAND_bytes((unsigned char *)&secret, sizeof(secret)) != 1)
		goto fail;
	registry->generation = generation;
	registry->keys = keys;
	registry->transform_provider = -1;
	registry->users = calloc(USERS_MAX, sizeof(*registry->users));
	registry->certificates = calloc(CERTIFICATES_MAX, sizeof(*registry->certificates));
	registry->srvs = calloc(SRV_RULES_MAX, sizeof(*registry->srvs));
	registry->windows = calloc(MW_WINDOW_RECORDS_MAX, sizeof(*registry->windows));
	registry->thresholds = calloc(ANOMALY_THRESHOLDS_MAX, sizeof(*registry->thresholds));
	if (!registry->users || !registry->certificates || !registry->srvs ||
		!registry->thresholds || !registry->windows ||
		hash_index_create(&registry->user_index, USERS_MAX, secret) ||
		hash_index_create(&registry->certificate_index, CERTIFICATES_MAX, secret) ||
		hash_index_create(&registry->srv_index, SRV_RULES_MAX, secret))
		goto fail;
	return registry;
fail:
	registry_destroy(registry);
	errno = ENOMEM;
	return NULL;
}

void registry_destroy(struct registry *registry)
{
	if (!registry)
		return;
	for (uint32_t i = 0; i < registry->certificate_count; i++)
		key_store_release(registry->keys, registry->certificates[i].key);
	hash_index_destroy(&registry->user_index);
	hash_index_destroy(&registry->certificate_index);
	hash_index_destroy(&registry->srv_index);
	free(registry->users);
	free(registry->certificates);
	image_share_release(registry->image);
	free(registry->srvs);
	free(registry->thresholds);
	free(registry->windows);
	free(registry);
}

static int add_user(struct registry *registry, const struct mw_control_user *record)
{
	if (!text_ended(record->name, sizeof(record->name)) ||
		!text_ended(record->callback_url, sizeof(record->callback_url)) ||
		!text_ended(record->duis_version, sizeof(record->duis_version)))
		return -EBADMSG;
	if (registry_user(registry, record->eui))
		return -EEXIST;
	if (registry->user_count == USERS_MAX)
		return -ENOSPC;
	struct registry_user *user = &registry->users[registry->user_count];
	user->eui = record->eui;
	user->roles = record->roles;
	user->organisation = record->organisation;
	user->active = record->flags & MW_USER_ACTIVE;
	memcpy(user->name, record->name, sizeof(user->name));
	memcpy(user->callback_url, record->callback_url, sizeof(user->callback_url));
	memcpy(user->duis_version, record->duis_version, sizeof(user->duis_version));
	hash_index_insert(&registry->user_index,
		hash_index_hash(&registry->user_index, &record->eui, 1), registry->user_count++);
	return 0;
}

static int add_certificate(
	struct registry *registry, const struct mw_control_certificate *record, const uint8_t *der)
{
	if (!registry_user(registry, record->eui))
		return -ENOENT;
	if (registry->certificate_count == CERTIFICATES_MAX)
		return -ENOSPC;
	struct registry_certificate *certificate =
		&registry->certificates[registry->certificate_count];
	uint64_t subject_eui;
	EVP_PKEY *key;
	int status = duis_certificate_read(der, record->der_length, certificate->issuer,
		certificate->serial, &subject_eui, &key);
	if (status < 0)
		return -EBADMSG;
	/* Issuer and serial name one certificate, and it speaks for the EUI in its subject. */
	if (subject_eui != record->eui ||
		registry_certificate(registry, certificate->issuer, certificate->serial)) {
		EVP_PKEY_free(key);
		return subject_eui != record->eui ? -EBADMSG : -EEXIST;
	}
	certificate->key = key_store_take(registry->keys, key);
	status = certificate->key ? 0 : -errno;
	EVP_PKEY_free(key);
	if (status < 0)
		return status;
	certificate->eui = record->eui;
	hash_index_insert(&registry->certificate_index,
		certificate_hash(
			&registry->certificate_index, certificate->issuer, certificate->serial),
		registry->certificate_count++);
	return 0;
}

static int add_provider(struct registry *registry, const struct mw_control_provider *record)
{
	if (record->id >= PROVIDERS_MAX || !text_ended(record->name, sizeof(record->name)) ||
		record->name[0] == '\0' || !text_ended(record->url, sizeof(record->url)) ||
		record->kind < MW_PROVIDER_CSP || record->kind > MW_PROVIDER_TRANSFORM)
		return -EBADMSG;
	struct registry_provider *provider = &registry->providers[record->id];
	if (provider->name[0] != '\0' ||
		registry_provider_find(registry, record->name, strlen(record->name)) >= 0)
		return -EEXIST;
	if (record->kind == MW_PROVIDER_TRANSFORM) {
		if (registry->transform_provider >= 0)
			return -EEXIST;
		registry->transform_provider = (int)record->id;
	}
	provider->kind = record->kind;
	memcpy(provider->name, record->name, sizeof(provider->name));
	memcpy(provider->url, record->url, sizeof(provider->url));
	registry->provider_count++;
	return 0;
}

static int add_srv(struct registry *registry, const struct mw_control_srv_rule *record)
{
	if (!text_ended(record->srv, sizeof(record->srv)) || record->srv[0] == '\0' ||
		!text_ended(record->service_reference, sizeof(record->service_reference)) ||
		!text_ended(record->body_element, sizeof(record->body_element)) ||
		!text_ended(record->mdr_generation_code, sizeof(record->mdr_generation_code)) ||
		!access_rule_valid(record))
		return -EBADMSG;
	if (registry_srv(registry, record->srv))
		return -EEXIST;
	if (registry->srv_count == SRV_RULES_MAX)
		return -ENOSPC;
	struct registry_srv *rule = &registry->srvs[registry->srv_count];
	memcpy(rule->srv, record->srv, sizeof(rule->srv));
	memcpy(rule->service_reference, record->service_reference, sizeof(rule->service_reference));
	memcpy(rule->body_element, record->body_element, sizeof(rule->body_element));
	memcpy(rule->mdr_generation_code, record->mdr_generation_code,
		sizeof(rule->mdr_generation_code));
	rule->roles = record->roles;
	rule->command_variants = record->command_variants;
	rule->control_answers = record->flags & MW_SRV_CONTROL_ANSWERS;
	rule->non_device = record->flags & MW_SRV_NON_DEVICE;
	rule->generations = record->generations;
	rule->mdr_generations = record->mdr_generations;
	rule->modes = record->modes;
	rule->uplift_modes = record->uplift_modes;
	rule->direction = record->direction;
	rule->device_types = record->device_types;
	rule->device_statuses = record->device_statuses;
	uint64_t words[1];
	srv_words(rule->srv, words);
	hash_index_insert(&registry->srv_index, hash_index_hash(&registry->srv_index, words, 1),
		registry->srv_count++);
	return 0;
}

static int add_checks(struct registry *registry, const struct mw_control_access_checks *record)
{
	return registry->access.count ? -EEXIST : access_rules_read(&registry->access, record);
}

static int add_alert_code(struct registry *registry, const struct mw_control_alert_code *record)
{
	if (record->event != MW_ALERT_VERSION_MISMATCH || record->code[0] == '\0' ||
		!text_ended(record->code, sizeof(record->code)))
		return -EBADMSG;
	if (registry->version_mismatch_code[0] != '\0')
		return -EEXIST;
	memcpy(registry->version_mismatch_code, record->code, sizeof(record->code));
	return 0;
}

static int add_threshold(struct registry *registry, const struct mw_control_threshold *record)
{
	struct anomaly_threshold threshold = {
		.user = record->user, .period_s = record->period_s, .limit = record->limit};
	if (!text_ended(record->srv, sizeof(record->srv)) || record->period_s == 0 ||
		record->period_s > ANOMALY_PERIOD_S_MAX)
		return -EBADMSG;
	memcpy(threshold.srv, record->srv, strlen(record->srv));
	if ((record->user != ANOMALY_ALL_USERS && !registry_user(registry, record->user)) ||
		(record->srv[0] != '\0' && !registry_srv(registry, record->srv)))
		return -ENOENT;
	for (uint32_t i = 0; i < registry->threshold_count; i++) {
		const struct anomaly_threshold *other = &registry->thresholds[i];
		if (other->user == threshold.user && other->period_s == threshold.period_s &&
			strcmp(other->srv, threshold.srv) == 0)
			return -EEXIST;
	}
	if (registry->threshold_count == ANOMALY_THRESHOLDS_MAX)
		return -ENOSPC;
	registry->thresholds[registry->threshold_count++] = threshold;
	return 0;
}

static uint32_t srv_number(const struct registry *registry, const char *srv)
{
	uint64_t words[1];
	srv_words(srv, words);
	uint32_t probe = hash_index_hash(&registry->srv_index, words, 1);
	uint32_t entry;
	while ((entry = hash_index_next(&registry->srv_index, &probe)) != HASH_INDEX_NONE &&
		strcmp(registry->srvs[entry].srv, srv) != 0)
		continue;
	return entry;
}

/* Whether they fit one another, windows_create() finds out. */
static int add_window(struct registry *registry, const struct mw_window_record *record)
{
	if (registry->window_count == MW_WINDOW_RECORDS_MAX)
		return -ENOSPC;
	registry->windows[registry->window_count++] = *record;
	return 0;
}

static bool timing_valid(const struct mw_timing *timing)
{
	return timing->windows < MW_WINDOW_CLASS_COUNT && timing->lane < MW_LANE_COUNT;
}

static int add_timing(struct registry *registry, const struct mw_timing_record *record)
{
	const struct mw_timing *timing = &record->timing[0][0][0];
	if (!text_ended(record->srv, sizeof(record->srv)))
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(record->timing) / sizeof(*timing); i++)
		if (!timing_valid(&timing[i]))
			return -EBADMSG;
	uint32_t at = srv_number(registry, record->srv);
	if (at == HASH_INDEX_NONE)
		return -ENOENT;
	memcpy(registry->srvs[at].timing, record->timing, sizeof(record->timing));
	return 0;
}

int registry_add(struct registry *registry, uint16_t type, const uint8_t *payload, uint32_t length)
{
	union {
		struct mw_control_user user;
		struct mw_control_certificate certificate;
		struct mw_control_provider provider;
		struct mw_control_srv_rule srv_rule;
		struct mw_control_access_checks checks;
		struct mw_control_alert_code alert_code;
		struct mw_control_threshold threshold;
		struct mw_window_record window;
		struct mw_timing_record timing;
	} record;
	uint32_t size = type == MW_CONTROL_USER		   ? sizeof(record.user)
			: type == MW_CONTROL_CERTIFICATE   ? sizeof(record.certificate)
			: type == MW_CONTROL_PROVIDER	   ? sizeof(record.provider)
			: type == MW_CONTROL_SRV_RULE	   ? sizeof(record.srv_rule)
			: type == MW_CONTROL_ACCESS_CHECKS ? sizeof(record.checks)
			: type == MW_CONTROL_ALERT_CODE	   ? sizeof(record.alert_code)
			: type == MW_CONTROL_THRESHOLD	   ? sizeof(record.threshold)
			: type == MW_CONTROL_WINDOW	   ? sizeof(record.window)
			: type == MW_CONTROL_TIMING	   ? sizeof(record.timing)
							   : 0;
	if (size == 0 || length < size || (length != size && type != MW_CONTROL_CERTIFICATE))
		return -EBADMSG;
	memcpy(&record, payload, size);
	switch (type) {
	case MW_CONTROL_USER:
		return add_user(registry, &record.user);
	case MW_CONTROL_CERTIFICATE:
		if (record.certificate.der_length > MW_CERTIFICATE_DER_MAX ||
			record.certificate.der_length != length - size)
			return -EBADMSG;
		return add_certificate(registry, &record.certificate, payload + size);
	case MW_CONTROL_PROVIDER:
		return add_provider(registry, &record.provider);
	case MW_CONTROL_ACCESS_CHECKS:
		return add_checks(registry, &record.checks);
	case MW_CONTROL_ALERT_CODE:
		return add_alert_code(registry, &record.alert_code);
	case MW_CONTROL_THRESHOLD:
		return add_threshold(registry, &record.threshold);
	case MW_CONTROL_WINDOW:
		return add_window(registry, &record.window);
	case MW_CONTROL_TIMING:
		return add_timing(registry, &record.timing);
	default:
		return add_srv(registry, &record.srv_rule);
	}
}

int registry_set_image(struct registry *registry, struct image_share *image)
{
	if (registry->image)
		return -EEXIST;
	registry->image = image;
	return 0;
}

void registry_want_tables(const struct registry *registry)
{
	struct stored_key *keys[CERTIFICATES_MAX];
	for (uint32_t i = 0; i < registry->certificate_count; i++)
		keys[i] = registry->certificates[i].key;
	key_store_want_tables(registry->keys, keys, registry->certificate_count);
}

const struct registry_user *registry_user(const struct registry *registry, uint64_t eui)
{
	uint32_t probe = hash_index_hash(&registry->user_index, &eui, 1);
	uint32_t entry;
	while ((entry = hash_index_next(&registry->user_index, &probe)) != HASH_INDEX_NONE)
		if (registry->users[entry].eui == eui)
			return &registry->users[entry];
	return NULL;
}

const struct registry_srv *registry_srv(const struct registry *registry, const char *srv)
{
	uint32_t number = srv_number(registry, srv);
	return number != HASH_INDEX_NONE ? &registry->srvs[number] : NULL;
}

const struct mw_timing *registry_timing(const struct registry_srv *srv, uint32_t roles,
	uint8_t generation, enum mw_timing_mode mode)
{
	unsigned role = roles != 0 ? (unsigned)__builtin_ctz(roles) : 0;
	unsigned column = generation == MW_GENERATION_SMETS1 ? 0 : 1;
	assert(role < MW_TIMING_ROLES);
	return &srv->timing[role][column][mode];
}

const struct registry_certificate *registry_certificate(
	const struct registry *registry, const char *issuer, const uint8_t serial[DUIS_SERIAL_SIZE])
{
	uint32_t probe = certificate_hash(&registry->certificate_index, issuer, serial);
	uint32_t entry;
	while ((entry = hash_index_next(&registry->certificate_index, &probe)) != HASH_INDEX_NONE) {
		const struct registry_certificate *certificate = &registry->certificates[entry];
		if (memcmp(certificate->serial, serial, DUIS_SERIAL_SIZE) == 0 &&
			strcmp(certificate->issuer, issuer) == 0)
			return certificate;
	}
	return NULL;
}

int registry_provider_find(const struct registry *registry, const char *name, size_t length)
{
	for (int id = 0; id < PROVIDERS_MAX; id++) {
		const char *other = registry->providers[id].name;
		if (other[0] != '\0' && strlen(other) == length && memcmp(other, name, length) == 0)
			return id;
	}
	return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/reference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "control/yaml.h"
#include "dataplane/duis/identifier.h"
#include "motorway/registry_image.h"

#define PATH_SIZE 1024

/* motorway-control reads the same files strictly and reports what is wrong with them. Here only
 * what is needed is taken, and a value that cannot be used is an error of the simulator's start. */

/* ---- YAML ---- */

static const char *child_text(const struct yaml_node *node, const char *key)
{
	const struct yaml_node *child = yaml_child(node, key);
	return child && child->kind == YAML_SCALAR ? child->text : "";
}

/* Copy a text that must fit; "" when it is absent. */
static void copy_text(struct yaml_document *document, const struct yaml_node *node, const char *key,
	char *out, size_t size)
{
	const char *text = child_text(node, key);
	if (strlen(text) >= size)
		yaml_error(document, node, "%s is longer than %zu bytes", key, size - 1);
	else
		memcpy(out, text, strlen(text) + 1);
}

static uint64_t child_eui(
	struct yaml_document *document, const struct yaml_node *node, const char *key)
{
	uint64_t eui = 0;
	const char *text = child_text(node, key);
	if (duis_eui_parse(text, strlen(text), &eui) != 0)
		yaml_error(
			document, node, "%s is not an EUI-64 such as 90-B3-D5-1F-30-01-00-00", key);
	return eui;
}

/* The set of words that stand in the sequence (or scalar) `key`: bit base + index of each. */
static uint32_t child_set(struct yaml_document *document, const struct yaml_node *node,
	const char *key, const char *const *words, unsigned base)
{
	uint32_t set = 0;
	const struct yaml_node *list = yaml_child(node, key);
	if (!list)
		return 0;
	const struct yaml_node *item = list->kind == YAML_SEQUENCE ? list->first : list;
	for (; item; item = list->kind == YAML_SEQUENCE ? item->next : NULL) {
		unsigned i = 0;
		while (words[i] && strcmp(words[i], item->text) != 0)
			i++;
		if (words[i])
			set |= 1u << (base + i);
		else
			yaml_error(document, item, "this value of %s is not known", key);
	}
	return set;
}

/* The entries of the sequence `key` at the top of the file. */
static const struct yaml_node *entries(struct yaml_document *document, const char *key)
{
	const struct yaml_node *list = yaml_child(yaml_root(document), key);
	if (!list || list->kind != YAML_SEQUENCE || list->count == 0) {
		yaml_error(document, yaml_root(document), "%s: a list with entries is needed", key);
		return NULL;
	}
	return list;
}

static int open_list(const char *path, const char *key, size_t item_size, FILE *errors,
	struct yaml_document **document, const struct yaml_node **list, void *items)
{
	int result = yaml_read(path, errors, document);
	if (result != 0)
		return result;
	*list = entries(*document, key);
	if (!*list) {
		yaml_free(*document);
		return -EINVAL;
	}
	void *memory = calloc((*list)->count, item_size);
	if (!memory) {
		yaml_free(*document);
		return -ENOMEM;
	}
	memcpy(items, &memory, sizeof(memory));
	return 0;
}

static int close_list(struct yaml_document *document)
{
	int result = yaml_errors(document) > 0 ? -EINVAL : 0;
	yaml_free(document);
	return result;
}

/* ---- who may send what ---- */

static const char *const role_words[] = {
	"IS", "ES", "GS", "RSA", "ED", "GT", "OU", "MDR", "LC", NULL};
static const char *const generation_words[] = {"SMETS1", "SMETS2", NULL};
static const char *const variant_words[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", NULL};
static const char *const flag_words[] = {"non-device", "control-answers", NULL};
static const char *const status_words[] = {"Pending", "Whitelisted", "InstalledNotCommissioned",
	"Commissioned", "Decommissioned", "Withdrawn", "Suspended", "Recovery", "Recovered", NULL};
static const char *const kind_words[] = {"CSP", "S1SP", "DCO", "transform", NULL};

static int read_srvs(struct reference *reference, const char *path, FILE *errors)
{
	struct yaml_document *document;
	const struct yaml_node *list;
	int result = open_list(path, "rules", sizeof(*reference->srvs), errors, &document, &list,
		&reference->srvs);
	if (result != 0)
		return result;
	for (const struct yaml_node *node = list->first; node; node = node->next) {
		struct reference_srv *srv = &reference->srvs[reference->srv_count++];
		copy_text(document, node, "srv", srv->srv, sizeof(srv->srv));
		copy_text(document, node, "service_reference", srv->service_reference,
			sizeof(srv->service_reference));
		copy_text(document, node, "mdr_generation_code", srv->mdr_generation_code,
			sizeof(srv->mdr_generation_code));
		srv->roles = child_set(document, node, "roles", role_words, 0);
		srv->command_variants =
			(uint16_t)child_set(document, node, "command_variants", variant_words, 1);
		srv->mdr_generations =
			(uint8_t)child_set(document, node, "mdr_generations", generation_words, 1);
		srv->device_statuses = child_set(
			document, node, "device_statuses", status_words, MW_STATUS_PENDING);
		uint32_t flags = child_set(document, node, "flags", flag_words, 0);
		srv->non_device = flags & 1;
		srv->control_answers = flags & 2;
	}
	return close_list(document);
}

/* ---- providers and devices ---- */

static int read_providers(struct reference *reference, const char *path, FILE *errors)
{
	struct yaml_document *document;
	const struct yaml_node *list;
	int result = open_list(path, "providers", sizeof(*reference->providers), errors, &document,
		&list, &reference->providers);
	if (result != 0)
		return result;
	for (const struct yaml_node *node = list->first; node; node = node->next) {
		struct reference_provider *provider =
			&reference->providers[reference->provider_count++];
		copy_text(document, node, "name", provider->name, sizeof(provider->name));
		copy_text(document, node, "url", provider->url, sizeof(provider->url));
		uint32_t kinds = child_set(document, node, "kind", kind_words, MW_PROVIDER_CSP);
		provider->kind =
			kinds ? (enum mw_provider_kind)__builtin_ctz(kinds) : MW_PROVIDER_CSP;
		const char *host = strstr(provider->url, "://");
		const char *slash = host ? strchr(host + 3, '/') : NULL;
		snprintf(provider->path, sizeof(provider->path), "%s", slash ? slash : "/");
	}
	return close_list(document);
}

static int compare_devices(const void *a, const void *b)
{
	const struct reference_device *left = a;
	const struct reference_device *right = b;
	return (left->device_id > right->device_id) - (left->device_id < right->device_id);
}

static void read_device(struct reference *reference, struct yaml_document *document,
	const struct yaml_node *node, struct reference_device *device)
{
	const char *provider = child_text(node, "provider");
	device->device_id = child_eui(document, node, "device_id");
	copy_text(document, node, "type", device->type, sizeof(device->type));
	device->status = child_set(document, node, "status", status_words, MW_STATUS_PENDING);
	uint32_t set = child_set(document, node, "generation", generation_words, 1);
	if (set != 1u << MW_GENERATION_SMETS1 && set != 1u << MW_GENERATION_SMETS2)
		yaml_error(document, node, "generation must be SMETS1 or SMETS2");
	device->generation =
		set & (1u << MW_GENERATION_SMETS1) ? MW_GENERATION_SMETS1 : MW_GENERATION_SMETS2;
	for (device->provider = 0; device->provider < reference->provider_count; device->provider++)
		if (strcmp(reference->providers[device->provider].name, provider) == 0)
			return;
	yaml_error(document, node, "the device names no provider of the providers' file");
}

static int read_devices(struct reference *reference, const char *path, FILE *errors)
{
	struct yaml_document *document;
	const struct yaml_node *list;
	int result = open_list(path, "devices", sizeof(*reference->devices), errors, &document,
		&list, &reference->devices);
	if (result != 0)
		return result;
	for (const struct yaml_node *node = list->first; node; node = node->next)
		read_device(
			reference, document, node, &reference->devices[reference->device_count++]);
	qsort(reference->devices, reference->device_count, sizeof(*reference->devices),
		compare_devices);
	return close_list(document);
}

/* ---- certificates and keys ---- */

static int read_certificate(
	const char *path, struct reference_certificate *certificate, uint64_t *eui, FILE *errors)
{
	int result = -EBADMSG;
	FILE *file = fopen(path, "rb");
	if (!file) {
		result = -errno;
		fprintf(errors, "%s: %s\n", path, strerror(errno));
		return result;
	}
	X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);
	if (!x509) {
		rewind(file);
		x509 = d2i_X509_fp(file, NULL);
	}
	fclose(file);
	unsigned char *der = NULL;
	int length = x509 ? i2d_X509(x509, &der) : -1;
	if (length > 0)
		result = duis_certificate_read(der, (size_t)length, certificate->issuer,
			certificate->serial, eui, &certificate->key);
	OPENSSL_free(der);
	X509_free(x509);
	if (result != 0)
		fprintf(errors, "%s: no certificate with a P-256 key and an EUI-64\n", path);
	return result;
}

/* Private keys lie beside the certificates or in the folders that scripts/setup fills; their names
 * differ in the suffix alone. */
static bool find_key(const char *certificate_path, const char *var, char *path, size_t size)
{
	const char *slash = strrchr(certificate_path, '/');
	const char *base = slash ? slash + 1 : certificate_path;
	int folder = slash ? (int)(slash - certificate_path) : 1;
	const char *dot = strrchr(base, '.');
	int stem = dot ? (int)(dot - base) : (int)strlen(base);
	const char *const suffixes[] = {".key", ".key.pem"};
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, size, "%.*s/%.*s%s", folder, slash ? certificate_path : ".", stem,
			base, suffixes[i]);
		if (access(path, R_OK) == 0)
			return true;
		snprintf(path, size, "%s/keys/%.*s%s", var, stem, base, suffixes[i]);
		if (access(path, R_OK) == 0)
			return true;
		snprintf(path, size, "%s/duis/keys/%.*s%s", var, stem, base, suffixes[i]);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}

static void read_user_certificate(struct yaml_document *document, const struct yaml_node *node,
	const char *var, struct reference_user *user, FILE *errors)
{
	char path[PATH_SIZE];
	char key_path[PATH_SIZE];
	char reason[256];
	uint64_t eui = 0;
	if (user->certificate_count == REFERENCE_CERTIFICATES_MAX) {
		yaml_error(document, node, "more than %d certificates of one user",
			REFERENCE_CERTIFICATES_MAX);
		return;
	}
	struct reference_certificate *certificate = &user->certificates[user->certificate_count];
	if (!yaml_resolve(document, node->text, path, sizeof(path)) ||
		read_certificate(path, certificate, &eui, errors) != 0) {
		yaml_error(document, node, "the certificate cannot be used");
		return;
	}
	user->certificate_count++;
	if (!var || user->signer || !find_key(path, var, key_path, sizeof(key_path)))
		return;
	user->signer = duis_signer_create(key_path, path, reason, sizeof(reason));
	if (!user->signer)
		yaml_error(document, node, "%s", reason);
}

static void read_user(struct yaml_document *document, const struct yaml_node *node, const char *var,
	struct reference_user *user, FILE *errors)
{
	user->eui = child_eui(document, node, "eui");
	user->active = strcmp(child_text(node, "active"), "no") != 0;
	user->roles = child_set(document, node, "roles", role_words, 0);
	copy_text(document, node, "name", user->name, sizeof(user->name));
	copy_text(document, node, "callback_url", user->callback_url, sizeof(user->callback_url));
	const struct yaml_node *list = yaml_child(node, "certificates");
	for (const struct yaml_node *item = list ? list->first : NULL; item; item = item->next)
		read_user_certificate(document, item, var, user, errors);
}

static int read_users(struct reference *reference, const char *path, const char *var, FILE *errors)
{
	struct yaml_document *document;
	const struct yaml_node *list;
	int result = open_list(path, "users", sizeof(*reference->users), errors, &document, &list,
		&reference->users);
	if (result != 0)
		return result;
	for (const struct yaml_node *node = list->first; node; node = node->next)
		read_user(document, node, var, &reference->users[reference->user_count++], errors);
	return close_list(document);
}

/* ---- all of it ---- */

int reference_read(
	struct reference *reference, const struct conf *conf, const char *var, FILE *errors)
{
	uint64_t eui = 0;
	memset(reference, 0, sizeof(*reference));
	reference->dsp_eui = conf->dsp_eui;
	int result = read_certificate(conf->signing_certificate, &reference->dsp, &eui, errors);
	if (result == 0)
		result = read_srvs(reference, conf->access, errors);
	if (result == 0)
		result = read_providers(reference, conf->providers, errors);
	if (result == 0)
		result = read_devices(reference, conf->devices, errors);
	if (result == 0)
		result = read_users(reference, conf->users, var, errors);
	return result;
}

void reference_clear(struct reference *reference)
{
	for (uint32_t i = 0; i < reference->user_count; i++) {
		struct reference_user *user = &reference->users[i];
		for (uint32_t j = 0; j < user->certificate_count; j++)
			EVP_PKEY_free(user->certificates[j].key);
		duis_signer_destroy(user->signer);
	}
	EVP_PKEY_free(reference->dsp.key);
	free(reference->users);
	free(reference->devices);
	free(reference->providers);
	free(reference->srvs);
	memset(reference, 0, sizeof(*reference));
}

const struct reference_user *reference_user(const struct reference *reference, uint64_t eui)
{
	for (uint32_t i = 0; i < reference->user_count; i++)
		if (reference->users[i].eui == eui)
			return &reference->users[i];
	return NULL;
}

const struct reference_device *reference_device(const struct reference *reference, uint64_t id)
{
	struct reference_device key = {.device_id = id};
	return reference->device_count == 0
		       ? NULL
		       : bsearch(&key, reference->devices, reference->device_count,
				 sizeof(*reference->devices), compare_devices);
}

const struct reference_srv *reference_srv(const struct reference *reference, const char *srv)
{
	for (uint32_t i = 0; i < reference->srv_count; i++)
		if (strcmp(reference->srvs[i].srv, srv) == 0)
			return &reference->srvs[i];
	return NULL;
}

bool reference_may_send(const struct reference_user *user, const struct reference_srv *srv,
	uint8_t command_variant, enum mw_generation generation)
{
	uint32_t roles = user->roles & srv->roles;
	if (roles == 0 || !(srv->command_variants & (1u << command_variant)))
		return false;
	return generation == 0 || roles != MW_ROLE_MDR || srv->mdr_generations & (1u << generation);
}

const struct reference_certificate *reference_certificate(const struct reference_user *user,
	const char *issuer, const uint8_t serial[DUIS_SERIAL_SIZE])
{
	for (uint32_t i = 0; i < user->certificate_count; i++)
		if (strcmp(user->certificates[i].issuer, issuer) == 0 &&
			memcmp(user->certificates[i].serial, serial, DUIS_SERIAL_SIZE) == 0)
			return &user->certificates[i];
	return NULL;
}

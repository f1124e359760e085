/* SPDX-License-Identifier: Apache-2.0 */
/* users.yaml: who may send, with which roles and certificates, and where answers go. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/certificate.h"
#include "control/conf_table.h"
#include "control/reference_files.h"

#define PATH_SIZE 512
#define USER_CERTIFICATES_MAX 16

/* One row of the file, before it becomes a part of the set. */
struct user_row {
	struct reference_user user;
	const struct yaml_node *certificates;
};

static const char *const role_names[] = {
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

/* The file that is being read. */
struct users_file {
	const struct reference_paths *paths;
	struct yaml_document *document;
	struct reference *reference;
};

static void keep_certificates(
	struct yaml_document *document, const struct yaml_node *node, void *target)
{
	if (!yaml_expect(document, node, YAML_SEQUENCE))
		return;
	if (node->count > USER_CERTIFICATES_MAX)
		yaml_error(document, node, "a user has at most %d certificates",
			USER_CERTIFICATES_MAX);
	else
		*(const struct yaml_node **)target = node;
}

#define AT(member) offsetof(struct user_row, member)

static const struct yaml_field user_fields[] = {
	{.name = "eui", .type = YAML_EUI, .required = true, .offset = AT(user.eui)},
	{.name = "name",
		.type = YAML_TEXT,
		.required = true,
		.offset = AT(user.name),
		.min = 1,
		.max = MW_NAME_SIZE - 1},
	{.name = "roles",
		.type = YAML_SET,
		.required = true,
		.offset = AT(user.roles),
		.choices = role_names},
	{.name = "certificates",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = AT(certificates),
		.read = keep_certificates},
	{.name = "callback_url",
		.type = YAML_TEXT,
		.offset = AT(user.callback_url),
		.min = 0,
		.max = MW_URL_SIZE - 1,
		.fallback = ""},
	{.name = "duis_version",
		.type = YAML_TEXT,
		.offset = AT(user.duis_version),
		.min = 0,
		.max = MW_SCHEMA_VERSION_SIZE - 1,
		.fallback = ""},
	{.name = "active", .type = YAML_BOOL, .offset = AT(user.active), .fallback = "yes"},
	{.name = "organisation",
		.type = YAML_TEXT,
		.offset = AT(user.mpid),
		.min = 0,
		.max = REFERENCE_MPID_SIZE - 1,
		.fallback = ""},
};

bool reference_url_valid(const char *url)
{
	static const char scheme[] = "http://";

	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return false;
	const char *host = url + sizeof(scheme) - 1;
	size_t host_length = strcspn(host, ":/");
	if (host_length == 0 ||
		strspn(host, "0123456789.abcdefghijklmnopqrstuvwxyz-") < host_length)
		return false;
	bool dotted = strspn(host, "0123456789.") == host_length;
	if (!dotted && !(host_length == 9 && memcmp(host, "localhost", 9) == 0))
		return false;
	const char *rest = host + host_length;
	if (*rest == ':') {
		char *end;
		unsigned long port = strtoul(rest + 1, &end, 10);

		if (!isdigit((unsigned char)rest[1]) || port == 0 || port > 65535)
			return false;
		rest = end;
	}
	if (*rest != '/')
		return false;
	for (; *rest != '\0'; rest++)
		if ((unsigned char)*rest <= 0x20 || (unsigned char)*rest >= 0x7f)
			return false;
	return true;
}

int reference_open_list(const char *path, FILE *errors, const char *name, size_t count_max,
	struct yaml_document **document, const struct yaml_node **list)
{
	int result = yaml_read(path, errors, document);

	if (result != 0)
		return result;
	const struct yaml_node *root = yaml_root(*document);
	*list = NULL;
	if (yaml_expect(*document, root, YAML_MAPPING)) {
		for (const struct yaml_node *node = root->first; node != NULL; node = node->next)
			if (strcmp(node->key, name) != 0)
				yaml_error_key(*document, node,
					"the key \"%.64s\" is not known here; known is: %s",
					node->key, name);
		yaml_check_duplicates(*document, root);
		const struct yaml_node *node = yaml_child(root, name);
		if (node == NULL)
			yaml_error(
				*document, root, "the key \"%s\" is missing; it is required", name);
		else if (yaml_expect(*document, node, YAML_SEQUENCE)) {
			if (node->count <= count_max)
				*list = node;
			else
				yaml_error(*document, node,
					"\"%s\" has %zu items; at most %zu are allowed", name,
					node->count, count_max);
		}
	}
	/* Errors beside the list do not keep those inside it from being seen. */
	if (*list != NULL)
		return 0;
	yaml_free(*document);
	*document = NULL;
	return -EINVAL;
}

/* The certificate in the file at `path` as DER. Its length, or -EINVAL and `reason`. */
static int load_der(
	const char *path, uint8_t der[MW_CERTIFICATE_DER_MAX], char reason[CERTIFICATE_REASON_SIZE])
{
	uint8_t bytes[CERTIFICATE_PEM_BYTES_MAX];
	FILE *file = fopen(path, "re");
	size_t length = file != NULL ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (file != NULL)
		fclose(file);
	int result = certificate_decode(bytes, length, der, MW_CERTIFICATE_DER_MAX, reason);
	if (length == 0)
		snprintf(reason, CERTIFICATE_REASON_SIZE, "no readable PEM certificate is there");
	return result;
}

/* Whether the certificate may stand in the file; whether it is valid now is no error of the file:
 * nobody would have changed it when it became one. */
static bool check_certificate(const struct certificate *certificate,
	const struct certificate_owner *owner, const struct users_file *file,
	char reason[CERTIFICATE_REASON_SIZE])
{
	const struct reference_paths *paths = file->paths;
	uint8_t identity[32];

	if (!certificate_fits(certificate, owner, reason))
		return false;
	certificate_identity(certificate, identity);
	for (size_t i = 0; i < file->reference->certificate_count; i++) {
		if (memcmp(file->reference->certificates[i].identity, identity, 32) != 0)
			continue;
		snprintf(reason, CERTIFICATE_REASON_SIZE,
			"a certificate with this issuer and serial number stands in the file "
			"already");
		return false;
	}
	if (paths->trust == NULL ||
		trust_judge(paths->trust, certificate->x509, paths->now_ms).state !=
			TRUST_UNTRUSTED)
		return true;
	snprintf(reason, CERTIFICATE_REASON_SIZE,
		"the certificate does not come from a trusted issuer (certificates.trust)");
	return false;
}

static void add_certificate(const struct users_file *file, const struct yaml_node *node,
	const struct certificate_owner *owner)
{
	struct reference *reference = file->reference;
	struct certificate certificate;
	uint8_t der[MW_CERTIFICATE_DER_MAX];
	char path[PATH_SIZE];
	char reason[CERTIFICATE_REASON_SIZE];

	if (!yaml_expect(file->document, node, YAML_SCALAR))
		return;
	if (!yaml_resolve(file->document, node->text, path, sizeof(path))) {
		yaml_error(file->document, node, "the path is longer than %d bytes when absolute",
			PATH_SIZE - 1);
		return;
	}
	int length = load_der(path, der, reason);
	if (length < 0 || certificate_read(der, (size_t)length, &certificate, reason) != 0) {
		yaml_error(file->document, node, "%s: %s", path, reason);
		return;
	}
	struct reference_certificate *row = &reference->certificates[reference->certificate_count];
	row->der = NULL;
	if (!check_certificate(&certificate, owner, file, reason))
		yaml_error(file->document, node, "%s: %s", path, reason);
	else if ((row->der = malloc((size_t)length)) == NULL)
		yaml_error(file->document, node, "out of memory");
	if (row->der != NULL) {
		memcpy(row->der, der, (size_t)length);
		row->der_length = (uint32_t)length;
		row->eui = owner->eui;
		certificate_identity(&certificate, row->identity);
		reference->certificate_count++;
	}
	certificate_free(&certificate);
}

static void add_certificates(const struct users_file *file, const struct user_row *row)
{
	const struct certificate_owner owner = {
		.eui = row->user.eui,
		.roles = row->user.roles,
		.dsp_eui = file->paths->dsp_eui,
	};

	for (const struct yaml_node *node = row->certificates->first; node != NULL;
		node = node->next) {
		if (file->reference->certificate_count == REFERENCE_CERTIFICATES_MAX) {
			yaml_error(file->document, node,
				"at most %d certificates are allowed in all",
				REFERENCE_CERTIFICATES_MAX);
			return;
		}
		add_certificate(file, node, &owner);
	}
}

static void check_user(struct yaml_document *document, const struct yaml_node *item,
	const struct user_row *row, const struct reference *reference)
{
	if (reference_user(reference, row->user.eui) != NULL)
		yaml_error(document, yaml_child(item, "eui"),
			"this EUI-64 stands in the file a second time; each user stands there "
			"once");
	if (strspn(row->user.mpid, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") !=
		strlen(row->user.mpid))
		yaml_error(document, yaml_child(item, "organisation"),
			"a market participant id has capital letters and digits only");
	if (row->user.roles == 0)
		yaml_error(document, yaml_child(item, "roles"), "a user needs at least one role");
	if (row->user.duis_version[0] != '\0' && !conf_version_valid(row->user.duis_version))
		yaml_error(document, yaml_child(item, "duis_version"),
			"not a schemaVersion: a decimal number such as \"5.4\"");
	if (row->user.callback_url[0] != '\0' && !reference_url_valid(row->user.callback_url))
		yaml_error(document, yaml_child(item, "callback_url"),
			"not a URL such as http://127.0.0.1:8090/receive; the host is an IPv4 "
			"address "
			"or localhost");
}

int reference_read_users(
	const struct reference_paths *paths, FILE *errors, struct reference *reference)
{
	struct yaml_document *document;
	const struct yaml_node *list;
	int result = reference_open_list(
		paths->users, errors, "users", REFERENCE_USERS_MAX, &document, &list);

	if (result != 0)
		return result;
	reference->users = calloc(list->count + 1, sizeof(*reference->users));
	reference->certificates =
		calloc(REFERENCE_CERTIFICATES_MAX, sizeof(*reference->certificates));
	if (reference->users == NULL || reference->certificates == NULL) {
		yaml_free(document);
		return -ENOMEM;
	}
	const struct users_file file = {paths, document, reference};
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct user_row row = {0};

		if (!yaml_read_fields(document, item, user_fields,
			    sizeof(user_fields) / sizeof(user_fields[0]), &row))
			continue;
		check_user(document, item, &row, reference);
		add_certificates(&file, &row);
		reference->users[reference->user_count++] = row.user;
	}
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	return result;
}

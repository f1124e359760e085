/* SPDX-License-Identifier: Apache-2.0 */
#include "control/trust.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "control/certificate.h"

#define PATH_SIZE 768
#define FOLDER_FILES_MAX 256

struct revocations {
	X509_CRL *list;
	char *path;
	char *issuer;
	size_t revoked;
};

struct trust {
	X509_STORE *store;
	X509 *anchors[TRUST_ANCHORS_MAX];
	size_t anchor_count;
	struct revocations lists[TRUST_LISTS_MAX];
	size_t list_count;
	bool ignore_dates;
	uint64_t stamp;
};

static bool wrong(FILE *errors, const char *path, const char *text)
{
	fprintf(errors, "%s: %s\n", path, text);
	ERR_clear_error();
	return false;
}

/* ---- the files ---- */

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Call `visit` for a file, or for the files of a folder in the order of their names. */
static bool visit_path(const char *path, bool (*visit)(void *argument, const char *path),
	void *argument, FILE *errors)
{
	struct stat status;
	struct dirent **names;
	bool good = true;

	if (stat(path, &status) != 0)
		return wrong(errors, path, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return visit(argument, path);
	int count = scandir(path, &names, visible, alphasort);
	if (count < 0)
		return wrong(errors, path, strerror(errno));
	if (count > FOLDER_FILES_MAX)
		good = wrong(errors, path, "too many files in the folder");
	for (int i = 0; i < count; i++) {
		char name[PATH_SIZE];
		bool fits = snprintf(name, sizeof(name), "%s/%s", path, names[i]->d_name) <
			    (int)sizeof(name);

		if (count <= FOLDER_FILES_MAX)
			good = (fits ? visit(argument, name)
				     : wrong(errors, path, "too long a path")) &&
			       good;
		free(names[i]);
	}
	free(names);
	return good;
}

static uint64_t mix(uint64_t stamp, uint64_t value)
{
	stamp = (stamp ^ value) * 0x9e3779b97f4a7c15u;
	return stamp ^ stamp >> 29;
}

static bool add_to_stamp(void *argument, const char *path)
{
	uint64_t *stamp = argument;
	struct stat status;

	if (stat(path, &status) != 0)
		memset(&status, 0, sizeof(status));
	for (const char *at = path; *at != '\0'; at++)
		*stamp = mix(*stamp, (unsigned char)*at);
	*stamp = mix(*stamp, (uint64_t)status.st_ino);
	*stamp = mix(*stamp, (uint64_t)status.st_size);
	*stamp = mix(*stamp, (uint64_t)status.st_mtim.tv_sec);
	*stamp = mix(*stamp, (uint64_t)status.st_mtim.tv_nsec);
	return true;
}

uint64_t trust_stamp_now(const struct trust_paths *paths)
{
	FILE *nowhere = fopen("/dev/null", "we");
	uint64_t stamp = 1;

	if (nowhere == NULL)
		return 0;
	for (size_t i = 0; i < paths->anchor_count; i++)
		visit_path(paths->anchors[i], add_to_stamp, &stamp, nowhere);
	for (size_t i = 0; i < paths->list_count; i++)
		visit_path(paths->lists[i], add_to_stamp, &stamp, nowhere);
	fclose(nowhere);
	return stamp;
}

uint64_t trust_stamp(const struct trust *trust)
{
	return trust->stamp;
}

struct reading {
	struct trust *trust;
	FILE *errors;
};

/* The file's bytes from malloc, or NULL: told. */
static char *read_file(const char *path, size_t *length, FILE *errors)
{
	FILE *file = fopen(path, "re");
	struct stat status;
	char *bytes = NULL;

	if (file == NULL || fstat(fileno(file), &status) != 0) {
		wrong(errors, path, strerror(errno));
	} else if (!S_ISREG(status.st_mode) || status.st_size > TRUST_FILE_BYTES_MAX) {
		wrong(errors, path, "not a file, or too large");
	} else {
		bytes = malloc((size_t)status.st_size + 1);
		*length = bytes != NULL ? fread(bytes, 1, (size_t)status.st_size, file) : 0;
		if (bytes == NULL || ferror(file)) {
			wrong(errors, path, bytes == NULL ? "memory is short" : "cannot be read");
			free(bytes);
			bytes = NULL;
		}
	}
	if (file != NULL)
		fclose(file);
	return bytes;
}

static bool add_anchor(struct trust *trust, const char *path, X509 *anchor, FILE *errors)
{
	if (trust->anchor_count == TRUST_ANCHORS_MAX) {
		X509_free(anchor);
		return wrong(errors, path, "too many trusted certificates");
	}
	trust->anchors[trust->anchor_count++] = anchor;
	if (X509_check_ca(anchor) == 0)
		return wrong(errors, path,
			"a trusted certificate that is not of a certification authority");
	return X509_STORE_add_cert(trust->store, anchor) == 1 ||
	       wrong(errors, path, "the certificate cannot be used");
}

static bool read_anchors(void *argument, const char *path)
{
	struct reading *reading = argument;
	size_t length = 0;
	char *bytes = read_file(path, &length, reading->errors);
	BIO *bio = bytes != NULL ? BIO_new_mem_buf(bytes, (int)length) : NULL;
	bool good = bio != NULL;
	size_t before = reading->trust->anchor_count;
	X509 *anchor;

	while (good && (anchor = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		good = add_anchor(reading->trust, path, anchor, reading->errors);
	/* The end of the file is no error; anything else that is not PEM is. */
	if (good && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		good = wrong(reading->errors, path, "a certificate (PEM) cannot be read");
	if (good && reading->trust->anchor_count == before)
		good = wrong(reading->errors, path, "holds no certificate (PEM)");
	ERR_clear_error();
	BIO_free(bio);
	free(bytes);
	return good;
}

/* Whether a trusted issuer has signed the list. */
static bool is_signed(const struct trust *trust, X509_CRL *list)
{
	for (size_t i = 0; i < trust->anchor_count; i++) {
		EVP_PKEY *key = X509_get0_pubkey(trust->anchors[i]);

		if (X509_NAME_cmp(X509_get_subject_name(trust->anchors[i]),
			    X509_CRL_get_issuer(list)) == 0 &&
			key != NULL && X509_CRL_verify(list, key) == 1)
			return true;
	}
	return false;
}

/* Such an extension makes a list one of changes only, or of a part, or anything else. */
static bool has_critical_extension(X509_CRL *list)
{
	for (int i = 0; i < X509_CRL_get_ext_count(list); i++)
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(list, i)) != 0)
			return true;
	return false;
}

static bool add_list(struct trust *trust, const char *path, X509_CRL *list, FILE *errors)
{
	if (trust->list_count == TRUST_LISTS_MAX) {
		X509_CRL_free(list);
		return wrong(errors, path, "too many revocation lists");
	}
	struct revocations *row = &trust->lists[trust->list_count++];
	row->list = list;
	row->path = strdup(path);
	row->issuer = X509_NAME_oneline(X509_CRL_get_issuer(list), NULL, 0);
	STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(list);
	row->revoked = revoked != NULL ? (size_t)sk_X509_REVOKED_num(revoked) : 0;
	if (row->path == NULL || row->issuer == NULL)
		return wrong(errors, path, "memory is short");
	if (has_critical_extension(list))
		return wrong(errors, path,
			"the revocation list has a critical extension; it must be a whole list of "
			"one issuer");
	if (!is_signed(trust, list))
		return wrong(errors, path, "the revocation list is not signed by a trusted issuer");
	return true;
}

static bool read_list(void *argument, const char *path)
{
	struct reading *reading = argument;
	size_t length = 0;
	char *bytes = read_file(path, &length, reading->errors);
	BIO *bio = bytes != NULL ? BIO_new_mem_buf(bytes, (int)length) : NULL;
	bool is_pem = bytes != NULL && length > 10 && memcmp(bytes, "-----BEGIN", 10) == 0;
	bool good = bio != NULL;
	size_t before = reading->trust->list_count;
	X509_CRL *list;

	while (good && (list = is_pem ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)
				      : d2i_X509_CRL_bio(bio, NULL)) != NULL) {
		good = add_list(reading->trust, path, list, reading->errors);
		if (!is_pem)
			break;
	}
	if (good &&
		(reading->trust->list_count == before ||
			(is_pem && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)))
		good = wrong(reading->errors, path, "holds no revocation list (PEM or DER)");
	ERR_clear_error();
	BIO_free(bio);
	free(bytes);
	return good;
}

struct trust *trust_open(const struct trust_paths *paths, FILE *errors)
{
	struct trust *trust = calloc(1, sizeof(*trust));
	struct reading reading = {trust, errors};
	bool good = true;

	if (trust == NULL || (trust->store = X509_STORE_new()) == NULL) {
		wrong(errors, "trust", "memory is short");
		free(trust);
		return NULL;
	}
	trust->ignore_dates = paths->ignore_dates;
	/* Before they are read: what changes meanwhile is read again. */
	trust->stamp = trust_stamp_now(paths);
	for (size_t i = 0; i < paths->anchor_count; i++)
		good = visit_path(paths->anchors[i], read_anchors, &reading, errors) && good;
	if (paths->anchor_count > 0 && good && trust->anchor_count == 0)
		good = wrong(errors, paths->anchors[0], "holds no certificate");
	for (size_t i = 0; i < paths->list_count && good; i++)
		good = visit_path(paths->lists[i], read_list, &reading, errors) && good;
	if (good)
		return trust;
	trust_close(trust);
	return NULL;
}

void trust_close(struct trust *trust)
{
	if (trust == NULL)
		return;
	for (size_t i = 0; i < trust->anchor_count; i++)
		X509_free(trust->anchors[i]);
	for (size_t i = 0; i < trust->list_count; i++) {
		X509_CRL_free(trust->lists[i].list);
		free(trust->lists[i].path);
		OPENSSL_free(trust->lists[i].issuer);
	}
	X509_STORE_free(trust->store);
	free(trust);
}

bool trust_checks_issuers(const struct trust *trust)
{
	return trust->anchor_count > 0;
}

bool trust_checks_dates(const struct trust *trust)
{
	return !trust->ignore_dates;
}

const char *trust_state_name(enum trust_state state)
{
	static const char *const names[] = {
		"valid", "not-yet-valid", "expired", "revoked", "issuer-not-trusted"};

	return names[state];
}

/* ---- judging ---- */

static bool is_listed(const struct trust *trust, X509 *certificate)
{
	for (size_t i = 0; i < trust->list_count; i++) {
		X509_REVOKED *entry = NULL;

		/* 2 means that the list takes an earlier entry back. */
		if (X509_NAME_cmp(X509_CRL_get_issuer(trust->lists[i].list),
			    X509_get_issuer_name(certificate)) == 0 &&
			X509_CRL_get0_by_cert(trust->lists[i].list, &entry, certificate) == 1)
			return true;
	}
	return false;
}

/* Is the instant, when it is still to come, the next at which something changes? */
static void add_instant(int64_t *until_ms, int64_t now_ms, const ASN1_TIME *time)
{
	int64_t instant = certificate_time_ms(time);

	if (instant > now_ms && instant < *until_ms)
		*until_ms = instant;
}

static int64_t next_change_ms(const struct trust *trust, X509 *certificate, int64_t now_ms)
{
	int64_t until_ms = INT64_MAX;

	if (trust->ignore_dates)
		return INT64_MAX;
	add_instant(&until_ms, now_ms, X509_get0_notBefore(certificate));
	add_instant(&until_ms, now_ms, X509_get0_notAfter(certificate));
	for (size_t i = 0; i < trust->anchor_count; i++) {
		add_instant(&until_ms, now_ms, X509_get0_notBefore(trust->anchors[i]));
		add_instant(&until_ms, now_ms, X509_get0_notAfter(trust->anchors[i]));
	}
	return until_ms;
}

static enum trust_state state_of_error(int error)
{
	switch (error) {
	case X509_V_OK:
		return TRUST_VALID;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TRUST_NOT_YET;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TRUST_EXPIRED;
	default:
		return TRUST_UNTRUSTED;
	}
}

/* By the chain to an anchor. */
static enum trust_state judge_chain(const struct trust *trust, X509 *certificate, int64_t now_s)
{
	X509_STORE_CTX *verification = X509_STORE_CTX_new();
	enum trust_state state = TRUST_UNTRUSTED;

	if (verification != NULL &&
		X509_STORE_CTX_init(verification, trust->store, certificate, NULL) == 1) {
		/* An issuer that is named as trusted needs no root above it. */
		X509_STORE_CTX_set_flags(verification, X509_V_FLAG_PARTIAL_CHAIN);
		/* A time that is set counts even when none is to be checked. */
		if (trust->ignore_dates)
			X509_STORE_CTX_set_flags(verification, X509_V_FLAG_NO_CHECK_TIME);
		else
			X509_STORE_CTX_set_time(verification, 0, (time_t)now_s);
		X509_verify_cert(verification);
		state = state_of_error(X509_STORE_CTX_get_error(verification));
		const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(verification);
		for (int i = 0; chain != NULL && state == TRUST_VALID && i < sk_X509_num(chain);
			i++)
			if (is_listed(trust, sk_X509_value(chain, i)))
				state = TRUST_REVOKED;
	}
	X509_STORE_CTX_free(verification);
	ERR_clear_error();
	return state;
}

struct trust_verdict trust_judge(const struct trust *trust, X509 *certificate, int64_t now_ms)
{
	struct trust_verdict verdict = {TRUST_VALID, next_change_ms(trust, certificate, now_ms)};
	int64_t from_ms = certificate_time_ms(X509_get0_notBefore(certificate));
	int64_t to_ms = certificate_time_ms(X509_get0_notAfter(certificate));

	if (trust->anchor_count > 0)
		verdict.state = judge_chain(trust, certificate, now_ms / 1000);
	else if (!trust->ignore_dates && now_ms < from_ms)
		verdict.state = TRUST_NOT_YET;
	else if (!trust->ignore_dates && now_ms >= to_ms)
		verdict.state = TRUST_EXPIRED;
	/* Who is revoked stays so, whatever his dates say. */
	if (verdict.state != TRUST_UNTRUSTED && is_listed(trust, certificate))
		verdict.state = TRUST_REVOKED;
	return verdict;
}

size_t trust_list_count(const struct trust *trust)
{
	return trust->list_count;
}

size_t trust_anchor_count(const struct trust *trust)
{
	return trust->anchor_count;
}

struct trust_list trust_list(const struct trust *trust, size_t index)
{
	assert(index < trust->list_count);
	const struct revocations *row = &trust->lists[index];

	return (struct trust_list){
		.path = row->path,
		.issuer = row->issuer,
		.revoked = row->revoked,
		.made_ms = certificate_time_ms(X509_CRL_get0_lastUpdate(row->list)),
		.next_ms = certificate_time_ms(X509_CRL_get0_nextUpdate(row->list)),
	};
}

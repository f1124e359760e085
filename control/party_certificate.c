/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as a table: DER in base64, withdrawn or not. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <openssl/evp.h>

#include "control/calendar.h"
#include "control/party_table.h"
#include "dataplane/duis/identifier.h"

enum column {
	COLUMN_EUI,
	COLUMN_CERTIFICATE,
	COLUMN_WITHDRAWN,
	COLUMN_ORIGIN,
	COLUMNS,
};

static const struct csv_column columns[] = {
	[COLUMN_EUI] = {"eui", true},
	[COLUMN_CERTIFICATE] = {"certificate", true},
	[COLUMN_WITHDRAWN] = {"withdrawn", false},
	[COLUMN_ORIGIN] = {"origin", false},
};

enum list_column {
	LIST_EUI,
	LIST_FINGERPRINT,
	LIST_STANDING,
	LIST_FROM,
	LIST_TO,
	LIST_ROLE,
	LIST_ISSUER,
	LIST_SERIAL,
	LIST_ORIGIN,
};

static const char *const list_columns[] = {
	[LIST_EUI] = "eui",
	[LIST_FINGERPRINT] = "fingerprint",
	[LIST_STANDING] = "standing",
	[LIST_FROM] = "from",
	[LIST_TO] = "to",
	[LIST_ROLE] = "ou",
	[LIST_ISSUER] = "issuer",
	[LIST_SERIAL] = "serial",
	[LIST_ORIGIN] = "origin",
	NULL,
};

#define BASE64_MAX (((MW_CERTIFICATE_DER_MAX + 2) / 3) * 4)

#define MARK_DIGITS 16

/* Base64 without blanks. The octets' number, or -1. */
static int decode(const struct csv_field *field, uint8_t der[MW_CERTIFICATE_DER_MAX])
{
	uint8_t octets[MW_CERTIFICATE_DER_MAX + 3];
	uint32_t length = field->length;

	if (length == 0 || length % 4 != 0 || length > BASE64_MAX)
		return -1;
	for (uint32_t i = 0; i < length; i++)
		if (field->text[i] <= ' ')
			return -1;
	int made = EVP_DecodeBlock(octets, (const uint8_t *)field->text, (int)length);
	if (made < 0)
		return -1;
	made -= field->text[length - 1] == '=';
	made -= field->text[length - 2] == '=';
	if (made > MW_CERTIFICATE_DER_MAX)
		return -1;
	memcpy(der, octets, (size_t)made);
	return made;
}

static int read_withdrawn(const struct table_row *row, bool *withdrawn, struct table_fault *fault)
{
	char word[4];

	if (table_field(row, COLUMN_WITHDRAWN, word, sizeof(word), fault) != 0 ||
		(word[0] != '\0' && strcmp(word, "yes") != 0 && strcmp(word, "no") != 0))
		return table_wrong(row, COLUMN_WITHDRAWN, fault, "must be yes or no; or empty: no");
	*withdrawn = strcmp(word, "yes") == 0;
	return 0;
}

static int read_key(const struct table_row *row, union party_row *made, struct table_fault *fault)
{
	struct store_certificate *certificate = &made->certificate;

	if (table_eui(row, COLUMN_EUI, &certificate->eui, fault) != 0)
		return -EINVAL;
	int length = decode(&row->record.fields[COLUMN_CERTIFICATE], certificate->der);
	if (length <= 0)
		return table_wrong(row, COLUMN_CERTIFICATE, fault,
			"must be at most %d octets of DER in base64, without blanks",
			MW_CERTIFICATE_DER_MAX);
	certificate->der_length = (uint32_t)length;
	return 0;
}

static int read_row(const struct party_change *change, const struct table_row *row,
	union party_row *made, struct table_fault *fault)
{
	struct store_certificate *certificate = &made->certificate;
	char reason[CERTIFICATE_REASON_SIZE];
	struct certificate facts;

	(void)change;
	if (read_key(row, made, fault) != 0 ||
		read_withdrawn(row, &certificate->withdrawn, fault) != 0)
		return -EINVAL;
	if (certificate_read(certificate->der, certificate->der_length, &facts, reason) != 0)
		return table_wrong(row, COLUMN_CERTIFICATE, fault, "%s", reason);
	certificate_free(&facts);
	return 0;
}

static int get_row(
	const struct party_change *change, const union party_row *key, union party_row *found)
{
	uint8_t fingerprint[32];

	store_certificate_fingerprint(&key->certificate, fingerprint);
	return store_certificate_get(change->change, fingerprint, &found->certificate);
}

/* Why a certificate cannot be added now; NULL: it can. */
static const char *refusal(enum trust_state state, bool restores)
{
	switch (state) {
	case TRUST_UNTRUSTED:
		return "the certificate does not come from a trusted issuer (certificates.trust)";
	case TRUST_REVOKED:
		return restores ? NULL : "the certificate, or its issuer's, is revoked";
	case TRUST_EXPIRED:
		return restores ? NULL : "the certificate, or its issuer's, has expired";
	default:
		return NULL;
	}
}

/* Whether it may be put for this user. */
static int check_owner(const struct party_change *change, const struct store_certificate *row,
	const struct store_user *user, char reason[CERTIFICATE_REASON_SIZE])
{
	const struct certificate_owner owner = {
		.eui = row->eui,
		.roles = user->user.roles,
		.dsp_eui = parties_conf(change->parties)->dsp_eui,
	};
	const struct trust *trust = parties_trust(change->parties);
	struct certificate facts;

	if (certificate_read(row->der, row->der_length, &facts, reason) != 0)
		return -EINVAL;
	const char *wrong =
		refusal(trust_judge(trust, facts.x509, change->now_ms).state, change->restores);
	bool fits = certificate_fits(&facts, &owner, reason);
	certificate_free(&facts);
	if (!fits)
		return -EINVAL;
	if (wrong != NULL)
		snprintf(reason, CERTIFICATE_REASON_SIZE, "%s", wrong);
	return wrong == NULL ? 0 : -EINVAL;
}

static int put_row(const struct party_change *change, union party_row *made,
	const union party_row *old, struct table_fault *fault, const struct table_row *row)
{
	const struct store_certificate *certificate = &made->certificate;
	char reason[CERTIFICATE_REASON_SIZE];
	struct store_user user;
	int result = store_user_get(change->change, certificate->eui, &user);

	if (result == -ENOENT)
		return table_wrong(row, COLUMN_EUI, fault, "there is no such user");
	if (result != 0)
		return result;
	if (old != NULL && old->certificate.withdrawn && !certificate->withdrawn)
		return table_wrong(row, COLUMN_CERTIFICATE, fault,
			"the certificate was withdrawn, which is for good");
	if (!certificate->withdrawn && check_owner(change, certificate, &user, reason) != 0)
		return table_wrong(row, COLUMN_CERTIFICATE, fault, "%s", reason);
	return store_certificate_put(change->change, certificate);
}

static int next_row(
	const struct party_change *change, union party_cursor *cursor, union party_row *row)
{
	return store_certificate_next(change->change, cursor->fingerprint, &row->certificate);
}

static void write_row(const union party_row *row, struct party_texts *texts)
{
	const struct store_certificate *certificate = &row->certificate;
	char eui[DUIS_EUI_TEXT_SIZE];
	char text[BASE64_MAX + 1];

	duis_eui_format(certificate->eui, eui);
	EVP_EncodeBlock((uint8_t *)text, certificate->der, (int)certificate->der_length);
	party_text(texts, COLUMN_EUI, "%s", eui);
	party_text(texts, COLUMN_CERTIFICATE, "%s", text);
	party_text(texts, COLUMN_WITHDRAWN, "%s", certificate->withdrawn ? "yes" : "no");
}

static void write_time(struct party_texts *texts, int column, int64_t time_ms)
{
	char text[CALENDAR_DATE_TIME_SIZE];
	int64_t day = time_ms / CALENDAR_DAY_MS - (time_ms % CALENDAR_DAY_MS < 0);

	calendar_format((int32_t)day, (int32_t)(time_ms - day * CALENDAR_DAY_MS), text);
	party_text(texts, column, "%s", text);
}

static void write_issuer(struct party_texts *texts, X509 *x509)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;

	if (bio != NULL && X509_NAME_print_ex(bio, X509_get_issuer_name(x509), 0,
				   XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		int length = (int)BIO_get_mem_data(bio, &text);

		party_text(texts, LIST_ISSUER, "%.*s", length, text);
	}
	BIO_free(bio);
}

static void write_list(
	const struct party_change *change, const union party_row *row, struct party_texts *texts)
{
	const struct store_certificate *certificate = &row->certificate;
	char reason[CERTIFICATE_REASON_SIZE];
	char text[2 * 32 + 1];
	uint8_t fingerprint[32];
	struct certificate facts;
	struct store_user user = {0};

	store_user_get(change->change, certificate->eui, &user);
	store_certificate_fingerprint(certificate, fingerprint);
	enum party_standing standing =
		parties_judge(change->parties, certificate, user.user.roles, change->now_ms);
	duis_eui_format(certificate->eui, text);
	party_text(texts, LIST_EUI, "%s", text);
	for (int i = 0; i < MARK_DIGITS / 2; i++)
		snprintf(text + 2 * i, 3, "%02x", fingerprint[i]);
	party_text(texts, LIST_FINGERPRINT, "%s", text);
	party_text(texts, LIST_STANDING, "%s", party_standing_name(standing));
	party_text(texts, LIST_ORIGIN, "%s", party_origin_name(certificate->origin));
	if (certificate_read(certificate->der, certificate->der_length, &facts, reason) != 0)
		return;
	write_time(texts, LIST_FROM, facts.from_ms);
	write_time(texts, LIST_TO, facts.to_ms);
	for (int i = 0; i < DUIS_SERIAL_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", facts.serial[i]);
	party_text(texts, LIST_ROLE, "%02X", facts.role);
	write_issuer(texts, facts.x509);
	party_text(texts, LIST_SERIAL, "%s", text);
	certificate_free(&facts);
}

const struct party_table party_certificates = {
	.name = "certificate",
	.columns = columns,
	.column_count = COLUMNS,
	.origin_column = COLUMN_ORIGIN,
	.origin_offset = offsetof(struct store_certificate, origin),
	.list_columns = list_columns,
	.key = read_key,
	.read = read_row,
	.get = get_row,
	.put = put_row,
	.next = next_row,
	.write = write_row,
	.write_list = write_list,
};

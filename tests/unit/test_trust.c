/* SPDX-License-Identifier: Apache-2.0 */
/* Users' certificates: what they must be, who may issue them, and until when they hold. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include <criterion/criterion.h>

#include "certificate_maker.h"
#include "control/certificate.h"
#include "control/trust.h"
#include "motorway/control_protocol.h"

static char folder[64];
static struct maker_authority root, issuing, stranger;

static const char *path_of(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void create(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_trust.XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	root = maker_authority("Root", NULL, 0);
	issuing = maker_authority("Issuing", &root, 0);
	stranger = maker_authority("Issuing", NULL, 0);
	maker_write_pem(path_of("issuing.pem"), issuing.certificate, NULL);
}

static void remove_folder(const char *path)
{
	DIR *list = opendir(path);
	struct dirent *entry;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		char child[400];

		if (entry->d_name[0] == '.' && strspn(entry->d_name, ".") == strlen(entry->d_name))
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		if (unlink(child) != 0)
			remove_folder(child);
	}
	if (list != NULL)
		closedir(list);
	rmdir(path);
}

static void destroy(void)
{
	maker_authority_free(&root);
	maker_authority_free(&issuing);
	maker_authority_free(&stranger);
	remove_folder(folder);
}

TestSuite(trust, .init = create, .fini = destroy, .timeout = 60);

static int read_terms(
	const struct maker_terms *terms, struct certificate *certificate, char *reason)
{
	X509 *x509 = maker_certificate(&issuing, terms);
	uint8_t *der = NULL;
	int length = i2d_X509(x509, &der);
	int result = certificate_read(der, (size_t)length, certificate, reason);

	OPENSSL_free(der);
	X509_free(x509);
	return result;
}

Test(trust, what_a_certificate_must_be)
{
	static const struct {
		struct maker_terms terms;
		const char *reason; /* NULL: it is in order */
	} cases[] = {
		{{0}, NULL},
		{{.key_usage = ""}, NULL},
		{{.key_usage = "digitalSignature,keyAgreement"}, NULL},
		{{.role = "7f"}, NULL},
		{{.constraints = "CA:FALSE"}, NULL},
		{{.curve = "P-384"}, "P-256"},
		{{.curve = "secp256k1"}, "P-256"},
		{{.digest = "SHA384"}, "ecdsa-with-SHA256"},
		{{.digest = "SHA512"}, "ecdsa-with-SHA256"},
		{{.eui = 1}, "holds no EUI-64"},
		{{.role = ""}, "holds no role"},
		{{.role = "87+87"}, "more than one role"},
		{{.role = "137"}, "two hexadecimal digits"},
		{{.role = "8G"}, "two hexadecimal digits"},
		{{.key_usage = "critical,keyAgreement"}, "digital signatures"},
		{{.constraints = "CA:TRUE"}, "certification authority"},
		{{.comment = "seen"}, NULL},
		{{.comment = "critical,seen"}, "critical extension"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char reason[CERTIFICATE_REASON_SIZE] = "";
		struct certificate certificate;
		int result = read_terms(&cases[i].terms, &certificate, reason);

		cr_assert_eq(
			result, cases[i].reason == NULL ? 0 : -EINVAL, "case %zu: %s", i, reason);
		if (cases[i].reason != NULL) {
			cr_assert_not_null(
				strstr(reason, cases[i].reason), "case %zu: %s", i, reason);
			continue;
		}
		cr_assert_eq(certificate.eui, MAKER_EUI);
		cr_assert_eq(certificate.from_ms, (MAKER_START_S - 1000) * 1000ll);
		cr_assert_eq(certificate.to_ms, (MAKER_START_S + 1000000) * 1000ll);
		certificate_free(&certificate);
	}
}

Test(trust, bytes_that_are_no_certificate)
{
	char reason[CERTIFICATE_REASON_SIZE];
	static uint8_t bytes[MW_CERTIFICATE_DER_MAX + 1];
	struct certificate certificate;
	X509 *x509 = maker_certificate(&issuing, &(struct maker_terms){0});
	uint8_t *at = bytes;
	int length = i2d_X509(x509, &at);

	cr_assert_eq(certificate_read(bytes, (size_t)length, &certificate, reason), 0);
	certificate_free(&certificate);
	cr_assert_eq(certificate_read(bytes, (size_t)length + 1, &certificate, reason), -EINVAL);
	for (int cut = 0; cut < length; cut += 7)
		cr_assert_eq(certificate_read(bytes, (size_t)cut, &certificate, reason), -EINVAL);
	cr_assert_eq(certificate_read(bytes, sizeof(bytes), &certificate, reason), -EINVAL);
	cr_assert_not_null(strstr(reason, "at most 4096"));
	/* A changed octet anywhere is refused or read; never more than that. */
	for (int i = 0; i < length; i++) {
		bytes[i] ^= 0x20;
		if (certificate_read(bytes, (size_t)length, &certificate, reason) == 0)
			certificate_free(&certificate);
		bytes[i] ^= 0x20;
	}
	X509_free(x509);
}

Test(trust, files_of_one_certificate)
{
	char reason[CERTIFICATE_REASON_SIZE];
	uint8_t der[MW_CERTIFICATE_DER_MAX];
	char text[8192];
	X509 *x509 = maker_certificate(&issuing, &(struct maker_terms){0});

	maker_write_der(path_of("one.der"), x509);
	maker_write_pem(path_of("one.pem"), x509, NULL);
	maker_write_pem(path_of("two.pem"), x509, issuing.certificate);
	const char *const names[] = {"one.der", "one.pem", "two.pem"};
	int lengths[3];
	for (int i = 0; i < 3; i++) {
		FILE *file = fopen(path_of(names[i]), "r");
		size_t length = fread(text, 1, sizeof(text), file);

		fclose(file);
		lengths[i] = certificate_decode(text, length, der, sizeof(der), reason);
	}
	cr_assert_gt(lengths[0], 100);
	cr_assert_eq(lengths[1], lengths[0]);
	cr_assert_eq(lengths[2], -EINVAL);
	cr_assert_eq(certificate_decode("", 0, der, sizeof(der), reason), -EINVAL);
	cr_assert_eq(certificate_decode(
			     "-----BEGIN CERTIFICATE-----\nAAAA\n", 33, der, sizeof(der), reason),
		-EINVAL);
	X509_free(x509);
}

Test(trust, whose_a_certificate_may_be)
{
	static const struct {
		const char *role;
		uint64_t eui;
		uint32_t roles;
		bool fits;
	} cases[] = {
		{"87", MAKER_EUI, MW_ROLE_MDR, true},
		{"87", MAKER_EUI, 0, true},
		{"87", MAKER_EUI + 1, MW_ROLE_MDR, false},
		{"89", MAKER_EUI, MW_ROLE_IS, false},
		{"89", 0x90b3d51f30000002u, MW_ROLE_IS, true},
		{"02", MAKER_EUI, MW_ROLE_IS, true},
		{"02", MAKER_EUI, MW_ROLE_GS | MW_ROLE_MDR, true},
		{"02", MAKER_EUI, MW_ROLE_MDR, false},
		{"02", MAKER_EUI, 0, false},
		{"03", MAKER_EUI, MW_ROLE_ED, true},
		{"03", MAKER_EUI, MW_ROLE_IS, false},
		{"08", MAKER_EUI, MW_ROLE_LC, true},
		{"08", MAKER_EUI, MW_ROLE_OU, false},
		{"7F", MAKER_EUI, MW_ROLE_MDR, true},
		{"7F", MAKER_EUI, MW_ROLE_OU, true},
		{"7F", MAKER_EUI, MW_ROLE_RSA, true},
		{"7F", MAKER_EUI, MW_ROLE_GT, false},
		{"04", MAKER_EUI, MW_ROLE_IS, false},
		{"07", MAKER_EUI, MW_ROLE_IS, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct maker_terms terms = {.role = cases[i].role};
		struct certificate_owner owner = {
			cases[i].eui, cases[i].roles, 0x90b3d51f30000002u};
		char reason[CERTIFICATE_REASON_SIZE] = "";
		struct certificate certificate;

		if (strcmp(cases[i].role, "89") == 0 && cases[i].fits)
			terms.eui = owner.dsp_eui;
		cr_assert_eq(read_terms(&terms, &certificate, reason), 0);
		cr_assert_eq(certificate_fits(&certificate, &owner, reason), cases[i].fits,
			"case %zu: %s", i, reason);
		cr_assert_eq(reason[0] == '\0', cases[i].fits);
		certificate_free(&certificate);
	}
}

/* ---- anchors and revocation lists ---- */

static struct trust *open_paths(struct trust_paths paths, char **errors)
{
	size_t size;
	FILE *stream = open_memstream(errors, &size);
	struct trust *trust = trust_open(&paths, stream);

	fclose(stream);
	return trust;
}

static struct trust *open_good(struct trust_paths paths)
{
	char *errors;
	struct trust *trust = open_paths(paths, &errors);

	cr_assert_not_null(trust, "%s", errors);
	free(errors);
	return trust;
}

static void expect_wrong(struct trust_paths paths, const char *text)
{
	char *errors;
	struct trust *trust = open_paths(paths, &errors);

	cr_assert_null(trust);
	cr_assert_not_null(strstr(errors, text), "%s, not %s", errors, text);
	free(errors);
}

static enum trust_state state_at(const struct trust *trust, X509 *x509, int64_t now_s)
{
	return trust_judge(trust, x509, now_s * 1000).state;
}

Test(trust, issuers)
{
	X509 *good = maker_certificate(&issuing, &(struct maker_terms){0});
	X509 *other = maker_certificate(&stranger, &(struct maker_terms){0});
	X509 *of_root = maker_certificate(&root, &(struct maker_terms){0});
	struct trust *nobody = open_good((struct trust_paths){0});
	struct trust *trust = open_good(
		(struct trust_paths){.anchors = {path_of("issuing.pem")}, .anchor_count = 1});

	cr_assert_not(trust_checks_issuers(nobody));
	cr_assert_eq(state_at(nobody, other, MAKER_START_S), TRUST_VALID);
	cr_assert(trust_checks_issuers(trust));
	cr_assert_eq(state_at(trust, good, MAKER_START_S), TRUST_VALID);
	cr_assert_eq(state_at(trust, other, MAKER_START_S), TRUST_UNTRUSTED, "the same name");
	cr_assert_eq(state_at(trust, of_root, MAKER_START_S), TRUST_UNTRUSTED);
	trust_close(trust);
	/* A folder; root and issuing authority both. */
	cr_assert_eq(mkdir(path_of("cas"), 0700), 0);
	maker_write_pem(path_of("cas/a.pem"), root.certificate, NULL);
	maker_write_pem(path_of("cas/b.pem"), issuing.certificate, NULL);
	trust = open_good((struct trust_paths){.anchors = {path_of("cas")}, .anchor_count = 1});
	cr_assert_eq(trust_anchor_count(trust), 2);
	cr_assert_eq(state_at(trust, good, MAKER_START_S), TRUST_VALID);
	cr_assert_eq(state_at(trust, of_root, MAKER_START_S), TRUST_VALID);
	cr_assert_eq(state_at(trust, other, MAKER_START_S), TRUST_UNTRUSTED);
	trust_close(trust);
	trust_close(nobody);
	X509_free(good);
	X509_free(other);
	X509_free(of_root);
}

Test(trust, times)
{
	struct maker_authority short_lived = maker_authority("Short", NULL, MAKER_START_S + 500);
	struct maker_terms terms = {.from_s = MAKER_START_S + 10, .to_s = MAKER_START_S + 20};
	X509 *x509 = maker_certificate(&issuing, &terms);
	X509 *outlives = maker_certificate(&short_lived, &(struct maker_terms){0});

	maker_write_pem(path_of("two.pem"), issuing.certificate, short_lived.certificate);
	for (int with_anchors = 0; with_anchors < 2; with_anchors++) {
		struct trust_paths paths = {
			.anchors = {path_of("two.pem")}, .anchor_count = (size_t)with_anchors};
		struct trust *trust = open_good(paths);

		cr_assert_eq(state_at(trust, x509, MAKER_START_S), TRUST_NOT_YET);
		cr_assert_eq(trust_judge(trust, x509, MAKER_START_S * 1000ll).until_ms,
			(MAKER_START_S + 10) * 1000ll);
		cr_assert_eq(trust_judge(trust, x509, (MAKER_START_S + 10) * 1000ll - 1).state,
			TRUST_NOT_YET);
		cr_assert_eq(state_at(trust, x509, MAKER_START_S + 10), TRUST_VALID);
		cr_assert_eq(trust_judge(trust, x509, (MAKER_START_S + 10) * 1000ll).until_ms,
			(MAKER_START_S + 20) * 1000ll);
		cr_assert_eq(trust_judge(trust, x509, (MAKER_START_S + 20) * 1000ll - 1).state,
			TRUST_VALID);
		cr_assert_eq(state_at(trust, x509, MAKER_START_S + 20), TRUST_EXPIRED);
		/* An issuer's end is its certificates' end, when it is known. */
		struct trust_verdict verdict =
			trust_judge(trust, outlives, (MAKER_START_S + 499) * 1000ll);
		cr_assert_eq(verdict.state, TRUST_VALID);
		if (with_anchors)
			cr_assert_eq(verdict.until_ms, (MAKER_START_S + 500) * 1000ll);
		cr_assert_eq(state_at(trust, outlives, MAKER_START_S + 500),
			with_anchors ? TRUST_EXPIRED : TRUST_VALID);
		trust_close(trust);
		paths.ignore_dates = true;
		trust = open_good(paths);
		verdict = trust_judge(trust, x509, (MAKER_START_S + 99999) * 1000ll);
		cr_assert_eq(verdict.state, TRUST_VALID);
		cr_assert_eq(verdict.until_ms, INT64_MAX);
		cr_assert_not(trust_checks_dates(trust));
		trust_close(trust);
	}
	X509_free(x509);
	X509_free(outlives);
	maker_authority_free(&short_lived);
}

Test(trust, revocation)
{
	X509 *good = maker_certificate(&issuing, &(struct maker_terms){0});
	X509 *bad = maker_certificate(&issuing, &(struct maker_terms){0});
	struct trust_paths paths = {
		.anchors = {path_of("issuing.pem")},
		.anchor_count = 1,
		.lists = {strdup(path_of("list"))},
		.list_count = 1,
	};

	for (int is_der = 0; is_der < 2; is_der++) {
		maker_write_list(paths.lists[0], &issuing, bad, MAKER_START_S + 100, is_der);
		struct trust *trust = open_good(paths);
		cr_assert_eq(state_at(trust, good, MAKER_START_S), TRUST_VALID);
		cr_assert_eq(state_at(trust, bad, MAKER_START_S), TRUST_REVOKED);
		/* Also when the list should have been followed, or its own time is over. */
		cr_assert_eq(state_at(trust, bad, MAKER_START_S + 200), TRUST_REVOKED);
		cr_assert_eq(state_at(trust, bad, MAKER_START_S + 2000000), TRUST_REVOKED);
		cr_assert_eq(trust_list_count(trust), 1);
		struct trust_list list = trust_list(trust, 0);
		cr_assert_eq(list.revoked, 1);
		cr_assert_eq(list.made_ms, MAKER_START_S * 1000ll);
		cr_assert_eq(list.next_ms, (MAKER_START_S + 100) * 1000ll);
		cr_assert_not_null(strstr(list.issuer, "CN=Issuing"));
		trust_close(trust);
	}
	/* Somebody else's list, by name and by key. */
	maker_write_list(paths.lists[0], &stranger, good, MAKER_START_S + 100, 0);
	expect_wrong(paths, "not signed by a trusted issuer");
	maker_write_list(paths.lists[0], &root, good, MAKER_START_S + 100, 1);
	expect_wrong(paths, "not signed by a trusted issuer");
	free((char *)(uintptr_t)paths.lists[0]);
	X509_free(good);
	X509_free(bad);
}

/* The list of the root takes the issuing authority away, and with it all that it issued. */
Test(trust, revoked_issuer)
{
	X509 *x509 = maker_certificate(&issuing, &(struct maker_terms){0});

	maker_write_pem(path_of("both.pem"), root.certificate, issuing.certificate);
	maker_write_list(path_of("root.crl"), &root, issuing.certificate, MAKER_START_S + 100, 1);
	struct trust *trust = open_good((struct trust_paths){
		.anchors = {path_of("both.pem")},
		.anchor_count = 1,
		.lists = {path_of("root.crl")},
		.list_count = 1,
	});
	cr_assert_eq(state_at(trust, x509, MAKER_START_S), TRUST_REVOKED);
	trust_close(trust);
	X509_free(x509);
}

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	fputs(text, file);
	fclose(file);
}

Test(trust, files_that_cannot_be_used)
{
	X509 *leaf = maker_certificate(&issuing, &(struct maker_terms){.constraints = "CA:FALSE"});

	write_text("empty", "");
	write_text("text", "no PEM here\n");
	write_text("cut", "-----BEGIN CERTIFICATE-----\nMIIB\n");
	maker_write_pem(path_of("leaf.pem"), leaf, NULL);
	expect_wrong((struct trust_paths){.anchors = {path_of("none")}, .anchor_count = 1},
		"No such file");
	expect_wrong((struct trust_paths){.anchors = {path_of("empty")}, .anchor_count = 1},
		"holds no certificate");
	expect_wrong((struct trust_paths){.anchors = {path_of("text")}, .anchor_count = 1},
		"holds no certificate");
	expect_wrong((struct trust_paths){.anchors = {path_of("cut")}, .anchor_count = 1},
		"cannot be read");
	expect_wrong((struct trust_paths){.anchors = {path_of("leaf.pem")}, .anchor_count = 1},
		"not of a certification authority");
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"empty", "text", "issuing.pem"};

		expect_wrong((struct trust_paths){.anchors = {path_of("issuing.pem")},
				     .anchor_count = 1,
				     .lists = {path_of(names[i])},
				     .list_count = 1},
			"holds no revocation list");
	}
	X509_free(leaf);
}

Test(trust, changed_files_are_seen)
{
	struct trust_paths paths = {
		.anchors = {strdup(path_of("issuing.pem"))},
		.anchor_count = 1,
		.lists = {strdup(path_of("lists"))},
		.list_count = 1,
	};

	cr_assert_eq(mkdir(paths.lists[0], 0700), 0);
	struct trust *trust = open_good(paths);
	cr_assert_eq(trust_stamp(trust), trust_stamp_now(&paths));
	maker_write_list(path_of("lists/a.crl"), &issuing, NULL, MAKER_START_S + 100, 0);
	uint64_t stamp = trust_stamp_now(&paths);
	cr_assert_neq(trust_stamp(trust), stamp);
	maker_write_list(path_of("lists/new"), &issuing, issuing.certificate, MAKER_START_S, 0);
	cr_assert_eq(rename(path_of("lists/new"), path_of("lists/a.crl")), 0);
	cr_assert_neq(trust_stamp_now(&paths), stamp);
	trust_close(trust);
	free((char *)(uintptr_t)paths.anchors[0]);
	free((char *)(uintptr_t)paths.lists[0]);
}

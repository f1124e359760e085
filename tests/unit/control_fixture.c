/* SPDX-License-Identifier: Apache-2.0 */
#include "control_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <criterion/criterion.h>

#include "control/bulk.h"
#include "control/mirror.h"
#include "control/store_reference.h"

static char folder[64];
static struct store *store;
static struct ledger ledger;

static const char users[] = "users:\n"
			    "  - eui: 90-B3-D5-1F-30-01-00-00\n"
			    "    name: supplier\n"
			    "    organisation: SUPA\n"
			    "    roles: [IS, ES, GS]\n"
			    "    certificates: [supplier.pem]\n"
			    "    callback_url: http://127.0.0.1:8090/receive/supplier\n"
			    "  - eui: 90-B3-D5-1F-30-01-00-09\n"
			    "    name: meter-data-retriever\n"
			    "    organisation: MDRA\n"
			    "    roles: [MDR]\n"
			    "    certificates: [mdr.pem, mdr-2.pem]\n"
			    "    callback_url: http://127.0.0.1:8090/receive/mdr\n"
			    "    active: yes\n"
			    "  - eui: 90-B3-D5-1F-30-02-00-00\n"
			    "    name: network-operator\n"
			    "    organisation: NETA\n"
			    "    roles: [ED, GT]\n"
			    "    certificates: []\n"
			    "  - eui: 90-B3-D5-1F-30-01-00-0C\n"
			    "    name: suspended\n"
			    "    roles: [IS]\n"
			    "    certificates: []\n"
			    "    active: no\n";

static const char providers[] =
	"providers:\n"
	"  - {id: 0, name: csp, kind: CSP, url: \"http://127.0.0.1:8091/csp\"}\n"
	"  - {id: 7, name: s1sp, kind: S1SP, url: \"http://localhost:8091/s1sp\"}\n"
	"  - {id: 63, name: transform, kind: transform, url: \"http://127.0.0.1/t\"}\n";

static const char devices[] =
	"devices:\n"
	"  - {device_id: 00-DB-12-34-56-78-A0-01, type: ESME, generation: SMETS1, provider: s1sp,\n"
	"     manufacturer: Old, model: \"1\", import_mpxn: \"1000000000001\", csp_region: "
	"SMETS1,\n"
	"     export_mpan: \"1000000000002\", status: Commissioned,\n"
	"     s1sp: S1SP-1}\n"
	"  - device_id: 00-DB-12-34-56-78-90-A0\n"
	"    type: ESME\n"
	"    generation: SMETS2\n"
	"    provider: csp\n"
	"    status: Commissioned\n"
	"    manufacturer: New & <Co>\n"
	"    model: \"2\"\n"
	"    smets_version: SMETS2 V5.1\n"
	"    firmware_version: \"00000001\"\n"
	"    firmware_version_status: Active\n"
	"    cpl_status: Active\n"
	"    date_commissioned: 2024-02-29\n"
	"    import_mpxn: \"1312345678111\"\n"
	"    secondary_import_mpan: \"1312345678222\"\n"
	"    export_mpan: \"1312345678333\"\n"
	"    esme_variant: BDE\n"
	"    uprn: \"100012345678\"\n"
	"    post_code: M22 0RR\n"
	"    address_identifier: Flat 1\n"
	"    csp_region: South\n"
	"    gbcs_version: \"4.1\"\n"
	"    han_variant: Single Band\n"
	"  - {device_id: 00-DB-12-34-56-78-90-A1, type: GSME, generation: SMETS2, provider: csp,\n"
	"     manufacturer: New, model: \"3\", import_mpxn: \"1234567890\", post_code: M22 0RR,\n"
	"     status: Decommissioned,\n"
	"     address_identifier: Flat 2}\n";

/* The supplier has all meters, and the retriever those that have two MPANs. */
static const char party_registrations[] = "mpxn,kind,mpid,from\n"
					  "1000000000001,supplier,SUPA,2010-01-01\n"
					  "1000000000002,supplier,SUPA,2010-01-01\n"
					  "1312345678111,supplier,SUPA,2010-01-01\n"
					  "1312345678111,network,NETA,2010-01-01\n"
					  "1312345678333,supplier,SUPA,2010-01-01\n"
					  "1234567890,supplier,SUPA,2010-01-01\n";
static const char party_appointments[] = "mpxn,role,mpid,efd,etd\n"
					 "1000000000001,MDR,MDRA,2010-01-01,\n"
					 "1000000000002,MDR,MDRA,2010-01-01,\n"
					 "1312345678111,MDR,MDRA,2010-01-01,\n"
					 "1312345678333,MDR,MDRA,2010-01-01,2027-01-01\n";

const char *fixture_path(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

void fixture_write(const char *name, const char *text)
{
	FILE *file = fopen(fixture_path(name), "w");

	cr_assert_not_null(file);
	cr_assert(fputs(text, file) >= 0);
	fclose(file);
}

static void set_name(X509 *certificate, uint64_t eui)
{
	X509_NAME *name = X509_get_subject_name(certificate);
	unsigned char octets[8];

	for (int i = 0; i < 8; i++)
		octets[i] = (unsigned char)(eui >> (56 - 8 * i));
	X509_NAME_add_entry_by_txt(
		name, "OU", V_ASN1_UTF8STRING, (const unsigned char *)"87", -1, -1, 0);
	if (eui != 0) {
		X509_NAME_ENTRY *entry = X509_NAME_ENTRY_create_by_NID(
			NULL, NID_x500UniqueIdentifier, V_ASN1_BIT_STRING, octets, sizeof(octets));

		/* All 64 bits count, also zeros at the end. */
		X509_NAME_ENTRY_get_data(entry)->flags = ASN1_STRING_FLAG_BITS_LEFT;
		cr_assert(X509_NAME_add_entry(name, entry, -1, 0) == 1);
		X509_NAME_ENTRY_free(entry);
	}
	name = X509_get_issuer_name(certificate);
	X509_NAME_add_entry_by_txt(
		name, "CN", V_ASN1_PRINTABLESTRING, (const unsigned char *)"T1", -1, -1, 0);
}

void fixture_certificate(const char *name, uint64_t eui)
{
	static long serial = 1000;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	FILE *file = fopen(fixture_path(name), "w");

	cr_assert(key != NULL && certificate != NULL && file != NULL);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_set_pubkey(certificate, key);
	set_name(certificate, eui);
	cr_assert(X509_sign(certificate, key, EVP_sha256()) > 0);
	cr_assert(PEM_write_X509(file, certificate) == 1);
	fclose(file);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

void fixture_create(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_control.XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	fixture_write("users.yaml", users);
	fixture_write("providers.yaml", providers);
	fixture_write("devices.yaml", devices);
	fixture_write("thresholds.yaml", "thresholds: []\n");
	fixture_write("registrations.csv", "mpxn,kind,mpid,from\n");
	fixture_write("appointments.csv", "mpxn,role,mpid,efd,etd\n");
	fixture_write("parties-registrations.csv", party_registrations);
	fixture_write("parties-appointments.csv", party_appointments);
	fixture_certificate("supplier.pem", FIXTURE_SUPPLIER);
	fixture_certificate("mdr.pem", FIXTURE_MDR);
	fixture_certificate("mdr-2.pem", FIXTURE_MDR);
}

static void remove_folder(const char *path)
{
	DIR *list = opendir(path);
	struct dirent *entry;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		char child[512];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		if (unlink(child) != 0)
			remove_folder(child);
	}
	if (list != NULL)
		closedir(list);
	rmdir(path);
}

static void open_store(void)
{
	struct store_options options = {.bytes_max = 64 << 20, .without_sync = true};
	char reason[256];

	options.path = fixture_path("store");
	store = store_open(&options, reason, sizeof(reason));
	cr_assert_not_null(store, "%s", reason);
	ledger.store = store;
}

struct ledger *fixture_ledger(void)
{
	cr_assert_not_null(store);
	return &ledger;
}

struct store *fixture_store_again(void)
{
	ledger_abandon(&ledger);
	store_close(store);
	open_store();
	return store;
}

struct store *fixture_store(const struct reference *reference)
{
	struct store_import import;

	if (store == NULL)
		open_store();
	struct store_change *change = store_begin(store);
	cr_assert_not_null(change);
	cr_assert_eq(store_reference_import(change, reference, &import), 0);
	cr_assert_eq(store_commit(change, NULL), 0);
	return store;
}

void fixture_image(struct reference *reference, const char *registrations, const char *appointments)
{
	const struct bulk_options options = {
		.paths = {[BULK_REGISTRATIONS] = registrations, [BULK_APPOINTMENTS] = appointments},
		.errors = stderr,
		.shown_max = 5,
	};
	struct bulk_result loaded;
	struct store_import import;
	char reason[256];
	FILE *quiet = fopen("/dev/null", "w");

	ledger_abandon(&ledger);
	cr_assert_eq(store_reference_merge(store, reference, &import, reason, sizeof(reason)), 0,
		"%s", reason);
	cr_assert_eq(bulk_load(store, &options, &loaded), 0);
	struct mirror *mirror = mirror_open(store, fixture_path("devices.image"), quiet);
	cr_assert_not_null(mirror);
	mirror_name(mirror, reference);
	mirror_close(mirror);
	fclose(quiet);
}

void fixture_destroy(void)
{
	ledger_abandon(&ledger);
	store_close(store);
	store = NULL;
	remove_folder(folder);
}

int fixture_read(uint64_t generation, struct reference **reference, char **errors)
{
	char access[256] = TEST_ROOT "/conf/access/matrix.yaml";
	char codes[256] = TEST_ROOT "/conf/access/services.yaml";
	char checks[256] = TEST_ROOT "/conf/access/checks.yaml";
	char alerts[256] = TEST_ROOT "/conf/alerts.yaml";
	size_t size;
	FILE *stream = open_memstream(errors, &size);

	/* A test may put its own in place of the shipped ones. */
	if (faccessat(AT_FDCWD, fixture_path("matrix.yaml"), R_OK, 0) == 0)
		snprintf(access, sizeof(access), "%s", fixture_path("matrix.yaml"));
	if (faccessat(AT_FDCWD, fixture_path("services.yaml"), R_OK, 0) == 0)
		snprintf(codes, sizeof(codes), "%s", fixture_path("services.yaml"));
	if (faccessat(AT_FDCWD, fixture_path("checks.yaml"), R_OK, 0) == 0)
		snprintf(checks, sizeof(checks), "%s", fixture_path("checks.yaml"));
	if (faccessat(AT_FDCWD, fixture_path("alerts.yaml"), R_OK, 0) == 0)
		snprintf(alerts, sizeof(alerts), "%s", fixture_path("alerts.yaml"));
	const struct reference_paths paths = {
		.users = fixture_path("users.yaml"),
		.devices = fixture_path("devices.yaml"),
		.providers = fixture_path("providers.yaml"),
		.access = access,
		.service_codes = codes,
		.access_checks = checks,
		.alerts = alerts,
		.thresholds = fixture_path("thresholds.yaml"),
		.duis_version = "5.4",
	};
	int result = reference_read(&paths, generation, stream, reference);
	fclose(stream);
	return result;
}

struct reference *fixture_reference(uint64_t generation)
{
	struct reference *reference;
	char *errors;

	cr_assert_eq(fixture_read(generation, &reference, &errors), 0, "%s", errors);
	free(errors);
	return reference;
}

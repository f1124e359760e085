/* SPDX-License-Identifier: Apache-2.0 */
/* Texts without documents: identifiers, base64, distinguished names, the list of errors. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/duis/base64.h"
#include "dataplane/duis/document.h"
#include "dataplane/duis/identifier.h"

Test(duis_identifier, eui_both_ways)
{
	char text[DUIS_EUI_TEXT_SIZE];
	uint64_t eui = 0;

	cr_assert_eq(duis_eui_parse("90-B3-D5-1F-30-01-00-00", 23, &eui), 0);
	cr_assert_eq(eui, UINT64_C(0x90b3d51f30010000));
	cr_assert_eq(duis_eui_parse("ff-fF-0a-Bc-de-F0-12-34", 23, &eui), 0);
	cr_assert_eq(eui, UINT64_C(0xffff0abcdef01234));
	duis_eui_format(eui, text);
	cr_assert_str_eq(text, "FF-FF-0A-BC-DE-F0-12-34");
	duis_eui_format(0, text);
	cr_assert_str_eq(text, "00-00-00-00-00-00-00-00");
}

Test(duis_identifier, eui_refused)
{
	static const char *const texts[] = {"", "90-B3-D5-1F-30-01-00-0",
		"90-B3-D5-1F-30-01-00-000", "90:B3-D5-1F-30-01-00-00", "90-B3-D5-1F-30-01-00-0G",
		"9-0B3-D5-1F-30-01-00-00", " 0-B3-D5-1F-30-01-00-00", "90-B3-D5-1F-30-01-00-00 "};
	uint64_t eui = 7;

	for (size_t index = 0; index < sizeof(texts) / sizeof(texts[0]); index++)
		cr_assert_eq(duis_eui_parse(texts[index], strlen(texts[index]), &eui), -EBADMSG,
			"%s", texts[index]);
	cr_assert_eq(eui, 7);
}

Test(duis_identifier, request_id_both_ways)
{
	static const char longest[] =
		"90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:18446744073709551615";
	struct mw_request_id id;
	char text[MW_REQUEST_ID_TEXT_SIZE];

	cr_assert_eq(duis_request_id_parse(longest, strlen(longest), &id), 0);
	cr_assert_eq(id.originator, UINT64_C(0x90b3d51f30010000));
	cr_assert_eq(id.target, UINT64_C(0x00db1234567890a0));
	cr_assert_eq(id.counter, UINT64_MAX);
	cr_assert_eq(duis_request_id_format(&id, text), strlen(longest));
	cr_assert_str_eq(text, longest);
	cr_assert_eq(strlen(longest), MW_REQUEST_ID_TEXT_SIZE - 1);
	cr_assert_eq(
		duis_request_id_parse("90-b3-d5-1f-30-01-00-00:00-db-12-34-56-78-90-a0:0", 49, &id),
		0);
	cr_assert_eq(id.counter, 0);
	duis_request_id_format(&id, text);
	cr_assert_str_eq(text, "90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:0");
}

Test(duis_identifier, request_id_refused)
{
	static const char *const counters[] = {"", "00", "01", "+1", "-1", " 1", "1 ", "1.0", "x",
		"18446744073709551616", "99999999999999999999", "100000000000000000000"};
	struct mw_request_id id;
	char text[128];

	for (size_t index = 0; index < sizeof(counters) / sizeof(counters[0]); index++) {
		snprintf(text, sizeof(text), "90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:%s",
			counters[index]);
		cr_assert_eq(duis_request_id_parse(text, strlen(text), &id), -EBADMSG, "%s", text);
	}
	cr_assert_eq(
		duis_request_id_parse("90-B3-D5-1F-30-01-00-00-00-DB-12-34-56-78-90-A0:1", 49, &id),
		-EBADMSG);
	cr_assert_eq(duis_request_id_parse("90-B3-D5-1F-30-01-00-00", 23, &id), -EBADMSG);
}

Test(duis_base64, both_ways)
{
	uint8_t octets[70];
	uint8_t again[70];
	uint8_t text[DUIS_BASE64_LENGTH(70)];

	for (size_t index = 0; index < sizeof(octets); index++)
		octets[index] = (uint8_t)(index * 37 + 11);
	for (size_t length = 0; length <= sizeof(octets); length++) {
		size_t written = duis_base64_encode(octets, length, text);

		cr_assert_eq(written, DUIS_BASE64_LENGTH(length));
		cr_assert_eq(
			duis_base64_decode((char *)text, written, again, length), (ssize_t)length);
		cr_assert_arr_eq(again, octets, length);
		if (length > 0)
			cr_assert_eq(duis_base64_decode((char *)text, written, again, length - 1),
				-EBADMSG);
	}
	cr_assert_eq(duis_base64_encode((const uint8_t *)"foob", 4, text), 8);
	cr_assert_arr_eq(text, "Zm9vYg==", 8);
}

Test(duis_base64, texts)
{
	static const struct {
		const char *text;
		ssize_t length;
	} cases[] = {{"", 0}, {" \r\n\t", 0}, {"Zg==", 1}, {" Z g\r\n= = \n", 1}, {"Zm8=", 2},
		{"Zm9v", 3}, {"Zg", -EBADMSG}, {"Zg=", -EBADMSG}, {"Z===", -EBADMSG},
		{"====", -EBADMSG}, {"Zh==", -EBADMSG}, {"Zm9=", -EBADMSG}, {"Zg==Zg==", -EBADMSG},
		{"Zg==x", -EBADMSG}, {"Zg=x", -EBADMSG}, {"Zm-v", -EBADMSG}, {"Zm9vZ", -EBADMSG}};
	uint8_t octets[8];

	for (size_t index = 0; index < sizeof(cases) / sizeof(cases[0]); index++)
		cr_assert_eq(duis_base64_decode(cases[index].text, strlen(cases[index].text),
				     octets, sizeof(octets)),
			cases[index].length, "%s", cases[index].text);
}

Test(duis_issuer, normal_forms)
{
	static const struct {
		const char *text;
		const char *normal;
	} cases[] = {
		{"CN=Z1,OU=07", "CN=z1\x1fOU=07"},
		{"CN=U1, OU=07", "CN=u1\x1fOU=07"},
		{" cn = Z1 ; ou = 07 ", "CN=z1\x1fOU=07"},
		{"2.5.4.3=Z1,OID.2.5.4.11=07", "CN=z1\x1fOU=07"},
		{"oid.2.5.4.3=Z1,commonName=Z1", "CN=z1\x1f"
						 "CN=z1"},
		{"OU=07,CN=Z1", "OU=07\x1f"
				"CN=z1"},
		{"CN=\"Z1\",OU=\"07\"", "CN=z1\x1fOU=07"},
		{"CN=\\5A1,OU=\\30\\37", "CN=z1\x1fOU=07"},
		{"CN=a\\,b\\+c\\\\d", "CN=a,b+c\\d"},
		{"CN=\"a,b;c+d\"", "CN=a,b;c+d"},
		{"CN=Smart  Meter\n  Key", "CN=smart meter key"},
		{"CN=\\ lead\\ ", "CN=lead"},
		{"CN=M\\C3\\BCller", "CN=m\xc3\xbcller"},
		{"CN=M\xc3\xbcller", "CN=m\xc3\xbcller"},
		{"CN=Z1+OU=07,O=X", "CN=z1\x1eOU=07\x1fO=x"},
		{"CN=#13025A31", "CN=z1"},
		{"CN=#0c025a31 ,OU=07", "CN=z1\x1fOU=07"},
		{"2.5.4.45=#03090090B3D51F30000002",
			"X500UNIQUEIDENTIFIER=#03090090b3d51f30000002"},
		{"x500UniqueIdentifier=#03090090b3d51f30000002",
			"X500UNIQUEIDENTIFIER=#03090090b3d51f30000002"},
		{"CN=\\#1", "CN=#1"},
		{"1.2.3.4=x", "1.2.3.4=x"},
		{"CN=", "CN="},
		{"CN=,OU=07", "CN=\x1fOU=07"},
		{"emailAddress=a@b,E=a@b", "EMAILADDRESS=a@b\x1f"
					   "EMAILADDRESS=a@b"},
	};
	char out[DUIS_ISSUER_SIZE];

	for (size_t index = 0; index < sizeof(cases) / sizeof(cases[0]); index++) {
		int length =
			duis_issuer_normalise(cases[index].text, strlen(cases[index].text), out);

		cr_assert_eq(length, (int)strlen(cases[index].normal), "%s gives %d",
			cases[index].text, length);
		cr_assert_str_eq(out, cases[index].normal);
	}
}

Test(duis_issuer, refused)
{
	static const char *const texts[] = {"", " ", "CN", "=Z1", "CN=Z1,", ",CN=Z1",
		"CN=Z1,,OU=07", "C N=Z1", "CN=\"Z1", "CN=\"Z1\"x", "CN=a\"b", "CN=Z1\\",
		"CN=a\\00b", "CN=a\\1fb", "CN=a\x1e", "CN=a\x7f", "CN=#", "CN=#1", "CN=#0c02zz11",
		"CN=#130100", "CN=Z1+", "CN=#13025A3"};
	char out[DUIS_ISSUER_SIZE];

	for (size_t index = 0; index < sizeof(texts) / sizeof(texts[0]); index++)
		cr_assert_eq(duis_issuer_normalise(texts[index], strlen(texts[index]), out),
			-EBADMSG, "%s", texts[index]);
}

Test(duis_issuer, bounded)
{
	char text[2 * DUIS_ISSUER_SIZE] = "CN=";
	char out[DUIS_ISSUER_SIZE];
	size_t fits = DUIS_ISSUER_SIZE - 1 - 3;

	memset(text + 3, 'x', sizeof(text) - 3);
	cr_assert_eq(duis_issuer_normalise(text, 3 + fits, out), (int)(3 + fits));
	cr_assert_eq(strlen(out), 3 + fits);
	cr_assert_eq(duis_issuer_normalise(text, 3 + fits + 1, out), -EBADMSG);
	cr_assert_eq(duis_issuer_normalise(text, sizeof(text), out), -EBADMSG);
}

Test(duis_issuer, reads_no_further_than_told)
{
	/* The text ends at the end of its memory, for the address sanitiser to watch. */
	static const char text[] = "CN=\\5A1,OU=\"07\"";
	char out[DUIS_ISSUER_SIZE];

	for (size_t length = 0; length < strlen(text); length++) {
		char *exact = malloc(length > 0 ? length : 1);

		cr_assert(exact != NULL);
		memcpy(exact, text, length);
		duis_issuer_normalise(exact, length, out);
		free(exact);
	}
}

Test(duis_error, names_are_distinct)
{
	for (int code = DUIS_OK; code < DUIS_ERROR_COUNT; code++) {
		const char *name = duis_error_name((enum duis_error_code)code);

		cr_assert(strlen(name) > 1);
		cr_assert(strlen(duis_error_meaning((enum duis_error_code)code)) > 10);
		for (int other = DUIS_OK; other < code; other++)
			cr_assert_str_neq(name, duis_error_name((enum duis_error_code)other));
	}
	cr_assert_str_eq(duis_error_name(DUIS_OK), "ok");
	cr_assert_str_eq(duis_error_name(DUIS_ERROR_DIGEST_MISMATCH), "digest-mismatch");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/sim/template.h"

#define NAMESPACES                                                                                 \
	"xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" "                                         \
	"xmlns:sr=\"http://www.dccinterface.co.uk/ServiceUserGateway\" schemaVersion=\"5.4\""

#define HEADER                                                                                     \
	"<sr:Header>\n  <!-- a remark -->\n"                                                       \
	"  <sr:RequestID> 90-b3-d5-1f-30-01-00-00:00-DB-12-34-56-78-90-A0:1000\n</sr:RequestID>\n" \
	"  <sr:CommandVariant>1</sr:CommandVariant>\n"                                             \
	"  <sr:ServiceReference>4.1</sr:ServiceReference>\n"                                       \
	"  <sr:ServiceReferenceVariant>4.1.1</sr:ServiceReferenceVariant>\n</sr:Header>\n"

#define BODY                                                                                       \
	"<sr:Body>\n  <sr:Read>\n <sr:Note> a  b </sr:Note>\n <sr:None/></sr:Read>\n</sr:Body>\n"

#define SIGNATURE "<ds:Signature>\n <!-- placeholder --><ds:SignedInfo/>\n</ds:Signature>\n"

static struct template template;
static char reason[256];

static int make(const char *text)
{
	return template_make(
		&template, "sample", (const uint8_t *)text, strlen(text), reason, sizeof(reason));
}

Test(sim_template, is_canonical_without_signature)
{
	static const char expected[] =
		"<sr:Request " NAMESPACES "><sr:Header><sr:RequestID></sr:RequestID>"
		"<sr:CommandVariant>1</sr:CommandVariant>"
		"<sr:ServiceReference>4.1</sr:ServiceReference>"
		"<sr:ServiceReferenceVariant>4.1.1</sr:ServiceReferenceVariant></sr:Header>"
		"<sr:Body><sr:Read><sr:Note> a  b </sr:Note><sr:None></sr:None></sr:Read></sr:Body>"
		"</sr:Request>";
	cr_assert_eq(make("<?xml version=\"1.0\"?>\n<sr:Request " NAMESPACES
			  ">\n" HEADER BODY SIGNATURE "</sr:Request>\n"),
		0, "%s", reason);
	cr_assert_eq(template.length, sizeof(expected) - 1);
	cr_assert_arr_eq(template.canonical, expected, sizeof(expected) - 1);
	cr_assert_eq(template.request_id_offset,
		(size_t)(strstr(expected, "</sr:RequestID>") - expected));
	cr_assert_eq(template.command_variant, 1);
	cr_assert_str_eq(template.srv, "4.1.1");
	cr_assert_str_eq(template.service_reference, "4.1");
	cr_assert_str_eq(template.body_element, "Read");
	cr_assert_eq(template.request_id.originator, 0x90b3d51f30010000);
	cr_assert_eq(template.request_id.target, 0x00db1234567890a0);
	template_clear(&template);
}

Test(sim_template, what_is_none_is_refused)
{
	static const char *const documents[] = {
		"",
		"<sr:Request " NAMESPACES ">",
		"<sr:Response " NAMESPACES ">" HEADER BODY "</sr:Response>",
		"<Request>" BODY "</Request>",
		"<sr:Request " NAMESPACES ">" BODY "</sr:Request>",
		"<sr:Request " NAMESPACES ">" HEADER "<sr:Body> </sr:Body></sr:Request>",
		"<sr:Request " NAMESPACES
		"><sr:Header><sr:RequestID>1</sr:RequestID></sr:Header>" BODY "</sr:Request>",
	};
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		cr_assert_eq(make(documents[i]), -EBADMSG, "document %zu", i);
		cr_assert_not_null(strstr(reason, "sample"));
		cr_assert_null(template.canonical);
	}
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static void remove_file(const char *folder, const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

Test(sim_template, folder_is_read_in_order)
{
	static const char good[] = "<sr:Request " NAMESPACES ">" HEADER BODY "</sr:Request>";
	char folder[] = "/tmp/motorway-templates-XXXXXX";
	struct template_set set;
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(template_set_read(&set, folder, reason, sizeof(reason)), -EINVAL);
	write_file(folder, "b_FUTURE_DATED.XML", good);
	write_file(folder, "c.xml", good);
	write_file(folder, "note.txt", "no template");
	cr_assert_eq(template_set_read(&set, folder, reason, sizeof(reason)), 0, "%s", reason);
	cr_assert_eq(set.count, 2);
	cr_assert_str_eq(set.templates[0].name, "b_FUTURE_DATED.XML");
	cr_assert_eq(template_find(&set, "4.1.1", 1), &set.templates[1],
		"one that is not dated is preferred");
	cr_assert_null(template_find(&set, "4.1.1", 2));
	cr_assert_null(template_find(&set, "4.2", 1));
	template_set_clear(&set);
	write_file(folder, "d.XML", "<broken");
	cr_assert_eq(template_set_read(&set, folder, reason, sizeof(reason)), -EBADMSG);
	cr_assert_not_null(strstr(reason, "d.XML"));
	remove_file(folder, "b_FUTURE_DATED.XML");
	remove_file(folder, "c.xml");
	remove_file(folder, "d.XML");
	remove_file(folder, "note.txt");
	rmdir(folder);
	cr_assert_eq(template_set_read(&set, folder, reason, sizeof(reason)), -ENOENT);
}

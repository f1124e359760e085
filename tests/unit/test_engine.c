/* SPDX-License-Identifier: Apache-2.0 */
/* The engine as the gateway uses it: both kinds before the same messages, verification in the steps
 * of the gateway, and schemas that change while an engine lives. */
#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/schema_compile.h"
#include "dataplane/duis/engine.h"
#include "dataplane/duis/p256.h"
#include "tests/unit/duis_material.h"

#define DOCUMENT_BYTES_MAX (256 * 1024)
#define TEMPLATES 297
#define DAMAGES 24

enum {
	FAST,
	REFERENCE,
	KINDS
};

/* An image with MP162 and one without. */
static char image_path[2][64];
static char xsd_path[1024];
static struct duis_schemas *schemas[KINDS];
static struct duis_engine *engines[KINDS];
static struct material_certificate supplier;
static struct p256_verifier *verifier;
static struct p256_key *key;

static void write_image(char path[64], const char *const *overlays, size_t overlay_count)
{
	char reason[512] = "";
	uint8_t *image;
	size_t length;

	cr_assert_eq(schema_compile(xsd_path, overlays, overlay_count, &image, &length, reason,
			     sizeof(reason)),
		0, "%s", reason);
	snprintf(path, 64, "/tmp/test_engine.XXXXXX");
	int file = mkstemp(path);
	cr_assert(file >= 0);
	cr_assert_eq(write(file, image, length), (ssize_t)length);
	close(file);
	free(image);
}

static struct duis_schemas *load(enum duis_engine_kind kind, bool overlay)
{
	struct duis_schema_source sources[2] = {{.version = "5.1"}, {.version = "5.4"}};
	char reason[512] = "";

	for (size_t index = 0; index < 2; index++) {
		sources[index].xsd_path = xsd_path;
		sources[index].image_path = image_path[overlay ? 0 : 1];
		if (overlay)
			sources[index].overlays[0] = TEST_ROOT "/conf/schema/mp162.yaml";
	}
	struct duis_schemas *loaded = duis_schemas_create(kind, sources, 2, reason, sizeof(reason));
	cr_assert_not_null(loaded, "%s", reason);
	return loaded;
}

static void begin(void)
{
	static const char *const overlays[] = {TEST_ROOT "/conf/schema/mp162.yaml"};

	snprintf(xsd_path, sizeof(xsd_path), "%s", material_path("xsd", "DUIS Schema V5.1.xsd"));
	write_image(image_path[0], overlays, 1);
	write_image(image_path[1], NULL, 0);
	for (int kind = 0; kind < KINDS; kind++) {
		schemas[kind] = load(kind == FAST ? DUIS_ENGINE_FAST : DUIS_ENGINE_REFERENCE, true);
		engines[kind] = duis_engine_create(schemas[kind], DOCUMENT_BYTES_MAX);
		cr_assert_not_null(engines[kind]);
	}
	supplier = material_certificate(SUPPLIER);
	verifier = p256_verifier_create();
	key = p256_key_create(supplier.key);
	cr_assert(verifier && key);
}

static void end(void)
{
	for (int kind = 0; kind < KINDS; kind++) {
		duis_engine_destroy(engines[kind]);
		duis_schemas_destroy(schemas[kind]);
	}
	p256_key_destroy(key);
	p256_verifier_destroy(verifier);
	EVP_PKEY_free(supplier.key);
	unlink(image_path[0]);
	unlink(image_path[1]);
}

TestSuite(engine, .init = begin, .fini = end, .timeout = 60);

/* What an engine says of a message, all the way. */
struct verdict {
	int read;
	int profile;
	int prepared;
	int verified;
	struct duis_document document;
	uint8_t digest[DUIS_SIGNED_DIGEST_SIZE];
	uint8_t signature[DUIS_SIGNATURE_SIZE];
	struct duis_error error; /* the first one */
	uint8_t *digested;
	int64_t digested_length;
};

static void judge(int kind, const struct bytes *message, struct verdict *verdict)
{
	struct duis_engine *engine = engines[kind];
	struct duis_error *error = &verdict->error;

	memset(verdict, 0, sizeof(*verdict));
	verdict->profile = verdict->prepared = verdict->verified = -EBADMSG;
	verdict->read =
		duis_engine_read(engine, message->data, message->length, &verdict->document, error);
	if (verdict->read != 0)
		return;
	size_t length = duis_engine_digested_length(engine);
	verdict->digested = malloc(length + 1);
	cr_assert_eq(duis_engine_digested(engine, verdict->digested, length - 1), -ENOBUFS);
	verdict->digested_length = duis_engine_digested(engine, verdict->digested, length);
	cr_assert_eq(verdict->digested_length, (int64_t)length);
	verdict->profile = duis_engine_check_profile(engine, error);
	verdict->prepared = duis_engine_prepare(engine, verdict->digest, verdict->signature, error);
	if (verdict->prepared != 0)
		return;
	verdict->verified = p256_verify(verifier, key, verdict->digest, verdict->signature);
	if (verdict->verified != 0)
		duis_engine_mismatch(engine, error);
}

static void expect_same(const struct verdict *fast, const struct verdict *reference)
{
	const struct duis_document *one = &fast->document;
	const struct duis_document *other = &reference->document;

	cr_assert_eq(fast->read, reference->read, "%s (%s) and %s (%s)",
		duis_error_name(fast->error.code), fast->error.rule,
		duis_error_name(reference->error.code), reference->error.rule);
	cr_assert_eq(fast->error.code, reference->error.code, "%s (%s) and %s (%s)",
		duis_error_name(fast->error.code), fast->error.rule,
		duis_error_name(reference->error.code), reference->error.rule);
	if (fast->read != 0)
		return;
	cr_assert_eq(fast->profile, reference->profile);
	cr_assert_eq(fast->prepared, reference->prepared);
	cr_assert_eq(fast->verified, reference->verified);
	cr_assert_eq(fast->digested_length, reference->digested_length);
	cr_assert_arr_eq(fast->digested, reference->digested, fast->digested_length);
	cr_assert_eq(one->root, other->root);
	cr_assert_eq(one->schema_index, other->schema_index);
	cr_assert_eq(memcmp(&one->request_id, &other->request_id, sizeof(one->request_id)), 0);
	cr_assert_eq(one->command_variant, other->command_variant);
	cr_assert_eq(one->has_execution_date_time, other->has_execution_date_time);
	cr_assert_eq(one->execution_s, other->execution_s);
	cr_assert_eq(one->has_period, other->has_period);
	cr_assert_eq(one->period_start_s, other->period_start_s);
	cr_assert_eq(one->period_end_s, other->period_end_s);
	cr_assert_eq(one->has_signature, other->has_signature);
	cr_assert_str_eq(one->service_reference, other->service_reference);
	cr_assert_str_eq(one->service_reference_variant, other->service_reference_variant);
	cr_assert_str_eq(one->body_element, other->body_element);
	if (fast->prepared != 0)
		return;
	cr_assert_str_eq(one->issuer, other->issuer);
	cr_assert_arr_eq(one->serial, other->serial, DUIS_SERIAL_SIZE);
	cr_assert_arr_eq(fast->digest, reference->digest, DUIS_SIGNED_DIGEST_SIZE);
	cr_assert_arr_eq(fast->signature, reference->signature, DUIS_SIGNATURE_SIZE);
}

/* Returns whether the message is good to the end. */
static bool judge_both(const struct bytes *message)
{
	struct verdict verdicts[KINDS];
	bool good;

	for (int kind = 0; kind < KINDS; kind++)
		judge(kind, message, &verdicts[kind]);
	expect_same(&verdicts[FAST], &verdicts[REFERENCE]);
	good = verdicts[FAST].verified == 0;
	for (int kind = 0; kind < KINDS; kind++)
		free(verdicts[kind].digested);
	return good;
}

static uint64_t chance(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void judge_template(const char *name, uint64_t *state, unsigned counts[2])
{
	struct bytes template = material_file(material_path("templates", name));
	struct bytes canonical = material_canonical(&template);
	struct bytes message = material_signed((char *)canonical.data, SUPPLIER);

	cr_assert(judge_both(&message), "%s", name);
	/* One octet that becomes another printable one: half of what is hit are values. */
	for (unsigned turn = 0; turn < DAMAGES; turn++) {
		uint32_t at = (uint32_t)(chance(state) % message.length);
		uint8_t before = message.data[at];

		message.data[at] = (uint8_t)(0x20 + chance(state) % 0x5f);
		counts[judge_both(&message)]++;
		message.data[at] = before;
	}
	bytes_free(&message);
	bytes_free(&canonical);
	bytes_free(&template);
}

Test(engine, same_verdicts_on_the_templates)
{
	char path[1024];
	unsigned templates = 0;
	unsigned counts[2] = {0};
	uint64_t state = 20260101;
	struct dirent *entry;

	snprintf(path, sizeof(path), "%s", material_path("templates", "."));
	DIR *folder = opendir(path);
	cr_assert(folder != NULL, "%s is missing (scripts/setup fetches it)", path);
	while ((entry = readdir(folder)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (length <= 4 || strcmp(entry->d_name + length - 4, ".XML") != 0)
			continue;
		judge_template(entry->d_name, &state, counts);
		templates++;
	}
	closedir(folder);
	cr_assert_eq(templates, TEMPLATES);
	/* Some octets become what they were, or lie in what is not signed. */
	cr_assert(counts[false] > TEMPLATES * DAMAGES * 8 / 10, "%u refused", counts[false]);
	cr_assert(counts[true] > 0);
}

/* The period and the instant that both kinds find in `text`. */
static void expect_instants(const char *text, const struct duis_document *expected)
{
	struct bytes message = {(uint8_t *)text, (uint32_t)strlen(text)};
	struct verdict verdict;

	for (int kind = 0; kind < KINDS; kind++) {
		judge(kind, &message, &verdict);
		const struct duis_document *document = &verdict.document;

		cr_assert_eq(verdict.read, 0, "%s", verdict.error.rule);
		cr_expect_eq(document->has_period, expected->has_period);
		cr_expect_eq(document->period_start_s, expected->period_start_s);
		cr_expect_eq(document->period_end_s, expected->period_end_s);
		cr_expect_eq(document->has_execution_date_time, expected->has_execution_date_time);
		cr_expect_eq(document->execution_s, expected->execution_s);
		free(verdict.digested);
	}
}

#define READ(instants)                                                                             \
	"<sr:Request xmlns:sr=\"http://www.dccinterface.co.uk/ServiceUserGateway\" "               \
	"schemaVersion=\"5.1\"><sr:Header><sr:RequestID>90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-"   \
	"78-"                                                                                      \
	"90-A0:1</sr:RequestID><sr:CommandVariant>1</sr:CommandVariant><sr:ServiceReference>4.6"   \
	"</sr:ServiceReference><sr:ServiceReferenceVariant>4.6.1</sr:ServiceReferenceVariant>"     \
	"</sr:Header><sr:Body><sr:RetrieveImportDailyReadLog>" instants                            \
	"</sr:RetrieveImportDailyReadLog></sr:Body></sr:Request>"
#define PERIOD(start, end)                                                                         \
	"<sr:ReadLogPeriod><sr:StartDateTime>" start "</sr:StartDateTime><sr:EndDateTime>" end     \
	"</sr:EndDateTime></sr:ReadLogPeriod>"

Test(engine, periods_and_instants)
{
	struct duis_document expected = {
		.has_period = true, .period_start_s = 1774742400, .period_end_s = 1774828800};

	expect_instants(READ(PERIOD("2026-03-29T00:00:00Z", "2026-03-30T00:00:00.00Z")), &expected);
	expect_instants(
		READ(PERIOD("2026-03-29T01:00:00+01:00", "2026-03-30T00:00:00")), &expected);
	/* Fractions widen the period. */
	expect_instants(
		READ(PERIOD("2026-03-29T00:00:00.999Z", "2026-03-29T23:59:59.001Z")), &expected);
	/* No plain text: a comment, a reference. */
	expect_instants(READ(PERIOD("2026-03-29T00<!-- -->:00:00Z", "2026-03-30T0&#48;:00:00Z")),
		&expected);
	expected.has_execution_date_time = true;
	expected.execution_s = 1774742399;
	expect_instants(
		READ("<sr:ExecutionDateTime>2026-03-28T23:59:59.5Z</sr:ExecutionDateTime>" PERIOD(
			"2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z")),
		&expected);
}

static void expect_error(struct bytes message, enum duis_error_code code)
{
	struct verdict verdict;

	for (int kind = 0; kind < KINDS; kind++) {
		judge(kind, &message, &verdict);
		cr_assert_eq(verdict.error.code, code, "%s: %s instead of %s: %s",
			duis_engine_kind_name(kind), duis_error_name(verdict.error.code),
			duis_error_name(code), verdict.error.rule);
		cr_assert_neq(verdict.verified, 0);
		cr_assert(verdict.error.offset <= message.length && verdict.error.rule[0]);
		free(verdict.digested);
	}
	bytes_free(&message);
}

Test(engine, each_step_says_what_is_wrong)
{
	struct bytes good = material_signed(material_request, SUPPLIER);
	struct bytes other = material_signed(material_schedule, SUPPLIER);

	expect_error(bytes_of(""), DUIS_ERROR_EMPTY);
	expect_error(bytes_of("<a/>"), DUIS_ERROR_ROOT);
	expect_error(bytes_replaced(&good, "</sr:Body>", "</sr:Bxdy>"), DUIS_ERROR_NOT_WELL_FORMED);
	expect_error(bytes_replaced(&good, ">4.6.1<", ">4.6.9<"), DUIS_ERROR_SCHEMA);
	expect_error(bytes_replaced(&good, "\"5.1\"", "\"7.1\""), DUIS_ERROR_SCHEMA_VERSION);
	expect_error(bytes_of(material_request), DUIS_ERROR_SIGNATURE_MISSING);
	expect_error(bytes_replaced(&good, "#enveloped-signature", "#enveloped-signaturX"),
		DUIS_ERROR_SIGNATURE_TRANSFORM);
	expect_error(bytes_replaced(&good, "2026-11-01", "2026-11-02"), DUIS_ERROR_DIGEST_MISMATCH);
	/* Another message's signature, with the digest of this one. */
	expect_error(material_signed(material_request, DSP), DUIS_ERROR_SIGNATURE_MISMATCH);
	bytes_free(&good);
	bytes_free(&other);
}

static void expect_path(struct bytes message, const char *path)
{
	struct verdict verdict;

	for (int kind = 0; kind < KINDS; kind++) {
		judge(kind, &message, &verdict);
		cr_assert_eq(verdict.error.code, DUIS_ERROR_SCHEMA);
		cr_assert_str_eq(verdict.error.path, path, "%s: %s instead of %s (%s)",
			duis_engine_kind_name(kind), verdict.error.path, path, verdict.error.rule);
	}
	bytes_free(&message);
}

#define VARIANT "<sr:CommandVariant>1</sr:CommandVariant>"
#define HEADER_PATH "/sr:Request/sr:Header"

/* An error's path ends with the element at fault, or its attribute, also when the element had not
 * been taken yet. */
Test(engine, errors_name_the_element)
{
	expect_path(replaced(material_request, ">1</sr:C", ">0</sr:C"),
		HEADER_PATH "/sr:CommandVariant");
	expect_path(replaced(material_request, VARIANT, "<sr:CommandVariant/>"),
		HEADER_PATH "/sr:CommandVariant");
	expect_path(
		replaced(material_request, VARIANT, "<sr:CommandVariant  >x</sr:CommandVariant>"),
		HEADER_PATH "/sr:CommandVariant");
	expect_path(replaced(material_request, ">1</sr:C", "><!-- > -->0</sr:C"),
		HEADER_PATH "/sr:CommandVariant");
	expect_path(replaced(material_request, "<sr:Header>", "<sr:Header b=\"1\" a='>'>"),
		HEADER_PATH "/@b");
	expect_path(
		replaced(material_request, "<sr:CommandVariant>", "<sr:CommandVariant a=\"1\">"),
		HEADER_PATH "/sr:CommandVariant/@a");
	expect_path(replaced(material_request, VARIANT, "<sr:Other/>" VARIANT),
		HEADER_PATH "/sr:Other");
	expect_path(replaced(material_request, VARIANT, VARIANT "text"), HEADER_PATH);
	expect_path(replaced(material_request, "<sr:Header>", "<sr:Header>text"), HEADER_PATH);
	expect_path(replaced(material_request, "2026-11-01T", "yesterday"),
		"/sr:Request/sr:Body/sr:RetrieveImportDailyReadLog/sr:ReadLogPeriod"
		"/sr:StartDateTime");
}

/* Documents of a burst: what was prepared of one stays good when others have been read. */
Test(engine, prepared_ones_outlive_the_next_read)
{
	struct p256_check checks[KINDS * 3];
	uint8_t digests[KINDS * 3][DUIS_SIGNED_DIGEST_SIZE];
	uint8_t signatures[KINDS * 3][DUIS_SIGNATURE_SIZE];
	const struct bytes messages[3] = {material_signed(material_request, SUPPLIER),
		material_signed(material_schedule, SUPPLIER),
		material_signed(material_request, DSP)};
	size_t count = 0;

	for (int kind = 0; kind < KINDS; kind++)
		for (unsigned index = 0; index < 3; index++) {
			struct duis_document document;
			struct duis_error error;

			cr_assert_eq(duis_engine_read(engines[kind], messages[index].data,
					     messages[index].length, &document, &error),
				0);
			cr_assert_eq(duis_engine_prepare(engines[kind], digests[count],
					     signatures[count], &error),
				0);
			checks[count] = (struct p256_check){.key = key,
				.digest = digests[count],
				.signature = signatures[count]};
			count++;
		}
	p256_verify_batch(verifier, checks, count);
	for (size_t index = 0; index < count; index++)
		cr_assert_eq(checks[index].result, index % 3 == 2 ? -EBADMSG : 0);
	for (unsigned index = 0; index < 3; index++)
		free(messages[index].data);
}

static int read_with(struct duis_engine *engine, const char *text)
{
	struct duis_document document;
	struct duis_error error;

	return duis_engine_read(
		engine, (const uint8_t *)text, (uint32_t)strlen(text), &document, &error);
}

/* Schemas come and go, with and without MP162, at addresses that were in use before; the engine
 * judges by those it has, and remembers nothing of the others. */
static void change_schemas(enum duis_engine_kind kind, unsigned turns)
{
	struct duis_schemas *current = load(kind, true);
	struct duis_engine *engine = duis_engine_create(current, DOCUMENT_BYTES_MAX);
	bool overlay = true;

	for (unsigned turn = 0; turn < turns; turn++) {
		cr_assert_eq(duis_schemas_kind(current), kind);
		for (unsigned again = 0; again < 3; again++) {
			cr_assert_eq(read_with(engine, material_request), 0);
			cr_assert_eq(read_with(engine, material_schedule), overlay ? 0 : -EBADMSG);
			duis_engine_set_schemas(engine, current);
		}
		/* The old ones first, so that their memory is taken again. */
		duis_schemas_destroy(current);
		overlay = turn % 3 != 0;
		current = load(kind, overlay);
		duis_engine_set_schemas(engine, current);
	}
	duis_engine_destroy(engine);
	duis_schemas_destroy(current);
}

Test(engine, schemas_change_fast)
{
	change_schemas(DUIS_ENGINE_FAST, 30);
}

Test(engine, schemas_change_reference)
{
	change_schemas(DUIS_ENGINE_REFERENCE, 3);
}

Test(engine, versions)
{
	for (int kind = 0; kind < KINDS; kind++) {
		cr_assert_eq(duis_schemas_find(schemas[kind], "5.40", 4), 1);
		cr_assert_eq(duis_schemas_find(schemas[kind], " 05.1 ", 6), 0);
		cr_assert_eq(duis_schemas_find(schemas[kind], "5.2", 3), -1);
		cr_assert_str_eq(duis_schemas_version(schemas[kind], 1), "5.4");
	}
	/* Both versions share one file; its checksum is that of the image. */
	cr_assert_not_null(duis_schemas_checksum(schemas[FAST], 0));
	cr_assert_eq(
		duis_schemas_checksum(schemas[FAST], 0), duis_schemas_checksum(schemas[FAST], 1));
	cr_assert_null(duis_schemas_checksum(schemas[REFERENCE], 0));
	cr_assert_str_eq(duis_engine_variant(engines[REFERENCE]), "libxml2");
	cr_assert_neq(duis_engine_variant(engines[FAST])[0], '\0');
}

static void expect_refused(const char *path, int error, const char *said)
{
	const struct duis_schema_source source = {.version = "5.1", .image_path = path};
	char reason[512] = "";

	errno = 0;
	cr_assert_null(duis_schemas_create(DUIS_ENGINE_FAST, &source, 1, reason, sizeof(reason)));
	cr_assert_eq(errno, error, "%s: %s", strerror(errno), reason);
	cr_assert_eq(strncmp(reason, path, strlen(path)), 0, "%s", reason);
	cr_assert_not_null(strstr(reason, said), "%s", reason);
}

Test(engine, images_that_cannot_be_used)
{
	expect_refused("/nonexistent/a.image", ENOENT, "No such file");
	expect_refused("/tmp", EISDIR, "Is a directory");
	cr_assert_eq(truncate(image_path[1], 100000), 0);
	expect_refused(image_path[1], EBADMSG, "");
	cr_assert_eq(truncate(image_path[1], 0), 0);
	expect_refused(image_path[1], EBADMSG, "not a schema image");
}

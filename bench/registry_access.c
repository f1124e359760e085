/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one decision of access control costs once the device has been read: the rules of
 * conf/access, users of several roles, the SRVs of a Meter Data Retriever and others, devices with
 * one to eight entries, most requests permitted, as in real traffic. Beside it the worst device
 * that there can be: 128 entries of one party, all needed, in the order of time and against it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/registry_bench.h"
#include "control/reference_files.h"
#include "dataplane/access.h"

#define TARGET_NS 1500.0
#define ROUNDS 50u
#define DEVICES 4096u
#define REQUESTS 64u
#define PERIOD_S 86400
#define MIDNIGHT_S 1760054400
#define OWN 7u
#define OTHER 8u

struct mix {
	struct registry *registry;
	struct registry_user users[4];
	struct registry_image_device *devices;
	struct duis_document *documents;
	uint32_t accepted;
};

struct registry_judge {
	struct key_store *keys;
	struct registry *registry;
	struct duis_document document;
};

static const char *const srvs[] = {
	"4.8.1", "4.6.1", "4.8.3", "4.2", "4.8.1", "4.17", "6.2.4", "11.2"};

static struct registry *load_rules(struct key_store *keys)
{
	struct reference reference = {0};
	struct registry *registry = registry_create(1, keys);
	int result = registry ? 0 : -ENOMEM;
	if (result == 0)
		result = reference_read_access(
			BENCH_ROOT "/conf/access/matrix.yaml", stderr, &reference);
	if (result == 0)
		result = reference_read_checks(
			BENCH_ROOT "/conf/access/checks.yaml", stderr, &reference);
	for (size_t i = 0; i < reference.rule_count && result == 0; i++)
		result = registry_add(registry, MW_CONTROL_SRV_RULE,
			(const uint8_t *)&reference.rules[i], sizeof(reference.rules[i]));
	if (result == 0)
		result = registry_add(registry, MW_CONTROL_ACCESS_CHECKS,
			(const uint8_t *)&reference.checks, sizeof(reference.checks));
	free(reference.rules);
	if (result == 0)
		return registry;
	registry_destroy(registry);
	errno = -result;
	return NULL;
}

/* Entries of others, and behind them what the users have: import and export of each kind. */
static void fill_device(struct registry_image_device *device, uint32_t number)
{
	static const enum mw_entitlement own[] = {MW_ENTITLEMENT_MDR_IMPORT,
		MW_ENTITLEMENT_MDR_EXPORT, MW_ENTITLEMENT_IMPORT_SUPPLIER,
		MW_ENTITLEMENT_EXPORT_SUPPLIER, MW_ENTITLEMENT_DISTRIBUTOR};
	*device = (struct registry_image_device){
		.device_id = number,
		.type = MW_DEVICE_ESME,
		.status = MW_STATUS_COMMISSIONED,
		.generation = MW_GENERATION_SMETS2,
		.provider_id = 1,
		.entry_count = (uint16_t)(1 + number % 8),
	};
	for (uint16_t i = 0; i < device->entry_count; i++) {
		uint32_t kind = own[i % 5];
		device->entries[i] = (struct mw_registry_entry){
			.party = (number % 16 == 0 ? OTHER : OWN) | kind << 24,
			.from_s = MIDNIGHT_S - 200 * PERIOD_S,
			.to_s = MW_REGISTRY_OPEN_END,
		};
	}
}

/* 128 days of one party, one entry each. */
static void fill_worst(struct registry_image_device *device, bool backwards)
{
	const uint16_t count = MW_REGISTRY_ENTRIES * MW_REGISTRY_CHAIN_MAX;
	fill_device(device, 0);
	device->entry_count = count;
	for (uint16_t i = 0; i < count; i++) {
		uint32_t day = backwards ? count - 1u - i : i;
		device->entries[i] = (struct mw_registry_entry){
			.party = OWN | MW_ENTITLEMENT_MDR_IMPORT << 24,
			.from_s = MIDNIGHT_S + day * PERIOD_S,
			.to_s = MIDNIGHT_S + (day + 1) * PERIOD_S,
		};
	}
}

static void fill_document(
	struct duis_document *document, const struct registry *registry, const char *name)
{
	const struct registry_srv *srv = registry_srv(registry, name);

	document->root = DUIS_ROOT_REQUEST;
	document->command_variant = 1;
	memcpy(document->service_reference_variant, srv->srv, sizeof(srv->srv));
	memcpy(document->service_reference, srv->service_reference, sizeof(srv->service_reference));
	memcpy(document->body_element, srv->body_element, sizeof(srv->body_element));
}

static void fill_documents(struct mix *mix)
{
	for (uint32_t i = 0; i < REQUESTS; i++) {
		fill_document(&mix->documents[i], mix->registry, srvs[i % 8]);
		mix->documents[i].has_execution_date_time = i % 16 == 9;
	}
}

static struct access_decision decide(const struct mix *mix, const struct registry_user *user,
	const struct duis_document *document, const struct registry_image_device *device,
	int64_t days)
{
	const struct access_request request = {
		.user = user,
		.document = document,
		.service = MW_SERVICE_SEND_COMMAND,
		.version = 5400000,
		.period = {days > 0, MIDNIGHT_S, MIDNIGHT_S + days * PERIOD_S},
		.execution_s = MIDNIGHT_S + 5 * PERIOD_S,
		.now_s = MIDNIGHT_S + 2 * PERIOD_S,
		.device = device,
	};
	return access_check(mix->registry, &request);
}

/* Every device once; returns ns for each decision. */
static double run_mix(struct mix *mix)
{
	uint64_t start_ns = registry_bench_thread_ns();
	mix->accepted = 0;
	for (uint32_t i = 0; i < DEVICES; i++) {
		struct access_decision decision = decide(mix, &mix->users[i % 4],
			&mix->documents[i % REQUESTS], &mix->devices[i], i % 8 < 6);
		mix->accepted += decision.reason == ANSWER_ACCEPTED;
	}
	return (double)(registry_bench_thread_ns() - start_ns) / DEVICES;
}

static double run_worst(const struct mix *mix, bool backwards)
{
	struct registry_image_device device;
	const int64_t days = MW_REGISTRY_ENTRIES * MW_REGISTRY_CHAIN_MAX;
	const uint32_t repeats = 256;
	fill_worst(&device, backwards);
	uint64_t start_ns = registry_bench_thread_ns();
	for (uint32_t i = 0; i < repeats; i++)
		bench_use(decide(mix, &mix->users[0], &mix->documents[0], &device, days).reason);
	return (double)(registry_bench_thread_ns() - start_ns) / repeats;
}

static int run(struct registry_bench *bench, struct mix *mix)
{
	static const enum access_route expected = ACCESS_ROUTE_DEVICE;
	double times[3][ROUNDS];
	struct registry_image_device worst;

	fill_worst(&worst, true);
	struct access_decision decision =
		decide(mix, &mix->users[0], &mix->documents[0], &worst, 128);
	if (decision.reason != ANSWER_ACCEPTED || decision.route != expected ||
		decide(mix, &mix->users[0], &mix->documents[0], &worst, 129).reason !=
			ANSWER_NOT_ENTITLED)
		return -EBADMSG;
	for (unsigned i = 0; i < ROUNDS; i++) {
		times[0][i] = run_mix(mix);
		times[1][i] = run_worst(mix, false);
		times[2][i] = run_worst(mix, true);
	}
	if (mix->accepted < DEVICES / 4 || mix->accepted == DEVICES)
		return -EBADMSG;
	struct registry_figure figure = {
		.name = "access-decision", .unit = "ns/decision", .target = TARGET_NS};
	registry_bench_report(bench, figure, times[0], ROUNDS);
	figure = (struct registry_figure){.name = "access-128-entries", .unit = "ns/decision"};
	registry_bench_report(bench, figure, times[1], ROUNDS);
	figure.name = "access-128-backwards";
	registry_bench_report(bench, figure, times[2], ROUNDS);
	return 0;
}

int registry_bench_access(struct registry_bench *bench)
{
	static const uint32_t roles[] = {MW_ROLE_MDR, MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_GS,
		MW_ROLE_ED | MW_ROLE_GT, MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_MDR};
	struct mix mix = {0};
	int status = -ENOMEM;

	if (!registry_bench_wants(bench, "access-decision"))
		return 0;
	struct key_store *keys = key_store_create(0);

	mix.registry = keys ? load_rules(keys) : NULL;
	mix.devices = calloc(DEVICES, sizeof(*mix.devices));
	mix.documents = calloc(REQUESTS, sizeof(*mix.documents));
	if (mix.registry && mix.devices && mix.documents) {
		for (unsigned i = 0; i < 4; i++)
			mix.users[i] = (struct registry_user){
				.roles = roles[i], .organisation = OWN, .active = true};
		for (uint32_t i = 0; i < DEVICES; i++)
			fill_device(&mix.devices[i], i);
		fill_documents(&mix);
		status = run(bench, &mix);
	}
	free(mix.devices);
	free(mix.documents);
	registry_destroy(mix.registry);
	key_store_destroy(keys);
	return status;
}

struct registry_judge *registry_judge_create(void)
{
	struct registry_judge *judge = calloc(1, sizeof(*judge));

	if (!judge)
		return NULL;
	judge->keys = key_store_create(0);
	judge->registry = judge->keys ? load_rules(judge->keys) : NULL;
	if (judge->registry) {
		fill_document(&judge->document, judge->registry, "4.8.1");
		return judge;
	}
	registry_judge_destroy(judge);
	return NULL;
}

bool registry_judge_permits(const struct registry_judge *judge, uint32_t organisation,
	const struct registry_image_device *device, int64_t from_s, int64_t to_s)
{
	const struct registry_user user = {
		.roles = MW_ROLE_MDR, .organisation = organisation, .active = true};
	const struct access_request request = {
		.user = &user,
		.document = &judge->document,
		.service = MW_SERVICE_SEND_COMMAND,
		.version = 5400000,
		.period = {true, from_s, to_s},
		.now_s = to_s,
		.device = device,
	};

	return access_check(judge->registry, &request).reason == ANSWER_ACCEPTED;
}

void registry_judge_destroy(struct registry_judge *judge)
{
	if (!judge)
		return;
	registry_destroy(judge->registry);
	key_store_destroy(judge->keys);
	free(judge);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions of access control for whoever asks on stdin; tests/access/oracle.py does.
 *
 *     decide MATRIX.yaml CHECKS.yaml
 *
 * The rules are read as motorway-control reads them and go through its records into the data
 * plane's registry. Each line defines something, numbered from 0 in its kind, or asks:
 *
 *     U active organisation roles
 *     D type status generation entries, each: organisation kind from_s to_s (-1: open)
 *     Q srv reference body variant service version future_dated scheduled on_target execution_s
 *       now_s period start_s end_s
 *     ? user device request       (device -1: there is none; -2: it is busy)
 *     ! user device request       the explanation, one line a check, and an empty line
 *
 * Sets are hexadecimal. An answer to ? is: reason code route roles uncovered_s
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/reference_files.h"
#include "dataplane/access.h"
#include "dataplane/key_store.h"

#define USERS 4096
#define DEVICES 65536
#define REQUESTS 65536
#define LINE_SIZE 16384
#define DSP 0x90b3d51f30000002ull
#define METER 0x00db1234567890a0ull
#define TRANSFORM 9

struct question {
	struct duis_document document;
	struct access_request request;
	char version[MW_SCHEMA_VERSION_SIZE];
};

static struct registry_user *users;
static struct registry_image_device *devices;
static struct question *questions;
static int user_count, device_count, question_count;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "decide: %s\n", what);
	exit(2);
}

static struct registry *load(const char *matrix, const char *checks)
{
	struct reference reference = {0};
	struct registry *registry = registry_create(1, key_store_create(0));
	struct mw_control_provider transform = {
		.id = TRANSFORM, .kind = MW_PROVIDER_TRANSFORM, .name = "transform"};
	if (!registry || reference_read_access(matrix, stderr, &reference) != 0 ||
		reference_read_checks(checks, stderr, &reference) != 0)
		fail("the rules cannot be read");
	if (registry_add(registry, MW_CONTROL_PROVIDER, (const uint8_t *)&transform,
		    sizeof(transform)) != 0)
		fail("no provider");
	for (size_t i = 0; i < reference.rule_count; i++)
		if (registry_add(registry, MW_CONTROL_SRV_RULE,
			    (const uint8_t *)&reference.rules[i], sizeof(reference.rules[i])) != 0)
			fail("a rule is not taken");
	if (registry_add(registry, MW_CONTROL_ACCESS_CHECKS, (const uint8_t *)&reference.checks,
		    sizeof(reference.checks)) != 0)
		fail("the checks are not taken");
	free(reference.rules);
	return registry;
}

static void define_user(const char *line)
{
	struct registry_user *user = &users[user_count];
	int active;
	if (user_count == USERS || sscanf(line, "%d %" SCNu32 " %" SCNx32, &active,
					   &user->organisation, &user->roles) != 3)
		fail("a user is not understood");
	user->active = active;
	user_count++;
}

static void define_device(const char *line)
{
	struct registry_image_device *device = &devices[device_count];
	int used;
	if (device_count == DEVICES || sscanf(line, "%hhu %hhu %hhu%n", &device->type,
					       &device->status, &device->generation, &used) != 3)
		fail("a device is not understood");
	device_count++;
	device->device_id = METER;
	device->provider_id = 5;
	uint32_t organisation, kind, from_s;
	int64_t to_s;
	for (line += used; sscanf(line, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNd64 "%n",
				   &organisation, &kind, &from_s, &to_s, &used) == 4;
		line += used) {
		if (device->entry_count == MW_REGISTRY_ENTRIES * MW_REGISTRY_CHAIN_MAX)
			fail("a device with too many entries");
		device->entries[device->entry_count++] = (struct mw_registry_entry){
			.party = organisation | kind << 24,
			.from_s = from_s,
			.to_s = to_s < 0 ? MW_REGISTRY_OPEN_END : (uint32_t)to_s,
		};
	}
	if (strspn(line, " \n") != strlen(line))
		fail("an entry is not understood");
}

static void define_question(const char *line)
{
	struct question *question = &questions[question_count];
	struct duis_document *document = &question->document;
	struct access_request *request = &question->request;
	int service, future_dated, scheduled, on_target, period;
	if (question_count == REQUESTS ||
		sscanf(line,
			"%7s %7s %79s %hhu %d %15s %d %d %d %" SCNd64 " %" SCNd64 " %d %" SCNd64
			" %" SCNd64,
			document->service_reference_variant, document->service_reference,
			document->body_element, &document->command_variant, &service,
			question->version, &future_dated, &scheduled, &on_target,
			&request->execution_s, &request->now_s, &period, &request->period.start_s,
			&request->period.end_s) != 14)
		fail("a request is not understood");
	question_count++;
	document->root = DUIS_ROOT_REQUEST;
	document->has_execution_date_time = future_dated;
	document->request_id = (struct mw_request_id){1, on_target ? DSP : METER, 1};
	request->document = document;
	request->service = (enum mw_service)service;
	request->scheduled = scheduled;
	request->version = access_version(question->version);
	request->period.present = period;
	request->dsp_eui = DSP;
}

static struct access_request ask(const char *line)
{
	int user, device, question;
	if (sscanf(line, "%d %d %d", &user, &device, &question) != 3 || user < 0 ||
		user >= user_count || device < -2 || device >= device_count || question < 0 ||
		question >= question_count)
		fail("a question is not understood");
	struct access_request request = questions[question].request;
	request.user = &users[user];
	request.device = device >= 0 ? &devices[device] : NULL;
	request.device_busy = device == -2;
	return request;
}

static void answer(const struct registry *registry, const struct access_request *request)
{
	static const char *const routes[] = {
		"-", "device", "transform", "transform-and-device", "control"};
	struct access_decision decision = access_check(registry, request);
	printf("%s %s %s %" PRIx32 " %" PRId64 "\n", answer_reason_name(decision.reason),
		decision.code ? decision.code : "-", routes[decision.route], decision.roles,
		decision.check == MW_ACCESS_NOT_ENTITLED ? decision.uncovered_s : 0);
}

static void tell(const struct registry *registry, const struct access_request *request)
{
	struct access_explanation told[MW_ACCESS_CHECK_COUNT];
	size_t count;
	access_explain(registry, request, told, &count);
	for (size_t i = 0; i < count; i++)
		printf("%s: %s (%s): %s\n", told[i].name, access_verdict_name(told[i].verdict),
			told[i].code, told[i].data);
	printf("\n");
}

int main(int argc, char **argv)
{
	static char line[LINE_SIZE];
	if (argc != 3)
		fail("usage: decide MATRIX.yaml CHECKS.yaml");
	struct registry *registry = load(argv[1], argv[2]);
	users = calloc(USERS, sizeof(*users));
	devices = calloc(DEVICES, sizeof(*devices));
	questions = calloc(REQUESTS, sizeof(*questions));
	if (!users || !devices || !questions)
		fail("no memory");
	while (fgets(line, sizeof(line), stdin)) {
		struct access_request request;
		if (!strchr(line, '\n') || line[1] != ' ')
			fail("a line is not understood");
		switch (line[0]) {
		case 'U':
			define_user(line + 1);
			break;
		case 'D':
			define_device(line + 1);
			break;
		case 'Q':
			define_question(line + 1);
			break;
		case '?':
			request = ask(line + 1);
			answer(registry, &request);
			break;
		case '!':
			request = ask(line + 1);
			tell(registry, &request);
			break;
		default:
			fail("a line is not understood");
		}
	}
	struct key_store *keys = registry->keys;
	registry_destroy(registry);
	key_store_destroy(keys);
	free(users);
	free(devices);
	free(questions);
	return 0;
}

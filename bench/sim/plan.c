/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/plan.h"
#include "motorway/registry_image.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shares of the valid mixed requests, per cent; the rest is made of the templates in turn. */
#define SHARE_MDR_READS 55
#define SHARE_NON_DEVICE 5

/* One in so many transforms is followed by the signed pre-command. */
#define PRE_COMMAND_EVERY 3

/* One in so many requests for a device asks for local delivery, too or instead. */
#define LOCAL_EVERY 10

#define MS_PER_DAY 86400000ll

struct read {
	const char *srv;
	const char *schedule_element; /* NULL: cannot be scheduled */
};

/* The device reads of a Meter Data Retriever (FIA 3.3, Table 2). */
static const struct read reads[] = {
	{"4.1.1", NULL},
	{"4.2", "DSPReadInstantaneousExportRegisters"},
	{"4.6.1", "DSPRetrieveImportDailyReadLog"},
	{"4.6.2", "DSPRetrieveExportDailyReadLog"},
	{"4.8.1", "DSPReadActiveImportProfileData"},
	{"4.8.3", "DSPReadExportProfileData"},
	{"4.17", "DSPRetrieveDailyConsumptionLog"},
};

#define READ_COUNT (sizeof(reads) / sizeof(reads[0]))

static const enum mw_generation generations[] = {MW_GENERATION_SMETS1, MW_GENERATION_SMETS2};

const char *plan_schedule_element(const char *srv)
{
	for (size_t i = 0; i < READ_COUNT; i++)
		if (strcmp(reads[i].srv, srv) == 0)
			return reads[i].schedule_element;
	return NULL;
}

const char *plan_damage_text(enum plan_damage damage)
{
	static const char *const texts[] = {[PLAN_DAMAGE_NONE] = "valid",
#define PLAN_DAMAGE_TEXT(name, text, reason, status) [PLAN_DAMAGE_##name] = text,
		PLAN_DAMAGES(PLAN_DAMAGE_TEXT)
#undef PLAN_DAMAGE_TEXT
	};
	return texts[damage];
}

enum mw_service plan_service(uint8_t command_variant)
{
	switch (command_variant) {
	case 4:
		return MW_SERVICE_TRANSFORM;
	case 2:
	case 6:
	case 8:
		return MW_SERVICE_NON_DEVICE;
	default:
		return MW_SERVICE_SEND_COMMAND;
	}
}

/* ---- sendings ---- */

static void clear(struct plan_sending *sending)
{
	memset(sending, 0, sizeof(*sending));
	sending->device = PLAN_NONE;
	sending->schedule = PLAN_NONE;
}

struct plan_sending *plan_append(struct plan *plan)
{
	if (plan->count == plan->capacity) {
		uint32_t capacity = plan->capacity ? plan->capacity * 2 : 1024;
		struct plan_sending *grown =
			realloc(plan->sendings, capacity * sizeof(*plan->sendings));
		if (!grown)
			return NULL;
		plan->sendings = grown;
		plan->capacity = capacity;
	}
	struct plan_sending *sending = &plan->sendings[plan->count++];
	clear(sending);
	return sending;
}

static void expect(struct plan_sending *sending, const char *code, bool body, bool exchange)
{
	sending->expected = (struct plan_expectation){
		.http_status = 200,
		.duis = true,
		.accepted = true,
		.body = body,
		.exchange = exchange,
	};
	snprintf(sending->expected.code, sizeof(sending->expected.code), "%s", code);
}

/* The answer to a valid request follows from its command variant (doc/answers.md): I99 for what
 * goes to a device, I0 with a body for what is answered at once. */
static void expect_for_variant(struct plan_sending *sending)
{
	switch (sending->command_variant) {
	case 1:
	case 5:
		expect(sending, "I99", false, true);
		break;
	case 3:
	case 7:
		expect(sending, "I0", true, true);
		break;
	default:
		expect(sending, "I0", true, false);
		break;
	}
}

static void fill(struct plan *plan, struct plan_sending *sending, const struct template *template,
	uint32_t user, uint32_t device)
{
	sending->template = (uint32_t)(template - plan->templates->templates);
	sending->user = user;
	sending->signer = user;
	sending->device = device;
	sending->command_variant = template->command_variant;
	sending->service = plan_service(sending->command_variant);
	expect_for_variant(sending);
}

uint32_t plan_pick_device(struct plan *plan, enum mw_generation generation)
{
	const struct reference *reference = plan->reference;
	uint32_t start = (uint32_t)random_below(&plan->random, reference->device_count);
	for (uint32_t i = 0; i < reference->device_count; i++) {
		uint32_t index = (start + i) % reference->device_count;
		const struct reference_device *device = &reference->devices[index];
		bool electricity = device->type[0] == '\0' || strcmp(device->type, "ESME") == 0;
		bool in_use = device->status == 0 || device->status & 1u << MW_STATUS_COMMISSIONED;
		if (electricity && in_use && (generation == 0 || device->generation == generation))
			return index;
	}
	return PLAN_NONE;
}

static uint32_t device_index(const struct plan *plan, uint64_t id)
{
	const struct reference_device *device = reference_device(plan->reference, id);
	return device ? (uint32_t)(device - plan->reference->devices) : PLAN_NONE;
}

/* The device that a template names or, when the SRV is not for devices of its status (such as
 * Commission), another one of its type. */
static uint32_t target_index(const struct plan *plan, const struct template *template)
{
	const struct reference *reference = plan->reference;
	const struct reference_srv *srv = reference_srv(reference, template->srv);
	uint32_t own = device_index(plan, template->request_id.target);
	if (own == PLAN_NONE || !srv || srv->device_statuses == 0)
		return own;
	const struct reference_device *named = &reference->devices[own];
	if (named->status == 0 || named->status & srv->device_statuses)
		return own;
	for (uint32_t i = 0; i < reference->device_count; i++) {
		const struct reference_device *device = &reference->devices[i];
		if (device->status & srv->device_statuses &&
			strcmp(device->type, named->type) == 0 &&
			device->generation == named->generation)
			return i;
	}
	return own;
}

void plan_make_choice(struct plan *plan, struct plan_sending *sending)
{
	uint32_t index = (uint32_t)random_below(&plan->random, plan->choice_count);
	const struct plan_choice *choice = &plan->choices[index];
	const struct template *template = &plan->templates->templates[choice->template];
	fill(plan, sending, template, choice->user, target_index(plan, template));
}

static const struct template *read_template(const struct plan *plan, const char *srv)
{
	return template_find(plan->templates, srv, 1);
}

static bool mdr_may_read(const struct plan *plan, const char *srv, enum mw_generation generation)
{
	const struct reference_srv *rule = reference_srv(plan->reference, srv);
	return rule && read_template(plan, srv) &&
	       reference_may_send(&plan->reference->users[plan->mdr], rule, 1, generation);
}

static bool make_read(struct plan *plan, struct plan_sending *sending, const char *srv,
	enum mw_generation generation)
{
	uint32_t device = plan_pick_device(plan, generation);
	if (device == PLAN_NONE || !mdr_may_read(plan, srv, generation))
		return false;
	fill(plan, sending, read_template(plan, srv), plan->mdr, device);
	return true;
}

void plan_make_read(struct plan *plan, struct plan_sending *sending)
{
	bool made;
	do {
		const struct read *read = &reads[random_below(&plan->random, READ_COUNT)];
		enum mw_generation generation = generations[random_below(&plan->random, 2)];
		made = make_read(plan, sending, read->srv, generation);
	} while (!made);
}

/* 5.1, 5.2, 5.3 and 8.2, sent by the Meter Data Retriever to the DSP. */
static bool make_non_device(
	struct plan *plan, struct plan_sending *sending, enum plan_kind kind, uint32_t subject)
{
	static const char *const srvs[] = {
		[PLAN_CREATE_SCHEDULE] = "5.1",
		[PLAN_READ_SCHEDULE] = "5.2",
		[PLAN_DELETE_SCHEDULE] = "5.3",
		[PLAN_READ_INVENTORY] = "8.2",
	};
	const struct template *template = template_find(plan->templates, srvs[kind], 8);
	if (!template)
		return false;
	fill(plan, sending, template, plan->mdr, subject);
	sending->kind = kind;
	if (kind != PLAN_READ_INVENTORY) {
		sending->schedule = subject;
		sending->device = plan->schedules[subject].device;
		sending->user = sending->signer = plan->schedules[subject].user;
	}
	/* Nothing to return is answered with I99. */
	if (kind == PLAN_DELETE_SCHEDULE)
		expect(sending, "I99", false, false);
	return true;
}

/* ---- what is possible ---- */

static bool usable(const struct plan *plan, const struct template *template, uint32_t user)
{
	const struct reference_srv *srv = reference_srv(plan->reference, template->srv);
	const struct reference_device *device =
		reference_device(plan->reference, template->request_id.target);
	if (!srv || !plan->reference->users[user].signer || !plan->reference->users[user].active)
		return false;
	/* 5.1 to 5.3 and 8.2 have sendings of their own. */
	if (srv->non_device || !device)
		return false;
	return reference_may_send(
		&plan->reference->users[user], srv, template->command_variant, device->generation);
}

/* One sender for each template: its own originator if that may send it, else the first who may. */
static int collect_choices(struct plan *plan)
{
	const struct template_set *set = plan->templates;
	plan->choices = calloc(set->count, sizeof(*plan->choices));
	if (!plan->choices)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t found = PLAN_NONE;
		for (uint32_t user = 0; user < plan->reference->user_count; user++) {
			if (!usable(plan, &set->templates[i], user))
				continue;
			bool own = plan->reference->users[user].eui ==
				   set->templates[i].request_id.originator;
			if (found == PLAN_NONE || own)
				found = user;
		}
		if (found != PLAN_NONE)
			plan->choices[plan->choice_count++] = (struct plan_choice){i, found};
	}
	return 0;
}

static uint32_t find_mdr(const struct reference *reference)
{
	for (uint32_t i = 0; i < reference->user_count; i++) {
		const struct reference_user *user = &reference->users[i];
		if (user->signer && user->active && user->roles == MW_ROLE_MDR)
			return i;
	}
	return PLAN_NONE;
}

static const char *find_missing(struct plan *plan)
{
	plan->mdr = find_mdr(plan->reference);
	if (plan->mdr == PLAN_NONE)
		return "no active user with the one role MDR has a private key here";
	if (plan->reference->device_count == 0 || plan->choice_count == 0)
		return "no template names a device of the reference data and has a user who may "
		       "send it and whose private key is here";
	for (size_t i = 0; i < READ_COUNT; i++)
		if (!mdr_may_read(plan, reads[i].srv, MW_GENERATION_SMETS1) &&
			!mdr_may_read(plan, reads[i].srv, MW_GENERATION_SMETS2))
			return "the MDR may not send one of its own reads, or its template is "
			       "missing";
	for (size_t i = 0; i < 2; i++)
		if (plan_pick_device(plan, generations[i]) == PLAN_NONE)
			return "there is no device of one of the generations SMETS1 and SMETS2";
	return NULL;
}

/* ---- phases ---- */

/* A schedule for a random schedulable read that is allowed for the device's generation. */
static void make_schedule(struct plan *plan, struct plan_schedule *schedule,
	enum mw_generation generation, int64_t due_wall_ms)
{
	const struct read *read;
	do
		read = &reads[random_below(&plan->random, READ_COUNT)];
	while (!read->schedule_element || !mdr_may_read(plan, read->srv, generation));
	schedule->user = plan->mdr;
	schedule->device = plan_pick_device(plan, generation);
	schedule->due_wall_ms = due_wall_ms;
	snprintf(schedule->srv, sizeof(schedule->srv), "%s", read->srv);
}

/* The last two schedules, one for each generation, start tomorrow: they are there, for 5.2 and 5.3,
 * when none is to fall due. */
static int make_schedules(struct plan *plan, const struct options *options, int64_t now_wall_ms)
{
	uint32_t count = (uint32_t)options->schedules;
	int64_t due_wall_ms = now_wall_ms + (int64_t)options->due_in_s * 1000;
	due_wall_ms -= due_wall_ms % 1000;
	plan->schedules = calloc(count + 2, sizeof(*plan->schedules));
	if (!plan->schedules)
		return -ENOMEM;
	plan->schedule_count = count + 2;
	for (uint32_t i = 0; i < count; i++) {
		make_schedule(plan, &plan->schedules[i], generations[i % 2], due_wall_ms);
		plan->schedules[i].due = true;
	}
	for (uint32_t i = 0; i < 2; i++)
		make_schedule(plan, &plan->schedules[count + i], generations[i],
			due_wall_ms + MS_PER_DAY);
	for (uint32_t i = 0; i < plan->schedule_count; i++) {
		struct plan_sending *sending = plan_append(plan);
		if (!sending || !make_non_device(plan, sending, PLAN_CREATE_SCHEDULE, i))
			return -ENOMEM;
		sending->matrix = true;
	}
	plan->phase_end[0] = plan->count;
	plan->phase_begin[1] = plan->count;
	return 0;
}

static struct plan_sending *append_matrix(struct plan *plan)
{
	struct plan_sending *sending = plan_append(plan);
	if (sending)
		sending->matrix = true;
	return sending;
}

/* Each service request of a Meter Data Retriever, on both generations where allowed; 5.1 makes
 * phase 0 and 5.3 makes phase 2. */
static int make_matrix(struct plan *plan)
{
	static const enum plan_kind kinds[] = {PLAN_READ_SCHEDULE, PLAN_READ_INVENTORY};
	for (unsigned g = 0; g < 2; g++) {
		for (size_t i = 0; i < READ_COUNT; i++) {
			if (!mdr_may_read(plan, reads[i].srv, generations[g]))
				continue;
			struct plan_sending *sending = append_matrix(plan);
			if (!sending || !make_read(plan, sending, reads[i].srv, generations[g]))
				return -ENOMEM;
		}
		uint32_t schedule = plan->schedule_count - 2 + g;
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			uint32_t subject = kinds[i] == PLAN_READ_INVENTORY
						   ? plan->schedules[schedule].device
						   : schedule;
			struct plan_sending *sending = append_matrix(plan);
			if (!sending || !make_non_device(plan, sending, kinds[i], subject))
				return -ENOMEM;
		}
	}
	return 0;
}

static bool allows(const struct plan *plan, const struct plan_sending *sending, uint64_t variant)
{
	const struct reference_srv *srv =
		reference_srv(plan->reference, plan->templates->templates[sending->template].srv);
	return srv->command_variants & (1u << variant);
}

/* The published templates have the command variants 1, 2, 4 and 8 only. Now and then a request to a
 * device asks for a command for local delivery (2) or for both (3), and a transform is followed by
 * the signed pre-command in one of its variants (5, 6, 7). */
static void vary(struct plan *plan, struct plan_sending *sending)
{
	if (sending->command_variant == 1) {
		uint64_t variant = 2 + random_below(&plan->random, 2 * LOCAL_EVERY);
		if (variant > 3 || !allows(plan, sending, variant))
			return;
		sending->command_variant = (uint8_t)variant;
		sending->service = plan_service(sending->command_variant);
		expect_for_variant(sending);
	} else if (sending->command_variant == 4) {
		uint64_t variant = 5 + random_below(&plan->random, 3);
		if (random_below(&plan->random, PRE_COMMAND_EVERY) != 0 ||
			!allows(plan, sending, variant))
			return;
		sending->follow_up = true;
		sending->follow_up_variant = (uint8_t)variant;
	}
}

static void make_valid(struct plan *plan, struct plan_sending *sending, uint32_t number)
{
	uint64_t share = random_below(&plan->random, 100);
	uint32_t lasting = plan->schedule_count - 2;
	if (share < SHARE_MDR_READS) {
		plan_make_read(plan, sending);
		sending->matrix = true;
	} else if (share < SHARE_MDR_READS + SHARE_NON_DEVICE) {
		bool inventory = lasting == 0 || random_below(&plan->random, 2) == 0;
		uint32_t subject = inventory ? plan_pick_device(plan, 0)
					     : (uint32_t)random_below(&plan->random, lasting);
		make_non_device(plan, sending, inventory ? PLAN_READ_INVENTORY : PLAN_READ_SCHEDULE,
			subject);
		sending->matrix = true;
	} else {
		const struct plan_choice *choice = &plan->choices[number % plan->choice_count];
		const struct template *template = &plan->templates->templates[choice->template];
		fill(plan, sending, template, choice->user, target_index(plan, template));
		vary(plan, sending);
	}
}

static int make_mix(struct plan *plan, const struct options *options)
{
	uint32_t templates_used = 0;
	uint32_t damage = 0;
	for (uint64_t i = 0; i < options->count; i++) {
		struct plan_sending *sending = plan_append(plan);
		if (!sending)
			return -ENOMEM;
		bool bad = random_below(&plan->random, 100) < options->bad_percent;
		bool made = false;
		for (uint32_t tries = 1; bad && !made && tries < PLAN_DAMAGE_COUNT; tries++) {
			damage = damage % (PLAN_DAMAGE_COUNT - 1) + 1;
			clear(sending);
			made = plan_make_damaged(plan, sending, (enum plan_damage)damage);
		}
		if (made)
			continue;
		clear(sending);
		make_valid(plan, sending, templates_used);
		templates_used += !sending->matrix;
	}
	plan->phase_end[1] = plan->count;
	return 0;
}

int plan_create(struct plan *plan, const struct options *options, const struct conf *conf,
	const struct reference *reference, const struct template_set *templates,
	int64_t now_wall_ms, char *reason, size_t reason_size)
{
	memset(plan, 0, sizeof(*plan));
	plan->templates = templates;
	plan->reference = reference;
	plan->conf = conf;
	random_seed(&plan->random, options->seed);
	int result = collect_choices(plan);
	const char *missing = result == 0 ? find_missing(plan) : NULL;
	if (missing) {
		snprintf(reason, reason_size, "nothing to send: %s", missing);
		result = -EINVAL;
	}
	if (result == 0)
		result = make_schedules(plan, options, now_wall_ms);
	if (result == 0)
		result = make_matrix(plan);
	if (result == 0)
		result = make_mix(plan, options);
	if (result == -ENOMEM)
		snprintf(reason, reason_size,
			"no memory for the plan, or a template of 5.1, 5.2, "
			"5.3 or 8.2 is missing");
	if (result != 0)
		plan_destroy(plan);
	return result;
}

void plan_destroy(struct plan *plan)
{
	free(plan->sendings);
	free(plan->schedules);
	free(plan->choices);
	memset(plan, 0, sizeof(*plan));
}

uint32_t plan_add_follow_up(struct plan *plan, uint32_t index)
{
	struct plan_sending *sending = plan_append(plan);
	if (!sending)
		return PLAN_NONE;
	uint32_t added = plan->count - 1;
	*sending = plan->sendings[index];
	sending->state = PLAN_WAITING;
	sending->attempts = 0;
	sending->follow_up = false;
	sending->accepted = false;
	sending->matrix = false;
	if (sending->follow_up_damage != PLAN_DAMAGE_NONE) {
		plan_make_damaged(plan, sending, sending->follow_up_damage);
	} else {
		sending->kind = PLAN_SIGNED_PRE_COMMAND;
		sending->command_variant = sending->follow_up_variant;
		sending->service = plan_service(sending->command_variant);
		expect_for_variant(sending);
	}
	return added;
}

int plan_add_deletions(struct plan *plan)
{
	plan->phase_begin[2] = plan->count;
	for (uint32_t i = 0; i < plan->schedule_count; i++) {
		if (!plan->schedules[i].created || plan->schedules[i].deleted)
			continue;
		struct plan_sending *sending = plan_append(plan);
		if (!sending || !make_non_device(plan, sending, PLAN_DELETE_SCHEDULE, i))
			return -ENOMEM;
		sending->matrix = true;
	}
	plan->phase_end[2] = plan->count;
	return 0;
}

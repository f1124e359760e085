/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store against a model in plain memory: random changes, some abandoned, the store closed and
 * opened now and then. After each change every table and index of the store is what the model
 * says, and the log names every device whose row or MPxN changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/store.h"
#include "store_fixture.h"

#define DEVICES 24
#define MPXNS 7
#define PARTIES 6
#define MESSAGES 5
#define ROUNDS 1500
#define MIB (1024ull * 1024)

TestSuite(store_model, .init = store_folder_create, .fini = store_folder_destroy, .timeout = 60);

struct model {
	uint64_t change;
	struct store_organisation organisations[PARTIES + 1];
	uint32_t organisation_count;
	bool has_user[PARTIES];
	struct store_user users[PARTIES];
	bool has_certificate[PARTIES];
	struct store_certificate certificates[PARTIES];
	bool has_device[DEVICES];
	struct store_device devices[DEVICES];
	struct mpxn mpxns[MPXNS]; /* events only */
	bool has_message[MESSAGES];
	int64_t messages[MESSAGES]; /* received_ms */
	bool touched[DEVICES];
};

static uint64_t mpxn_number(unsigned index)
{
	return 1000000000001u + 7 * index;
}

static uint64_t device_number(unsigned index)
{
	return 0x00db000000000000u + 1000 * index + 1;
}

/* ---- what the model says of links ---- */

struct link {
	uint64_t device_id;
	uint8_t use;
};

static uint8_t first_use(const struct reference_device *device)
{
	return strcmp(device->type, "GSME") == 0 ? MPXN_GAS : MPXN_IMPORT;
}

/* The links of an MPxN in order, from the devices alone; `instead` takes the place of device
 * `index` (-1: none does). */
static unsigned model_links(const struct model *model, uint64_t number, int index,
	const struct store_device *instead, struct link *links)
{
	unsigned count = 0;
	char text[14];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	for (int i = 0; i < DEVICES; i++) {
		const struct reference_device *device = &model->devices[i].device;

		if (i == index)
			device = &instead->device;
		else if (!model->has_device[i])
			continue;
		const char *texts[] = {
			device->import_mpxn, device->secondary_import_mpan, device->export_mpan};
		uint8_t uses[] = {first_use(device), MPXN_SECONDARY_IMPORT, MPXN_EXPORT};
		uint8_t found[4] = {0};
		unsigned of_device = 0;
		for (int k = 0; k < 3; k++)
			if (strcmp(texts[k], text) == 0)
				found[of_device++] = uses[k];
		/* Gas is the first number and the largest use. */
		if (of_device > 1 && found[0] == MPXN_GAS) {
			memmove(found, found + 1, of_device - 1);
			found[of_device - 1] = MPXN_GAS;
		}
		for (unsigned k = 0; k < of_device; k++)
			links[count++] = (struct link){device->device_id, found[k]};
	}
	return count;
}

/* ---- random steps, done to both ---- */

static void set_mpxn(char *text, size_t size, uint64_t *state)
{
	uint64_t dice = store_test_random(state);

	if (dice % 2 == 0)
		snprintf(text, size, "%llu",
			(unsigned long long)mpxn_number((unsigned)(dice / 2 % MPXNS)));
}

static void step_device(struct store_change *change, struct model *model, uint64_t *state)
{
	static const char *const types[] = {"ESME", "GSME"};
	static const char *const codes[] = {"", "AB1 2CD", "ab12cd", "ZZ99 9ZZ"};
	struct link links[3 * DEVICES];
	unsigned index = (unsigned)(store_test_random(state) % DEVICES);
	struct store_device device = store_test_device(device_number(index), NULL);

	if (store_test_random(state) % 5 == 0) {
		int result = store_device_remove(change, device_number(index));

		cr_assert_eq(result, model->has_device[index] ? 0 : -ENOENT);
		model->touched[index] |= model->has_device[index];
		model->has_device[index] = false;
		return;
	}
	device.origin = (uint8_t)(store_test_random(state) % 3);
	strcpy(device.device.type, types[store_test_random(state) % 2]);
	strcpy(device.device.post_code, codes[store_test_random(state) % 4]);
	if (store_test_random(state) % 2 == 0)
		snprintf(device.device.uprn, sizeof(device.device.uprn), "%d",
			1 + (int)(store_test_random(state) % 5));
	set_mpxn(device.device.import_mpxn, sizeof(device.device.import_mpxn), state);
	set_mpxn(device.device.secondary_import_mpan, sizeof(device.device.export_mpan), state);
	set_mpxn(device.device.export_mpan, sizeof(device.device.export_mpan), state);
	int wanted = 0;
	for (unsigned i = 0; i < MPXNS; i++)
		if (model_links(model, mpxn_number(i), (int)index, &device, links) >
			MPXN_DEVICES_MAX)
			wanted = -E2BIG;
	cr_assert_eq(store_device_put(change, &device), wanted);
	if (wanted != 0)
		return;
	if (!model->has_device[index] ||
		memcmp(&model->devices[index], &device, sizeof(device)) != 0)
		model->touched[index] = true;
	model->has_device[index] = true;
	model->devices[index] = device;
}

static int compare_days(const void *left, const void *right)
{
	const struct mpxn_event *a = left;
	const struct mpxn_event *b = right;

	return a->from_day < b->from_day ? -1 : a->from_day > b->from_day;
}

static void step_mpxn(struct store_change *change, struct model *model, uint64_t *state)
{
	struct link links[3 * DEVICES];
	unsigned index = (unsigned)(store_test_random(state) % MPXNS);
	struct mpxn *events = &model->mpxns[index];
	struct mpxn mpxn = {0};

	int result = store_mpxn_get(change, mpxn_number(index), &mpxn);
	unsigned count = model_links(model, mpxn_number(index), -1, NULL, links);
	cr_assert_eq(result, count > 0 || events->event_count > 0 ? 0 : -ENOENT);
	mpxn.number = mpxn_number(index);
	if (store_test_random(state) % 4 == 0) {
		mpxn.event_count = 0;
	} else {
		struct mpxn_event event = {.type = MPXN_SUPPLIER,
			.organisation = 1,
			.from_day = (int32_t)(store_test_random(state) % 40),
			.to_day = MPXN_OPEN_DAY};

		if (mpxn_add_event(&mpxn, &event) != 0)
			return;
	}
	bool differs = mpxn.event_count != events->event_count;
	cr_assert_eq(store_mpxn_put(change, &mpxn), 0);
	events->event_count = mpxn.event_count;
	memcpy(events->events, mpxn.events, sizeof(events->events));
	qsort(events->events, events->event_count, sizeof(events->events[0]), compare_days);
	for (unsigned i = 0; i < count && differs; i++)
		model->touched[(links[i].device_id - device_number(0)) / 1000] = true;
}

static void step_party(struct store_change *change, struct model *model, uint64_t *state)
{
	unsigned index = (unsigned)(store_test_random(state) % PARTIES);
	struct store_user user = {.organisation = 1 + index};

	user.user.eui = 100 + index;
	user.user.organisation = user.organisation;
	user.user.active = store_test_random(state) % 2 == 0;
	user.user.roles = (uint32_t)(store_test_random(state) % 512);
	snprintf(user.user.name, sizeof(user.user.name), "user %u", index);
	switch (store_test_random(state) % 4) {
	case 0:
		cr_assert_eq(store_user_remove(change, user.user.eui),
			model->has_user[index] ? 0 : -ENOENT);
		for (int i = 0; i < PARTIES && model->has_user[index]; i++)
			if (model->certificates[i].eui == user.user.eui)
				model->has_certificate[i] = false;
		model->has_user[index] = false;
		break;
	case 1: {
		unsigned which = (unsigned)(store_test_random(state) % PARTIES);
		struct store_certificate certificate = {.eui = user.user.eui, .der_length = 5};

		memset(certificate.der, 'a' + (int)which, 5);
		certificate.withdrawn = store_test_random(state) % 2 == 0;
		int result = store_certificate_put(change, &certificate);
		cr_assert_eq(result, model->has_user[index] ? 0 : -EINVAL);
		if (result == 0) {
			model->has_certificate[which] = true;
			model->certificates[which] = certificate;
		}
		break;
	}
	default:
		cr_assert_eq(store_user_put(change, &user),
			index < model->organisation_count ? 0 : -EINVAL);
		if (index < model->organisation_count) {
			model->has_user[index] = true;
			model->users[index] = user;
		}
	}
}

static void step_message(struct store_change *change, struct model *model, uint64_t *state)
{
	unsigned index = (unsigned)(store_test_random(state) % MESSAGES);
	struct store_message message = {.state = STORE_MESSAGE_APPLIED};

	snprintf(message.id, sizeof(message.id), "id-%u", index);
	if (store_test_random(state) % 3 == 0) {
		cr_assert_eq(store_message_remove(change, message.id),
			model->has_message[index] ? 0 : -ENOENT);
		model->has_message[index] = false;
		return;
	}
	message.received_ms = (int64_t)(store_test_random(state) % 100);
	cr_assert_eq(store_message_put(change, &message), 0);
	model->has_message[index] = true;
	model->messages[index] = message.received_ms;
}

static void step_organisation(struct store_change *change, struct model *model, uint64_t *state)
{
	struct store_organisation organisation = {0};
	uint64_t dice = store_test_random(state);

	if (model->organisation_count == PARTIES)
		organisation.number = 1 + (uint32_t)(dice % PARTIES);
	snprintf(organisation.mpid, sizeof(organisation.mpid), "M%u", (unsigned)(dice / 8 % 9));
	int wanted = 0;
	for (uint32_t i = 1; i <= model->organisation_count; i++)
		if (i != organisation.number &&
			strcmp(model->organisations[i].mpid, organisation.mpid) == 0)
			wanted = -EEXIST;
	cr_assert_eq(store_organisation_put(change, &organisation), wanted);
	if (wanted != 0)
		return;
	if (organisation.number > model->organisation_count)
		cr_assert_eq(organisation.number, ++model->organisation_count);
	model->organisations[organisation.number] = organisation;
}

/* ---- comparing ---- */

static void compare_devices(struct store_change *snapshot, const struct model *model)
{
	struct store_device row;
	uint64_t cursor = 0;
	uint64_t found[DEVICES];

	for (unsigned i = 0; i < DEVICES; i++) {
		if (!model->has_device[i])
			continue;
		cr_assert_eq(store_device_next(snapshot, &cursor, &row), 1);
		cr_assert_eq(memcmp(&row, &model->devices[i], sizeof(row)), 0, "device %u", i);
	}
	cr_assert_eq(store_device_next(snapshot, &cursor, &row), 0);
	for (unsigned uprn = 1; uprn <= 5; uprn++) {
		size_t count = 0;

		size_t given = store_devices_by_uprn(snapshot, uprn, found, DEVICES);
		for (unsigned i = 0; i < DEVICES; i++)
			if (model->has_device[i] &&
				strtoul(model->devices[i].device.uprn, NULL, 10) == uprn)
				cr_assert_eq(found[count++], device_number(i));
		cr_assert_eq(given, count);
	}
	size_t of_code = 0;
	size_t given = store_devices_by_post_code(snapshot, "AB12CD", found, DEVICES);
	for (unsigned i = 0; i < DEVICES; i++)
		if (model->has_device[i] &&
			strncasecmp(model->devices[i].device.post_code, "ab1", 3) == 0)
			cr_assert_eq(found[of_code++], device_number(i));
	cr_assert_eq(given, of_code);
}

static void compare_mpxns(struct store_change *snapshot, const struct model *model)
{
	struct link links[3 * DEVICES];
	struct mpxn row;
	uint64_t cursor = 0;

	for (unsigned i = 0; i < MPXNS; i++) {
		unsigned count = model_links(model, mpxn_number(i), -1, NULL, links);

		if (count == 0 && model->mpxns[i].event_count == 0)
			continue;
		cr_assert_eq(store_mpxn_next(snapshot, &cursor, &row), 1);
		cr_assert_eq(row.number, mpxn_number(i));
		cr_assert_eq(row.device_count, count);
		for (unsigned k = 0; k < count; k++) {
			cr_assert_eq(row.devices[k].device_id, links[k].device_id);
			cr_assert_eq(row.devices[k].use, links[k].use);
		}
		cr_assert_eq(row.event_count, model->mpxns[i].event_count);
		for (unsigned k = 0; k < row.event_count; k++)
			cr_assert_eq(row.events[k].from_day, model->mpxns[i].events[k].from_day);
	}
	cr_assert_eq(store_mpxn_next(snapshot, &cursor, &row), 0);
}

static void compare_parties(struct store_change *snapshot, const struct model *model)
{
	struct store_organisation organisation;
	struct store_user user;
	static struct store_certificate certificate;
	uint64_t eui = 0;
	uint8_t fingerprint[32] = {0};
	unsigned certificates = 0;

	for (uint32_t i = 1; i <= model->organisation_count; i++) {
		cr_assert_eq(store_organisation_get(snapshot, i, &organisation), 0);
		cr_assert_str_eq(organisation.mpid, model->organisations[i].mpid);
		cr_assert_eq(
			store_organisation_find(snapshot, organisation.mpid, &organisation), 0);
		cr_assert_eq(organisation.number, i);
	}
	for (unsigned i = 0; i < PARTIES; i++) {
		if (!model->has_user[i])
			continue;
		cr_assert_eq(store_user_next(snapshot, &eui, &user), 1);
		cr_assert_eq(memcmp(&user, &model->users[i], sizeof(user)), 0);
	}
	cr_assert_eq(store_user_next(snapshot, &eui, &user), 0);
	while (store_certificate_next(snapshot, fingerprint, &certificate) == 1) {
		unsigned which = certificate.der[0] - 'a';

		cr_assert(which < PARTIES && model->has_certificate[which]);
		cr_assert_eq(certificate.eui, model->certificates[which].eui);
		cr_assert_eq(certificate.withdrawn, model->certificates[which].withdrawn);
		certificates++;
	}
	for (unsigned i = 0; i < PARTIES; i++)
		certificates -= model->has_certificate[i];
	cr_assert_eq(certificates, 0);
}

static void compare_messages(struct store_change *snapshot, const struct model *model)
{
	char cursor[STORE_MESSAGE_ID_SIZE] = "";
	struct store_message row;

	for (unsigned i = 0; i < MESSAGES; i++) {
		if (!model->has_message[i])
			continue;
		cr_assert_eq(store_message_next(snapshot, cursor, &row), 1);
		cr_assert_eq(row.received_ms, model->messages[i]);
	}
	cr_assert_eq(store_message_next(snapshot, cursor, &row), 0);
}

static void compare_log(struct store_change *snapshot, struct model *model)
{
	static uint64_t logged[DEVICES * 8];
	uint64_t since = model->change;
	int64_t count =
		store_changes_since(snapshot, &since, logged, sizeof(logged) / sizeof(logged[0]));

	cr_assert_geq(count, 0);
	cr_assert_eq(since, store_change_number(snapshot));
	for (unsigned i = 0; i < DEVICES; i++) {
		bool found = !model->touched[i];

		for (int64_t k = 0; k < count; k++)
			found = found || logged[k] == device_number(i);
		cr_assert(found, "device %u changed and is not in the log", i);
	}
	model->change = since;
	memset(model->touched, 0, sizeof(model->touched));
}

static void compare(struct store *store, struct model *model)
{
	struct store_change *snapshot = store_snapshot(store);

	cr_assert_not_null(snapshot);
	compare_devices(snapshot, model);
	compare_mpxns(snapshot, model);
	compare_parties(snapshot, model);
	compare_messages(snapshot, model);
	compare_log(snapshot, model);
	store_abandon(snapshot);
}

static void step(struct store_change *change, struct model *model, uint64_t *state)
{
	switch (store_test_random(state) % 8) {
	case 0:
		step_organisation(change, model, state);
		break;
	case 1:
		step_party(change, model, state);
		break;
	case 2:
		step_message(change, model, state);
		break;
	case 3:
	case 4:
		step_mpxn(change, model, state);
		break;
	default:
		step_device(change, model, state);
	}
}

Test(store_model, random_changes)
{
	static struct model model;
	static struct model next;
	struct store *store = store_test_open(16 * MIB);
	struct store_change *change = store_begin(store);
	uint64_t state = 20261122;

	store_test_provider(change, 1, "csp");
	cr_assert_eq(store_test_commit(change), 1);
	model.change = 1;
	for (int round = 0; round < ROUNDS; round++) {
		next = model;
		change = store_begin(store);
		uint64_t steps = 1 + store_test_random(&state) % 12;
		for (uint64_t i = 0; i < steps; i++)
			step(change, &next, &state);
		if (store_test_random(&state) % 6 == 0) {
			store_abandon(change);
		} else {
			store_test_commit(change);
			model = next;
		}
		if (store_test_random(&state) % 50 == 0) {
			store_close(store);
			store = store_test_open(16 * MIB);
		}
		compare(store, &model);
	}
	store_close(store);
}

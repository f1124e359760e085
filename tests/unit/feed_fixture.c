/* SPDX-License-Identifier: Apache-2.0 */
#include "feed_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "control/settlement_day.h"

void feed_fixture_open(struct feed_fixture *fixture, uint64_t bytes_max)
{
	char reason[256] = "";
	struct store_options options = {
		.path = fixture->folder, .bytes_max = bytes_max, .without_sync = true};

	strcpy(fixture->folder, "/tmp/feed.XXXXXX");
	cr_assert_not_null(mkdtemp(fixture->folder));
	fixture->store = store_open(&options, reason, sizeof(reason));
	cr_assert_not_null(fixture->store, "%s", reason);
}

void feed_fixture_close(struct feed_fixture *fixture)
{
	char command[128];

	store_close(fixture->store);
	snprintf(command, sizeof(command), "rm -r %s", fixture->folder);
	cr_assert_eq(system(command), 0);
}

size_t feed_fixture_apply(struct feed_fixture *fixture, enum feed_format format, const char *text,
	struct feed_outcome *outcomes)
{
	struct feed_batch batch = {
		.text = {text, strlen(text), (uint8_t)format},
		.first_line = 1,
		.now_ms = FIXTURE_NOW_MS,
		.outcomes = outcomes,
		.outcomes_max = FEED_BATCH_MESSAGES_MAX,
	};
	struct store_change *change = store_begin(fixture->store);
	uint64_t number;

	cr_assert_not_null(change);
	cr_assert_eq(feed_apply(change, &batch), 0);
	cr_assert_eq(store_commit(change, &number), 0);
	return batch.count;
}

static size_t write_day(int32_t day, char *text)
{
	if (day == MPXN_OPEN_DAY) {
		strcpy(text, "open");
		return 4;
	}
	settlement_format_date(day, text);
	return strlen(text);
}

const char *feed_fixture_timeline(struct feed_fixture *fixture, uint64_t number)
{
	static char text[16384];
	struct mpxn mpxn;
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	struct store_change *snapshot = store_snapshot(fixture->store);
	size_t length = 0;

	text[0] = '\0';
	cr_assert_not_null(snapshot);
	int result = store_mpxn_get(snapshot, number, &mpxn);
	size_t count = result == 0 ? mpxn_timeline(&mpxn, intervals) : 0;
	for (size_t i = 0; i < count; i++) {
		struct store_organisation organisation;

		cr_assert_eq(
			store_organisation_get(snapshot, intervals[i].organisation, &organisation),
			0);
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%c %s [",
			i > 0 ? " " : "", " SNMG"[intervals[i].kind], organisation.mpid);
		length += write_day(intervals[i].from_day, text + length);
		text[length++] = ',';
		length += write_day(intervals[i].to_day, text + length);
		strcpy(text + length++, ")");
	}
	store_abandon(snapshot);
	return text;
}

const char *feed_fixture_event(struct feed_fixture_message message)
{
	static char texts[4][4096];
	static int turn;
	char *text = texts[turn++ % 4];

	snprintf(text, sizeof(texts[0]),
		"{\"messageId\":\"%s\",\"messageType\":\"RegistrationEventSynchronisation\","
		"\"createdAt\":\"%s\",\"mpxn\":\"%s\",\"registration\":{\"supplier\":\"%s\","
		"\"effectiveFrom\":\"%s\"}%s%s%s}",
		message.id, message.created != NULL ? message.created : "2025-12-01T09:00:00Z",
		message.mpxn != NULL ? message.mpxn : "1312345678111",
		message.supplier != NULL ? message.supplier : "SUPA",
		message.from != NULL ? message.from : "2025-01-01",
		message.appointments != NULL ? ",\"supplierArrangedAppointments\":[" : "",
		message.appointments != NULL ? message.appointments : "",
		message.appointments != NULL ? "]" : "");
	return text;
}

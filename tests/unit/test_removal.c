/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules end when their user's time does: at the right instant, with one alert, over both
 * changes of the clock, whatever is told late, undone, or told while a process is killed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/calendar.h"
#include "control/removal.h"
#include "control/removal_claim.h"
#include "control/store_reference.h"
#include "control_fixture.h"

#define IMPORT_MPAN 1312345678111u
#define EXPORT_MPAN 1312345678333u
#define MDR_B 0x90b3d51f3001000bu
#define HOUR_MS 3600000ll

static const char users_yaml[] =
	"users:\n"
	"  - {eui: 90-B3-D5-1F-30-01-00-00, name: supplier, roles: [IS, ES], certificates: [],\n"
	"     organisation: SUPA}\n"
	"  - {eui: 90-B3-D5-1F-30-01-00-09, name: mdr-a, roles: [MDR], certificates: [],\n"
	"     organisation: MDRA}\n"
	"  - {eui: 90-B3-D5-1F-30-01-00-0B, name: mdr-b, roles: [MDR], certificates: [],\n"
	"     organisation: MDRB}\n"
	"  - {eui: 90-B3-D5-1F-30-02-00-00, name: network, roles: [ED], certificates: [],\n"
	"     organisation: NETW}\n"
	"  - {eui: 90-B3-D5-1F-30-01-00-0C, name: other, roles: [OU], certificates: [],\n"
	"     organisation: OTHR}\n";

#define OTHER FIXTURE_SUSPENDED /* its EUI-64; here it is an active other user */

static struct reference *reference;
static struct schedules *schedules;
static struct alerts *alerts;
static struct removal *removal;
static uint64_t generation = 1;
static uint64_t told = 1; /* when the next fact is told, ms */

static void open_all(int64_t now_ms)
{
	char reason[256];

	schedules = schedules_open(fixture_ledger(), now_ms);
	alerts = alerts_open(fixture_ledger(), now_ms);
	const struct removal_setup setup = {fixture_ledger(), schedules, alerts, stderr};
	removal = removal_open(&setup, reason, sizeof(reason));
	cr_assert_not_null(removal, "%s", reason);
	removal_set_reference(removal, reference);
}

static void close_all(void)
{
	removal_close(removal);
	alerts_close(alerts);
	schedules_close(schedules);
}

/* The files are read again. */
static void reload(void)
{
	ledger_abandon(fixture_ledger());
	struct store_import import;
	char reason[256];
	struct reference *old = reference;

	reference = fixture_reference(generation++);
	cr_assert_eq(store_reference_merge(
			     fixture_ledger()->store, reference, &import, reason, sizeof(reason)),
		0, "%s", reason);
	if (removal != NULL)
		removal_set_reference(removal, reference);
	reference_free(old);
}

static void create(void)
{
	fixture_create();
	fixture_write("users.yaml", users_yaml);
	fixture_write("devices.yaml",
		"devices:\n"
		"  - {device_id: 00-DB-12-34-56-78-90-A0, type: ESME, generation: SMETS2,\n"
		"     provider: csp, status: Commissioned, manufacturer: m, model: m,\n"
		"     import_mpxn: \"1312345678111\", export_mpan: \"1312345678333\"}\n");
	reference = fixture_reference(generation++);
	fixture_store(reference);
	reload();
	open_all(0);
}

static void destroy(void)
{
	close_all();
	reference_free(reference);
	fixture_destroy();
}

TestSuite(removal, .init = create, .fini = destroy, .timeout = 60);

static void commit(void)
{
	cr_assert_eq(ledger_commit(fixture_ledger()), 0);
}

/* A process that is killed, and another one. */
static void begin_again(int64_t now_ms)
{
	close_all();
	fixture_store_again();
	open_all(now_ms);
}

/* Everything that can be done at this time. */
static void turn(int64_t now_ms)
{
	bool more = true;

	while (more) {
		more = removal_turn(removal, now_ms);
		commit();
	}
}

static int32_t day(const char *date)
{
	int32_t value;

	cr_assert_eq(settlement_parse_date(date, strlen(date), &value), 0);
	return value;
}

static int64_t instant(const char *date, int hour)
{
	return (int64_t)day(date) * CALENDAR_DAY_MS + hour * HOUR_MS;
}

static uint32_t organisation(struct store_change *change, const char *mpid)
{
	struct store_organisation row = {.origin = STORE_ORIGIN_OPERATOR};

	if (store_organisation_find(change, mpid, &row) == 0)
		return row.number;
	memcpy(row.mpid, mpid, strlen(mpid) + 1);
	cr_assert_eq(store_organisation_put(change, &row), 0);
	return row.number;
}

/* What the feed would tell of an MPxN. */
static void tell(
	uint64_t mpxn_number, uint8_t type, const char *mpid, const char *from, const char *to)
{
	commit();
	struct store_change *change = store_begin(fixture_ledger()->store);
	struct mpxn mpxn;
	struct mpxn_event event = {
		.type = type,
		.role = type == MPXN_APPOINTMENT ? MPXN_ROLE_MDR : MPXN_ROLE_NONE,
		.organisation = organisation(change, mpid),
		.from_day = day(from),
		.to_day = to != NULL ? day(to) : MPXN_OPEN_DAY,
		.created_ms = told,
		.message = told,
	};

	told++;
	cr_assert_eq(store_mpxn_get(change, mpxn_number, &mpxn), 0);
	if (mpxn_add_event(&mpxn, &event) != 0) {
		mpxn_fold(&mpxn, event.from_day - 20);
		cr_assert_eq(mpxn_add_event(&mpxn, &event), 0);
	}
	cr_assert_eq(store_mpxn_put(change, &mpxn), 0);
	cr_assert_eq(store_commit(change, NULL), 0);
}

/* How a schedule reads: the whole day before, from and to this hour; srv "4.2" has no period. */
static uint64_t add_with(
	uint64_t user, const char *srv, const int32_t days[2], int hour, int64_t now_ms)
{
	struct schedule_terms terms = {
		.frequency = SCHEDULE_DAILY,
		.start_day = (int32_t)(now_ms / CALENDAR_DAY_MS),
		.end_day = SCHEDULE_NO_END,
		.time_ms = SCHEDULE_ANY_TIME,
		.device_id = FIXTURE_SMETS2,
		.read = schedulable_find(srv),
		.period_start_days = days[0],
		.period_start_ms = (int32_t)(hour * HOUR_MS),
		.period_end_days = days[1],
		.period_end_ms = (int32_t)(hour * HOUR_MS),
	};
	struct schedule_text text = {
		.details = "<sr:X></sr:X>", .details_length = 13, .schema_version = "5.4"};
	struct schedule_order order = {.user = user, .terms = &terms, .text = &text};
	uint64_t id;

	cr_assert_eq(removal_plan(removal, user, &terms, now_ms, &order.removal), 0);
	cr_assert_eq(schedules_add(schedules, &order, now_ms, &id), 0);
	commit();
	return id;
}

static const int32_t day_before[2] = {-1, 0};

static uint64_t add(uint64_t user, int64_t now_ms)
{
	return add_with(user, "4.6.1", day_before, 0, now_ms);
}

static struct schedule find(uint64_t id)
{
	struct schedule schedule;

	cr_assert_eq(schedules_find(schedules, id, &schedule), 0);
	return schedule;
}

static bool exists(uint64_t id)
{
	struct schedule schedule;
	int result = schedules_find(schedules, id, &schedule);

	cr_assert(result == 0 || result == -ENOENT);
	return result == 0;
}

/* Run what is due as the link does, and return how many reads that were. */
static unsigned run(int64_t now_ms)
{
	struct schedule schedule;
	unsigned count = 0;

	while (schedules_due(schedules, now_ms, &schedule) == 1) {
		bool over = schedule.removal.at_s <= now_ms / 1000;
		int next = SCHEDULE_LEAVES;

		if (!over || schedule_is_lawful(schedules, &schedule)) {
			count++;
			next = schedules_advance(schedules, schedule.id);
		}
		if (next == SCHEDULE_LEAVES) {
			schedule = find(schedule.id);
			cr_assert_eq(removal_remove(
					     schedules, alerts, &schedule, schedule.removal.cause),
				0);
		}
	}
	commit();
	return count;
}

/* The one alert that waits: to whom, with which code; it is taken. */
static void expect_alert(uint64_t user, const char *code)
{
	const struct alert *alert = alerts_next(alerts, reference, 0);
	bool announced;

	cr_assert_not_null(alert);
	cr_assert_eq(alert->user, user);
	cr_assert_str_eq(alert->code, code);
	cr_assert(alerts_taken(alerts, alert->id, 0, 0, &announced));
	commit();
}

/* Take all that wait; returns their number. */
static unsigned take_alerts(void)
{
	const struct alert *alert;
	unsigned count = 0;
	bool announced;

	for (; (alert = alerts_next(alerts, reference, 0)) != NULL; count++)
		cr_assert(alerts_taken(alerts, alert->id, 0, 0, &announced));
	commit();
	return count;
}

static void expect_no_alert(void)
{
	cr_assert_eq(take_alerts(), 0);
}

/* The supplier, and MDRA's appointment from long ago. */
static void appoint(void)
{
	tell(IMPORT_MPAN, MPXN_SUPPLIER, "SUPA", "2020-01-01", NULL);
	tell(IMPORT_MPAN, MPXN_NETWORK, "NETW", "2020-01-01", NULL);
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRA", "2020-01-01", NULL);
}

/* ---- the instant */

/* A change of retriever: the schedule goes at local midnight, over both changes of the clock. */
Test(removal, at_local_midnight_of_the_settlement_day)
{
	static const struct {
		const char *efd;
		const char *utc_date;
		int utc_hour;
	} cases[] = {
		{"2026-01-15", "2026-01-15", 0}, {"2026-07-15", "2026-07-14", 23},
		{"2026-03-29", "2026-03-29", 0},  /* summer time begins on that day */
		{"2026-03-30", "2026-03-29", 23}, /* after a day of 23 hours */
		{"2026-10-25", "2026-10-24", 23}, /* summer time ends on that day */
		{"2026-10-26", "2026-10-26", 0},  /* after a day of 25 hours */
	};

	appoint();
	schedules_set_removal(schedules, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t at_ms = instant(cases[i].utc_date, cases[i].utc_hour);
		int64_t before_ms = at_ms - 40 * 86400000ll;

		tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRA", "2020-01-01", NULL);
		uint64_t id = add(FIXTURE_MDR, before_ms);
		cr_assert_eq(find(id).removal.at_s, STORE_NEVER);
		tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRB", cases[i].efd, NULL);
		turn(before_ms);
		cr_assert_eq(find(id).removal.at_s * 1000, at_ms, "%s", cases[i].efd);
		cr_assert_eq(removal_next_ms(removal), at_ms);
		turn(at_ms - 1);
		cr_assert(exists(id));
		expect_no_alert();
		turn(at_ms);
		cr_assert_not(exists(id), "%s", cases[i].efd);
		cr_assert_eq(removal_next_ms(removal), INT64_MAX);
		expect_alert(FIXTURE_MDR, "N66");
		expect_no_alert();
		/* As if it had never been. */
		tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRB", cases[i].efd, cases[i].efd);
		turn(at_ms);
	}
}

/* By default the run that reads the last day still goes, and then the schedule. */
Test(removal, after_the_last_day)
{
	int64_t change_ms = instant("2026-01-15", 0);

	appoint();
	uint64_t id = add(FIXTURE_MDR, instant("2026-01-10", 12));
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRB", "2026-01-15", NULL);
	turn(instant("2026-01-10", 12));
	for (int i = 10; i <= 14; i++)
		cr_assert_eq(run(instant("2026-01-01", (i - 1) * 24 + 12)), 1);
	cr_assert_eq(run(change_ms - 1), 0);
	turn(change_ms);
	cr_assert(exists(id), "the read of the 14th has not gone yet");
	cr_assert(find(id).removal.waiting);
	expect_no_alert();
	/* Also when the data plane is away for a day, and control is another process. */
	begin_again(change_ms + 86400000);
	turn(change_ms + 86400000);
	cr_assert(exists(id));
	int64_t start_ms;
	int64_t end_ms;
	struct schedule last = find(id);
	cr_assert(schedule_period(&last, &start_ms, &end_ms));
	cr_assert_eq(end_ms, change_ms);
	cr_assert_eq(run(change_ms + 86400000), 1);
	cr_assert_not(exists(id), "and none of the 15th");
	expect_alert(FIXTURE_MDR, "N66");
	turn(change_ms + 2 * 86400000);
	expect_no_alert();
}

/* In summer a window 00:00Z to 00:00Z reaches into the successor's day, so the last lawful run is
 * that of the day before; windows that end at 23:00Z have their last run after the change. */
Test(removal, after_the_last_day_in_summer)
{
	static const int32_t days[2] = {-2, -1};
	int64_t change_ms = instant("2026-07-14", 23);

	appoint();
	uint64_t utc = add(FIXTURE_MDR, instant("2026-07-13", 12));
	uint64_t local = add_with(FIXTURE_MDR, "4.6.1", days, 23, instant("2026-07-13", 12));
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRB", "2026-07-15", NULL);
	turn(instant("2026-07-13", 12));
	cr_assert_eq(run(instant("2026-07-13", 12)), 2);
	cr_assert_eq(run(instant("2026-07-14", 12)), 2);
	turn(change_ms);
	cr_assert_not(exists(utc));
	cr_assert(exists(local));
	expect_alert(FIXTURE_MDR, "N66");
	expect_no_alert();
	cr_assert_eq(run(change_ms), 0, "its last run is due at midnight UTC");
	cr_assert_eq(run(instant("2026-07-15", 0)), 1);
	cr_assert_not(exists(local));
	expect_alert(FIXTURE_MDR, "N66");
	expect_no_alert();
}

/* A read of what there is now is of no former day. */
Test(removal, reads_without_a_period)
{
	static const int32_t days[2] = {0, 0};
	int64_t change_ms = instant("2026-01-15", 0);

	tell(EXPORT_MPAN, MPXN_SUPPLIER, "SUPA", "2020-01-01", NULL);
	tell(EXPORT_MPAN, MPXN_APPOINTMENT, "MDRA", "2020-01-01", NULL);
	uint64_t id = add_with(FIXTURE_MDR, "4.2", days, 0, instant("2026-01-14", 0));
	tell(EXPORT_MPAN, MPXN_APPOINTMENT, "MDRB", "2026-01-15", NULL);
	/* The data plane was away: the run of the 14th is late. */
	turn(change_ms);
	cr_assert_not(exists(id));
	cr_assert_eq(run(change_ms), 0);
	expect_alert(FIXTURE_MDR, "N66");
}

/* ---- facts that change */

Test(removal, a_change_that_is_undone_removes_nothing)
{
	int64_t now = instant("2026-01-10", 12);

	appoint();
	uint64_t id = add(FIXTURE_MDR, now);
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRB", "2026-01-15", NULL);
	turn(now);
	cr_assert_eq(find(id).removal.at_s * 1000, instant("2026-01-15", 0));
	cr_assert_eq(find(id).removal.cause, REMOVAL_MDRA);
	begin_again(now);
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRB", "2026-01-15", "2026-01-15");
	turn(now);
	cr_assert_eq(find(id).removal.at_s, STORE_NEVER);
	turn(instant("2026-01-20", 0));
	cr_assert(exists(id));
	/* Put off to a later day. */
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRB", "2026-02-15", NULL);
	turn(instant("2026-01-20", 0));
	cr_assert_eq(find(id).removal.at_s * 1000, instant("2026-02-15", 0));
	expect_no_alert();
}

/* Told after the day: gone at once. */
Test(removal, a_change_that_is_told_late)
{
	int64_t now = instant("2026-01-20", 12);

	appoint();
	uint64_t id = add(FIXTURE_MDR, now);
	cr_assert_eq(run(now), 1);
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRB", "2026-01-15", NULL);
	turn(now);
	cr_assert_not(exists(id));
	expect_alert(FIXTURE_MDR, "N66");
	expect_no_alert();
}

/* An appointment that follows upon another one of the same party is no end; nor is one that begins
 * later than the schedule. */
Test(removal, appointments_that_follow_each_other)
{
	int64_t now = instant("2026-01-10", 12);

	tell(IMPORT_MPAN, MPXN_SUPPLIER, "SUPA", "2020-01-01", NULL);
	uint64_t early = add(FIXTURE_MDR, now);
	cr_assert_eq(find(early).removal.at_s, STORE_NEVER);
	cr_assert_not(find(early).removal.bound);
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRA", "2026-02-01", "2026-03-01");
	turn(now);
	cr_assert_not(find(early).removal.bound);
	cr_assert_eq(find(early).removal.at_s * 1000, instant("2026-03-01", 0));
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRA", "2026-03-01", "2026-06-01");
	turn(now);
	cr_assert_eq(find(early).removal.at_s * 1000, instant("2026-05-31", 23));
	turn(instant("2026-03-15", 0));
	cr_assert(exists(early));
	schedules_set_removal(schedules, true);
	turn(instant("2026-05-31", 23));
	cr_assert_not(exists(early));
	expect_alert(FIXTURE_MDR, "N66");
}

/* Everybody's schedules go with the supplier, but the network operator's and the other user's. */
Test(removal, change_of_supplier)
{
	int64_t now = instant("2026-01-10", 12);

	appoint();
	schedules_set_removal(schedules, true);
	uint64_t supplier = add(FIXTURE_SUPPLIER, now);
	uint64_t retriever = add(FIXTURE_MDR, now);
	uint64_t network = add_with(FIXTURE_OPERATOR, "4.8.1", day_before, 0, now);
	uint64_t other = add_with(OTHER, "4.8.1", day_before, 0, now);
	uint64_t foreign = add(MDR_B, now); /* never entitled: nothing of his ends */
	tell(IMPORT_MPAN, MPXN_SUPPLIER, "SUPB", "2026-01-15", NULL);
	turn(now);
	cr_assert_eq(find(supplier).removal.cause, REMOVAL_SUPPLIER);
	cr_assert_eq(find(retriever).removal.cause, REMOVAL_MDRA);
	turn(instant("2026-01-15", 0));
	cr_assert_not(exists(supplier));
	cr_assert_not(exists(retriever));
	cr_assert(exists(network));
	cr_assert(exists(other));
	cr_assert(exists(foreign));
	expect_alert(FIXTURE_SUPPLIER, "N17");
	expect_alert(FIXTURE_MDR, "N66");
	expect_no_alert();
	tell(IMPORT_MPAN, MPXN_NETWORK, "NETB", "2026-01-20", NULL);
	turn(instant("2026-01-20", 0));
	cr_assert_not(exists(network));
	expect_alert(FIXTURE_OPERATOR, "N17");
	expect_no_alert();
}

Test(removal, end_of_registration)
{
	int64_t now = instant("2026-01-10", 12);

	appoint();
	schedules_set_removal(schedules, true);
	uint64_t retriever = add(FIXTURE_MDR, now);
	tell(IMPORT_MPAN, MPXN_END, "SUPA", "2026-01-15", NULL);
	turn(instant("2026-01-14", 23));
	cr_assert(exists(retriever));
	turn(instant("2026-01-15", 0));
	cr_assert_not(exists(retriever));
	expect_alert(FIXTURE_MDR, "N66");
}

/* Import and export are appointed separately. */
Test(removal, the_other_mpan_does_not_matter)
{
	int64_t now = instant("2026-01-10", 12);

	appoint();
	tell(EXPORT_MPAN, MPXN_SUPPLIER, "SUPA", "2020-01-01", NULL);
	tell(EXPORT_MPAN, MPXN_APPOINTMENT, "MDRA", "2020-01-01", NULL);
	schedules_set_removal(schedules, true);
	uint64_t import = add(FIXTURE_MDR, now);
	uint64_t export = add_with(FIXTURE_MDR, "4.8.3", day_before, 0, now);
	tell(EXPORT_MPAN, MPXN_APPOINTMENT, "MDRB", "2026-01-10", NULL);
	turn(now);
	cr_assert(exists(import));
	cr_assert_not(exists(export));
	expect_alert(FIXTURE_MDR, "N66");
	expect_no_alert();
}

static void set_status(const char *status)
{
	commit();
	struct store_change *change = store_begin(fixture_ledger()->store);
	struct store_device row;

	cr_assert_eq(store_device_get(change, FIXTURE_SMETS2, &row), 0);
	snprintf(row.device.status, sizeof(row.device.status), "%s", status);
	cr_assert_eq(store_device_put(change, &row), 0);
	cr_assert_eq(store_commit(change, NULL), 0);
}

Test(removal, devices_that_end)
{
	int64_t now = instant("2026-01-10", 12);
	static const char *const lasting[] = {
		"Suspended", "Recovery", "Recovered", "InstalledNotCommissioned", "Commissioned"};

	appoint();
	uint64_t first = add(FIXTURE_MDR, now);
	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
		set_status(lasting[i]);
		turn(now);
		cr_assert(exists(first), "%s", lasting[i]);
	}
	set_status("Decommissioned");
	turn(now);
	cr_assert_not(exists(first));
	expect_alert(FIXTURE_MDR, "N17");
	set_status("Commissioned");
	turn(now);
	uint64_t second = add(OTHER, now);
	commit();
	struct store_change *change = store_begin(fixture_ledger()->store);
	cr_assert_eq(store_device_remove(change, FIXTURE_SMETS2), 0);
	cr_assert_eq(store_commit(change, NULL), 0);
	turn(now);
	cr_assert_not(exists(second));
	expect_alert(OTHER, "N17");
	expect_no_alert();
}

/* ---- users */

static void change_user(const char *from, const char *to)
{
	char text[sizeof(users_yaml) + 256];
	const char *at = strstr(users_yaml, from);

	cr_assert_not_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - users_yaml), users_yaml, to,
		at + strlen(from));
	fixture_write("users.yaml", text);
	reload();
}

Test(removal, users_that_change)
{
	int64_t now = instant("2026-01-10", 12);

	appoint();
	uint64_t moved = add(FIXTURE_MDR, now);
	change_user("organisation: MDRA", "organisation: MDRC");
	turn(now);
	cr_assert_not(exists(moved));
	expect_alert(FIXTURE_MDR, "N66");
	change_user("organisation: MDRA", "organisation: MDRA");
	turn(now);
	uint64_t retriever = add(FIXTURE_MDR, now);
	uint64_t supplier = add(FIXTURE_SUPPLIER, now);
	turn(now);
	cr_assert_eq(removal_counters(removal)->sweeps, 2);
	/* Suspended while control was away. */
	change_user("organisation: MDRA", "organisation: MDRA, active: no");
	begin_again(now);
	turn(now);
	cr_assert_eq(removal_counters(removal)->sweeps, 1);
	cr_assert_not(exists(retriever));
	cr_assert(exists(supplier));
	expect_alert(FIXTURE_MDR, "N17");
	/* 4.6.1 is for import suppliers. */
	change_user("[IS, ES]", "[ES]");
	turn(now);
	cr_assert_not(exists(supplier));
	expect_alert(FIXTURE_SUPPLIER, "N17");
	expect_no_alert();
	begin_again(now);
	turn(now);
	cr_assert_eq(removal_counters(removal)->sweeps, 0);
}

/* ---- the log */

/* A store whose log does not reach back to where it was followed: all schedules are looked at. */
Test(removal, log_that_does_not_reach_back)
{
	int64_t now = instant("2026-01-10", 12);
	uint64_t ids[300];

	appoint();
	for (size_t i = 0; i < 300; i++) {
		ids[i] = add_with(i % 4 == 0 ? FIXTURE_SUPPLIER : FIXTURE_OPERATOR, "4.8.1",
			day_before, 0, now);
		if (i >= 90)
			cr_assert_eq(schedules_remove(schedules, ids[i - 90]), 0);
	}
	commit();
	turn(now);
	tell(IMPORT_MPAN, MPXN_SUPPLIER, "SUPB", "2026-01-15", NULL);
	struct store_change *change = ledger_change(fixture_ledger());
	cr_assert_eq(store_mark_put(change, "removal-change", 1u << 30), 0);
	commit();
	begin_again(now);
	turn(now);
	cr_assert_eq(removal_counters(removal)->sweeps, 1);
	unsigned planned = 0;
	for (size_t i = 210; i < 300; i++)
		planned += find(ids[i]).removal.at_s != STORE_NEVER;
	cr_assert_eq(planned, 22, "%u", planned);
	begin_again(now);
	turn(now);
	cr_assert_eq(removal_counters(removal)->sweeps, 0, "once is enough");
}

/* What is not committed is done again. */
Test(removal, killed_in_the_middle)
{
	int64_t now = instant("2026-01-10", 12);

	appoint();
	schedules_set_removal(schedules, true);
	uint64_t id = add(FIXTURE_MDR, now);
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRB", "2026-01-10", NULL);
	while (removal_turn(removal, now))
		;
	cr_assert_not(exists(id));
	begin_again(now);
	schedules_set_removal(schedules, true);
	cr_assert(exists(id), "neither the removal nor its alert was durable");
	expect_no_alert();
	turn(now);
	cr_assert_not(exists(id));
	expect_alert(FIXTURE_MDR, "N66");
	begin_again(now);
	turn(now);
	expect_no_alert();
}

/* ---- random stories against a plain oracle */

/* Who retrieves on that day, by the timeline alone. */
static bool is_retriever(const char *mpid, int64_t now_ms, struct settlement_calendar *calendar)
{
	struct store_change *snapshot = store_snapshot(fixture_ledger()->store);
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	struct store_organisation party;
	struct mpxn mpxn;
	bool found = false;

	cr_assert_eq(store_mpxn_get(snapshot, IMPORT_MPAN, &mpxn), 0);
	cr_assert_eq(store_organisation_find(snapshot, mpid, &party), 0);
	size_t count = mpxn_timeline(&mpxn, intervals);
	int32_t today = settlement_day(calendar, now_ms / 1000);
	for (size_t i = 0; i < count; i++)
		found |= intervals[i].kind == MPXN_IS_MDR &&
			 intervals[i].organisation == party.number &&
			 intervals[i].from_day <= today && today < intervals[i].to_day;
	store_abandon(snapshot);
	return found;
}

/* Appointments come, go, are undone; time goes on by hours; processes are killed. A schedule is
 * there exactly as long as its user has been the retriever without a break, and each that goes
 * makes one alert. */
Test(removal, random_stories)
{
	static const char *const parties[2] = {"MDRA", "MDRB"};
	static const uint64_t users[2] = {FIXTURE_MDR, MDR_B};
	char reason[256];
	struct settlement_calendar *calendar = settlement_open(NULL, reason, sizeof(reason));
	int64_t now = instant("2026-01-01", 0);
	uint64_t ids[2] = {0, 0};
	uint64_t removed = 0;
	uint64_t seen = 0;
	char from[SETTLEMENT_DATE_SIZE];
	char to[SETTLEMENT_DATE_SIZE];

	srand(20261122);
	tell(IMPORT_MPAN, MPXN_SUPPLIER, "SUPA", "2020-01-01", NULL);
	schedules_set_removal(schedules, true);
	for (int step = 0; step < 1500; step++) {
		int32_t today = settlement_day(calendar, now / 1000);

		if (rand() % 4 == 0) {
			int32_t first = today - 2 + rand() % 12;

			settlement_format_date(first, from);
			settlement_format_date(first + rand() % 8, to);
			tell(IMPORT_MPAN, MPXN_APPOINTMENT, parties[rand() % 2], from,
				rand() % 3 == 0 ? NULL : to);
		}
		if (rand() % 10 == 0) {
			/* Killed after part of the work. */
			removal_turn(removal, now);
			begin_again(now);
			schedules_set_removal(schedules, true);
		}
		turn(now);
		for (int i = 0; i < 2; i++) {
			bool entitled = is_retriever(parties[i], now, calendar);

			if (ids[i] != 0)
				cr_assert_eq(
					exists(ids[i]), entitled, "step %d, %s", step, parties[i]);
			if (ids[i] != 0 && !entitled) {
				removed++;
				ids[i] = 0;
			}
			if (ids[i] == 0 && entitled)
				ids[i] = add(users[i], now);
		}
		seen += take_alerts();
		cr_assert_eq(seen, removed, "step %d", step);
		now += (1 + rand() % 11) * HOUR_MS;
	}
	cr_assert_gt(removed, 50);
	settlement_close(calendar);
}

/* No room for the alert: the schedule stays, is not run, and goes when there is room. */
Test(removal, no_room_for_the_alert)
{
	int64_t now = instant("2026-01-10", 12);
	const struct alert_terms filler = {.event = ALERT_SCHEDULE_REMOVED_USER,
		.user = OTHER,
		.device_id = 1,
		.schedule_id = 1};

	appoint();
	uint64_t id = add(FIXTURE_MDR, now);
	tell(IMPORT_MPAN, MPXN_APPOINTMENT, "MDRB", "2026-01-12", NULL);
	turn(now);
	while (alerts_raise(alerts, &filler) != 0)
		;
	commit();
	int64_t late = instant("2026-01-13", 0);
	schedules_set_removal(schedules, true);
	turn(late);
	cr_assert(exists(id));
	cr_assert_gt(removal_counters(removal)->no_room, 0);
	cr_assert_gt(removal_next_ms(removal), late);
	take_alerts();
	turn(late + 1000);
	cr_assert_not(exists(id));
	expect_alert(FIXTURE_MDR, "N66");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set made anew while control runs. Files, access rules and codes stay as they are; users,
 * certificates, providers and thresholds come from the store. The set is changed in its place,
 * which is why one that is being sent is left to arrive first.
 */
#include <errno.h>
#include <string.h>

#include "control/server.h"
#include "control/store_reference.h"

#define LOOK_MS 1000 /* between looks at the files of trust, and after a failure */

/* Put what the store has now into the set, as far as it is in force. 0 or -errno: the set is as it
 * was. */
static int read_parties(struct server *server, struct server_time now)
{
	struct reference *set = server->reference;
	struct reference made = {.rules = set->rules, .rule_count = set->rule_count};
	struct store_change *snapshot = store_snapshot(server->services.store);

	if (snapshot == NULL)
		return -errno;
	int result = store_reference_read(snapshot, &made);
	store_abandon(snapshot);
	if (result != 0) {
		reference_drop_parties(&made);
		return result;
	}
	reference_drop_parties(set);
	set->users = made.users;
	set->user_count = made.user_count;
	set->certificates = made.certificates;
	set->certificate_count = made.certificate_count;
	set->providers = made.providers;
	set->provider_count = made.provider_count;
	set->thresholds = made.thresholds;
	set->threshold_count = made.threshold_count;
	set->thresholds_left_out = made.thresholds_left_out;
	parties_admit(server->parties, set, now.wall_ms);
	return 0;
}

/* Whether there is a reason to make the set anew. */
static bool is_wanted(struct server *server, struct server_time now)
{
	bool looks = now.monotonic_ms - server->parties_tried_ms >= LOOK_MS;

	if (server->parties_failed && !looks)
		return false;
	if (looks) {
		server->parties_tried_ms = now.monotonic_ms;
		if (parties_reload(server->parties, false) == 1)
			server->parties_changed = true;
	}
	return server->parties_changed || parties_due(server->parties, now.wall_ms);
}

static void push_changed(struct server *server, struct server_time now)
{
	struct reference *set = server->reference;

	set->generation = (uint64_t)now.wall_ms > set->generation ? (uint64_t)now.wall_ms
								  : set->generation + 1;
	server_push(server, now);
}

void server_timetable(struct server *server, struct server_time now)
{
	if (server->timetable == NULL || link_sends_set(&server->link) ||
		!timetable_due(server->timetable, now.wall_ms / 1000))
		return;
	int result = timetable_fill(server->timetable, server->reference, now.wall_ms / 1000);
	if (result != 0)
		fprintf(server->log,
			"motorway-control: the windows that the data plane has stay: %s\n",
			strerror(-result));
	else
		push_changed(server, now);
}

void server_parties(struct server *server, struct server_time now)
{
	struct reference *set = server->reference;

	if (server->parties == NULL || server->services.store == NULL || !is_wanted(server, now) ||
		link_sends_set(&server->link))
		return;
	uint32_t before = set->crc32c;
	int result = read_parties(server, now);
	if (result != 0) {
		if (!server->parties_failed)
			fprintf(server->log,
				"motorway-control: the parties in force stay: the store cannot be "
				"read: %s\n",
				strerror(-result));
		server->parties_failed = true;
		return;
	}
	server->parties_failed = false;
	server->parties_changed = false;
	if (set->crc32c == before)
		return;
	server->counters.parties_made++;
	push_changed(server, now);
}

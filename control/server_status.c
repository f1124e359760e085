/* SPDX-License-Identifier: Apache-2.0 */
/* Operators' commands and the status, as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "control/command.h"
#include "control/server.h"

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

json_t *command_refuse(const char *error)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", error);
}

static const struct server_command commands[] = {
	{"appointment", command_appointment}, {"certificate", command_certificate},
	{"device", command_device}, {"organisation", command_organisation},
	{"provider", command_provider}, {"feed", command_feed},
	{"provider-extract", command_provider_extract}, {"quarantine", command_quarantine},
	{"explain", command_explain}, {"replay", command_replay},
	{"registration", command_registration}, {"schedule", command_schedule},
	{"threshold", command_threshold}, {"user", command_user}, {"window", command_window},
	{"cap", command_cap}, {"status", NULL}, /* waits for the data plane */
};

static const struct server_command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static json_t *refuse_unknown(void)
{
	char text[256] = "unknown command; known are:";
	size_t used = strlen(text);

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s",
			i > 0 ? "," : "", commands[i].name);
	return command_refuse(text);
}

char *server_command(struct server *server, const uint8_t *text, size_t length, bool *wait,
	struct server_time now)
{
	json_t *command = json_loadb((const char *)text, length, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(command, "command"));
	const struct server_command *found = name != NULL ? find_command(name) : NULL;
	json_t *reply = NULL;

	*wait = found != NULL && found->run == NULL;
	if (name == NULL)
		reply = command_refuse("a command is an object with the key \"command\"");
	else if (found == NULL)
		reply = refuse_unknown();
	else if (!*wait)
		reply = found->run(server, command, now);
	char *dumped = reply != NULL ? json_dumps(reply, JSON_COMPACT) : NULL;
	json_decref(reply);
	json_decref(command);
	return dumped;
}

static json_t *link_counters(const struct link_counters *counters)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"data_plane_connections", counters->connections},
		{"reference_sets_sent", counters->sets_sent},
		{"reference_sets_applied", counters->sets_applied},
		{"reference_sets_refused", counters->sets_refused},
		{"reference_sets_resumed", counters->sets_resumed},
		{"reference_records_sent", counters->records_sent},
		{"service_requests", counters->service_requests},
		{"due_reads_offered", counters->due_offered},
		{"due_reads_taken", counters->due_taken},
		{"due_reads_retried", counters->due_retried},
		{"due_reads_refused", counters->due_refused},
		{"due_reads_skipped", counters->due_skipped},
		{"due_reads_returned", counters->due_returned},
		{"schedules_ended", counters->schedules_ended},
		{"schedules_left", counters->schedules_left},
		{"alerts_offered", counters->alerts_offered},
		{"quarantine_reports", counters->quarantine_reports},
		{"quarantine_no_room", counters->quarantine_no_room},
		{"quarantine_gone", counters->quarantine_gone},
		{"quarantine_released", counters->quarantine_released},
		{"quarantine_deleted", counters->quarantine_deleted},
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		json_object_set_new(object, rows[i].name, number(rows[i].value));
	return object;
}

/* Checks of access control that refused due reads; those that never did are left out. */
static json_t *not_permitted(const struct link_counters *counters)
{
	static const char *const names[MW_ACCESS_CHECK_COUNT] = {
#define CHECK_NAME(name, text) [MW_ACCESS_##name] = text,
		MW_ACCESS_CHECKS(CHECK_NAME)
#undef CHECK_NAME
	};
	json_t *object = json_object();

	for (int i = 0; i < MW_ACCESS_CHECK_COUNT; i++)
		if (counters->due_not_permitted[i] > 0)
			json_object_set_new(
				object, names[i], number(counters->due_not_permitted[i]));
	return object;
}

/* Reasons that never came up are left out. */
static json_t *refusals(const struct services *services)
{
	json_t *object = json_object();

	for (int i = 0; i < SERVICE_REASON_COUNT; i++)
		if (services->refused[i] > 0)
			json_object_set_new(object, service_reason_name((enum service_reason)i),
				number(services->refused[i]));
	return object;
}

static json_t *disconnections(const struct server_counters *counters)
{
	json_t *object = json_object();

	for (int i = 1; i < PEER_FAULT_COUNT; i++)
		if (counters->disconnected[i] > 0)
			json_object_set_new(object, peer_fault_name((enum peer_fault)i),
				number(counters->disconnected[i]));
	return object;
}

static void add_alert_counters(json_t *object, const struct alerts_counters *counters)
{
	json_object_set_new(object, "alerts_raised", number(counters->raised));
	json_object_set_new(object, "alerts_taken", number(counters->taken));
	json_object_set_new(object, "alerts_retried", number(counters->retried));
	json_object_set_new(object, "alerts_refused", number(counters->refused));
	json_object_set_new(object, "alerts_no_room", number(counters->no_room));
}

static json_t *removal_status(const struct removal *removal)
{
	const struct removal_counters *counters = removal_counters(removal);
	json_t *object = json_object();

	for (int i = REMOVAL_NONE + 1; i < REMOVAL_CAUSE_COUNT; i++)
		json_object_set_new(object, removal_cause_name((enum removal_cause)i),
			number(counters->removed[i]));
	json_object_set_new(object, "planned", number(counters->planned));
	json_object_set_new(object, "waited", number(counters->waited));
	json_object_set_new(object, "devices", number(counters->devices));
	json_object_set_new(object, "sweeps", number(counters->sweeps));
	json_object_set_new(object, "no_room", number(counters->no_room));
	json_object_set_new(object, "damaged", number(counters->damaged));
	return object;
}

static json_t *image_status(const struct mirror *mirror)
{
	struct registry_write_usage usage;
	const struct mirror_counters *counters = mirror_counters(mirror);
	json_t *object = json_object();

	mirror_usage(mirror, &usage);
	json_object_set_new(object, "path", json_string(mirror_path(mirror)));
	json_object_set_new(object, "devices", number(usage.devices));
	json_object_set_new(object, "bytes", number(usage.file_bytes));
	json_object_set_new(object, "change", number(mirror_change(mirror)));
	json_object_set_new(object, "builds", number(counters->builds));
	json_object_set_new(object, "devices_written", number(counters->devices_written));
	json_object_set_new(object, "devices_removed", number(counters->devices_removed));
	json_object_set_new(object, "entries_dropped", number(counters->entries_dropped));
	return object;
}

json_t *command_feed_status(const struct server *server)
{
	const struct feed_counters *counters = &server->feed_counters;
	struct feed_http_counters http = {0};
	struct extract_http_counters extracts = {0};
	json_t *object = json_object();
	uint64_t set_aside = 0;

	for (int i = 0; i < FEED_RULE_COUNT; i++)
		set_aside += counters->set_aside[i];
	if (server->feed != NULL) {
		http = feed_http_counters(server->feed);
		extracts = feed_http_extract_counters(server->feed);
		json_object_set_new(object, "port", number(feed_http_port(server->feed)));
	}
	json_object_set_new(object, "applied", number(counters->applied));
	json_object_set_new(object, "duplicates", number(counters->duplicates));
	json_object_set_new(object, "set_aside", number(set_aside));
	json_object_set_new(object, "organisations_made", number(counters->organisations_made));
	json_object_set_new(object, "requests", number(http.requests));
	json_object_set_new(object, "committed", number(http.committed));
	json_object_set_new(object, "failed", number(http.failed));
	json_object_set_new(object, "shed", number(http.shed));
	json_object_set_new(
		object, "refused", number(http.too_large + http.malformed + http.not_for_us));
	json_object_set_new(object, "forgotten", number(server->feed_keep.forgotten));
	json_object_set_new(object, "extracts", number(extracts.begun));
	json_object_set_new(object, "extracts_stale", number(extracts.stale));
	json_object_set_new(object, "extracts_refused", number(extracts.refused));
	json_object_set_new(object, "extracts_shed", number(extracts.shed));
	json_object_set_new(object, "extracts_broken", number(extracts.broken));
	return object;
}

static json_t *parties_status(const struct server *server)
{
	const struct trust *trust = parties_trust(server->parties);
	json_t *object = json_object();
	json_t *lists = json_array();
	int64_t next_ms = parties_next_ms(server->parties);

	json_object_set_new(
		object, "certificates_not_in_force", number(parties_left_out(server->parties)));
	json_object_set_new(
		object, "thresholds_left_out", number(server->reference->thresholds_left_out));
	json_object_set_new(object, "trusted_issuers", number(trust_anchor_count(trust)));
	json_object_set_new(object, "dates_checked", json_boolean(trust_checks_dates(trust)));
	if (next_ms != INT64_MAX)
		json_object_set_new(object, "next_change_ms", json_integer(next_ms));
	json_object_set_new(object, "sets_made", number(server->counters.parties_made));
	json_object_set_new(object, "imports_given_up", number(server->stages.given_up));
	for (size_t i = 0; i < trust_list_count(trust); i++) {
		struct trust_list list = trust_list(trust, i);
		json_t *row = json_pack("{s:s, s:s, s:I, s:I}", "path", list.path, "issuer",
			list.issuer, "revoked", (json_int_t)list.revoked, "made_ms",
			(json_int_t)list.made_ms);

		if (list.next_ms != INT64_MAX)
			json_object_set_new(row, "next_ms", json_integer(list.next_ms));
		json_array_append_new(lists, row);
	}
	json_object_set_new(object, "revocation_lists", lists);
	return object;
}

static json_t *control_status(const struct server *server, struct server_time now)
{
	json_t *status = json_object();
	json_t *counters = link_counters(&server->link.counters);
	unsigned operators = 0;

	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++)
		operators += server->peers[i].fd >= 0 &&
			     server->peers[i].role == MW_CONTROL_ROLE_OPERATOR;
	json_object_set_new(status, "process", json_string("motorway-control"));
	json_object_set_new(status, "pid", json_integer(getpid()));
	json_object_set_new(status, "version", json_string(MOTORWAY_VERSION));
	json_object_set_new(
		status, "uptime_s", json_integer((now.monotonic_ms - server->started_ms) / 1000));
	json_object_set_new(status, "generation", number(server->reference->generation));
	json_object_set_new(status, "generation_applied", number(server->link.applied_generation));
	json_object_set_new(status, "users", number(server->reference->user_count));
	json_object_set_new(status, "certificates", number(server->reference->certificate_count));
	json_object_set_new(status, "providers", number(server->reference->provider_count));
	json_object_set_new(status, "devices", number(server->reference->device_count));
	json_object_set_new(status, "srv_rules", number(server->reference->rule_count));
	json_object_set_new(status, "schedules", number(schedules_count(server->schedules)));
	json_object_set_new(status, "thresholds", number(server->reference->threshold_count));
	if (server->parties != NULL)
		json_object_set_new(status, "parties", parties_status(server));
	json_object_set_new(status, "quarantined", number(server->quarantine.present));
	json_object_set_new(status, "alerts_waiting", number(alerts_count(server->alerts)));
	json_object_set_new(status, "operators", number(operators));
	add_alert_counters(counters, alerts_counters(server->alerts));
	json_object_set_new(status, "removal", removal_status(server->removal));
	json_object_set_new(status, "feed", command_feed_status(server));
	if (server->mirror != NULL)
		json_object_set_new(status, "registry_image", image_status(server->mirror));
	json_object_set_new(counters, "services_answered", number(server->services.answered));
	json_object_set_new(counters, "connections_accepted", number(server->counters.accepted));
	json_object_set_new(counters, "commands", number(server->counters.commands));
	json_object_set_new(counters, "reloads", number(server->counters.reloads));
	json_object_set_new(counters, "reloads_refused", number(server->counters.reloads_refused));
	json_object_set_new(status, "counters", counters);
	json_object_set_new(status, "services_refused", refusals(&server->services));
	json_object_set_new(
		status, "due_reads_not_permitted", not_permitted(&server->link.counters));
	json_object_set_new(status, "disconnected", disconnections(&server->counters));
	return status;
}

char *server_status_reply(const struct server *server, const uint8_t *data_plane, size_t length,
	const char *missing, struct server_time now)
{
	json_t *reply = json_object();
	json_t *other = NULL;

	if (data_plane != NULL) {
		other = json_loadb((const char *)data_plane, length, 0, NULL);
		if (!json_is_object(other)) {
			json_decref(other);
			other = NULL;
			missing = "the data plane's status is no JSON object";
		}
	}
	json_object_set_new(reply, "ok", json_true());
	json_object_set_new(reply, "control", control_status(server, now));
	json_object_set_new(reply, "data_plane", other != NULL ? other : json_null());
	if (other == NULL)
		json_object_set_new(reply, "data_plane_missing", json_string(missing));
	char *text = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `schedule remove`: see motorwayctl(1). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "control/alert_link.h"
#include "control/command.h"

static bool parse_cause(const char *text, enum alert_event *event)
{
	static const struct {
		const char *name;
		enum alert_event event;
	} causes[] = {
		{"mdra", ALERT_SCHEDULE_REMOVED_MDRA},
		{"supplier", ALERT_SCHEDULE_REMOVED_SUPPLIER},
		{"device", ALERT_SCHEDULE_REMOVED_DEVICE},
	};

	for (size_t i = 0; text != NULL && i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (strcmp(causes[i].name, text) != 0)
			continue;
		*event = causes[i].event;
		return true;
	}
	return false;
}

static bool remove_one(struct server *server, const char *text, enum alert_event event)
{
	char *end;

	if (text == NULL || !isdigit((unsigned char)*text))
		return false;
	uint64_t id = strtoull(text, &end, 10);
	struct schedule *schedule = *end == '\0' ? schedules_find(server->schedules, id) : NULL;
	if (schedule == NULL)
		return false;
	alert_link_remove_schedule(&server->link, schedule, event);
	return true;
}

json_t *command_schedule(struct server *server, const json_t *request, struct server_time now)
{
	const char *action = json_string_value(json_object_get(request, "action"));
	const json_t *ids = json_object_get(request, "ids");
	enum alert_event event;
	json_int_t count = 0;
	size_t index;
	json_t *value;

	(void)now;
	if (action == NULL || strcmp(action, "remove") != 0)
		return command_refuse("\"action\" is not remove");
	if (!parse_cause(json_string_value(json_object_get(request, "cause")), &event))
		return command_refuse("\"cause\" is not mdra, supplier or device");
	if (json_array_size(ids) == 0)
		return command_refuse("\"ids\" is not a list of DSPScheduleIDs");
	json_t *unknown = json_array();
	json_array_foreach((json_t *)ids, index, value)
	{
		if (remove_one(server, json_string_value(value), event))
			count++;
		else
			json_array_append(unknown, value);
	}
	server->again = true;
	return json_pack("{s:b, s:I, s:o}", "ok", 1, "removed", count, "unknown", unknown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `provider-extract`: the whole extract of a provider as an export (table_chunk.h). Its `after` is
 * the device of the last piece and the cursor of the first, so nothing is kept between commands.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/provider_extract.h"
#include "control/table_chunk.h"
#include "dataplane/duis/identifier.h"

#define AFTER_SIZE (DUIS_EUI_TEXT_SIZE + EXTRACT_CURSOR_SIZE)

/* Go on where an earlier piece ended: "DEVICE CURSOR". NULL, or what is wrong. */
static const char *read_after(const char *after, struct provider_extract *extract)
{
	const char *blank = strchr(after, ' ');

	if (blank == NULL || strlen(blank + 1) >= sizeof(extract->cursor) ||
		duis_eui_parse(after, (size_t)(blank - after), &extract->device_id) != 0)
		return "\"after\" is not what the piece before gave";
	snprintf(extract->cursor, sizeof(extract->cursor), "%s", blank + 1);
	extract->has_begun = true;
	return NULL;
}

static json_t *piece_reply(const struct provider_extract *extract)
{
	char eui[DUIS_EUI_TEXT_SIZE];
	char after[AFTER_SIZE];
	json_t *reply = json_pack("{s:b, s:s#, s:s}", "ok", 1, "text", extract->text,
		(int)extract->length, "cursor", extract->cursor);

	if (extract->has_ended)
		return reply;
	duis_eui_format(extract->device_id, eui);
	snprintf(after, sizeof(after), "%s %s", eui, extract->cursor);
	json_object_set_new(reply, "after", json_string(after));
	return reply;
}

static json_t *make_piece(struct provider_extract *extract, const char *name, const char *after)
{
	int result = extract_begin(extract, name, NULL);

	if (result == -ENOENT)
		return command_refuse("there is no such provider");
	if (result == -EPERM)
		return command_refuse("this extract is for S1SPs alone");
	const char *wrong = result == 0 && after != NULL ? read_after(after, extract) : NULL;
	if (wrong != NULL)
		return command_refuse(wrong);
	if (result == 0)
		result = extract_next(extract);
	return result >= 0 ? piece_reply(extract)
			   : command_refuse_store("the extract cannot be made", result);
}

json_t *command_provider_extract(
	struct server *server, const json_t *request, struct server_time now)
{
	const char *name = json_string_value(json_object_get(request, "provider"));
	struct provider_extract extract = {.store = server->services.store};
	char reason[256];

	(void)now;
	if (name == NULL)
		return command_refuse("\"provider\" is missing");
	if (!table_chunk_format(request, &extract.format))
		return command_refuse("\"format\" is not csv or jsonl");
	struct settlement_calendar *calendar = settlement_open(NULL, reason, sizeof(reason));
	if (calendar == NULL)
		return command_refuse(reason);
	extract.calendar = calendar;
	json_t *reply =
		make_piece(&extract, name, json_string_value(json_object_get(request, "after")));
	extract_end(&extract);
	settlement_close(calendar);
	return reply;
}

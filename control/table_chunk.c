/* SPDX-License-Identifier: Apache-2.0 */
#include "control/table_chunk.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool table_chunk_format(const json_t *request, enum table_format *format)
{
	const char *name = json_string_value(json_object_get(request, "format"));

	return name != NULL && table_format_parse(name, format);
}

/* A line number under `key`; whether there is one. */
static bool read_line_number(const json_t *request, const char *key, uint32_t *number)
{
	const json_t *value = json_object_get(request, key);
	json_int_t line = json_integer_value(value);

	*number = (uint32_t)line;
	return json_is_integer(value) && line >= 1 && line <= UINT32_MAX;
}

const char *table_chunk_read(const json_t *request, struct table_source *source)
{
	const json_t *text = json_object_get(request, "text");

	*source = (struct table_source){.header = ""};
	if (!table_chunk_format(request, &source->format))
		return "\"format\" is not csv or jsonl";
	if (!json_is_string(text))
		return "\"text\" is not a text";
	source->lines = json_string_value(text);
	source->length = json_string_length(text);
	if (!read_line_number(request, "line", &source->first_line))
		return "\"line\" is not a line number";
	if (source->format == TABLE_JSON_LINES)
		return NULL;
	source->header = json_string_value(json_object_get(request, "header"));
	if (source->header == NULL || strlen(source->header) > CSV_LINE_BYTES_MAX)
		return "\"header\" is not a line";
	if (!read_line_number(request, "header_line", &source->header_line))
		return "\"header_line\" is not a line number";
	return NULL;
}

void table_outcome_wrong(struct table_outcome *outcome, const struct table_fault *fault)
{
	if (outcome->wrong++ >= TABLE_FAULTS_MAX)
		return;
	if (outcome->faults == NULL)
		outcome->faults = json_array();
	json_array_append_new(
		outcome->faults, json_pack("{s:I, s:I, s:s}", "line", (json_int_t)fault->line,
					 "column", (json_int_t)fault->column, "rule", fault->rule));
}

json_t *table_outcome_reply(struct table_outcome *outcome)
{
	json_t *faults = outcome->faults != NULL ? outcome->faults : json_array();

	outcome->faults = NULL;
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:o}", "ok", 1, "rows",
		(json_int_t)outcome->rows, "written", (json_int_t)outcome->written, "unchanged",
		(json_int_t)outcome->unchanged, "wrong", (json_int_t)outcome->wrong, "faults",
		faults);
}

/* ---- imports as a whole ---- */

static json_t *refuse(const char *error)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", error);
}

static void free_stage(struct table_stage *stage)
{
	free(stage->header);
	free(stage->lines);
	*stage = (struct table_stage){0};
}

void table_stages_free(struct table_stages *stages)
{
	for (int i = 0; i < TABLE_STAGES_MAX; i++)
		free_stage(&stages->stages[i]);
}

/* A new stage, in the place of one that its operator has left when there is no other. */
static struct table_stage *open_stage(struct table_stages *stages, int64_t now_ms)
{
	struct table_stage *free_one = NULL;

	for (int i = 0; i < TABLE_STAGES_MAX; i++) {
		struct table_stage *stage = &stages->stages[i];

		if (stage->token != 0 && now_ms - stage->since_ms >= TABLE_STAGE_IDLE_MS) {
			free_stage(stage);
			stages->given_up++;
		}
		if (stage->token == 0 && free_one == NULL)
			free_one = stage;
	}
	if (free_one != NULL)
		free_one->token = ++stages->last_token;
	return free_one;
}

static struct table_stage *find_stage(struct table_stages *stages, const json_t *request)
{
	const json_t *value = json_object_get(request, "import");
	json_int_t token = json_integer_value(value);

	for (int i = 0; i < TABLE_STAGES_MAX; i++)
		if (token > 0 && stages->stages[i].token == (uint64_t)token)
			return &stages->stages[i];
	return NULL;
}

/* Put the chunk behind what the stage has. NULL, or why it cannot be. */
static const char *add_lines(struct table_stage *stage, const struct table_source *chunk)
{
	if (stage->header == NULL) {
		stage->header = strdup(chunk->header);
		stage->format = chunk->format;
		stage->header_line = chunk->header_line;
		stage->first_line = chunk->first_line;
		stage->next_line = chunk->first_line;
	}
	if (stage->header == NULL)
		return "memory is short";
	if (chunk->format != stage->format || strcmp(chunk->header, stage->header) != 0 ||
		chunk->first_line != stage->next_line)
		return "the chunk does not follow the one before";
	if (stage->length + chunk->length > TABLE_STAGE_BYTES_MAX)
		return "the table is too large to be imported as a whole; give it in parts";
	if (stage->room < stage->length + chunk->length) {
		size_t room = 2 * (stage->length + chunk->length);
		char *grown = realloc(stage->lines, room);

		if (grown == NULL)
			return "memory is short";
		stage->lines = grown;
		stage->room = room;
	}
	if (chunk->length > 0)
		memcpy(stage->lines + stage->length, chunk->lines, chunk->length);
	stage->length += chunk->length;
	for (size_t i = 0; i < chunk->length; i++)
		stage->next_line += chunk->lines[i] == '\n';
	return NULL;
}

/* The stage whose lines the last call gave has been used. */
static void free_finished(struct table_stages *stages)
{
	for (int i = 0; i < TABLE_STAGES_MAX; i++)
		if (stages->stages[i].token == UINT64_MAX)
			free_stage(&stages->stages[i]);
}

json_t *table_stage(struct table_stages *stages, const json_t *request, int64_t now_ms,
	struct table_source *source)
{
	struct table_stage *stage = find_stage(stages, request);
	struct table_source chunk;
	const char *wrong = table_chunk_read(request, &chunk);

	free_finished(stages);
	if (stage == NULL && json_object_get(request, "import") != NULL)
		return refuse("the import is not known (any more); begin anew");
	if (wrong == NULL && stage == NULL) {
		stage = open_stage(stages, now_ms);
		if (stage == NULL)
			return refuse("other imports are being gathered; try again");
	}
	if (wrong == NULL)
		wrong = add_lines(stage, &chunk);
	if (wrong != NULL) {
		if (stage != NULL)
			free_stage(stage);
		return refuse(wrong);
	}
	stage->since_ms = now_ms;
	if (!json_is_true(json_object_get(request, "last")))
		return json_pack("{s:b, s:I}", "ok", 1, "import", (json_int_t)stage->token);
	stage->token = UINT64_MAX;
	*source = (struct table_source){
		.format = stage->format,
		.header = stage->header,
		.header_line = stage->header_line,
		.lines = stage->lines != NULL ? stage->lines : "",
		.length = stage->length,
		.first_line = stage->first_line,
	};
	return NULL;
}

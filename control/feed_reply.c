/* SPDX-License-Identifier: Apache-2.0 */
#include "control/feed_reply.h"

#include <assert.h>

#include <jansson.h>

const char *feed_result_name(enum feed_result result)
{
	switch (result) {
	case FEED_APPLIED:
		return "applied";
	case FEED_DUPLICATE:
		return "duplicate";
	default:
		assert(result == FEED_SET_ASIDE);
		return "set-aside";
	}
}

static json_t *outcome_object(const struct feed_outcome *outcome)
{
	enum feed_rule rule = (enum feed_rule)outcome->rule;
	const char *result = feed_result_name((enum feed_result)outcome->result);

	if (outcome->result != FEED_SET_ASIDE)
		return json_pack("{s:s, s:s}", "id", outcome->id, "result", result);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "id", outcome->id, "result", result,
		"rule", feed_rule_name(rule), "meaning", feed_rule_meaning(rule), "line",
		(json_int_t)outcome->line, "column", (json_int_t)outcome->column, "pointer",
		outcome->pointer);
}

static char *dump(json_t *object)
{
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return text;
}

char *feed_reply_outcomes(const struct feed_outcome *outcomes, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(array, outcome_object(&outcomes[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	return dump(json_pack("{s:o}", "outcomes", array));
}

char *feed_reply_refusal(const char *reason)
{
	return dump(json_pack("{s:s}", "error", reason));
}

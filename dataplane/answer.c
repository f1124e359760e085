/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ANSWER_REASON_COUNT + 1] = {
	[ANSWER_ACCEPTED] = "accepted",
#define ANSWER_NAME(name, text) [ANSWER_##name] = text,
	ANSWER_REASONS(ANSWER_NAME)
#undef ANSWER_NAME
		[ANSWER_CAPACITY] = "capacity",
};

const char *answer_reason_name(enum answer_reason reason)
{
	return names[reason];
}

int answer_table_fill(struct answer_table *table, const struct conf *conf, const char **missing)
{
	memset(table, 0, sizeof(*table));
	for (unsigned reason = ANSWER_ACCEPTED; reason < ANSWER_REASON_COUNT; reason++) {
		struct answer *answer = &table->answers[reason];
		answer->http_status = 200;
		if (reason == ANSWER_ACCEPTED)
			snprintf(answer->code, sizeof(answer->code), "I99");
		for (uint32_t i = 0; i < conf->answer_count; i++) {
			if (strcmp(conf->answers[i].reason, names[reason]) != 0)
				continue;
			snprintf(answer->code, sizeof(answer->code), "%s", conf->answers[i].code);
			answer->http_status = conf->answers[i].http_status;
		}
		if (answer->code[0] == '\0' && !answer_is_access(reason)) {
			*missing = names[reason];
			return -EINVAL;
		}
	}
	return 0;
}

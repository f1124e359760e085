/* SPDX-License-Identifier: Apache-2.0 */
/* The tables behind control/conf.h: the keys of each group, and the reasons that have an answer. */
#ifndef CONTROL_CONF_TABLE_H
#define CONTROL_CONF_TABLE_H

#include <stddef.h>

#include "control/conf.h"
#include "control/yaml.h"

struct conf_group {
	const char *name;
	const char *help;
	const struct yaml_field *fields;
	size_t count;
};

#define CONF_GROUPS_MAX 16

/* Groups in the order of the file; a row with name NULL ends them. */
extern const struct conf_group conf_groups[];

/* A reason of doc/answers.md that has a DUIS code, with the answer that holds when the file does
 * not name it. */
struct conf_reason {
	const char *reason;
	const char *code;
	uint16_t http_status;
	bool assumed;
};

/* A row with reason NULL ends them. */
extern const struct conf_reason conf_reasons[];

/* Readers of the keys that are lists or mappings themselves. */
void conf_read_trust(struct yaml_document *document, const struct yaml_node *node, void *target);
void conf_read_versions(struct yaml_document *document, const struct yaml_node *node, void *target);
void conf_read_answers(
	struct yaml_document *document, const struct yaml_node *node, struct conf *conf);

/* Whether two schemaVersions are equal in value (xs:decimal: 5.1 = 5.10 = 05.1). Both must be
 * decimal texts, see conf_version_valid(). */
bool conf_version_equal(const char *left, const char *right);

/* Whether `version` is a decimal text such as "5.4". */
bool conf_version_valid(const char *version);

#endif

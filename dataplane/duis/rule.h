/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From libxml2's error numbers to motorway's own texts. libxml2's messages quote the document;
 * these name the rule and what the schema allows, nothing else. Pure; any thread.
 */
#ifndef DUIS_RULE_H
#define DUIS_RULE_H

#include <stdbool.h>

#include <libxml/xmlerror.h>

#include "dataplane/duis/error.h"

/* The rule of XML 1.0 (or Namespaces in XML) that `error` says was broken. */
void duis_rule_parser(const xmlError *error, char rule[DUIS_RULE_SIZE]);

/* The rule of the schema that `error` says was broken, with the values or elements allowed. */
void duis_rule_schema(const xmlError *error, char rule[DUIS_RULE_SIZE]);

/* Whether a schema error is about the content of a simple-typed element, not about its tag. */
bool duis_rule_is_content(const xmlError *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The rules between keys of the configuration, all of them in one function. */
#ifndef CONTROL_CONF_CHECK_H
#define CONTROL_CONF_CHECK_H

#include "control/conf.h"
#include "control/yaml.h"

/* Report every rule that *conf breaks at the key that breaks it. `document` is the file that *conf
 * was read from. Start-up only. */
void conf_check(struct yaml_document *document, const struct conf *conf);

#endif

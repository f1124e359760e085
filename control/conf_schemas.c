/* SPDX-License-Identifier: Apache-2.0 */
#include "control/conf.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/duis/engine.h"

_Static_assert((int)CONF_ENGINE_FAST == (int)DUIS_ENGINE_FAST &&
		       (int)CONF_ENGINE_REFERENCE == (int)DUIS_ENGINE_REFERENCE,
	"the configuration's words are the engine's kinds");
_Static_assert(CONF_SCHEMAS_MAX <= DUIS_SCHEMA_VERSIONS_MAX, "all versions of the configuration");
_Static_assert(CONF_OVERLAYS_MAX <= DUIS_SCHEMA_FILES_MAX, "all overlays of the configuration");

static const char *path_or_null(const char *path)
{
	return path[0] != '\0' ? path : NULL;
}

void conf_schema_sources(const struct conf *conf, struct duis_schema_source *sources)
{
	memset(sources, 0, CONF_SCHEMAS_MAX * sizeof(sources[0]));
	for (uint32_t i = 0; i < conf->schema_count; i++) {
		const struct conf_schema *schema = &conf->schemas[i];

		snprintf(sources[i].version, sizeof(sources[i].version), "%s", schema->version);
		sources[i].image_path = path_or_null(schema->image_path);
		sources[i].xsd_path = path_or_null(schema->xsd_path);
		for (unsigned o = 0; o < CONF_OVERLAYS_MAX && schema->overlays[o][0] != '\0'; o++)
			sources[i].overlays[o] = schema->overlays[o];
	}
}

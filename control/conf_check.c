/* SPDX-License-Identifier: Apache-2.0 */
#include "control/conf_check.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "control/conf_table.h"

/* The node of group.key, or of the group, or NULL: where an error is reported. */
static const struct yaml_node *place(
	const struct yaml_document *document, const char *group, const char *key)
{
	const struct yaml_node *node = yaml_child(yaml_root(document), group);

	if (node == NULL || node->kind != YAML_MAPPING)
		return node;
	const struct yaml_node *child = yaml_child(node, key);
	return child != NULL ? child : node;
}

static bool parse_address(const char *text, struct in_addr *host, unsigned *port)
{
	char buffer[CONF_TEXT_SIZE];

	snprintf(buffer, sizeof(buffer), "%s", text);
	char *colon = strrchr(buffer, ':');
	if (colon == NULL)
		return false;
	*colon = '\0';
	const char *digits = colon + 1;
	if (strlen(digits) < 1 || strlen(digits) > 5 ||
		strspn(digits, "0123456789") != strlen(digits))
		return false;
	*port = (unsigned)strtoul(digits, NULL, 10);
	return *port > 0 && *port <= 65535 && inet_pton(AF_INET, buffer, host) == 1;
}

static void check_addresses(struct yaml_document *document, const struct conf *conf)
{
	struct in_addr users = {0};
	struct in_addr providers = {0};
	unsigned users_port = 0;
	unsigned providers_port = 0;
	bool valid = true;

	if (!parse_address(conf->listen, &users, &users_port)) {
		yaml_error(document, place(document, "edge", "listen"),
			"\"listen\" must be an IPv4 address and a port, such as 127.0.0.1:8079");
		valid = false;
	}
	if (!parse_address(conf->provider_listen, &providers, &providers_port)) {
		yaml_error(document, place(document, "edge", "provider_listen"),
			"\"provider_listen\" must be an IPv4 address and a port, such as "
			"127.0.0.1:8078");
		valid = false;
	}
	struct in_addr feed;
	unsigned feed_port;
	if (conf->feed_listen[0] != '\0' && !parse_address(conf->feed_listen, &feed, &feed_port))
		yaml_error(document, place(document, "control", "feed_listen"),
			"\"feed_listen\" must be an IPv4 address and a port, such as "
			"127.0.0.1:8077, or empty");
	if (!valid || users_port != providers_port)
		return;
	if (users.s_addr == providers.s_addr || users.s_addr == INADDR_ANY ||
		providers.s_addr == INADDR_ANY)
		yaml_error(document, place(document, "edge", "provider_listen"),
			"\"provider_listen\" must differ from \"listen\" in its address or port");
}

/* Each engine judges by files of its own; a version may name those of both. */
static void check_schema_files(struct yaml_document *document, const struct conf *conf,
	const struct conf_schema *schema, const struct yaml_node *item)
{
	if (conf->engine == CONF_ENGINE_FAST && schema->image_path[0] == '\0')
		yaml_error(document, item,
			"\"image\" is missing here; the engine \"fast\" needs a schema image for "
			"each version, which motorway-schema compile makes of the XSD");
	if (conf->engine == CONF_ENGINE_REFERENCE && schema->xsd_path[0] == '\0')
		yaml_error(document, item,
			"\"xsd\" is missing here; the engine \"reference\" needs the XSD of each "
			"version");
	if (schema->overlays[0][0] != '\0' && schema->xsd_path[0] == '\0')
		yaml_error(document, yaml_child(item, "overlays"),
			"\"overlays\" belong to an \"xsd\"; what an image was made of is in it");
}

static void check_schemas(struct yaml_document *document, const struct conf *conf)
{
	const struct yaml_node *versions = place(document, "schema", "versions");
	const struct yaml_node *item = versions->first;

	for (uint32_t i = 0; i < conf->schema_count; i++, item = item->next) {
		check_schema_files(document, conf, &conf->schemas[i], item);
		for (uint32_t j = 0; j < i; j++)
			if (conf_version_equal(conf->schemas[i].version, conf->schemas[j].version))
				yaml_error(document, yaml_child(item, "version"),
					"this version equals \"%s\" in value; each may stand here "
					"once",
					conf->schemas[j].version);
	}
}

static void check_memory(struct yaml_document *document, const struct conf *conf)
{
	uint64_t kib = (uint64_t)conf->small_messages * 8 + (uint64_t)conf->medium_messages * 512 +
		       (uint64_t)conf->large_messages * 16 * 1024;
	uint64_t allowed_kib = (uint64_t)conf->memory_mb * 1024 / 4 * 3;

	if (kib > allowed_kib)
		yaml_error(document, place(document, "messages", "small"),
			"the buffers need %" PRIu64
			" MiB; at most three quarters of data_plane.memory_mb "
			"(%" PRIu32 " MiB) are allowed",
			kib / 1024, conf->memory_mb);
}

static void check_replay(struct yaml_document *document, const struct conf *conf)
{
	uint32_t window = conf->replay_window;
	uint64_t bytes = conf->replay_scopes_max * ((uint64_t)window / 4 + 32);

	if ((window & (window - 1)) != 0)
		yaml_error(document, place(document, "replay", "window"),
			"\"window\" must be a power of two, such as 65536");
	if (bytes > (uint64_t)4 << 30)
		yaml_error(document, place(document, "replay", "scopes_max"),
			"%" PRIu32 " scopes with a window of %" PRIu32 " counters take %" PRIu64
			" MiB; at most 4096 MiB are allowed",
			conf->replay_scopes_max, window, bytes >> 20);
}

static void check_sizes(struct yaml_document *document, const struct conf *conf)
{
	uint32_t lane = conf->lane_items_max;

	if ((lane & (lane - 1)) != 0)
		yaml_error(document, place(document, "north", "lane_items_max"),
			"\"lane_items_max\" must be a power of two, such as 4096");
	check_replay(document, conf);
	if (conf->delivery_backoff_max_ms < conf->delivery_backoff_ms)
		yaml_error(document, place(document, "north", "delivery_backoff_max_ms"),
			"\"delivery_backoff_max_ms\" must not be less than \"delivery_backoff_ms\" "
			"(%" PRIu32 " ms)",
			conf->delivery_backoff_ms);
	if (strlen(conf->control_socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		yaml_error(document, place(document, "control", "socket"),
			"\"socket\" is %zu bytes long when absolute; at most %zu are allowed",
			strlen(conf->control_socket),
			sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
}

static void check_answers(struct yaml_document *document, const struct conf *conf)
{
	const struct yaml_node *answers = yaml_child(yaml_root(document), "answers");

	if (answers == NULL)
		return;
	/* 403 is what an unproven sender gets; a proven one always gets 200 (doc/answers.md). */
	for (uint32_t i = 0; i < conf->answer_count; i++) {
		const struct yaml_node *node = yaml_child(answers, conf->answers[i].reason);

		if (node != NULL && conf->answers[i].http_status != conf_reasons[i].http_status)
			yaml_error(document, yaml_child(node, "http"),
				"the answer to \"%s\" must have HTTP status %u: 403 for a sender "
				"who is not "
				"proven, 200 for one who is",
				conf->answers[i].reason, conf_reasons[i].http_status);
	}
}

static void check_certificates(struct yaml_document *document, const struct conf *conf)
{
	if (conf->revocation_lists[0][0] != '\0' && conf->trust_anchors[0][0] == '\0')
		yaml_error(document, place(document, "certificates", "revocation_lists"),
			"\"revocation_lists\" need \"trust\": who has signed them");
}

void conf_check(struct yaml_document *document, const struct conf *conf)
{
	check_addresses(document, conf);
	check_schemas(document, conf);
	check_memory(document, conf);
	check_sizes(document, conf);
	check_answers(document, conf);
	check_certificates(document, conf);
}

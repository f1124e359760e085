/* SPDX-License-Identifier: Apache-2.0 */
/* One row for each key of the configuration file. Parser, --check, --help-conf and the error
 * messages derive from these rows. */
#include "control/conf_table.h"

#define AT(member) offsetof(struct conf, member)
#define NUMBER(key, member, low, high, preset, unit_text, help_text)                               \
	{                                                                                          \
		.name = key, .type = YAML_U32, .offset = AT(member), .min = low, .max = high,      \
		.fallback = preset, .unit = unit_text, .help = help_text                           \
	}
#define PATH(key, member, needed, preset, help_text)                                               \
	{                                                                                          \
		.name = key, .type = YAML_PATH, .required = needed, .offset = AT(member),          \
		.min = 1, .max = CONF_PATH_SIZE - 1, .fallback = preset, .help = help_text         \
	}

static const char *const idle_names[] = {"backoff", "spin", NULL};
static const char *const engine_names[] = {"fast", "reference", NULL};
static const char *const replay_scope_names[] = {"originator", "originator-target", NULL};
static const char *const verification_names[] = {"tables", "plain", NULL};

static const char *const removal_names[] = {"after_last_day", "at_change", NULL};

static const struct yaml_field data_plane_fields[] = {
	{.name = "lcores",
		.type = YAML_U32,
		.offset = AT(lcores),
		.min = 1,
		.max = 8,
		.zero_word = "auto",
		.fallback = "auto",
		.unit = "cores",
		.help = "polling cores; auto takes as many as the process may use, at most 8"},
	NUMBER("memory_mb", memory_mb, 64, 1048576, "512", "MiB",
		"memory for buffers, rings and tables, taken at start"),
	{.name = "idle",
		.type = YAML_CHOICE,
		.offset = AT(idle),
		.choices = idle_names,
		.fallback = "backoff",
		.help = "backoff rests up to 1 ms when there is no work, spin never rests"},
	NUMBER("drain_s", drain_s, 0, 3600, "20", "s",
		"longest orderly end: answered requests are still delivered"),
};

static const struct yaml_field message_fields[] = {
	NUMBER("small", small_messages, 64, 16777216, "16384", "buffers", "buffers of 8 KiB"),
	NUMBER("medium", medium_messages, 16, 131072, "128", "buffers", "buffers of 512 KiB"),
	NUMBER("large", large_messages, 1, 4096, "4", "buffers",
		"buffers of 16 MiB, for firmware images"),
	NUMBER("pending_max", pending_max, 64, 16777216, "65536", "requests",
		"requests accepted and not yet finished; more are refused with 503"),
};

static const struct yaml_field edge_fields[] = {
	{.name = "listen",
		.type = YAML_TEXT,
		.offset = AT(listen),
		.min = 1,
		.max = CONF_TEXT_SIZE - 1,
		.fallback = "127.0.0.1:8079",
		.help = "IPv4 address and port for service users"},
	{.name = "provider_listen",
		.type = YAML_TEXT,
		.offset = AT(provider_listen),
		.min = 1,
		.max = CONF_TEXT_SIZE - 1,
		.fallback = "127.0.0.1:8078",
		.help = "IPv4 address and port for service providers"},
	NUMBER("connections_max", connections_max, 1, 65536, "1024", "connections",
		"accepted connections of both addresses"),
	NUMBER("header_bytes_max", header_bytes_max, 512, 65536, "8192", "bytes",
		"request line and all header fields; longer ones get 431"),
	NUMBER("header_timeout_ms", header_timeout_ms, 10, 600000, "10000", "ms",
		"first byte of a request to the end of its header"),
	NUMBER("body_timeout_ms", body_timeout_ms, 10, 600000, "30000", "ms",
		"end of the header to the end of the body"),
	NUMBER("idle_timeout_ms", idle_timeout_ms, 10, 3600000, "60000", "ms",
		"between the requests of a kept connection"),
	NUMBER("retry_after_s", retry_after_s, 0, 3600, "1", "s", "Retry-After of a 503"),
};

static const struct yaml_field service_fields[] = {
	NUMBER("transform_bytes_max", transform_bytes_max, 1024, 16777216, "65536", "bytes",
		"largest body of the Transform service"),
	NUMBER("send_command_bytes_max", send_command_bytes_max, 1024, 16777216, "65536", "bytes",
		"largest body of the Send Command service"),
	NUMBER("non_device_bytes_max", non_device_bytes_max, 1024, 16777216, "16777216", "bytes",
		"largest body of the Non-Device service; firmware images need 16 MiB"),
};

static const struct yaml_field schema_fields[] = {
	{.name = "engine",
		.type = YAML_CHOICE,
		.offset = AT(engine),
		.choices = engine_names,
		.fallback = "fast",
		.help = "fast reads by schema images, reference is libxml2 and OpenSSL"},
	{.name = "verification",
		.type = YAML_CHOICE,
		.offset = AT(verification),
		.choices = verification_names,
		.fallback = "tables",
		.help = "tables makes one for each known key, plain is OpenSSL's own way for all"},
	NUMBER("tables_max", tables_max, 0, 65536, "512", "tables",
		"keys that get a table of 152 KiB; the others are verified the plain way"),
	{.name = "versions",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = 0,
		.read = conf_read_versions,
		.help = "list of {version, image, xsd, overlays}: what judges which schemaVersion"},
};

static const struct yaml_field signing_fields[] = {
	PATH("key", signing_key, true, NULL, "the DSP's private key, P-256, PKCS #8 (DER or PEM)"),
	PATH("certificate", signing_certificate, true, NULL, "its certificate (PEM or DER)"),
	{.name = "acknowledgements",
		.type = YAML_BOOL,
		.offset = AT(sign_acknowledgements),
		.fallback = "no",
		.help = "sign responses without a body too"},
	{.name = "dsp_eui",
		.type = YAML_EUI,
		.required = true,
		.offset = AT(dsp_eui),
		.help = "the DSP's own EUI-64, the target of non-device requests"},
};

static const struct yaml_field south_fields[] = {
	NUMBER("connections_max", provider_connections_max, 1, 1024, "8", "connections",
		"to each provider"),
	NUMBER("dispatch_timeout_ms", dispatch_timeout_ms, 10, 600000, "10000", "ms",
		"a provider's answer to one attempt"),
	NUMBER("window_attempts_max", window_attempts_max, 1, 15, "3", "attempts",
		"how often a request that waits for windows is sent at most"),
	NUMBER("window_retry_ms", window_retry_ms, 0, 86400000, "600000", "ms",
		"the least time from one of its attempts to the next"),
	NUMBER("dispatch_attempts_max", dispatch_attempts_max, 1, 15, "5", "attempts",
		"then the user is told E20"),
	NUMBER("transform_timeout_ms", transform_timeout_ms, 10, 600000, "5000", "ms",
		"the transform provider's answer"),
	NUMBER("response_timeout_ms", response_timeout_ms, 100, 172800000, "300000", "ms",
		"the device's answer; then the user is told E21"),
};

static const struct yaml_field north_fields[] = {
	NUMBER("connections_max", user_connections_max, 1, 1024, "8", "connections",
		"to each user's receive endpoint"),
	NUMBER("lane_items_max", lane_items_max, 16, 1048576, "4096", "items",
		"of one user and lane; a power of two"),
	NUMBER("delivery_timeout_ms", delivery_timeout_ms, 10, 600000, "10000", "ms",
		"a user's answer to one delivery"),
	NUMBER("delivery_backoff_ms", delivery_backoff_ms, 1, 600000, "500", "ms",
		"first wait after a failed delivery; doubles"),
	NUMBER("delivery_backoff_max_ms", delivery_backoff_max_ms, 1, 3600000, "30000", "ms",
		"longest wait between deliveries"),
};

static const struct yaml_field replay_fields[] = {
	{.name = "scope",
		.type = YAML_CHOICE,
		.offset = AT(replay_scope),
		.choices = replay_scope_names,
		.fallback = "originator",
		.help = "whose counters are told apart: an originator's, or his for each target"},
	NUMBER("window", replay_window, 64, 1048576, "65536", "counters",
		"below the highest that may still come; a power of two"),
	NUMBER("scopes_max", replay_scopes_max, 1, 67108864, "2048", "scopes",
		"kept, each of window / 4 + 32 bytes; who finds no room gets 503"),
	{.name = "state",
		.type = YAML_PATH,
		.offset = AT(replay_state),
		.min = 0,
		.max = CONF_PATH_SIZE - 1,
		.fallback = "/dev/shm/motorway.replay",
		.help = "file in a tmpfs that keeps them over restarts; empty: none"},
};

static const struct yaml_field control_fields[] = {
	PATH("socket", control_socket, false, "../var/run/control.sock",
		"Unix socket of motorway-control; at most 107 bytes when absolute"),
	NUMBER("service_timeout_ms", service_timeout_ms, 10, 600000, "5000", "ms",
		"an answer of motorway-control to 5.1 5.2 5.3 8.2"),
	PATH("store", store, false, "../var/store",
		"folder of the store, in which motorway-control keeps reference data"),
	NUMBER("store_mb_max", store_mb_max, 16, 16777216, "65536", "MiB",
		"how far the store may grow; taken from the disk as it grows"),
	PATH("registry_image", registry_image, false, "/dev/shm/motorway.devices",
		"the registry image, in a tmpfs or hugetlbfs; each gateway has its own"),
	{.name = "feed_listen",
		.type = YAML_TEXT,
		.offset = AT(feed_listen),
		.min = 0,
		.max = CONF_TEXT_SIZE - 1,
		.fallback = "127.0.0.1:8077",
		.help = "IPv4 address and port of the registration feed; empty: none"},
	NUMBER("feed_keep_days", feed_keep_days, 1, 3650, "90", "days",
		"for which ids of applied messages are kept, to know duplicates"),
};

static const struct yaml_field certificate_fields[] = {
	{.name = "trust",
		.type = YAML_CUSTOM,
		.offset = AT(trust_anchors),
		.read = conf_read_trust,
		.help = "CA certificates (PEM) that users' certificates must come from: files or "
			"folders; none: issuers are not checked"},
	{.name = "revocation_lists",
		.type = YAML_CUSTOM,
		.offset = AT(revocation_lists),
		.read = conf_read_trust,
		.help = "what these CAs have revoked (PEM or DER): files or folders"},
	{.name = "check_dates",
		.type = YAML_BOOL,
		.offset = AT(check_certificate_dates),
		.fallback = "yes",
		.help = "no: for test material that has run out"},
};

static const struct yaml_field schedule_fields[] = {
	{.name = "removal",
		.type = YAML_CHOICE,
		.offset = AT(schedule_removal),
		.choices = removal_names,
		.fallback = "after_last_day",
		.help = "of whose user's time is over: after the last lawful run, or at the "
			"change"},
};

static const struct yaml_field reference_fields[] = {
	PATH("users", users, false, "reference/users.yaml", "users, roles, certificates"),
	PATH("devices", devices, false, "reference/devices.yaml", "the inventory"),
	PATH("providers", providers, false, "reference/providers.yaml", "service providers"),
	PATH("registrations", registrations, false, "reference/registrations.csv",
		"suppliers and network operators of MPxNs"),
	PATH("appointments", appointments, false, "reference/appointments.csv",
		"who is appointed to retrieve the data of MPxNs"),
	PATH("access", access, false, "access/matrix.yaml", "who may send which SRV"),
	PATH("service_codes", service_codes, false, "access/services.yaml",
		"DUIS codes of the services that motorway-control answers"),
	PATH("access_checks", access_checks, false, "access/checks.yaml",
		"the checks of access control, their order and codes"),
	PATH("alerts", alerts, false, "alerts.yaml", "codes of DCC Alerts"),
	PATH("thresholds", thresholds, false, "reference/thresholds.yaml",
		"thresholds of anomaly detection"),
	PATH("windows", windows, false, "windows.yaml", "the windows of providers and their caps"),
	PATH("trt", trt, false, "trt.yaml", "Target Response Times"),
	PATH("window_history", window_history, false, "../var/control/windows",
		"folder for the last versions of the windows"),
};

#define GROUP(group, help_text, rows)                                                              \
	{                                                                                          \
		.name = group, .help = help_text, .fields = rows,                                  \
		.count = sizeof(rows) / sizeof(rows[0])                                            \
	}

const struct conf_group conf_groups[] = {
	GROUP("data_plane", "the process motorway", data_plane_fields),
	GROUP("messages", "memory for messages, taken at start", message_fields),
	GROUP("edge", "HTTP towards users and providers", edge_fields),
	GROUP("services", "the three DUIS web services", service_fields),
	GROUP("schema", "how documents are judged", schema_fields),
	GROUP("signing", "the DSP's own signature", signing_fields),
	GROUP("south", "gateway to providers and meters", south_fields),
	GROUP("north", "gateway to users", north_fields),
	GROUP("replay", "a RequestID is accepted once", replay_fields),
	GROUP("control", "between the programs", control_fields),
	GROUP("schedules", "scheduled reads", schedule_fields),
	GROUP("reference", "reference data, read by motorway-control", reference_fields),
	GROUP("certificates", "what users' certificates are checked against", certificate_fields),
	{.name = NULL},
};

const struct conf_reason conf_reasons[] = {
	{"user-unknown", "E1", 403, false},
	{"signature-missing", "E100", 403, true},
	{"signature-profile", "E100", 403, true},
	{"certificate-unknown", "E100", 403, true},
	{"certificate-foreign", "E100", 403, true},
	{"signature-wrong", "E100", 403, true},
	{"request-id-repeated", "E100", 200, true},
	{"request-id-old", "E100", 200, true},
	{"service-unavailable", "E100", 200, true},
	{"transform-unavailable", "E17", 200, true},
	{"transform-failed", "E100", 200, true},
	{"device-unreachable", "E20", 200, false},
	{"device-silent", "E21", 200, false},
	{"threshold-exceeded", "E100", 200, true},
	{"quarantine-deleted", "E100", 200, true},
	{.reason = NULL},
};

_Static_assert(sizeof(conf_reasons) / sizeof(conf_reasons[0]) <= CONF_REASONS_MAX + 1,
	"struct conf holds all reasons");
_Static_assert(sizeof(conf_groups) / sizeof(conf_groups[0]) <= CONF_GROUPS_MAX, "groups");

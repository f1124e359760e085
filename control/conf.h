/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file conf/motorway.yaml, as all programs read it. One row of a table for each
 * key (name, type, bounds, default, unit, help); the parser, `--check`, the man page text and the
 * error messages derive from that table. Every error says file:line:column, what is wrong and what
 * is allowed; all errors of a file are reported, not only the first.
 *
 * Relative paths in the file are relative to the file's own folder and are made absolute here.
 */
#ifndef CONTROL_CONF_H
#define CONTROL_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_PATH_SIZE 512
#define CONF_TEXT_SIZE 128
#define CONF_SCHEMAS_MAX 16
#define CONF_OVERLAYS_MAX 8
#define CONF_REASONS_MAX 32
#define CONF_TRUST_MAX 16

enum conf_engine {
	CONF_ENGINE_FAST = 0,	   /* schema images, SIMD */
	CONF_ENGINE_REFERENCE = 1, /* libxml2 + OpenSSL */
};

enum conf_verification {
	CONF_VERIFICATION_TABLES = 0, /* a table for each known key, OpenSSL until it is there */
	CONF_VERIFICATION_PLAIN = 1,  /* OpenSSL for all keys */
};

enum conf_idle {
	CONF_IDLE_BACKOFF = 0, /* pause, then ever longer waits, at most 1 ms */
	CONF_IDLE_SPIN = 1,    /* never rest: for dedicated cores */
};

/* As enum replay_scope of the data plane. */
enum conf_replay_scope {
	CONF_REPLAY_ORIGINATOR = 0,	   /* counters of an originator, whatever the target */
	CONF_REPLAY_ORIGINATOR_TARGET = 1, /* counters of an originator for one target */
};

/* When a schedule goes whose user's time at the device is over. */
enum conf_removal {
	CONF_REMOVAL_AFTER_LAST_DAY =
		0,		    /* when the last run that reads none but his days is done */
	CONF_REMOVAL_AT_CHANGE = 1, /* at once */
};

struct conf_schema {
	char version[16];
	char image_path[CONF_PATH_SIZE]; /* "": none; conf_check() sees to what the engine needs */
	char xsd_path[CONF_PATH_SIZE];	 /* "": none */
	char overlays[CONF_OVERLAYS_MAX][CONF_PATH_SIZE]; /* "" ends the list */
};

/* One refusal reason and its answer (doc/answers.md). */
struct conf_answer {
	char reason[48];      /* "role-not-permitted" */
	char code[8];	      /* DUIS ResponseCode, "E2" */
	uint16_t http_status; /* 200 or 403 */
	bool assumed;	      /* the code's meaning is an assumption, not from a source */
};

struct conf {
	/* data_plane */
	uint32_t lcores; /* 0 = auto: as many as the process may use, at most 8 */
	uint32_t memory_mb;
	enum conf_idle idle;
	uint32_t drain_s; /* longest orderly end */
	/* messages */
	uint32_t small_messages;  /* buffers of 8 KiB */
	uint32_t medium_messages; /* buffers of 512 KiB */
	uint32_t large_messages;  /* buffers of 16 MiB */
	uint32_t pending_max;	  /* requests accepted and not yet finished */
	/* edge */
	char listen[CONF_TEXT_SIZE];	      /* "127.0.0.1:8079": users */
	char provider_listen[CONF_TEXT_SIZE]; /* "127.0.0.1:8078": providers */
	uint32_t connections_max;
	uint32_t header_bytes_max;
	uint32_t header_timeout_ms;
	uint32_t body_timeout_ms;
	uint32_t idle_timeout_ms;
	uint32_t retry_after_s;
	/* services: largest body, bytes */
	uint32_t transform_bytes_max;
	uint32_t send_command_bytes_max;
	uint32_t non_device_bytes_max;
	/* schema */
	enum conf_engine engine;
	enum conf_verification verification;
	uint32_t tables_max; /* keys that get a table, 152 KiB each */
	struct conf_schema schemas[CONF_SCHEMAS_MAX];
	uint32_t schema_count;
	/* signing */
	char signing_key[CONF_PATH_SIZE];
	char signing_certificate[CONF_PATH_SIZE];
	bool sign_acknowledgements;
	uint64_t dsp_eui; /* the DSP's own EUI-64, the target of non-device requests */
	/* south */
	uint32_t provider_connections_max; /* to each provider */
	uint32_t dispatch_timeout_ms;
	uint32_t dispatch_attempts_max;
	uint32_t window_attempts_max;
	uint32_t window_retry_ms;
	uint32_t transform_timeout_ms;
	uint32_t response_timeout_ms; /* device answer, then E21 */
	/* north */
	uint32_t user_connections_max; /* to each user's receive endpoint */
	uint32_t lane_items_max;       /* of one user and lane; a power of two */
	uint32_t delivery_timeout_ms;
	uint32_t delivery_backoff_ms; /* first wait after a failed delivery; doubles */
	uint32_t delivery_backoff_max_ms;
	/* replay */
	enum conf_replay_scope replay_scope;
	uint32_t replay_window; /* counters below the highest that may still come; a power of two */
	uint32_t replay_scopes_max;
	char replay_state[CONF_PATH_SIZE]; /* "": in memory alone */
	/* control */
	char control_socket[CONF_PATH_SIZE];
	uint32_t service_timeout_ms; /* 5.1 5.2 5.3 8.2 answered by control */
	char store[CONF_PATH_SIZE];  /* a folder */
	uint32_t store_mb_max;
	char registry_image[CONF_PATH_SIZE];
	char feed_listen[CONF_TEXT_SIZE]; /* "": off */
	uint32_t feed_keep_days;	  /* ids of messages that were applied */
	/* schedules */
	enum conf_removal schedule_removal;
	/* reference data, read by motorway-control alone */
	char users[CONF_PATH_SIZE];
	char devices[CONF_PATH_SIZE];
	char providers[CONF_PATH_SIZE];
	char registrations[CONF_PATH_SIZE];
	char appointments[CONF_PATH_SIZE];
	char access[CONF_PATH_SIZE];
	char service_codes[CONF_PATH_SIZE];  /* DUIS codes of 5.1 5.2 5.3 8.2 */
	char access_checks[CONF_PATH_SIZE];  /* checks of access control, with their codes */
	char alerts[CONF_PATH_SIZE];	     /* codes of DCC Alerts */
	char thresholds[CONF_PATH_SIZE];     /* of anomaly detection */
	char windows[CONF_PATH_SIZE];	     /* when providers are read */
	char trt[CONF_PATH_SIZE];	     /* Target Response Times */
	char window_history[CONF_PATH_SIZE]; /* folder */
	/* certificates of users; "" ends each list */
	char trust_anchors[CONF_TRUST_MAX]
			  [CONF_PATH_SIZE]; /* files or folders; none: not checked */
	char revocation_lists[CONF_TRUST_MAX][CONF_PATH_SIZE];
	bool check_certificate_dates;
	/* answers */
	struct conf_answer answers[CONF_REASONS_MAX];
	uint32_t answer_count;
};

/* Read and check the file. Returns 0 and fills *conf, or -EINVAL (errors in the file, each written
 * to `errors` as one line) or -errno (file not readable, also written). Start-up and reload only;
 * allocates while it runs. */
int conf_read(const char *path, struct conf *conf, FILE *errors);

/* Fill sources[0 .. conf->schema_count) of CONF_SCHEMAS_MAX, which point into `conf`, for
 * duis_schemas_create(): the gateway, and whoever explains what it decides, judge by the same ones.
 */
struct duis_schema_source;
void conf_schema_sources(const struct conf *conf, struct duis_schema_source *sources);

/* Print every key with type, unit, default, bounds and help (for --help-conf and the man page). */
void conf_describe(FILE *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables over the control socket, in chunks that fit into its commands (control/protocol.h).
 *
 *   import   {"command": C, "action": "import", "format": "csv" or "jsonl",
 *             "header": TEXT, "header_line": N,   (CSV) the line that names the columns
 *             "line": N, "text": LINES,           whole lines; line N of the file is the first
 *             "last": true,                       with the last chunk
 *             "check": true,                      look, and change nothing
 *             "import": TOKEN}                    what the reply to the chunk before gave, if any
 *   reply    {"ok": true, "rows": N, "written": N, "unchanged": N, "wrong": N, "faults": [{"line",
 *             "column", "rule"} ...]}             numbers of this chunk, or of the whole import;
 *            {"ok": true, "import": TOKEN}        kept until the last chunk comes
 *   export   {"command": C, "action": "export", "format": ..., "after": CURSOR}
 *   reply    {"ok": true, "text": LINES, "after": CURSOR}   without "after": that was all
 *
 * A command takes each chunk as a transaction of its own (table_chunk_read()), or all of an import
 * as one (table_stage()). In both cases nothing of a transaction with a wrong line is done.
 */
#ifndef CONTROL_TABLE_CHUNK_H
#define CONTROL_TABLE_CHUNK_H

#include <stdint.h>

#include <jansson.h>

#include "control/table_text.h"

#define TABLE_CHUNK_BYTES_MAX 24576u /* of lines, so that they fit as a JSON string */
#define TABLE_FAULTS_MAX 20	     /* told of a chunk or import; the others are counted */
#define TABLE_EXPORT_BYTES 262144u   /* of text; then an export's reply ends with a row */
#define TABLE_STAGES_MAX 4
#define TABLE_STAGE_BYTES_MAX (8u * 1024 * 1024)
#define TABLE_STAGE_IDLE_MS 30000 /* a stage whose next chunk does not come is given up */

/* What became of rows. */
struct table_outcome {
	uint64_t rows;
	uint64_t written;
	uint64_t unchanged;
	uint64_t wrong;
	json_t *faults; /* the first TABLE_FAULTS_MAX; NULL: none yet */
};

/* The chunk that a request brings. NULL and *source, which lives as long as the request; or what is
 * wrong with the request. */
const char *table_chunk_read(const json_t *request, struct table_source *source);

/* The format that a request names. Whether it does. */
bool table_chunk_format(const json_t *request, enum table_format *format);

void table_outcome_wrong(struct table_outcome *outcome, const struct table_fault *fault);

/* The reply that tells the outcome; takes its faults. NULL: memory is short. */
json_t *table_outcome_reply(struct table_outcome *outcome);

/* Imports whose chunks are being gathered. Zeroed: none. */
struct table_stage {
	uint64_t token; /* 0: not in use */
	int64_t since_ms;
	enum table_format format;
	char *header;
	uint32_t header_line;
	uint32_t first_line;
	uint32_t next_line;
	char *lines;
	size_t length;
	size_t room;
};

struct table_stages {
	struct table_stage stages[TABLE_STAGES_MAX];
	uint64_t last_token;
	uint64_t given_up; /* counter: left by their operators */
};

/* Take a chunk of an import that is to be done as a whole. NULL and *source when that was the last
 * one: the lines of all chunks, valid until the next call; else the reply. `now_ms` is monotonic.
 */
json_t *table_stage(struct table_stages *stages, const json_t *request, int64_t now_ms,
	struct table_source *source);

/* Free everything. */
void table_stages_free(struct table_stages *stages);

#endif

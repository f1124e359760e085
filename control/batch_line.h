/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of batches between two threads: one fills them, the other empties them, in the same order.
 * The batches themselves are an array of whoever uses the line; a batch belongs to one of the two
 * at a time. Who has nothing to do waits.
 */
#ifndef CONTROL_BATCH_LINE_H
#define CONTROL_BATCH_LINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct batch_line {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	unsigned batches;
	uint64_t filled;
	uint64_t emptied;
	bool stopped;
};

void batch_line_open(struct batch_line *line, unsigned batches);
void batch_line_close(struct batch_line *line);

/* The filling thread: the number of the next batch to fill, or -1 when the other one wants no more;
 * and hand it over. */
int batch_line_next_empty(struct batch_line *line);
void batch_line_fill(struct batch_line *line);

/* The emptying thread: the number of the next batch that is full; and give it back. It knows from
 * the batches which one is the last. With `stop` it takes no more. */
unsigned batch_line_next_full(struct batch_line *line);
void batch_line_empty(struct batch_line *line, bool stop);

#endif

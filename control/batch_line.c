/* SPDX-License-Identifier: Apache-2.0 */
#include "control/batch_line.h"

void batch_line_open(struct batch_line *line, unsigned batches)
{
	*line = (struct batch_line){.batches = batches};
	pthread_mutex_init(&line->lock, NULL);
	pthread_cond_init(&line->moved, NULL);
}

void batch_line_close(struct batch_line *line)
{
	pthread_cond_destroy(&line->moved);
	pthread_mutex_destroy(&line->lock);
}

int batch_line_next_empty(struct batch_line *line)
{
	int number = -1;

	pthread_mutex_lock(&line->lock);
	while (line->filled - line->emptied == line->batches && !line->stopped)
		pthread_cond_wait(&line->moved, &line->lock);
	if (!line->stopped)
		number = (int)(line->filled % line->batches);
	pthread_mutex_unlock(&line->lock);
	return number;
}

void batch_line_fill(struct batch_line *line)
{
	pthread_mutex_lock(&line->lock);
	line->filled++;
	pthread_cond_signal(&line->moved);
	pthread_mutex_unlock(&line->lock);
}

unsigned batch_line_next_full(struct batch_line *line)
{
	pthread_mutex_lock(&line->lock);
	while (line->filled == line->emptied)
		pthread_cond_wait(&line->moved, &line->lock);
	unsigned number = (unsigned)(line->emptied % line->batches);
	pthread_mutex_unlock(&line->lock);
	return number;
}

void batch_line_empty(struct batch_line *line, bool stop)
{
	pthread_mutex_lock(&line->lock);
	line->emptied++;
	line->stopped = stop;
	pthread_cond_signal(&line->moved);
	pthread_mutex_unlock(&line->lock);
}

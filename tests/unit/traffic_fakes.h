/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands around struct traffic in its tests: messages from malloc that are counted, and a
 * journal whose records become durable when the test says so. Include from one .c of a test only;
 * the definitions here take the place of message.c and journal_null.c.
 */
#ifndef TESTS_TRAFFIC_FAKES_H
#define TESTS_TRAFFIC_FAKES_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/journal.h"
#include "dataplane/message.h"
#include "dataplane/traffic.h"

static int messages_live;
static uint64_t fake_durable;
static bool fake_journal_holds; /* nothing becomes durable while set */

static struct message *fake_message(enum message_owner owner)
{
	struct message *message = calloc(1, sizeof(*message) + 64);
	message->owner = owner;
	message->buffer.capacity = 64;
	messages_live++;
	return message;
}

void message_free(struct message *message)
{
	if (!message)
		return;
	assert(message->owner != MESSAGE_FREE);
	message->owner = MESSAGE_FREE;
	messages_live--;
	free(message);
}

struct message *message_pass(
	struct message *message, enum message_owner from, enum message_owner to)
{
	if (message) {
		assert(message->owner == from);
		message->owner = to;
	}
	return message;
}

uint64_t journal_append(struct journal *journal, enum journal_record_type type,
	const struct mw_request_id *request_id, const struct message *message)
{
	(void)type;
	(void)request_id;
	assert(!message || message->owner == MESSAGE_TRAFFIC);
	return ++journal->appended;
}

uint64_t journal_durable(const struct journal *journal)
{
	if (!fake_journal_holds)
		fake_durable = journal->appended;
	return fake_durable;
}

#endif

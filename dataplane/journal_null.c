/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/journal.h"

uint64_t journal_append(struct journal *journal, enum journal_record_type type,
	const struct mw_request_id *request_id, const struct message *message)
{
	(void)type;
	(void)request_id;
	(void)message;
	return ++journal->appended;
}

uint64_t journal_durable(const struct journal *journal)
{
	return journal->appended;
}

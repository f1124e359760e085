/* SPDX-License-Identifier: Apache-2.0 */
#include "control/ledger.h"

#include <errno.h>

struct store_change *ledger_change(struct ledger *ledger)
{
	if (ledger->change == NULL)
		ledger->change = store_begin(ledger->store);
	return ledger->change;
}

int ledger_commit(struct ledger *ledger)
{
	uint64_t number;

	if (ledger->change == NULL)
		return 0;
	int result = store_commit(ledger->change, &number);
	ledger->change = NULL;
	if (result == 0)
		ledger->commits++;
	else
		ledger->failures++;
	return result;
}

void ledger_abandon(struct ledger *ledger)
{
	store_abandon(ledger->change);
	ledger->change = NULL;
}

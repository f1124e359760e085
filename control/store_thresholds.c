/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds of anomaly detection. Their key is the user (0: all users), the SRV in eight bytes
 * (zeros: all SRVs) and the period, so those of a user stand together. */
#include <errno.h>
#include <string.h>

#include "control/store_table.h"

#define KEY_BYTES (8 + MW_SRV_SIZE + 4)

static struct store_key threshold_key(const struct mw_control_threshold *threshold)
{
	struct store_key key = store_key_number(threshold->user);
	size_t length = strnlen(threshold->srv, MW_SRV_SIZE);

	memset(key.bytes + 8, 0, MW_SRV_SIZE);
	memcpy(key.bytes + 8, threshold->srv, length);
	for (int i = 0; i < 4; i++)
		key.bytes[8 + MW_SRV_SIZE + i] = (uint8_t)(threshold->period_s >> (24 - 8 * i));
	key.length = KEY_BYTES;
	return key;
}

static int read_threshold(struct store_change *change, struct store_key key, struct store_bytes row,
	struct store_threshold *threshold)
{
	if (key.length != KEY_BYTES || key.bytes[8 + MW_SRV_SIZE - 1] != 0 ||
		!store_row_read_threshold(row, threshold))
		return store_damaged(change, STORE_TABLE_THRESHOLD, key);
	const uint8_t *period = key.bytes + 8 + MW_SRV_SIZE;
	threshold->threshold.user = store_bytes_number(key.bytes);
	memcpy(threshold->threshold.srv, key.bytes + 8, MW_SRV_SIZE);
	threshold->threshold.period_s = (uint32_t)period[0] << 24 | (uint32_t)period[1] << 16 |
					(uint32_t)period[2] << 8 | period[3];
	return 0;
}

int store_threshold_get(struct store_change *change, struct store_threshold *threshold)
{
	struct store_key key = threshold_key(&threshold->threshold);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_THRESHOLD, key, &row);

	return result != 0 ? result : read_threshold(change, key, row, threshold);
}

int store_threshold_put(struct store_change *change, const struct store_threshold *threshold)
{
	const struct mw_control_threshold *terms = &threshold->threshold;
	struct store_key key = threshold_key(terms);
	struct store_user user;
	struct store_bytes old;
	uint8_t bytes[STORE_ROW_USER_MAX];
	struct store_bytes row = {bytes, store_row_write_threshold(threshold, bytes)};

	if (row.length == 0 || terms->period_s == 0 || terms->period_s > REFERENCE_PERIOD_S_MAX ||
		strnlen(terms->srv, MW_SRV_SIZE) == MW_SRV_SIZE)
		return -EINVAL;
	int result = terms->user != 0 ? store_user_get(change, terms->user, &user) : 0;
	if (result != 0)
		return result == -ENOENT ? -EINVAL : result;
	result = store_row_get(change, STORE_TABLE_THRESHOLD, key, &old);
	if (result != 0 && result != -ENOENT)
		return result;
	if (result == -ENOENT && !store_has_room(change))
		return -ENOSPC;
	result = store_row_put(change, STORE_TABLE_THRESHOLD, key, row);
	return result < 0 ? result : 0;
}

int store_threshold_remove(
	struct store_change *change, const struct mw_control_threshold *threshold)
{
	return store_row_remove(change, STORE_TABLE_THRESHOLD, threshold_key(threshold));
}

int store_threshold_next(struct store_change *change, struct store_threshold *threshold)
{
	struct store_key key = threshold_key(&threshold->threshold);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_THRESHOLD, &key, &row);

	if (result != 1)
		return result;
	result = read_threshold(change, key, row, threshold);
	return result != 0 ? result : 1;
}

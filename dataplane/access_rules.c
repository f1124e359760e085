/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/access_rules.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "motorway/registry_image.h"

#define VERSION_DECIMALS 6

uint32_t access_version(const char *text)
{
	uint32_t value = 0;
	size_t digits = 0;
	while (isspace((unsigned char)*text))
		text++;
	text += *text == '+';
	for (; isdigit((unsigned char)*text); text++, digits++) {
		value = value * 10 + (uint32_t)(*text - '0');
		if (value > 999)
			return 0;
	}
	int decimals = 0;
	if (*text == '.')
		for (text++; isdigit((unsigned char)*text); text++, digits++) {
			if (decimals < VERSION_DECIMALS) {
				value = value * 10 + (uint32_t)(*text - '0');
				decimals++;
			} else if (*text != '0') {
				return 0;
			}
		}
	while (isspace((unsigned char)*text))
		text++;
	for (; decimals < VERSION_DECIMALS; decimals++)
		value *= 10;
	return *text == '\0' && digits > 0 ? value : 0;
}

static bool text_ended(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* Sets from the wire: no bit beyond the enum, nor bit 0 of an enum that begins with 1. */
static bool set_valid(uint32_t set, unsigned first, unsigned end)
{
	return !(set >> end) && !(set & ((1u << first) - 1));
}

bool access_rule_valid(const struct mw_control_srv_rule *rule)
{
	return set_valid(rule->roles, 0, MW_ROLE_COUNT) &&
	       set_valid(rule->command_variants, 1, 9) &&
	       set_valid(rule->device_types, 1, MW_DEVICE_TYPE_COUNT) &&
	       set_valid(rule->device_statuses, 1, MW_DEVICE_STATUS_COUNT) &&
	       set_valid(rule->generations, 1, MW_GENERATION_SMETS2 + 1) &&
	       set_valid(rule->mdr_generations, 1, MW_GENERATION_SMETS2 + 1) &&
	       set_valid(rule->modes, 0, 5) && !(rule->uplift_modes & ~rule->modes) &&
	       rule->direction < MW_DIRECTION_COUNT;
}

static int read_order(struct access_rules *rules, const struct mw_control_access_checks *record)
{
	uint32_t seen = 0;
	for (unsigned i = 0; i < MW_ACCESS_CHECK_COUNT; i++) {
		const struct mw_control_access_check *check = &record->checks[i];
		if (check->check >= MW_ACCESS_CHECK_COUNT || seen & 1u << check->check ||
			check->code[0] == '\0' || !text_ended(check->code, sizeof(check->code)))
			return -EBADMSG;
		seen |= 1u << check->check;
		rules->order[i] = check->check;
		memcpy(rules->codes[check->check], check->code, sizeof(check->code));
	}
	return 0;
}

static int read_kinds(struct access_rules *rules, const struct mw_control_access_checks *record)
{
	for (unsigned role = 0; role < MW_ROLE_COUNT; role++) {
		uint16_t needed = record->role_entitlements[role];
		if (!set_valid(needed, 1, MW_ENTITLEMENT_COUNT))
			return -EBADMSG;
		if (!needed)
			rules->unregistered_roles |= 1u << role;
		for (unsigned direction = 0; direction < MW_DIRECTION_COUNT; direction++)
			rules->kinds[direction][role] =
				needed & record->direction_entitlements[direction];
	}
	return 0;
}

int access_rules_read(struct access_rules *rules, const struct mw_control_access_checks *record)
{
	memset(rules, 0, sizeof(*rules));
	struct access_rules made = {
		.count = MW_ACCESS_CHECK_COUNT,
		.uplift_roles = record->uplift_roles,
		.local_roles = record->local_roles,
		.unlinked_roles = record->unlinked_roles,
		.unlinked_types = record->unlinked_types,
		.unlinked_statuses = record->unlinked_statuses,
		.local_statuses = record->local_statuses,
		.local_variants = record->local_variants,
		.future_dated_variants = record->future_dated_variants,
	};
	if (!text_ended(record->uplift_version, sizeof(record->uplift_version)) ||
		!set_valid(made.uplift_roles, 0, MW_ROLE_COUNT) ||
		!set_valid(made.local_roles, 0, MW_ROLE_COUNT) ||
		!set_valid(made.unlinked_roles, 0, MW_ROLE_COUNT) ||
		!set_valid(made.unlinked_types, 1, MW_DEVICE_TYPE_COUNT) ||
		!set_valid(made.unlinked_statuses, 1, MW_DEVICE_STATUS_COUNT) ||
		!set_valid(made.local_statuses, 1, MW_DEVICE_STATUS_COUNT) ||
		!set_valid(made.local_variants, 1, 9) ||
		!set_valid(made.future_dated_variants, 1, 9))
		return -EBADMSG;
	made.uplift_version = access_version(record->uplift_version);
	if (!made.uplift_version || read_order(&made, record) < 0 || read_kinds(&made, record) < 0)
		return -EBADMSG;
	*rules = made;
	return 0;
}

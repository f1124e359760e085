/* SPDX-License-Identifier: Apache-2.0 */
/* trt.yaml: the shipped file says what FIA Table 3 says, every SRV has its times, and every kind of
 * error is told at its line and column. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/trt_conf.h"
#include "windows_fixture.h"

TestSuite(trt_conf, .init = windows_fixture_create, .fini = windows_fixture_destroy);

#define DAY 86400
#define S1 MW_GENERATION_SMETS1
#define S2 MW_GENERATION_SMETS2
#define NO TRT_NONE

static struct trt_conf *shipped(void)
{
	struct trt_conf *conf;

	cr_assert_eq(trt_conf_read(windows_fixture_shipped("trt.yaml"), windows_fixture_known(),
			     stderr, &conf),
		0);
	return conf;
}

/* FIA Table 3, copied by hand column by column: IS and ES, then MDR. */
Test(trt_conf, fia_table_3)
{
	static const struct {
		const char *srv;
		uint32_t s2_scheduled, s2_on_demand, s1_scheduled, s1_on_demand;
		uint32_t mdr_s2_scheduled, mdr_s2_on_demand, mdr_s1_scheduled, mdr_s1_on_demand;
	} table[] = {
		{"4.1.1", NO, 30, NO, 16, NO, DAY, NO, DAY},
		{"4.2", DAY, 30, DAY, 16, DAY, DAY, DAY, DAY},
		{"4.6.1", DAY, 30, DAY, 16, DAY, DAY, DAY, DAY},
		{"4.6.2", DAY, 30, NO, NO, DAY, DAY, NO, NO},
		{"4.8.1", DAY, 5600, DAY, 16, DAY, DAY, DAY, DAY},
		{"4.8.3", DAY, 30, DAY, 16, DAY, DAY, DAY, DAY},
		{"4.17", DAY, 30, NO, NO, DAY, DAY, NO, NO},
		{"5.1", NO, DAY, NO, DAY, NO, DAY, NO, DAY},
		{"5.2", NO, DAY, NO, DAY, NO, DAY, NO, DAY},
		{"5.3", NO, DAY, NO, DAY, NO, DAY, NO, DAY},
		{"8.2", NO, 30, NO, 30, NO, 30, NO, 30},
	};
	static const uint32_t suppliers[] = {MW_ROLE_IS, MW_ROLE_ES};
	struct trt_conf *conf = shipped();

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *srv = table[i].srv;
		enum mw_mode on_demand = srv[0] == '4' ? MW_MODE_ON_DEMAND : MW_MODE_DCC_ONLY;

		for (int k = 0; k < 2; k++) {
			uint32_t role = suppliers[k];

			cr_assert_eq(trt_seconds(conf, srv, role, S2, MW_MODE_SCHEDULED),
				table[i].s2_scheduled, "%s", srv);
			cr_assert_eq(trt_seconds(conf, srv, role, S2, on_demand),
				table[i].s2_on_demand, "%s", srv);
			cr_assert_eq(trt_seconds(conf, srv, role, S1, MW_MODE_SCHEDULED),
				table[i].s1_scheduled, "%s", srv);
			cr_assert_eq(trt_seconds(conf, srv, role, S1, on_demand),
				table[i].s1_on_demand, "%s", srv);
		}
		cr_assert_eq(trt_seconds(conf, srv, MW_ROLE_MDR, S2, MW_MODE_SCHEDULED),
			table[i].mdr_s2_scheduled, "%s", srv);
		cr_assert_eq(trt_seconds(conf, srv, MW_ROLE_MDR, S2, on_demand),
			table[i].mdr_s2_on_demand, "%s", srv);
		cr_assert_eq(trt_seconds(conf, srv, MW_ROLE_MDR, S1, MW_MODE_SCHEDULED),
			table[i].mdr_s1_scheduled, "%s", srv);
		cr_assert_eq(trt_seconds(conf, srv, MW_ROLE_MDR, S1, on_demand),
			table[i].mdr_s1_on_demand, "%s", srv);
		cr_assert_not(trt_times(conf, srv, MW_ROLE_IS, S2)->assumed, "%s", srv);
		cr_assert_not(trt_times(conf, srv, MW_ROLE_MDR, S1)->assumed, "%s", srv);
	}
	trt_conf_free(conf);
}

/* Each SRV of the matrix has a time for each mode that the matrix allows it, except where FIA Table
 * 3 says that there is no such request. */
Test(trt_conf, every_srv_has_its_times)
{
	struct trt_conf *conf = shipped();
	const struct reference *known = windows_fixture_known();
	unsigned assumed = 0;

	cr_assert_eq(known->rule_count, 129);
	for (size_t i = 0; i < known->rule_count; i++) {
		const struct mw_control_srv_rule *rule = &known->rules[i];
		static const enum mw_mode modes[] = {MW_MODE_ON_DEMAND, MW_MODE_FUTURE_DATED_DSP,
			MW_MODE_FUTURE_DATED_DEVICE, MW_MODE_SCHEDULED, MW_MODE_DCC_ONLY};

		for (uint32_t role = MW_ROLE_IS; role <= MW_ROLE_LC; role <<= 1) {
			for (int generation = 1; generation <= 2; generation++) {
				bool smets2_alone = strcmp(rule->srv, "4.6.2") == 0 ||
						    strcmp(rule->srv, "4.17") == 0;
				assumed += trt_times(
					conf, rule->srv, role, (enum mw_generation)generation)
						   ->assumed;
				for (int mode = 0; mode < 5; mode++) {
					uint32_t seconds = trt_seconds(conf, rule->srv, role,
						(enum mw_generation)generation, modes[mode]);

					if ((rule->modes & modes[mode]) == 0)
						continue;
					cr_assert_eq(seconds == TRT_NONE,
						smets2_alone && generation == 1,
						"%s, role %u, SMETS%d, mode %u", rule->srv, role,
						generation, modes[mode]);
					cr_assert_leq(seconds, DAY);
				}
			}
		}
	}
	cr_assert_gt(assumed, 0);
	trt_conf_free(conf);
}

Test(trt_conf, users_and_generations)
{
	struct trt_conf *conf = shipped();

	cr_assert_eq(trt_user_of(MW_ROLE_GS), TRT_SUPPLIER);
	cr_assert_eq(trt_user_of(MW_ROLE_MDR), TRT_MDR);
	cr_assert_eq(trt_user_of(MW_ROLE_OU), TRT_OTHER);
	cr_assert_eq(trt_user_of(MW_ROLE_ED), TRT_OTHER);
	cr_assert_eq(trt_user_of(MW_ROLE_LC), TRT_OTHER);
	/* No device: as SMETS2. */
	cr_assert_eq(trt_seconds(conf, "6.11", MW_ROLE_IS, 0, MW_MODE_ON_DEMAND), 30);
	cr_assert_eq(trt_seconds(conf, "6.11", MW_ROLE_IS, S1, MW_MODE_ON_DEMAND), 16);
	cr_assert(trt_times(conf, "6.11", MW_ROLE_IS, S1)->assumed);
	cr_assert_eq(trt_seconds(conf, "12.1", MW_ROLE_ED, S1, MW_MODE_DCC_ONLY), 30);
	cr_assert_eq(trt_seconds(conf, "4.8.1", MW_ROLE_OU, S2, MW_MODE_ON_DEMAND), 5600);
	cr_assert_eq(trt_seconds(conf, "4.8.1", MW_ROLE_IS, S2, MW_MODE_FUTURE_DATED_DSP), DAY);
	cr_assert_eq(trt_seconds(conf, "2.2", MW_ROLE_IS, S2, MW_MODE_ON_DEMAND), 30);
	trt_conf_free(conf);
}

#define TIMES "scheduled_s: 1, on_demand_s: 2, future_dated_s: 3, basis: confirmed}"
#define DEFAULTS                                                                                   \
	"defaults:\n  - {users: [supplier, mdr, other], generations: [SMETS1, SMETS2], " TIMES "\n"

Test(trt_conf, rows_and_defaults)
{
	struct trt_conf *conf;
	static const char text[] =
		DEFAULTS "rows:\n"
			 "  - {srvs: [4.2, 4.10], users: [mdr], generations: [SMETS1],\n"
			 "     scheduled_s: 2678400, on_demand_s: none, future_dated_s: 9,\n"
			 "     basis: assumed, note: why}\n";

	cr_assert_eq(trt_conf_read(windows_fixture_write("trt.yaml", text), windows_fixture_known(),
			     stderr, &conf),
		0);
	cr_assert_eq(trt_seconds(conf, "4.10", MW_ROLE_MDR, S1, MW_MODE_SCHEDULED), 2678400);
	cr_assert_eq(trt_seconds(conf, "4.2", MW_ROLE_MDR, S1, MW_MODE_ON_DEMAND), TRT_NONE);
	cr_assert_eq(trt_seconds(conf, "4.2", MW_ROLE_MDR, S1, MW_MODE_FUTURE_DATED_DSP), 9);
	cr_assert_eq(trt_seconds(conf, "4.2", MW_ROLE_MDR, S2, MW_MODE_FUTURE_DATED_DSP), 3);
	cr_assert_eq(trt_seconds(conf, "4.2", MW_ROLE_IS, S1, MW_MODE_SCHEDULED), 1);
	cr_assert_eq(trt_seconds(conf, "4.1.1", MW_ROLE_MDR, S1, MW_MODE_ON_DEMAND), 2);
	cr_assert_eq(trt_seconds(conf, "4.1.1", MW_ROLE_MDR, S1, MW_MODE_FUTURE_DATED_DEVICE), 2);
	trt_conf_free(conf);
}

#define ROW(start) DEFAULTS "rows:\n  - {" start ", " TIMES "\n"
#define PLAIN "srvs: [4.2], users: [mdr], generations: [SMETS1]"

/* '@' stands before what is wrong. */
static const struct {
	const char *text;
	const char *said;
} wrongs[] = {
	{"@", "empty"},
	{"@rows: []\n", "\"defaults\" is missing"},
	{"@" DEFAULTS, "\"rows\" is missing"},
	{DEFAULTS "rows: @5\n", "a list"},
	{"defaults:\n  @- {users: [supplier], generations: [SMETS1, SMETS2], " TIMES "\nrows: []\n",
		"mdr and SMETS1 have no default"},
	{DEFAULTS "  - @{users: [mdr], generations: [SMETS1], " TIMES "\nrows: []\n",
		"mdr and SMETS1 have their times in a row above"},
	{ROW("srvs: [@4.99], users: [mdr], generations: [SMETS1]"), "\"4.99\" is not an SRV"},
	{ROW("srvs: @[], users: [mdr], generations: [SMETS1]"), "one SRV at least"},
	{ROW("srvs: [4.2], users: @[], generations: [SMETS1]"), "one at least"},
	{ROW("srvs: [4.2], users: [mdr], generations: @[]"), "one at least"},
	{ROW("srvs: [4.2], users: [@all], generations: [SMETS1]"), "supplier, mdr, other"},
	{ROW("srvs: [4.2], users: [mdr], generations: [@SMETS3]"), "SMETS1, SMETS2"},
	{ROW("srvs: [4.2, @4.2], users: [mdr], generations: [SMETS1]"), "in a row above"},
	{ROW("@speed: 1, " PLAIN), "not known here"},
	{DEFAULTS "rows:\n  - {" PLAIN ", scheduled_s: @0, on_demand_s: 1, future_dated_s: 1, "
		  "basis: confirmed}\n",
		"from 1 to 2678400"},
	{DEFAULTS "rows:\n  - {" PLAIN
		  ", scheduled_s: @2678401, on_demand_s: 1, future_dated_s: 1, "
		  "basis: confirmed}\n",
		"from 1 to 2678400"},
	{DEFAULTS "rows:\n  - @{" PLAIN ", scheduled_s: 1, future_dated_s: 1, basis: confirmed}\n",
		"\"on_demand_s\" is missing"},
	{DEFAULTS "rows:\n  - {" PLAIN ", scheduled_s: 1, on_demand_s: 1, future_dated_s: 1, "
		  "basis: @assumed}\n",
		"\"note\" is missing"},
};

static int read_times(const char *path, FILE *errors)
{
	struct trt_conf *conf;
	int result = trt_conf_read(path, windows_fixture_known(), errors, &conf);

	trt_conf_free(conf);
	return result;
}

Test(trt_conf, errors_have_their_place)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++)
		windows_fixture_error(wrongs[i].text, wrongs[i].said, read_times);
}

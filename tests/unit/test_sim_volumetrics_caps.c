/* SPDX-License-Identifier: Apache-2.0 */
/* The caps that "motorway-sim volumetrics --caps" prints are a windows.yaml as motorway-control
 * reads it, with the caps and hours of the model. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/sim/volumetrics.h"
#include "bench/sim/volumetrics_read.h"
#include "control/windows_conf.h"

#define CONF TEST_ROOT "/conf/volumetrics.yaml"

static struct volumetrics_report report;
static struct demand demand;

/* Print the caps of the model into a file, and read it as motorway-control does. */
static struct windows_conf *print_and_read(const struct volumetrics *model)
{
	struct reference_provider providers[VOLUMETRICS_GATES];
	struct reference known = {.providers = providers, .provider_count = VOLUMETRICS_GATES};
	char path[] = "/tmp/mw-windows-XXXXXX";
	struct windows_conf *conf;
	int fd = mkstemp(path);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	cr_assert_not_null(file);
	memset(providers, 0, sizeof(providers));
	for (int i = 0; i < VOLUMETRICS_GATES; i++) {
		providers[i].id = (uint8_t)i;
		providers[i].kind = i <= VOLUMETRICS_CSP_SOUTH_CENTRAL ? MW_PROVIDER_CSP
				    : i == VOLUMETRICS_DCO	       ? MW_PROVIDER_DCO
								       : MW_PROVIDER_S1SP;
		snprintf(providers[i].name, sizeof(providers[i].name), "%s",
			volumetrics_providers[i]);
	}
	demand_make(&demand, model, model->numbers[VOLUMETRICS_METERS].value, 1);
	report.demand = &demand;
	demand_day(&demand, &report.day);
	volumetrics_print_caps(&report, file);
	fclose(file);
	int result = windows_conf_read(path, &known, stderr, &conf);
	unlink(path);
	cr_assert_eq(result, 0);
	return conf;
}

static void compare(const struct windows_conf *conf, unsigned gate, unsigned kind)
{
	const struct window_gate *found = windows_conf_gate(conf, volumetrics_providers[gate]);
	const struct demand_window *expected = &report.day.windows[gate][kind];

	cr_assert_not_null(found);
	cr_assert_eq(found->window_count, VOLUMETRICS_WINDOWS);
	const struct window_conf *window = &found->windows[kind];
	cr_expect_eq(window->kind, kind == VOLUMETRICS_PEAK ? MW_WINDOW_PEAK : MW_WINDOW_OFF_PEAK);
	cr_expect_eq(window->from_s, (int32_t)expected->from_s);
	cr_expect_eq(window->length_s, (int32_t)(expected->to_s - expected->from_s));
	cr_expect(window->assumed);
	cr_assert_eq(window->slot_count, expected->slot_count);
	for (uint32_t i = 0; i < expected->slot_count; i++) {
		uint32_t cap = expected->cap_tps[i];

		cr_expect_eq(window->slots[i].cap_tps,
			cap < MW_WINDOW_CAP_TPS_MAX ? cap : MW_WINDOW_CAP_TPS_MAX);
	}
}

static void compare_all(const struct volumetrics *model)
{
	struct windows_conf *conf = print_and_read(model);
	const struct window_gate *behind = windows_conf_gate(conf, "s1sp-1");

	cr_expect_eq(conf->gate_count, VOLUMETRICS_GATES);
	cr_expect_eq(conf->total_cap_tps[MW_WINDOW_PEAK], 0);
	cr_expect_eq(conf->total_cap_tps[MW_WINDOW_OFF_PEAK],
		model->numbers[VOLUMETRICS_OFF_PEAK_TPS].value);
	cr_expect_eq(behind->series, windows_conf_gate(conf, "dco")->gate);
	for (unsigned gate = 0; gate < VOLUMETRICS_GATES; gate++)
		for (unsigned kind = 0; kind < VOLUMETRICS_WINDOWS; kind++)
			compare(conf, gate, kind);
	windows_conf_free(conf);
}

Test(volumetrics_caps, are_a_windows_file)
{
	static struct volumetrics model;

	cr_assert_eq(volumetrics_read(CONF, &model, stderr), 0);
	compare_all(&model);
	/* Caps that are more than windows.yaml allows, and windows with nothing to do. */
	model.numbers[VOLUMETRICS_LOADING_PERCENT].value = 1000;
	model.numbers[VOLUMETRICS_PLACEMENT].value = VOLUMETRICS_BY_USER;
	compare_all(&model);
	model.numbers[VOLUMETRICS_PLACEMENT].value = VOLUMETRICS_ALL_OFF_PEAK;
	compare_all(&model);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/eal.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "dataplane/limits.h"

#define ARGUMENTS_MAX 64

struct argument_list {
	int count;
	char *arguments[ARGUMENTS_MAX];
};

static void add(struct argument_list *list, const char *argument)
{
	/* rte_eal_init() takes char ** and permutes it, but does not write into the texts. */
	if (list->count < ARGUMENTS_MAX - 1)
		list->arguments[list->count++] = (char *)(uintptr_t)argument;
}

static bool matches(const char *argument, const char *name)
{
	size_t length = strlen(name);
	if (strncmp(argument, name, length) != 0)
		return false;
	return name[1] != '-' || argument[length] == '\0' || argument[length] == '=';
}

/* Did the operator give one of these options (`names` ends with NULL)? A short one may have its
 * value attached ("-l0"), a long one behind "=". */
static bool given(const struct eal_setup *setup, const char *const *names)
{
	for (int i = 0; i < setup->argument_count; i++)
		for (int n = 0; names[n]; n++)
			if (matches(setup->arguments[i], names[n]))
				return true;
	return false;
}

/* Can `memory_mb` be had in huge pages by this user now? Asking the kernel for them is the only
 * sure way: it knows permissions, cgroups and what is free. */
static bool huge_pages_available(uint32_t memory_mb)
{
	size_t bytes = (size_t)memory_mb << 20;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	munmap(memory, bytes);
	return true;
}

/* The first `wanted` CPUs that the process may use, as a list for `-l`. Returns their number. */
static uint32_t cpu_list(uint32_t wanted, char *text, size_t size)
{
	cpu_set_t set;
	uint32_t count = 0;
	size_t used = 0;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE && count < wanted && used < size; cpu++)
		if (CPU_ISSET(cpu, &set))
			used += (size_t)snprintf(
				text + used, size - used, "%s%d", count++ ? "," : "", cpu);
	return count;
}

int eal_start(const struct eal_setup *setup)
{
	static const char *const core_options[] = {"-l", "-c", "--lcores", NULL};
	static const char *const memory_options[] = {"-m", "--socket-mem", "--no-huge",
		"--in-memory", "--huge-dir", "--legacy-mem", NULL};
	struct argument_list list = {0};
	char cores[128] = "";
	char memory[16];

	add(&list, "motorway");
	add(&list, "--no-pci");
	add(&list, "--no-telemetry");
	add(&list, "--log-level=*:error");
	if (!given(setup, core_options)) {
		uint32_t wanted = setup->lcores ? setup->lcores : LCORES_MAX;
		uint32_t count = cpu_list(wanted, cores, sizeof(cores));
		if (setup->lcores && count < wanted)
			fprintf(stderr, "motorway: %u lcores wanted, %u cores may be used\n",
				wanted, count);
		add(&list, "-l");
		add(&list, cores);
	}
	if (!given(setup, memory_options)) {
		snprintf(memory, sizeof(memory), "%u", setup->memory_mb);
		if (!huge_pages_available(setup->memory_mb)) {
			fprintf(stderr,
				"motorway: no %u MB of huge pages free: running on ordinary pages "
				"(--no-huge)\n",
				setup->memory_mb);
			add(&list, "--no-huge");
			/* No files shared with other processes; --in-memory says the same for huge
			 * pages, but does not go with ordinary ones. */
			add(&list, "--no-shconf");
		} else {
			add(&list, "--in-memory");
		}
		add(&list, "-m");
		add(&list, memory);
	}
	for (int i = 0; i < setup->argument_count; i++)
		add(&list, setup->arguments[i]);
	if (rte_eal_init(list.count, list.arguments) >= 0)
		return 0;
	int error = rte_errno ? rte_errno : EINVAL;
	fprintf(stderr, "motorway: DPDK cannot start: %s\n", rte_strerror(error));
	return -error;
}

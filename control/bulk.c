/* SPDX-License-Identifier: Apache-2.0 */
#include "control/bulk_load.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

const char *bulk_table_name(enum bulk_table table)
{
	static const char *const names[] = {"devices", "registrations", "appointments"};
	return names[table];
}

static int open_file(struct bulk_load *load, enum bulk_table table)
{
	const struct bulk_options *options = load->options;
	struct bulk_file *file = &load->files[table];
	struct csv_fault fault;
	int count;
	const struct csv_column *columns = bulk_columns(table, &count);

	file->table = table;
	file->load = load;
	if (options->paths[table] == NULL)
		return 0;
	int result = csv_open(&file->csv, options->paths[table], columns, count, &fault);
	if (result != 0 && options->errors != NULL && fault.rule != NULL)
		fprintf(options->errors, "%s:1:%u: %s\n", options->paths[table], fault.column,
			fault.rule);
	else if (result != 0 && options->errors != NULL)
		fprintf(options->errors, "%s: %s\n", options->paths[table], strerror(-result));
	if (result != 0)
		return result;
	file->given = true;
	if (options->errors != NULL)
		file->shown_stream = open_memstream(&file->shown, &file->shown_bytes);
	if (table != BULK_DEVICES)
		file->participants = calloc(1, sizeof(*file->participants));
	return table != BULK_DEVICES && file->participants == NULL ? -ENOMEM : 0;
}

static void *read_devices(void *file)
{
	bulk_read(file);
	return NULL;
}

/* Devices on a thread of their own, the other two files on this one. */
static int read_files(struct bulk_load *load)
{
	struct bulk_file *files = load->files;
	pthread_t thread;
	bool started = false;

	if (files[BULK_DEVICES].given) {
		/* No line of a device is shorter than 32 bytes, and none gives more than three. */
		int result = fact_list_reserve(
			&load->links, files[BULK_DEVICES].csv.length / 32 * STORE_LINKS_MAX + 3);

		if (result != 0)
			return result;
		started = pthread_create(&thread, NULL, read_devices, &files[BULK_DEVICES]) == 0;
		if (!started)
			bulk_read(&files[BULK_DEVICES]);
	}
	for (int table = BULK_REGISTRATIONS; table < BULK_TABLES; table++)
		if (files[table].given)
			bulk_read(&files[table]);
	if (started)
		pthread_join(thread, NULL);
	for (int table = 0; table < BULK_TABLES; table++)
		if (files[table].failed != 0)
			return files[table].failed;
	return files[BULK_DEVICES].given ? bulk_check_devices(load) : 0;
}

/* Give every participant of a file its organisation. */
static int find_organisations(struct bulk_load *load, struct bulk_participants *participants)
{
	for (uint32_t i = 1; participants != NULL && i <= participants->count; i++) {
		struct store_organisation organisation = {0};
		int result = store_organisation_find(
			load->change, participants->mpids[i], &organisation);

		if (result == -ENOENT) {
			memcpy(organisation.mpid, participants->mpids[i], STORE_MPID_SIZE);
			memcpy(organisation.name, participants->mpids[i], STORE_MPID_SIZE);
			result = store_organisation_put(load->change, &organisation);
			load->rows += 2;
		}
		if (result != 0)
			return result;
		participants->organisations[i] = organisation.number;
	}
	return 0;
}

static uint64_t count_wrong(const struct bulk_load *load)
{
	return load->files[0].wrong_count + load->files[1].wrong_count + load->files[2].wrong_count;
}

static int compare_lines(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

static void write_line(FILE *out, const struct bulk_file *file, uint32_t number)
{
	struct csv_line line = csv_line_at(&file->csv, csv_line_offset(&file->csv, number));

	fwrite(line.text, 1, line.length, out);
	fputc('\n', out);
}

/* Write the wrong lines of a file to the folder for them. */
static int set_aside(const struct bulk_load *load, struct bulk_file *file)
{
	char path[1024];

	if (file->wrong_count == 0)
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s.%s", load->options->set_aside,
		    bulk_table_name(file->table),
		    file->csv.is_json ? "jsonl" : "csv") >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(load->options->set_aside, 0750) != 0 && errno != EEXIST)
		return -errno;
	FILE *out = fopen(path, "w");
	if (out == NULL)
		return -errno;
	qsort(file->wrong, file->wrong_count, sizeof(*file->wrong), compare_lines);
	if (!file->csv.is_json)
		write_line(out, file, 1);
	for (size_t i = 0; i < file->wrong_count; i++)
		if (i == 0 || file->wrong[i] != file->wrong[i - 1])
			write_line(out, file, file->wrong[i]);
	int result = ferror(out) ? -EIO : 0;
	return fclose(out) != 0 ? -EIO : result;
}

static int write_tables(struct bulk_load *load)
{
	bool strict = load->options->set_aside == NULL;
	int result = 0;

	if (strict && count_wrong(load) > 0)
		return -EINVAL;
	for (int table = 0; table < BULK_TABLES && result == 0; table++)
		result = find_organisations(load, load->files[table].participants);
	if (result == 0)
		result = bulk_keep(load);
	if (result == 0)
		result = bulk_write_devices(load);
	if (result == 0)
		result = bulk_write_mpxns(load);
	result = bulk_write_indexes(load, result);
	if (result == 0)
		result = bulk_put_back(load);
	bulk_forget(load);
	if (result == 0 && strict && count_wrong(load) > 0)
		result = -EINVAL;
	for (int table = 0; table < BULK_TABLES && result == 0; table++)
		result = set_aside(load, &load->files[table]);
	return result;
}

static void report(struct bulk_load *load, struct bulk_result *result)
{
	for (int table = 0; table < BULK_TABLES; table++) {
		struct bulk_file *file = &load->files[table];

		result->lines[table] = file->lines;
		result->wrong[table] = file->wrong_count;
		result->repeated[table] = file->repeated;
		if (file->shown_stream != NULL) {
			fclose(file->shown_stream);
			fwrite(file->shown, 1, file->shown_bytes, load->options->errors);
			free(file->shown);
		}
		if (file->wrong_count > load->options->shown_max && load->options->errors != NULL)
			fprintf(load->options->errors, "%s: %zu wrong lines in all\n",
				file->csv.path, file->wrong_count);
		if (file->given)
			csv_close(&file->csv);
		fact_list_free(&file->facts);
		free(file->participants);
		free(file->extras);
		free(file->wrong);
	}
	result->rows = load->rows;
	fact_list_free(&load->links);
}

static int given_files(const struct bulk_load *load)
{
	return load->files[0].given + load->files[1].given + load->files[2].given;
}

int bulk_load(struct store *store, const struct bulk_options *options, struct bulk_result *result)
{
	struct bulk_load *load = calloc(1, sizeof(*load));
	int status = 0;

	*result = (struct bulk_result){0};
	if (load == NULL)
		return -ENOMEM;
	load->options = options;
	load->store = store;
	load->change = store_begin(store);
	if (load->change == NULL) {
		status = -errno;
		free(load);
		return status;
	}
	status = bulk_providers_read(load->change, &load->providers);
	for (int table = 0; table < BULK_TABLES && status == 0; table++)
		status = open_file(load, table);
	bool is_marked = status == 0 && given_files(load) > 0;
	if (is_marked)
		status = bulk_mark(load);
	if (status == 0)
		status = read_files(load);
	if (status == 0)
		status = write_tables(load);
	if (status == 0)
		status = store_commit(load->change, &result->change);
	else
		store_abandon(load->change);
	if (status == 0 && store->options.without_sync)
		status = store_sync(store);
	if (is_marked)
		bulk_unmark(store);
	report(load, result);
	free(load);
	return status;
}

int bulk_check(const struct bulk_options *options, struct bulk_result *result)
{
	struct bulk_load *load = calloc(1, sizeof(*load));
	int status = 0;

	assert(options->paths[BULK_DEVICES] == NULL);
	*result = (struct bulk_result){0};
	if (load == NULL)
		return -ENOMEM;
	load->options = options;
	for (int table = 0; table < BULK_TABLES && status == 0; table++)
		status = open_file(load, table);
	if (status == 0)
		status = read_files(load);
	/* Any numbers will do for the participants, as long as they are different. */
	for (int table = 0; table < BULK_TABLES && status == 0; table++)
		for (uint32_t i = 1;
			load->files[table].given && i <= load->files[table].participants->count;
			i++)
			load->files[table].participants->organisations[i] = i;
	if (status == 0)
		bulk_check_mpxns(load);
	if (status == 0 && count_wrong(load) > 0)
		status = -EINVAL;
	report(load, result);
	free(load);
	return status;
}

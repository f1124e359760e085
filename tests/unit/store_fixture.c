/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char folder[64];

void store_folder_create(void)
{
	snprintf(folder, sizeof(folder), "/tmp/motorway-store-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(const char *path)
{
	DIR *open_folder = opendir(path);
	struct dirent *entry;
	char inner[512];

	while (open_folder != NULL && (entry = readdir(open_folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		if (unlink(inner) != 0)
			remove_folder(inner);
	}
	if (open_folder != NULL)
		closedir(open_folder);
	rmdir(path);
}

void store_folder_destroy(void)
{
	remove_folder(folder);
}

const char *store_path(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

struct store *store_test_open(uint64_t bytes_max)
{
	struct store_options options = {
		.path = store_path("store"), .bytes_max = bytes_max, .without_sync = true};
	char reason[256] = "";
	struct store *store = store_open(&options, reason, sizeof(reason));

	cr_assert_not_null(store, "%s", reason);
	return store;
}

uint64_t store_test_commit(struct store_change *change)
{
	uint64_t number = 0;

	cr_assert_eq(store_commit(change, &number), 0);
	return number;
}

uint32_t store_test_organisation(struct store_change *change, const char *mpid)
{
	struct store_organisation organisation = {0};

	snprintf(organisation.mpid, sizeof(organisation.mpid), "%s", mpid);
	snprintf(organisation.name, sizeof(organisation.name), "name of %s", mpid);
	cr_assert_eq(store_organisation_put(change, &organisation), 0);
	return organisation.number;
}

void store_test_provider(struct store_change *change, uint32_t id, const char *name)
{
	struct store_provider provider = {.provider = {.id = id, .kind = MW_PROVIDER_CSP}};

	snprintf(provider.provider.name, sizeof(provider.provider.name), "%s", name);
	snprintf(provider.provider.url, sizeof(provider.provider.url), "http://127.0.0.1/%s", name);
	cr_assert_eq(store_provider_put(change, &provider), 0);
}

struct store_device store_test_device(uint64_t device_id, const char *import_mpxn)
{
	struct store_device device = {.device = {.device_id = device_id}};

	device.device.generation = MW_GENERATION_SMETS2;
	device.device.provider_id = 1;
	snprintf(device.device.provider, sizeof(device.device.provider), "csp");
	snprintf(device.device.type, sizeof(device.device.type), "ESME");
	snprintf(device.device.status, sizeof(device.device.status), "Commissioned");
	if (import_mpxn != NULL)
		snprintf(device.device.import_mpxn, sizeof(device.device.import_mpxn), "%s",
			import_mpxn);
	return device;
}

const char *store_test_file(const char *name, const char *text)
{
	const char *path = store_path(name);
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(text, 1, strlen(text), file), strlen(text));
	fclose(file);
	return path;
}

char *store_test_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t length = 0;

	cr_assert_not_null(file, "%s: %s", path, strerror(errno));
	if (getdelim(&text, &length, '\0', file) < 0) {
		free(text);
		text = calloc(1, 1);
	}
	fclose(file);
	return text;
}

uint64_t store_test_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

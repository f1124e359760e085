/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/sim/random.h"
#include "bench/sim/shuffle.h"

#define TODAY_DAY 20780 /* 2026-11-23: what "future" means in the files */
#define BUFFER_BYTES (1u << 20)
#define LINE_BYTES_MAX 512
#define SLOTS 12 /* possible rows of registrations and of appointments a device */

/* ---- a device, from its number ---- */

struct premises_device {
	uint64_t index;
	uint64_t premises;
	uint64_t dice; /* of this device */
	bool gas;
	bool smets1;
	bool twin;
	bool has_export;
};

static struct premises_device device_at(uint64_t index, uint64_t seed)
{
	struct premises_device device = {.index = index, .dice = random_mix(seed, index)};
	uint64_t slot = index % 20;

	device.gas = slot >= 11;
	device.premises = index / 20 * 11 + (device.gas ? slot - 11 : slot);
	uint64_t home = random_mix(seed ^ 0x486f6d65, device.premises);
	device.smets1 = home % 100 < 45;
	device.twin = !device.gas && home / 100 % 50 == 0;
	device.has_export = !device.gas && home / 5000 % 10 == 0;
	return device;
}

uint64_t sim_registry_device_id(uint64_t index, uint64_t seed)
{
	static const uint32_t makers[] = {
		0x00db12, 0x00a1c4, 0x001b22, 0x0840f3, 0x5cd61f, 0x70b3d5};
	uint64_t maker = makers[(seed ^ index * 7) % (sizeof(makers) / sizeof(makers[0]))];
	uint64_t mask = (1ull << 40) - 1;
	/* Odd factors and shifted exclusive-ors turn each number into another one of 40 bits. */
	uint64_t serial = (index + 1) * 0x9e3779b97fu & mask;

	serial ^= serial >> 19;
	serial = serial * 0xbf58476d1dull & mask;
	serial ^= serial >> 21;
	return maker << 40 | serial;
}

/* ---- numbers ---- */

static uint64_t check_digit(uint64_t twelve_digits)
{
	static const uint64_t primes[] = {43, 41, 37, 31, 29, 23, 19, 17, 13, 7, 5, 3};
	uint64_t sum = 0;

	for (int i = 0; i < 12; i++, twelve_digits /= 10)
		sum += twelve_digits % 10 * primes[i];
	return sum % 11 % 10;
}

/* An MPAN: distributor 10 to 23, a unique number of ten digits, and the check digit. `which` is 0
 * import, 1 secondary import, 2 export. */
static uint64_t mpan(uint64_t premises, unsigned which)
{
	uint64_t unique = (premises * 4 + which) * 3141592653u % 10000000000u;
	uint64_t distributor = 10 + premises % 14;
	uint64_t twelve_digits = distributor * 10000000000u + unique;

	return twelve_digits * 10 + check_digit(twelve_digits);
}

/* An MPRN of ten digits. */
static uint64_t mprn(uint64_t premises)
{
	return 1000000000u + premises * 2718281829u % 9000000000u;
}

/* ---- text ---- */

struct output {
	int fd;
	char *bytes;
	size_t length;
	uint64_t lines;
	int failed;
};

static int output_open(struct output *output, const char *folder, const char *name)
{
	char path[1024];

	*output = (struct output){.fd = -1};
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	output->bytes = malloc(BUFFER_BYTES);
	if (output->bytes == NULL)
		return -ENOMEM;
	output->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (output->fd >= 0)
		return 0;
	int error = errno;
	free(output->bytes);
	return -error;
}

static void output_flush(struct output *output)
{
	for (size_t at = 0; at < output->length && output->failed == 0;) {
		ssize_t written = write(output->fd, output->bytes + at, output->length - at);

		if (written < 0)
			output->failed = -errno;
		else
			at += (size_t)written;
	}
	output->length = 0;
}

static int output_close(struct output *output)
{
	output_flush(output);
	free(output->bytes);
	if (close(output->fd) != 0 && output->failed == 0)
		output->failed = -errno;
	return output->failed;
}

static void put_text(struct output *output, const char *text)
{
	size_t length = strlen(text);

	memcpy(output->bytes + output->length, text, length);
	output->length += length;
}

static void put_byte(struct output *output, char byte)
{
	output->bytes[output->length++] = byte;
}

static void put_number(struct output *output, uint64_t number, unsigned digits)
{
	char text[24];
	unsigned length = 0;

	for (; number > 0 || length < digits; number /= 10)
		text[length++] = (char)('0' + number % 10);
	while (length > 0)
		put_byte(output, text[--length]);
}

static void put_eui(struct output *output, uint64_t eui)
{
	for (int byte = 7; byte >= 0; byte--) {
		put_byte(output, "0123456789ABCDEF"[eui >> (8 * byte + 4) & 15]);
		put_byte(output, "0123456789ABCDEF"[eui >> 8 * byte & 15]);
		if (byte > 0)
			put_byte(output, '-');
	}
}

/* A day since 1970 as a date; the days of the files are of 2000 to 2099, where every fourth year is
 * a leap year. */
static void put_date(struct output *output, int32_t day)
{
	static const int starts[] = {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366};
	int32_t since = day - 10957; /* 2000-01-01 */
	int32_t four = since / 1461;
	int32_t rest = since % 1461;
	int32_t year = rest < 366 ? 0 : 1 + (rest - 366) / 365;
	int32_t of_year = year == 0 ? rest : (rest - 366) % 365;
	int month = 1;

	if (year != 0 && of_year >= 59)
		of_year++; /* the table is of a leap year */
	while (of_year >= starts[month])
		month++;
	put_number(output, (uint64_t)(2000 + 4 * four + year), 4);
	put_byte(output, '-');
	put_number(output, (uint64_t)month, 2);
	put_byte(output, '-');
	put_number(output, (uint64_t)(of_year - starts[month - 1] + 1), 2);
}

static void end_line(struct output *output)
{
	put_byte(output, '\n');
	output->lines++;
	if (output->length > BUFFER_BYTES - LINE_BYTES_MAX)
		output_flush(output);
}

/* ---- devices ---- */

static void put_post_code(struct output *output, uint64_t premises, uint64_t seed)
{
	static const char *const areas[] = {"M", "B", "L", "LS", "NE", "BS", "CF", "EH", "G", "AB",
		"NR", "PL", "SO", "YO", "CB", "OX", "DN", "IP", "SE", "SW"};
	uint64_t code = random_mix(seed ^ 0x506f7374, premises / 15); /* 15 premises share one */

	put_text(output, areas[code % 20]);
	put_number(output, 1 + code / 20 % 40, 1);
	put_byte(output, ' ');
	put_number(output, code / 800 % 10, 1);
	put_byte(output, "ABDEFGHJLNPQRSTUWXYZ"[code / 8000 % 20]);
	put_byte(output, "ABDEFGHJLNPQRSTUWXYZ"[code / 160000 % 20]);
}

static const char *provider_of(const struct premises_device *device)
{
	static const char *const smets1[] = {"s1sp-1", "s1sp-2", "s1sp-3"};

	if (device->smets1)
		return smets1[device->premises % 3];
	return device->premises % 14 < 5 ? "csp-north" : "csp-south-central";
}

static void put_mpxns(struct output *output, const struct premises_device *device)
{
	put_number(output, device->gas ? mprn(device->premises) : mpan(device->premises, 0), 10);
	put_byte(output, ',');
	if (device->twin)
		put_number(output, mpan(device->premises, 1), 13);
	put_byte(output, ',');
	if (device->has_export)
		put_number(output, mpan(device->premises, 2), 13);
}

static void write_device(struct output *output, const struct premises_device *device, uint64_t seed)
{
	static const char *const makers[] = {"Severn", "Tyne", "Clyde", "Avon", "Mersey"};
	static const char *const states[] = {
		"InstalledNotCommissioned", "Pending", "Suspended", "Decommissioned"};
	uint64_t dice = device->dice;

	put_eui(output, sim_registry_device_id(device->index, seed));
	put_text(output, device->gas ? ",GSME," : ",ESME,");
	put_text(output, device->smets1 ? "SMETS1," : "SMETS2,");
	put_text(output, provider_of(device));
	put_byte(output, ',');
	put_text(output, makers[dice % 5]);
	put_text(output, device->gas ? ",G-" : ",E-");
	put_number(output, 100 + dice / 5 % 40, 3);
	put_byte(output, ',');
	put_text(output, dice / 200 % 100 < 94 ? "Commissioned" : states[dice / 200 % 4]);
	put_text(output, device->smets1 ? ",SMETS1 V1.2," : ",SMETS2 V5.1,");
	put_number(output, 1 + dice / 20000 % 30, 8);
	put_text(output, ",Active,");
	put_date(output, 16500 + (int32_t)(dice / 600000 % 4000));
	put_byte(output, ',');
	put_mpxns(output, device);
	put_byte(output, ',');
	if (!device->gas)
		put_text(output, device->twin ? "B" : "A");
	put_byte(output, ',');
	put_number(output, 100000000000u + device->premises, 12);
	put_byte(output, ',');
	put_post_code(output, device->premises, seed);
	put_byte(output, ',');
	put_number(output, 1 + device->premises % 15 * 2, 1);
	put_text(output, device->smets1		     ? ",SMETS1"
			 : device->premises % 14 < 5 ? ",North"
						     : ",South");
	end_line(output);
}

/* ---- registrations and appointments ---- */

static void put_mpid(struct output *output, char kind, uint64_t number)
{
	put_byte(output, kind);
	put_byte(output, (char)('A' + number % 26));
	put_byte(output, (char)('A' + number / 26 % 26));
	put_byte(output, 'X');
}

/* One MPxN of a device: 0 import or gas, 1 secondary import, 2 export. 0: it has none such. */
static uint64_t number_of(const struct premises_device *device, unsigned which)
{
	if (device->gas)
		return which == 0 ? mprn(device->premises) : 0;
	if ((which == 1 && !device->twin) || (which == 2 && !device->has_export))
		return 0;
	return mpan(device->premises, which);
}

struct history {
	uint64_t number;
	uint64_t dice;
	int32_t start_day;  /* of the first registration */
	int32_t change_day; /* of the supplier, or of the MDR; 0: there is none */
};

/* `what` tells registrations and appointments apart. */
static struct history history_of(
	const struct premises_device *device, unsigned which, uint64_t seed, uint64_t what)
{
	struct history history = {.number = number_of(device, which)};

	history.dice = random_mix(seed ^ what, device->premises * 8 + which * 2 + device->gas);
	history.start_day = 14000 + (int32_t)(history.dice % 4000);
	return history;
}

static void put_registration(struct output *output, uint64_t number, const char *kind,
	uint64_t participant, int32_t from_day)
{
	put_number(output, number, 1);
	put_text(output, kind);
	put_mpid(output, kind[1] == 'n' ? 'N' : 'S', participant);
	put_byte(output, ',');
	put_date(output, from_day);
	end_line(output);
}

/* Slots: of three MPxNs network, first supplier, second supplier. */
static void write_registration(
	struct output *output, const struct premises_device *device, unsigned slot, uint64_t seed)
{
	if (slot >= 9)
		return;
	struct history history = history_of(device, slot / 3, seed, 0x526567);
	uint64_t dice = history.dice / 4000;

	if (history.number == 0)
		return;
	if (slot % 3 == 0)
		put_registration(output, history.number, ",network,",
			device->premises % 14 + (device->gas ? 30 : 0), history.start_day);
	else if (slot % 3 == 1)
		put_registration(
			output, history.number, ",supplier,", dice % 40, history.start_day);
	else if (dice / 40 % 7 == 0)
		/* Most of them in the past, some still to come. */
		put_registration(output, history.number, ",supplier,", (dice + 1) % 40,
			history.start_day + 1000 + (int32_t)(dice / 280 % 3200));
}

static void put_appointment(struct output *output, uint64_t number, const char *role, char kind,
	uint64_t participant, const int32_t days[2])
{
	put_number(output, number, 1);
	put_text(output, role);
	put_mpid(output, kind, participant);
	put_byte(output, ',');
	put_date(output, days[0]);
	put_byte(output, ',');
	if (days[1] != 0)
		put_date(output, days[1]);
	end_line(output);
}

/* Slots: of three MPxNs first MDR, second MDR, third, agent. Gas has agents only. */
static void write_appointment(
	struct output *output, const struct premises_device *device, unsigned slot, uint64_t seed)
{
	struct history history = history_of(device, slot / 4, seed, 0x417070);
	struct history supply = history_of(device, slot / 4, seed, 0x526567);
	uint64_t dice = history.dice / 4000;
	int32_t first_day = 19800 + (int32_t)(history.dice % 900); /* from 2024-03-18 on */
	int32_t past_day = dice % 12 == 0 ? first_day + 40 : 0;
	int32_t next_day = dice / 12 % 33 == 0 ? TODAY_DAY + 3 + (int32_t)(dice / 400 % 60) : 0;
	uint64_t retriever = dice / 24000 % 12;

	if (history.number == 0)
		return;
	if (slot % 4 == 3 && dice / 1000 % 40 == 0)
		put_appointment(output, history.number, ",SNA,", 'A', dice / 24000 % 8,
			(int32_t[]){first_day, 0});
	if (slot % 4 == 3 || device->gas)
		return;
	if (slot % 4 == 0 && dice / 1000 % 20 == 1)
		put_appointment(output, history.number, ",supplier,", 'S', supply.dice / 4000 % 40,
			(int32_t[]){first_day, past_day});
	else if (slot % 4 == 0)
		put_appointment(output, history.number, ",MDR,", 'R', retriever,
			(int32_t[]){first_day, past_day});
	else if (slot % 4 == 1 && past_day != 0)
		put_appointment(output, history.number, ",MDR,", 'R', (retriever + 1) % 12,
			(int32_t[]){past_day, 0});
	else if (slot % 4 == 2 && next_day != 0)
		put_appointment(output, history.number, ",MDR,", 'R', (retriever + 2) % 12,
			(int32_t[]){next_day, 0});
}

/* ---- files ---- */

static int write_devices(uint64_t devices, uint64_t seed, const char *folder, uint64_t *lines)
{
	struct output output;
	struct shuffle shuffle;
	int result = output_open(&output, folder, "devices.csv");

	if (result != 0)
		return result;
	shuffle_make(&shuffle, devices, seed);
	put_text(&output,
		"device_id,type,generation,provider,manufacturer,model,status,smets_version,"
		"firmware_version,firmware_version_status,date_commissioned,import_mpxn,"
		"secondary_import_mpan,export_mpan,esme_variant,uprn,post_code,"
		"address_identifier,csp_region\n");
	for (uint64_t i = 0; i < devices && output.failed == 0; i++) {
		struct premises_device device = device_at(shuffle_at(&shuffle, i), seed);

		write_device(&output, &device, seed);
	}
	*lines = output.lines;
	return output_close(&output);
}

static int write_events(
	uint64_t devices, uint64_t seed, const char *folder, bool appointments, uint64_t *lines)
{
	struct output output;
	struct shuffle shuffle;
	int result = output_open(
		&output, folder, appointments ? "appointments.csv" : "registrations.csv");

	if (result != 0)
		return result;
	shuffle_make(&shuffle, devices * SLOTS, seed + (appointments ? 2 : 1));
	put_text(&output, appointments ? "mpxn,role,mpid,efd,etd\n" : "mpxn,kind,mpid,from\n");
	for (uint64_t i = 0; i < devices * SLOTS && output.failed == 0; i++) {
		uint64_t place = shuffle_at(&shuffle, i);
		struct premises_device device = device_at(place / SLOTS, seed);
		unsigned slot = (unsigned)(place % SLOTS);

		if (appointments)
			write_appointment(&output, &device, slot, seed);
		else
			write_registration(&output, &device, slot, seed);
	}
	*lines = output.lines;
	return output_close(&output);
}

int sim_registry_write(
	uint64_t devices, uint64_t seed, const char *out, struct sim_registry_counts *counts)
{
	if (devices == 0 || devices > SIM_REGISTRY_DEVICES_MAX)
		return -EINVAL;
	if (mkdir(out, 0755) != 0 && errno != EEXIST)
		return -errno;
	int result = write_devices(devices, seed, out, &counts->devices);
	if (result == 0)
		result = write_events(devices, seed, out, false, &counts->registrations);
	if (result == 0)
		result = write_events(devices, seed, out, true, &counts->appointments);
	return result;
}

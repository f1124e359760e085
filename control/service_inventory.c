/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 8.2 Read Inventory: the devices that fit a DeviceID, an MPxN, a UPRN or a postcode with an
 * address identifier, as DSPInventory. An answer holds at most 17 devices (XSD); when more fit, the
 * question is refused rather than cut without a word.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/service.h"
#include "dataplane/duis/identifier.h"

#define INVENTORY_DEVICES_MAX 17
#define CANDIDATES_MAX 2048 /* devices of a postcode; a large one has a hundred addresses */

/* What is asked for; exactly one of the four is set. */
struct question {
	bool by_device_id;
	uint64_t device_id;
	char mpxn[32];
	char uprn[32];
	bool by_address;
	char post_code[32];
	char address_identifier[64];
};

static bool fold_equal(const char *left, const char *right)
{
	for (;;) {
		while (isspace((unsigned char)*left))
			left++;
		while (isspace((unsigned char)*right))
			right++;
		if (tolower((unsigned char)*left) != tolower((unsigned char)*right))
			return false;
		if (*left == '\0')
			return true;
		left++;
		right++;
	}
}

static const char *skip_zeros(const char *digits)
{
	digits += *digits == '+';
	while (*digits == '0' && digits[1] != '\0')
		digits++;
	return digits;
}

static enum service_reason read_question(const xmlNode *body, struct question *question)
{
	int result = service_eui(body, "DeviceID", &question->device_id);

	question->by_device_id = result == 0;
	if (result != -ENOENT)
		return result == 0 ? SERVICE_DONE : SERVICE_NOT_UNDERSTOOD;
	result = xml_value(xml_child(body, "MPxN"), question->mpxn, sizeof(question->mpxn));
	if (result != -ENOENT)
		return result == 0 ? SERVICE_DONE : SERVICE_NOT_UNDERSTOOD;
	result = xml_value(xml_child(body, "UPRN"), question->uprn, sizeof(question->uprn));
	if (result != -ENOENT)
		return result == 0 ? SERVICE_DONE : SERVICE_NOT_UNDERSTOOD;
	const xmlNode *filter = xml_child(body, "PropertyFilter");
	if (filter == NULL ||
		xml_value(xml_child(filter, "PostCode"), question->post_code,
			sizeof(question->post_code)) != 0 ||
		xml_value(xml_child(filter, "AddressIdentifier"), question->address_identifier,
			sizeof(question->address_identifier)) != 0)
		return SERVICE_NOT_UNDERSTOOD;
	question->by_address = true;
	return SERVICE_DONE;
}

static bool fits(const struct question *question, const struct reference_device *device)
{
	if (question->mpxn[0] != '\0')
		return strcmp(device->import_mpxn, question->mpxn) == 0 ||
		       strcmp(device->secondary_import_mpan, question->mpxn) == 0 ||
		       strcmp(device->export_mpan, question->mpxn) == 0;
	if (question->uprn[0] != '\0')
		return device->uprn[0] != '\0' &&
		       strcmp(skip_zeros(device->uprn), skip_zeros(question->uprn)) == 0;
	/* An empty identifier asks for the whole postcode. */
	return question->by_address && device->post_code[0] != '\0' &&
	       fold_equal(device->post_code, question->post_code) &&
	       (question->address_identifier[0] == '\0' ||
		       fold_equal(device->address_identifier, question->address_identifier));
}

static void optional(struct xml_text *text, const char *name, const char *value)
{
	if (value[0] != '\0')
		xml_text_element(text, name, value);
}

/* The elements of the XSD type Device in their order; what is not known is left out. */
static void write_device(struct xml_text *text, const struct reference_device *device)
{
	char eui[DUIS_EUI_TEXT_SIZE];

	duis_eui_format(device->device_id, eui);
	xml_text_open(text, "Device");
	xml_text_element(text, "DeviceID", eui);
	xml_text_element(text, "DeviceType", device->type);
	optional(text, "DeviceStatus", device->status);
	xml_text_element(text, "DeviceManufacturer", device->manufacturer);
	xml_text_element(text, "DeviceModel", device->model);
	optional(text, "SMETSCHTSVersion", device->smets_version);
	optional(text, "DeviceFirmwareVersion", device->firmware_version);
	optional(text, "DeviceFirmwareVersionStatus", device->firmware_version_status);
	optional(text, "CPLStatus", device->cpl_status);
	optional(text, "DateCommissioned", device->date_commissioned);
	optional(text, "ImportMPxN", device->import_mpxn);
	optional(text, "SecondaryImportMPAN", device->secondary_import_mpan);
	optional(text, "ExportMPAN", device->export_mpan);
	optional(text, "ESMEVariant", device->esme_variant);
	optional(text, "UPRN", device->uprn);
	if (device->post_code[0] != '\0') {
		xml_text_open(text, "PropertyFilter");
		xml_text_element(text, "PostCode", device->post_code);
		xml_text_element(text, "AddressIdentifier", device->address_identifier);
		xml_text_close(text, "PropertyFilter");
	}
	optional(text, "CSPRegion", device->csp_region);
	optional(text, "DeviceGBCSVersion", device->gbcs_version);
	optional(text, "HANVariant", device->han_variant);
	optional(text, "S1SP", device->s1sp);
	xml_text_close(text, "Device");
}

/* The number of an MPxN or UPRN; false: nothing has such a number. */
static bool parse_number(const char *digits, size_t digits_max, uint64_t *number)
{
	digits = skip_zeros(digits);
	if (*digits == '\0' || strlen(digits) > digits_max ||
		strspn(digits, "0123456789") != strlen(digits))
		return false;
	*number = strtoull(digits, NULL, 10);
	return *number != 0;
}

/* The devices that may fit: at most CANDIDATES_MAX ids. Returns how many there are. */
static size_t find_candidates(
	struct store_change *snapshot, const struct question *question, uint64_t *ids)
{
	uint64_t number;

	if (question->by_device_id) {
		ids[0] = question->device_id;
		return 1;
	}
	if (question->by_address)
		return store_devices_by_post_code(
			snapshot, question->post_code, ids, CANDIDATES_MAX);
	if (question->mpxn[0] != '\0')
		return parse_number(question->mpxn, 13, &number)
			       ? store_devices_by_mpxn(snapshot, number, ids, CANDIDATES_MAX)
			       : 0;
	return parse_number(question->uprn, 12, &number)
		       ? store_devices_by_uprn(snapshot, number, ids, CANDIDATES_MAX)
		       : 0;
}

/* Look at the candidates and write those that fit. */
static enum service_reason write_devices(
	struct store_change *snapshot, const struct question *question, struct xml_text *answer)
{
	uint64_t ids[CANDIDATES_MAX];
	size_t candidates = find_candidates(snapshot, question, ids);
	struct store_device row;
	size_t count = 0;

	if (candidates > CANDIDATES_MAX)
		return SERVICE_INVENTORY_TOO_MANY;
	for (size_t i = 0; i < candidates; i++) {
		if (store_device_get(snapshot, ids[i], &row) != 0 ||
			!(question->by_device_id || fits(question, &row.device)))
			continue;
		if (count++ == INVENTORY_DEVICES_MAX)
			return SERVICE_INVENTORY_TOO_MANY;
		if (count == 1)
			xml_text_open(answer, "DSPInventory");
		write_device(answer, &row.device);
	}
	if (store_change_fault(snapshot)[0] != '\0')
		return SERVICE_SCHEDULE_CAPACITY;
	if (count == 0)
		return SERVICE_INVENTORY_NOTHING;
	xml_text_close(answer, "DSPInventory");
	return SERVICE_DONE;
}

enum service_reason service_read_inventory(struct services *services,
	const struct service_request *request, const xmlNode *body, struct xml_text *answer)
{
	struct question question = {0};
	enum service_reason reason = read_question(body, &question);

	(void)request;
	if (reason != SERVICE_DONE)
		return reason;
	struct store_change *snapshot = store_snapshot(services->store);
	if (snapshot == NULL)
		return SERVICE_SCHEDULE_CAPACITY;
	reason = write_devices(snapshot, &question, answer);
	store_abandon(snapshot);
	return reason;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What each check looked at, in words: for the operator who asks why a request was refused. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dataplane/access_state.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define INSTANT_SIZE 32

struct words {
	const char *const *names;
	unsigned first; /* number of names[0] */
	unsigned count;
};

#define WORDS(name, from, ...)                                                                     \
	static const char *const name##_names[] = {__VA_ARGS__};                                   \
	static const struct words name = {name##_names, from, COUNT(name##_names)}

WORDS(role_words, 0, "IS", "ES", "GS", "RSA", "ED", "GT", "OU", "MDR", "LC");
WORDS(variant_words, 1, "1", "2", "3", "4", "5", "6", "7", "8", "9");
WORDS(mode_words, 0, "on-demand", "future-dated-dsp", "future-dated-device", "scheduled",
	"dcc-only");
WORDS(generation_words, 1, "SMETS1", "SMETS2");
WORDS(type_words, 1, "ESME", "GSME", "GPF", "CHF", "HCALCS", "PPMID", "IHD", "CAD");
WORDS(status_words, 1, "Pending", "Whitelisted", "InstalledNotCommissioned", "Commissioned",
	"Decommissioned", "Withdrawn", "Suspended", "Recovery", "Recovered");
WORDS(kind_words, 1, "import-supplier", "export-supplier", "gas-supplier", "distributor",
	"transporter", "mdr-import", "mdr-export", "agent-import", "agent-export", "agent-gas");

/* Text under construction; what does not fit is cut off. */
struct text {
	char *at;
	size_t left;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text->at, text->left, format, arguments);
	va_end(arguments);
	size_t written = length < 0 ? 0 : (size_t)length;
	if (written >= text->left)
		written = text->left - 1;
	text->at += written;
	text->left -= written;
}

static void add_number(struct text *text, const struct words *words, unsigned number)
{
	if (number - words->first < words->count)
		add(text, "%s", words->names[number - words->first]);
	else
		add(text, "%u", number);
}

static void add_set(struct text *text, const struct words *words, uint32_t set)
{
	const char *between = "";
	for (unsigned i = 0; i < words->count; i++)
		if (set & 1u << (words->first + i)) {
			add(text, "%s%s", between, words->names[i]);
			between = " ";
		}
	if (between[0] == '\0')
		add(text, "none");
}

/* Texts of the request are XML tokens, but that is for another part to guarantee. */
static void add_foreign(struct text *text, const char *foreign)
{
	for (; *foreign; foreign++)
		add(text, "%c", *foreign > 0x20 && *foreign < 0x7f ? *foreign : '?');
}

static void add_instant(struct text *text, int64_t instant_s)
{
	time_t seconds = (time_t)instant_s;
	struct tm utc;
	char instant[INSTANT_SIZE];
	if (gmtime_r(&seconds, &utc) &&
		strftime(instant, sizeof(instant), "%Y-%m-%dT%H:%M:%SZ", &utc))
		add(text, "%s", instant);
	else
		add(text, "%" PRId64 " s", instant_s);
}

static void describe_srv(const struct access_case *access, struct text *text)
{
	const struct duis_document *document = access->request->document;
	add(text, "header ");
	add_foreign(text, document->service_reference_variant);
	add(text, " of ");
	add_foreign(text, document->service_reference);
	add(text, ", body ");
	add_foreign(text, document->body_element);
	if (!access->srv)
		add(text, "; there is no such SRV");
	else if (access->variant & ACCESS_VARIANTS_SIGNED_PRE_COMMAND)
		add(text, "; expected %s and SignedPreCommand", access->srv->service_reference);
	else
		add(text, "; expected %s and %s", access->srv->service_reference,
			access->srv->body_element);
}

static void describe_mode(const struct access_case *access, struct text *text)
{
	add(text, "asked: ");
	add(text, "%s",
		access->modes & MW_MODE_SCHEDULED	   ? "scheduled"
		: access->modes & MW_MODE_FUTURE_DATED_DSP ? "future dated"
							   : "at once");
	add(text, "; the SRV allows ");
	add_set(text, &mode_words, access->srv->modes);
	if (access->modes & MW_MODE_FUTURE_DATED_DSP) {
		add(text, "; future dated with command variant ");
		add_set(text, &variant_words, access->rules->future_dated_variants);
	}
}

static void describe_version(const struct access_case *access, struct text *text)
{
	uint32_t version = access->request->version;
	uint32_t uplift = access->rules->uplift_version;
	add(text, "version %u.%06u; from %u.%06u on: roles ", version / 1000000, version % 1000000,
		uplift / 1000000, uplift % 1000000);
	add_set(text, &role_words, access->rules->uplift_roles);
	add(text, ", modes ");
	add_set(text, &mode_words, access->srv->uplift_modes);
}

/* The user's own entries, as many as fit. */
static void add_entries(const struct access_case *access, struct text *text)
{
	const struct registry_image_device *device = access->device;
	uint32_t organisation = access->request->user->organisation;
	unsigned own = 0;
	for (uint16_t i = 0; i < device->entry_count; i++) {
		const struct mw_registry_entry *entry = &device->entries[i];
		if ((entry->party & MW_REGISTRY_ORGANISATION_MAX) != organisation)
			continue;
		add(text, "%s", own++ ? ", " : "");
		add_number(text, &kind_words, entry->party >> 24);
		add(text, " ");
		add_instant(text, entry->from_s);
		add(text, "..");
		if (entry->to_s != MW_REGISTRY_OPEN_END)
			add_instant(text, entry->to_s);
	}
	add(text, "%s", own ? "" : "nothing");
}

static void describe_entitlement(const struct access_case *access, struct text *text)
{
	uint32_t kinds = 0;
	for (unsigned role = 0; role < MW_ROLE_COUNT; role++)
		if (access->roles & 1u << role)
			kinds |= access_kinds(access, role);
	add(text, "asked: ");
	add_instant(text, access->start_s);
	if (access->end_s != access->start_s) {
		add(text, "..");
		add_instant(text, access->end_s);
	}
	add(text, "; needed: ");
	add_set(text, &kind_words, kinds);
	if (access->uncovered_s != INT64_MIN && access->uncovered_s < access->end_s) {
		add(text, "; not beyond ");
		add_instant(text, access->uncovered_s);
	}
	add(text, "; organisation %u has ", access->request->user->organisation);
	add_entries(access, text);
	if (access->device->entry_count == 0) {
		add(text, "; nobody is registered: open to ");
		add_set(text, &role_words, access_unlinked_roles(access));
	}
}

static void describe_local(const struct access_case *access, struct text *text)
{
	add(text, "command variant %u; roles ", access->request->document->command_variant);
	add_set(text, &role_words, access->rules->local_roles);
	add(text, ", statuses ");
	add_set(text, &status_words, access->rules->local_statuses);
}

/* What of the request's sender and form was looked at. */
static void describe_request(
	const struct access_case *access, enum mw_access_check check, struct text *text)
{
	const struct access_request *request = access->request;
	switch (check) {
	case MW_ACCESS_USER_ROLE:
		add(text, "roles ");
		add_set(text, &role_words, request->user->roles);
		break;
	case MW_ACCESS_USER_SUSPENDED:
		add(text, "the user is %s", request->user->active ? "active" : "suspended");
		break;
	case MW_ACCESS_SRV_MISMATCH:
		describe_srv(access, text);
		break;
	case MW_ACCESS_COMMAND_VARIANT:
		add(text, "command variant %u; the SRV allows ",
			request->document->command_variant);
		add_set(text, &variant_words, access->srv->command_variants);
		break;
	case MW_ACCESS_SERVICE:
		add(text, "command variant %u; service %c", request->document->command_variant,
			"TSD"[request->service]);
		break;
	case MW_ACCESS_ROLE_NOT_PERMITTED:
		add(text, "roles left ");
		add_set(text, &role_words, access->roles);
		add(text, "; the SRV allows ");
		add_set(text, &role_words, access->srv->roles);
		break;
	case MW_ACCESS_MODE:
		describe_mode(access, text);
		break;
	default:
		describe_version(access, text);
	}
}

static void describe_device(
	const struct access_case *access, enum mw_access_check check, struct text *text)
{
	const struct access_request *request = access->request;
	switch (check) {
	case MW_ACCESS_TARGET:
		add(text, "target %016" PRIx64 "; the DSP is %016" PRIx64,
			request->document->request_id.target, request->dsp_eui);
		break;
	case MW_ACCESS_DEVICE_UNKNOWN:
		add(text, "device %016" PRIx64 " %s", request->document->request_id.target,
			access->device	       ? "is in the inventory"
			: request->device_busy ? "is being changed"
					       : "is not in the inventory");
		break;
	case MW_ACCESS_NOT_ENTITLED:
		describe_entitlement(access, text);
		break;
	case MW_ACCESS_DEVICE_STATUS:
		add_number(text, &status_words, access->device->status);
		add(text, "; the SRV allows ");
		add_set(text, &status_words, access->srv->device_statuses);
		break;
	case MW_ACCESS_DEVICE_TYPE:
		add_number(text, &type_words, access->device->type);
		add(text, "; the SRV allows ");
		add_set(text, &type_words, access->srv->device_types);
		break;
	case MW_ACCESS_GENERATION:
		add_number(text, &generation_words, access->device->generation);
		add(text, "; the SRV allows ");
		add_set(text, &generation_words, access->srv->generations);
		add(text, ", to MDR ");
		add_set(text, &generation_words, access->srv->mdr_generations);
		break;
	default:
		describe_local(access, text);
	}
}

void access_describe(const struct access_case *access, enum mw_access_check check, char *data)
{
	struct text text = {data, ACCESS_DATA_SIZE};
	data[0] = '\0';
	if (!access_check_applies(access, check))
		add(&text, "not about such a request");
	else if (check < MW_ACCESS_TARGET)
		describe_request(access, check, &text);
	else
		describe_device(access, check, &text);
}

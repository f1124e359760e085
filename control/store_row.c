/* SPDX-License-Identifier: Apache-2.0 */
#include "control/store_row.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "control/calendar.h"
#include "control/store_bytes.h"
#include "motorway/registry_image.h"

static struct bytes_writer begin_row(uint8_t *out, size_t room)
{
	struct bytes_writer writer = {.at = out, .end = out + room};

	write_number(&writer, STORE_ROW_VERSION, 1);
	return writer;
}

static size_t end_row(const struct bytes_writer *writer, const uint8_t *out)
{
	return writer->wrong ? 0 : (size_t)(writer->at - out);
}

static struct bytes_reader open_row(struct store_bytes row)
{
	struct bytes_reader reader = {.at = row.bytes, .end = row.bytes + row.length};

	if (read_number(&reader, 1) != STORE_ROW_VERSION)
		reader.wrong = true;
	return reader;
}

static void write_origin(struct bytes_writer *writer, unsigned origin)
{
	if (origin > STORE_ORIGIN_FEED)
		writer->wrong = true;
	write_number(writer, origin, 1);
}

size_t store_row_write_state(const struct store_state *state, uint8_t *out)
{
	struct bytes_writer writer = begin_row(out, STORE_ROW_STATE_BYTES);

	write_number(&writer, state->format, 4);
	write_number(&writer, state->organisations, 4);
	write_number(&writer, state->id, 8);
	write_number(&writer, state->change, 8);
	write_number(&writer, state->log_floor, 8);
	write_number(&writer, state->log_length, 8);
	return end_row(&writer, out);
}

bool store_row_read_state(struct store_bytes row, struct store_state *state)
{
	struct bytes_reader reader = open_row(row);

	state->format = (uint32_t)read_number(&reader, 4);
	state->organisations = (uint32_t)read_bounded(&reader, 4, MW_REGISTRY_ORGANISATION_MAX);
	state->id = read_number(&reader, 8);
	state->change = read_number(&reader, 8);
	state->log_floor = read_bounded(&reader, 8, state->change);
	state->log_length = read_number(&reader, 8);
	return read_whole(&reader);
}

size_t store_row_write_organisation(const struct store_organisation *organisation, uint8_t *out)
{
	struct bytes_writer writer = begin_row(out, STORE_ROW_USER_MAX);

	write_origin(&writer, organisation->origin);
	write_text(&writer, organisation->mpid, sizeof(organisation->mpid));
	write_text(&writer, organisation->name, sizeof(organisation->name));
	return end_row(&writer, out);
}

bool store_row_read_organisation(struct store_bytes row, struct store_organisation *organisation)
{
	struct bytes_reader reader = open_row(row);

	organisation->origin = (uint8_t)read_bounded(&reader, 1, STORE_ORIGIN_FEED);
	read_text(&reader, organisation->mpid, sizeof(organisation->mpid));
	read_text(&reader, organisation->name, sizeof(organisation->name));
	return read_whole(&reader);
}

size_t store_row_write_user(const struct store_user *user, uint8_t *out)
{
	struct bytes_writer writer = begin_row(out, STORE_ROW_USER_MAX);

	write_origin(&writer, user->origin);
	write_number(&writer, user->organisation, 4);
	write_number(&writer, user->user.roles, 4);
	write_number(&writer, user->user.active, 1);
	write_text(&writer, user->user.name, sizeof(user->user.name));
	write_text(&writer, user->user.callback_url, sizeof(user->user.callback_url));
	write_text(&writer, user->user.duis_version, sizeof(user->user.duis_version));
	return end_row(&writer, out);
}

bool store_row_read_user(struct store_bytes row, struct store_user *user)
{
	struct bytes_reader reader = open_row(row);

	memset(user, 0, sizeof(*user));
	user->origin = (uint8_t)read_bounded(&reader, 1, STORE_ORIGIN_FEED);
	user->organisation = (uint32_t)read_bounded(&reader, 4, MW_REGISTRY_ORGANISATION_MAX);
	user->user.roles = (uint32_t)read_number(&reader, 4);
	user->user.active = read_bounded(&reader, 1, 1) != 0;
	read_text(&reader, user->user.name, sizeof(user->user.name));
	read_text(&reader, user->user.callback_url, sizeof(user->user.callback_url));
	read_text(&reader, user->user.duis_version, sizeof(user->user.duis_version));
	user->user.organisation = user->organisation;
	return read_whole(&reader);
}

size_t store_row_write_certificate(const struct store_certificate *certificate, uint8_t *out)
{
	struct bytes_writer writer = begin_row(out, STORE_ROW_CERTIFICATE_MAX);

	if (certificate->der_length == 0 || certificate->der_length > MW_CERTIFICATE_DER_MAX)
		return 0;
	write_origin(&writer, certificate->origin);
	write_number(&writer, certificate->withdrawn, 1);
	write_number(&writer, certificate->eui, 8);
	write_number(&writer, certificate->der_length, 4);
	write_bytes(&writer, certificate->der, certificate->der_length);
	return end_row(&writer, out);
}

bool store_row_read_certificate(struct store_bytes row, struct store_certificate *certificate)
{
	struct bytes_reader reader = open_row(row);

	certificate->origin = (uint8_t)read_bounded(&reader, 1, STORE_ORIGIN_FEED);
	certificate->withdrawn = read_bounded(&reader, 1, 1) != 0;
	certificate->eui = read_number(&reader, 8);
	certificate->der_length = (uint32_t)read_bounded(&reader, 4, MW_CERTIFICATE_DER_MAX);
	const uint8_t *der = read_bytes(&reader, certificate->der_length);
	if (der != NULL)
		memcpy(certificate->der, der, certificate->der_length);
	return read_whole(&reader);
}

size_t store_row_write_provider(const struct store_provider *provider, uint8_t *out)
{
	struct bytes_writer writer = begin_row(out, STORE_ROW_USER_MAX);

	if (provider->provider.kind < MW_PROVIDER_CSP ||
		provider->provider.kind > MW_PROVIDER_TRANSFORM)
		return 0;
	write_origin(&writer, provider->origin);
	write_number(&writer, (uint64_t)provider->provider.kind, 1);
	write_text(&writer, provider->provider.name, sizeof(provider->provider.name));
	write_text(&writer, provider->provider.url, sizeof(provider->provider.url));
	return end_row(&writer, out);
}

bool store_row_read_provider(struct store_bytes row, struct store_provider *provider)
{
	struct bytes_reader reader = open_row(row);

	memset(provider, 0, sizeof(*provider));
	provider->origin = (uint8_t)read_bounded(&reader, 1, STORE_ORIGIN_FEED);
	provider->provider.kind = (int)read_bounded(&reader, 1, MW_PROVIDER_TRANSFORM);
	if (provider->provider.kind < MW_PROVIDER_CSP)
		reader.wrong = true;
	read_text(&reader, provider->provider.name, sizeof(provider->provider.name));
	read_text(&reader, provider->provider.url, sizeof(provider->provider.url));
	return read_whole(&reader);
}

size_t store_row_write_threshold(const struct store_threshold *threshold, uint8_t *out)
{
	struct bytes_writer writer = begin_row(out, STORE_ROW_USER_MAX);

	write_origin(&writer, threshold->origin);
	write_number(&writer, threshold->threshold.limit, 4);
	return end_row(&writer, out);
}

bool store_row_read_threshold(struct store_bytes row, struct store_threshold *threshold)
{
	struct bytes_reader reader = open_row(row);

	memset(threshold, 0, sizeof(*threshold));
	threshold->origin = (uint8_t)read_bounded(&reader, 1, STORE_ORIGIN_FEED);
	threshold->threshold.limit = (uint32_t)read_number(&reader, 4);
	return read_whole(&reader);
}

/* An MPxN's events in one order, so that what is known, and not how it came to be known, makes the
 * row. */
static int compare_events(const struct mpxn_event *a, const struct mpxn_event *b)
{
	if (a->from_day != b->from_day)
		return a->from_day < b->from_day ? -1 : 1;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	if (a->organisation != b->organisation)
		return a->organisation < b->organisation ? -1 : 1;
	if (a->supplier != b->supplier)
		return a->supplier < b->supplier ? -1 : 1;
	if (a->to_day != b->to_day)
		return a->to_day < b->to_day ? -1 : 1;
	if (a->created_ms != b->created_ms)
		return a->created_ms < b->created_ms ? -1 : 1;
	return a->message < b->message ? -1 : a->message > b->message;
}

static void order_events(const struct mpxn *mpxn, const struct mpxn_event **order)
{
	for (unsigned i = 0; i < mpxn->event_count; i++) {
		unsigned at = i;

		for (; at > 0 && compare_events(&mpxn->events[i], order[at - 1]) < 0; at--)
			order[at] = order[at - 1];
		order[at] = &mpxn->events[i];
	}
}

#define EVENT_HAS_END 0x20u
#define EVENT_HAS_SENDER 0x40u
#define EVENT_HAS_SUPPLIER 0x80u
#define EVENT_TYPE_BITS 0x07u
#define EVENT_ROLE_SHIFT 3

static uint64_t fold_sign(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static int64_t unfold_sign(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static void write_event(struct bytes_writer *writer, const struct mpxn_event *event)
{
	bool has_end = event->to_day != MPXN_OPEN_DAY;
	bool has_sender = event->created_ms != 0 || event->message != 0;

	if (event->type < MPXN_SUPPLIER || event->type > MPXN_END ||
		event->role > MPXN_ROLE_SUPPLIER ||
		event->organisation > MW_REGISTRY_ORGANISATION_MAX ||
		event->supplier > MW_REGISTRY_ORGANISATION_MAX)
		writer->wrong = true;
	write_number(writer,
		event->type | (unsigned)event->role << EVENT_ROLE_SHIFT |
			(has_end ? EVENT_HAS_END : 0) | (has_sender ? EVENT_HAS_SENDER : 0) |
			(event->supplier != 0 ? EVENT_HAS_SUPPLIER : 0),
		1);
	write_varying(writer, event->organisation);
	if (event->supplier != 0)
		write_varying(writer, event->supplier);
	write_varying(writer, fold_sign(event->from_day));
	if (has_end)
		write_varying(writer, fold_sign(event->to_day));
	if (has_sender) {
		write_varying(writer, event->created_ms);
		write_number(writer, event->message, 8);
	}
}

static int32_t read_day(struct bytes_reader *reader)
{
	int64_t day = unfold_sign(read_varying(reader));

	if (day < INT32_MIN || day > INT32_MAX)
		reader->wrong = true;
	return (int32_t)day;
}

static uint32_t read_organisation(struct bytes_reader *reader)
{
	uint64_t organisation = read_varying(reader);

	if (organisation > MW_REGISTRY_ORGANISATION_MAX)
		reader->wrong = true;
	return (uint32_t)organisation;
}

static void read_event(struct bytes_reader *reader, struct mpxn_event *event)
{
	unsigned head = (unsigned)read_number(reader, 1);

	event->type = (uint8_t)(head & EVENT_TYPE_BITS);
	event->role = (uint8_t)(head >> EVENT_ROLE_SHIFT & 3);
	event->organisation = read_organisation(reader);
	event->supplier = 0;
	if ((head & EVENT_HAS_SUPPLIER) != 0)
		event->supplier = read_organisation(reader);
	if (event->type < MPXN_SUPPLIER || event->type > MPXN_END)
		reader->wrong = true;
	event->from_day = read_day(reader);
	event->to_day = (head & EVENT_HAS_END) != 0 ? read_day(reader) : MPXN_OPEN_DAY;
	event->created_ms = 0;
	event->message = 0;
	if ((head & EVENT_HAS_SENDER) != 0) {
		event->created_ms = read_varying(reader);
		event->message = read_number(reader, 8);
	}
}

size_t store_row_write_mpxn(const struct mpxn *mpxn, uint8_t *out)
{
	const struct mpxn_event *order[MPXN_EVENTS_MAX];
	struct bytes_writer writer = begin_row(out, STORE_ROW_MPXN_MAX);

	if (mpxn->device_count > MPXN_DEVICES_MAX || mpxn->event_count > MPXN_EVENTS_MAX)
		return 0;
	write_number(&writer, mpxn->device_count, 1);
	write_number(&writer, mpxn->event_count, 1);
	for (unsigned i = 0; i < mpxn->device_count; i++) {
		if (mpxn->devices[i].use < MPXN_IMPORT || mpxn->devices[i].use > MPXN_GAS)
			return 0;
		write_number(&writer, mpxn->devices[i].use, 1);
		write_number(&writer, mpxn->devices[i].device_id, 8);
	}
	order_events(mpxn, order);
	for (unsigned i = 0; i < mpxn->event_count; i++)
		write_event(&writer, order[i]);
	return end_row(&writer, out);
}

bool store_row_read_mpxn(struct store_bytes row, struct mpxn *mpxn)
{
	struct bytes_reader reader = open_row(row);

	mpxn->number = 0;
	mpxn->device_count = (uint8_t)read_bounded(&reader, 1, MPXN_DEVICES_MAX);
	mpxn->event_count = (uint8_t)read_bounded(&reader, 1, MPXN_EVENTS_MAX);
	for (unsigned i = 0; i < mpxn->device_count; i++) {
		mpxn->devices[i].use = (uint8_t)read_bounded(&reader, 1, MPXN_GAS);
		mpxn->devices[i].device_id = read_number(&reader, 8);
		if (mpxn->devices[i].use < MPXN_IMPORT)
			reader.wrong = true;
	}
	for (unsigned i = 0; i < mpxn->event_count; i++)
		read_event(&reader, &mpxn->events[i]);
	return read_whole(&reader);
}

size_t store_row_write_message(const struct store_message *message, uint8_t *out)
{
	struct bytes_writer writer = begin_row(out, STORE_ROW_MESSAGE_MAX);

	if (message->text_length > STORE_TEXT_MAX || message->state < STORE_MESSAGE_APPLIED ||
		message->state > STORE_MESSAGE_SET_ASIDE)
		return 0;
	write_number(&writer, message->state, 1);
	write_number(&writer, (uint64_t)message->received_ms, 8);
	write_text(&writer, message->reason, sizeof(message->reason));
	write_number(&writer, message->text_length, 4);
	if (message->text_length > 0)
		write_bytes(&writer, message->text, message->text_length);
	return end_row(&writer, out);
}

bool store_row_read_message(struct store_bytes row, struct store_message *message)
{
	struct bytes_reader reader = open_row(row);

	message->state = (uint8_t)read_bounded(&reader, 1, STORE_MESSAGE_SET_ASIDE);
	if (message->state < STORE_MESSAGE_APPLIED)
		reader.wrong = true;
	message->received_ms = (int64_t)read_number(&reader, 8);
	read_text(&reader, message->reason, sizeof(message->reason));
	message->text_length = (uint32_t)read_bounded(&reader, 4, STORE_TEXT_MAX);
	/* LMDB's map is not writable; the field is no const pointer because put borrows it too. */
	message->text = (char *)(uintptr_t)read_bytes(&reader, message->text_length);
	if (message->text_length == 0)
		message->text = NULL;
	return read_whole(&reader);
}

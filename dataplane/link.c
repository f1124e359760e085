/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <rte_lcore.h>
#include <rte_ring_elem.h>

#include "control/crc32c.h"
#include "control/peer.h"
#include "dataplane/clock.h"
#include "dataplane/anomaly.h"
#include "dataplane/handoff.h"
#include "dataplane/link_alerts.h"
#include "dataplane/link_due_read.h"
#include "dataplane/windows.h"

#define RECONNECT_MS 250
#define POLL_MS 100
#define CREDIT_START 1024
#define CREDIT_STEP 256
#define SERVICES_WAITING_MAX 1024

struct link {
	struct link_setup setup;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic bool reload; /* the schemas, please */
	struct wake wake;
	struct peer peer;
	bool connected;	  /* both hellos are exchanged */
	int64_t retry_ms; /* when to connect again */
	/* The reference set that is coming in, or came in last. */
	struct registry *staging; /* NULL: none is being built */
	uint64_t generation;
	uint64_t held; /* records of it */
	uint32_t crc;
	int staging_status;   /* first error of a record */
	uint32_t credit_used; /* by control since the last grant */
	uint32_t credit;      /* ours, for service requests */
	/* Requests for control that wait for credit. */
	struct action waiting[SERVICES_WAITING_MAX];
	uint32_t waiting_head, waiting_count;
	struct link_reports reports;
};

static int64_t monotonic_ms(void)
{
	return (int64_t)(clock_now_ns() / 1000000);
}

/* The schemas in force, which this thread alone replaces. */
static const struct duis_schemas *schemas_of(const struct link *link)
{
	return atomic_load_explicit(&link->setup.schemas->current, memory_order_relaxed);
}

static bool to_traffic(struct link *link, struct traffic_event *event)
{
	/* New work leaves room for the answers that control still owes. */
	if ((event->type == EVENT_DUE_READ || event->type == EVENT_ALERT) &&
		rte_ring_free_count(link->setup.to_traffic) < RING_RESERVE)
		return false;
	if (rte_ring_sp_enqueue_elem(link->setup.to_traffic, event, sizeof(*event)) != 0)
		return false;
	wake_signal(link->setup.traffic_wake);
	return true;
}

static void service_failed(struct link *link, const struct action *action)
{
	struct traffic_event event = {
		.type = EVENT_SERVICE_ANSWERED, .status = -EAGAIN, .reference = action->reference};
	message_free(action->message);
	/* If the ring has no room, the request's own time-out answers it. */
	(void)to_traffic(link, &event);
}

static void disconnect(struct link *link, enum peer_fault fault)
{
	if (link->connected)
		fprintf(stderr, "motorway: lost motorway-control: %s\n", peer_fault_meaning(fault));
	peer_close(&link->peer);
	link->connected = false;
	link->retry_ms = monotonic_ms() + RECONNECT_MS;
	while (link->waiting_count > 0) {
		service_failed(link, &link->waiting[link->waiting_head]);
		link->waiting_head = (link->waiting_head + 1) % SERVICES_WAITING_MAX;
		link->waiting_count--;
	}
}

static void send_message(
	struct link *link, enum mw_control_type type, struct peer_part fixed, struct peer_part tail)
{
	enum peer_fault fault = peer_send(&link->peer, type, fixed, tail);
	if (fault != PEER_OK)
		disconnect(link, fault);
}

#define NO_PART ((struct peer_part){NULL, 0})
#define PART(object) ((struct peer_part){&(object), sizeof(object)})

static void try_connect(struct link *link, int64_t now_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (now_ms < link->retry_ms)
		return;
	link->retry_ms = now_ms + RECONNECT_MS;
	/* link_start() has checked that the path fits. */
	memcpy(address.sun_path, link->setup.conf->control_socket,
		strlen(link->setup.conf->control_socket) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return;
	}
	peer_open(&link->peer, fd, MW_CONTROL_PAYLOAD_MAX);
	const struct mw_control_hello hello = {.role = MW_CONTROL_ROLE_DATA_PLANE,
		.pid = (uint32_t)getpid(),
		.generation = link->generation,
		.offset = link->held};
	const struct mw_control_credit credit = {.messages = CREDIT_START};
	link->credit = link->credit_used = 0;
	send_message(link, MW_CONTROL_HELLO, PART(hello), NO_PART);
	if (link->peer.fd >= 0)
		send_message(link, MW_CONTROL_CREDIT, PART(credit), NO_PART);
}

static void forget_set(struct link *link)
{
	registry_destroy(link->staging);
	link->staging = NULL;
	link->generation = link->held = 0;
	link->crc = 0;
	link->staging_status = 0;
}

static enum peer_fault reference_begin(struct link *link, const struct mw_control_reference *begin)
{
	if (begin->generation == link->generation && begin->offset == link->held)
		return PEER_OK; /* goes on where it was cut, or we hold all of it */
	if (begin->offset != 0 || begin->generation == 0)
		return PEER_FAULT_ORDER;
	forget_set(link);
	link->staging = registry_create(begin->generation, link->setup.keys);
	link->generation = begin->generation;
	return link->staging ? PEER_OK : PEER_FAULT_MEMORY;
}

/* The devices of the staged registry: the image that control names or, when that cannot be mapped,
 * the one in force. Returns 0 or -errno. */
static int take_image(struct link *link, const struct peer_message *message)
{
	struct mw_control_registry_image record;
	char reason[MW_CONTROL_PATH_SIZE + 128];
	if (message->header.length != sizeof(record))
		return -EBADMSG;
	memcpy(&record, message->payload, sizeof(record));
	if (record.path[0] == '\0' || !memchr(record.path, '\0', sizeof(record.path)))
		return -EBADMSG;
	const struct registry *registry =
		atomic_load_explicit(link->setup.registry, memory_order_relaxed);
	struct image_share *current = registry ? registry->image : NULL;
	struct image_share *image =
		image_share_take(current, record.path, record.image_id, reason, sizeof(reason));
	if (!image) {
		int error = errno;
		fprintf(stderr, "motorway: %s%s\n", reason,
			current ? "; the registry image in force stays" : "");
		if (!current)
			return -error;
		image = image_share_hold(current);
	}
	int status = registry_set_image(link->staging, image);
	if (status != 0)
		image_share_release(image);
	return status;
}

static void reference_record(struct link *link, const struct peer_message *message)
{
	link->crc = crc32c(link->crc, message->payload, message->header.length);
	link->held++;
	if (link->staging_status != 0)
		return;
	link->staging_status = message->header.type == MW_CONTROL_REGISTRY_IMAGE
				       ? take_image(link, message)
				       : registry_add(link->staging, message->header.type,
						 message->payload, message->header.length);
	if (link->staging_status != 0)
		fprintf(stderr,
			"motorway: record %llu of reference set %llu cannot be used: %s; the set "
			"in force stays\n",
			(unsigned long long)link->held, (unsigned long long)link->generation,
			strerror(-link->staging_status));
}

/* What the traffic lcore has to know; what finds no room goes with the next turn. */
static void tell_traffic(struct link *link)
{
	struct traffic_event event;
	while (link_reports_event(&link->reports, &event) && to_traffic(link, &event))
		link_reports_told(&link->reports, &event);
}

/* The thresholds and windows of the staged registry go first: after the lcores' quiescent states
 * the traffic lcore takes them before any request that was accepted by the new registry. */
static void hand_over_thresholds(struct link *link)
{
	const struct registry *staging = link->staging;
	struct anomaly *anomaly = anomaly_create(
		staging->thresholds, staging->threshold_count, staging->user_index.secret);
	if (!anomaly) {
		fputs("motorway: no memory for the thresholds; those in force stay\n", stderr);
		return;
	}
	anomaly_destroy(
		atomic_exchange_explicit(link->setup.thresholds, anomaly, memory_order_acq_rel));
}

static void hand_over_windows(struct link *link)
{
	const struct registry *staging = link->staging;
	size_t bad;
	struct windows *windows = windows_create(staging->windows, staging->window_count, &bad);
	if (!windows) {
		fputs("motorway: no memory for the windows; those in force stay\n", stderr);
		return;
	}
	windows_destroy(
		atomic_exchange_explicit(link->setup.windows, windows, memory_order_acq_rel));
}

/* Make the staged registry the current one. The old one goes when no lcore reads it any more. */
static void publish(struct link *link)
{
	hand_over_thresholds(link);
	hand_over_windows(link);
	rte_rcu_qsbr_synchronize(link->setup.readers, RTE_QSBR_THRID_INVALID);
	struct registry *old =
		atomic_exchange_explicit(link->setup.registry, link->staging, memory_order_acq_rel);
	link->staging = NULL;
	rte_rcu_qsbr_synchronize(link->setup.readers, RTE_QSBR_THRID_INVALID);
	registry_destroy(old);
	/* Behind it, so that tables of keys that have just gone leave their room. */
	registry_want_tables(atomic_load_explicit(link->setup.registry, memory_order_relaxed));
}

static enum peer_fault reference_end(struct link *link, const struct mw_control_reference *end)
{
	if (end->generation != link->generation || end->count != link->held ||
		end->crc32c != link->crc) {
		/* Not what we hold, whatever its number says: begin again from nothing. */
		forget_set(link);
		return PEER_FAULT_ORDER;
	}
	struct mw_control_reference applied = *end;
	if (link->staging && link->staging_status == 0 && !link->staging->image)
		link->staging_status = -EBADMSG;
	applied.status = link->staging_status;
	if (link->staging && link->staging_status == 0) {
		publish(link);
		fprintf(stderr, "motorway: reference set %llu is in force (%llu records)\n",
			(unsigned long long)link->generation, (unsigned long long)link->held);
	}
	registry_destroy(link->staging);
	link->staging = NULL;
	send_message(link, MW_CONTROL_REFERENCE_APPLIED, PART(applied), NO_PART);
	return PEER_OK;
}

static void service_answer(struct link *link, const struct peer_message *received)
{
	struct mw_control_service_answer answer;
	memcpy(&answer, received->payload, sizeof(answer));
	struct traffic_event event = {
		.type = EVENT_SERVICE_ANSWERED,
		.reference = {.index = (uint32_t)(answer.token >> 32),
			.generation = (uint32_t)answer.token},
	};
	memcpy(event.code, answer.code, sizeof(event.code));
	if (answer.body_length > 0) {
		event.message = message_take(link->setup.pools, answer.body_length, MESSAGE_LINK);
		if (event.message) {
			memcpy(event.message->buffer.bytes, received->payload + sizeof(answer),
				answer.body_length);
			event.message->buffer.length = answer.body_length;
		} else {
			event.status = -ENOBUFS;
		}
	}
	if (!to_traffic(link, &event))
		message_free(event.message);
}

static void due_read(struct link *link, const struct peer_message *received)
{
	struct mw_control_due_read due;
	struct traffic_event event;
	memcpy(&due, received->payload, sizeof(due));
	int status = link_due_read_event(&link->setup, schemas_of(link), &due,
		received->payload + sizeof(due), clock_wall_ms(clock_now_ns()), &event);
	if (status == 0 && to_traffic(link, &event))
		return; /* the traffic lcore reports when it is durable */
	if (status == 0) {
		message_free(event.message);
		status = -EAGAIN;
	}
	const struct mw_control_due_read_taken taken = {.schedule_id = due.schedule_id,
		.occurrence = due.occurrence,
		.attempt = due.attempt,
		.status = status,
		.check = MW_ACCESS_CHECK_COUNT};
	send_message(link, MW_CONTROL_DUE_READ_TAKEN, PART(taken), NO_PART);
}

static void alert(struct link *link, const struct peer_message *received)
{
	struct mw_control_alert record;
	struct traffic_event event;
	memcpy(&record, received->payload, sizeof(record));
	int status = link_alert_event(&link->setup, schemas_of(link), &record,
		received->payload + sizeof(record), &event);
	if (status == 0 && to_traffic(link, &event))
		return; /* the traffic lcore reports when the alert is durable */
	if (status == 0) {
		message_free(event.message);
		status = -EAGAIN;
	}
	const struct mw_control_alert_taken taken = {.alert_id = record.alert_id, .status = status};
	send_message(link, MW_CONTROL_ALERT_TAKEN, PART(taken), NO_PART);
}

static void quarantine(struct link *link, const struct mw_control_quarantine *record)
{
	struct traffic_event event = link_quarantine_event(record);
	if (to_traffic(link, &event))
		return;
	const struct mw_control_quarantine_done done = {
		.reference = record->reference, .action = record->action, .status = -EAGAIN};
	send_message(link, MW_CONTROL_QUARANTINE_DONE, PART(done), NO_PART);
}

static void replay_reset(struct link *link, const struct mw_control_replay_reset *record)
{
	struct traffic_event event = {.type = EVENT_REPLAY_RESET,
		.user = record->originator,
		.event_reference = record->token};
	if (to_traffic(link, &event))
		return;
	const struct mw_control_replay_reset_done done = {
		.token = record->token, .originator = record->originator, .status = -EAGAIN};
	send_message(link, MW_CONTROL_REPLAY_RESET_DONE, PART(done), NO_PART);
}

/* What became of a RequestID lately, at whichever edge: the latest of each, then all by time. */
static void send_decisions(struct link *link, const struct mw_control_decisions_wanted *wanted)
{
	struct mw_control_decision records[MW_DECISIONS_MAX];
	struct mw_control_decisions head = {.token = wanted->token,
		.request_id = wanted->request_id,
		.kept_max = DECISIONS_KEPT};
	head.count = decisions_collect(link->setup.decisions, link->setup.decisions_count,
		&wanted->request_id, schemas_of(link), records);
	send_message(link, MW_CONTROL_DECISIONS, PART(head),
		(struct peer_part){records, head.count * sizeof(records[0])});
}

static void send_status(struct link *link)
{
	char *text = link->setup.status(link->setup.gateway);
	send_message(link, MW_CONTROL_STATUS, NO_PART,
		(struct peer_part){text ? text : "{}", text ? strlen(text) : 2});
	free(text);
}

/* Messages that cost control one credit each are credited back in steps. */
static void credit_back(struct link *link)
{
	if (++link->credit_used < CREDIT_STEP)
		return;
	const struct mw_control_credit credit = {.messages = link->credit_used};
	link->credit_used = 0;
	send_message(link, MW_CONTROL_CREDIT, PART(credit), NO_PART);
}

static enum peer_fault set_record(struct link *link, const struct peer_message *message)
{
	if (!link->staging)
		return PEER_FAULT_ORDER;
	reference_record(link, message);
	credit_back(link);
	return PEER_OK;
}

static enum peer_fault run_message(struct link *link, const struct peer_message *message)
{
	union {
		struct mw_control_hello hello;
		struct mw_control_credit credit;
		struct mw_control_reference reference;
		struct mw_control_quarantine quarantine;
		struct mw_control_decisions_wanted decisions_wanted;
		struct mw_control_replay_reset replay_reset;
	} fixed;
	size_t size =
		message->header.length < sizeof(fixed) ? message->header.length : sizeof(fixed);
	memcpy(&fixed, message->payload, size);
	if (!link->connected && message->header.type != MW_CONTROL_HELLO)
		return PEER_FAULT_ORDER;
	switch ((enum mw_control_type)message->header.type) {
	case MW_CONTROL_HELLO:
		if (link->connected || fixed.hello.role != MW_CONTROL_ROLE_CONTROL)
			return PEER_FAULT_ORDER;
		link->connected = true;
		link_reports_begin(&link->reports);
		return PEER_OK;
	case MW_CONTROL_CREDIT:
		link->credit += fixed.credit.messages;
		return PEER_OK;
	case MW_CONTROL_REFERENCE_BEGIN:
		return reference_begin(link, &fixed.reference);
	case MW_CONTROL_USER:
	case MW_CONTROL_CERTIFICATE:
	case MW_CONTROL_PROVIDER:
	case MW_CONTROL_REGISTRY_IMAGE:
	case MW_CONTROL_SRV_RULE:
	case MW_CONTROL_ACCESS_CHECKS:
	case MW_CONTROL_ALERT_CODE:
	case MW_CONTROL_THRESHOLD:
	case MW_CONTROL_WINDOW:
	case MW_CONTROL_TIMING:
		return set_record(link, message);
	case MW_CONTROL_REFERENCE_END:
		return reference_end(link, &fixed.reference);
	case MW_CONTROL_SERVICE_ANSWER:
		service_answer(link, message);
		return PEER_OK;
	case MW_CONTROL_DUE_READ:
		due_read(link, message);
		credit_back(link);
		return PEER_OK;
	case MW_CONTROL_ALERT:
		alert(link, message);
		credit_back(link);
		return PEER_OK;
	case MW_CONTROL_QUARANTINE:
		quarantine(link, &fixed.quarantine);
		credit_back(link);
		return PEER_OK;
	case MW_CONTROL_STATUS_REQUEST:
		send_status(link);
		return PEER_OK;
	case MW_CONTROL_DECISIONS_WANTED:
		send_decisions(link, &fixed.decisions_wanted);
		return PEER_OK;
	case MW_CONTROL_REPLAY_RESET:
		replay_reset(link, &fixed.replay_reset);
		return PEER_OK;
	default:
		return PEER_FAULT_ORDER;
	}
}

static void receive(struct link *link, int64_t now_ms)
{
	struct peer_message message;
	/* What came before the end of the connection is still worth reading. */
	enum peer_fault ended = peer_receive(&link->peer, now_ms);
	enum peer_fault fault = PEER_OK;
	int status;
	while (link->peer.fd >= 0 && (status = peer_next(&link->peer, &message, &fault)) != 0) {
		if (status > 0)
			fault = run_message(link, &message);
		if (fault != PEER_OK)
			break;
	}
	if (fault == PEER_OK)
		fault = ended;
	if (link->peer.fd >= 0 && fault != PEER_OK)
		disconnect(link, fault);
}

static void send_service(struct link *link, const struct action *action)
{
	const struct net_buffer *document = &action->message->buffer;
	struct mw_control_service_request request = {
		.token = (uint64_t)action->reference.index << 32 | action->reference.generation,
		.request_id = action->terms.request_id,
		.roles = action->roles,
		.document_length = document->length,
	};
	memcpy(request.srv, action->terms.srv, sizeof(request.srv));
	snprintf(request.schema_version, sizeof(request.schema_version), "%s",
		duis_schemas_version(schemas_of(link), action->terms.schema_index));
	send_message(link, MW_CONTROL_SERVICE_REQUEST, PART(request),
		(struct peer_part){document->bytes, document->length});
	message_free(action->message);
	link->credit--;
}

/* Send what control gave credit for. */
static void send_services(struct link *link)
{
	while (link->waiting_count > 0 && link->credit > 0 && link->connected) {
		struct action action = link->waiting[link->waiting_head];
		link->waiting_head = (link->waiting_head + 1) % SERVICES_WAITING_MAX;
		link->waiting_count--;
		send_service(link, &action);
	}
	struct mw_control_quarantined record;
	while (link->credit > 0 && link->connected && link_reports_next(&link->reports, &record)) {
		send_message(link, MW_CONTROL_QUARANTINED, PART(record), NO_PART);
		link->credit--;
	}
}

/* Returns whether the action was one of those that go to control as they are. */
static bool pass_on(struct link *link, const struct action *action)
{
	switch ((enum action_type)action->type) {
	case ACTION_DUE_READ_TAKEN: {
		const struct mw_control_due_read_taken taken = link_due_read_taken(action);
		if (link->connected)
			send_message(link, MW_CONTROL_DUE_READ_TAKEN, PART(taken), NO_PART);
		return true;
	}
	case ACTION_ALERT_TAKEN: {
		const struct mw_control_alert_taken taken = {
			.alert_id = action->event_reference, .status = action->status};
		if (link->connected)
			send_message(link, MW_CONTROL_ALERT_TAKEN, PART(taken), NO_PART);
		return true;
	}
	case ACTION_QUARANTINED:
		link_reports_put(&link->reports, action);
		return true;
	case ACTION_QUARANTINE_DONE: {
		const struct mw_control_quarantine_done done = {
			.reference = action->event_reference,
			.action = action->quarantine_action,
			.status = action->status};
		if (link->connected)
			send_message(link, MW_CONTROL_QUARANTINE_DONE, PART(done), NO_PART);
		return true;
	}
	case ACTION_REPLAY_RESET_DONE: {
		const struct mw_control_replay_reset_done done = {.token = action->event_reference,
			.originator = action->user,
			.highest = action->highest,
			.scopes = action->scopes};
		if (link->connected)
			send_message(link, MW_CONTROL_REPLAY_RESET_DONE, PART(done), NO_PART);
		return true;
	}
	default:
		return false;
	}
}

static void take_actions(struct link *link)
{
	struct action action;
	while (rte_ring_sc_dequeue_elem(link->setup.from_traffic, &action, sizeof(action)) == 0) {
		if (pass_on(link, &action))
			continue;
		if (!link->connected || link->waiting_count == SERVICES_WAITING_MAX) {
			service_failed(link, &action);
			continue;
		}
		uint32_t at = (link->waiting_head + link->waiting_count++) % SERVICES_WAITING_MAX;
		link->waiting[at] = action;
	}
	send_services(link);
}

static void wait_for_work(struct link *link)
{
	struct pollfd fds[2] = {
		{.fd = link->wake.fd, .events = POLLIN}, {.fd = link->peer.fd, .events = POLLIN}};
	uint64_t count;
	if (link->peer.fd >= 0 && peer_waiting(&link->peer) > 0)
		fds[1].events |= POLLOUT;
	wake_begin(&link->wake);
	int timeout_ms = rte_ring_empty(link->setup.from_traffic) ? POLL_MS : 0;
	if (poll(fds, link->peer.fd >= 0 ? 2 : 1, timeout_ms) > 0 && fds[0].revents)
		(void)!read(link->wake.fd, &count, sizeof(count));
	wake_end(&link->wake);
}

static void *link_run(void *argument)
{
	struct link *link = argument;
	int64_t adjust_ms = 0;
	while (!atomic_load_explicit(&link->stop, memory_order_acquire)) {
		int64_t now_ms = monotonic_ms();
		if (link->peer.fd < 0)
			try_connect(link, now_ms);
		if (link->peer.fd >= 0)
			receive(link, now_ms);
		take_actions(link);
		tell_traffic(link);
		if (link->peer.fd >= 0) {
			enum peer_fault fault = peer_flush(&link->peer, now_ms);
			if (fault != PEER_OK)
				disconnect(link, fault);
		}
		if (atomic_exchange_explicit(&link->reload, false, memory_order_acquire))
			schema_store_reload(link->setup.schemas, link->setup.readers);
		if (now_ms >= adjust_ms) {
			clock_adjust();
			adjust_ms = now_ms + 1000;
		}
		wait_for_work(link);
	}
	return NULL;
}

struct link *link_start(const struct link_setup *setup)
{
	if (strlen(setup->conf->control_socket) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	struct link *link = calloc(1, sizeof(*link));
	if (!link)
		return NULL;
	link->setup = *setup;
	link->peer.fd = -1;
	link->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (link->wake.fd < 0) {
		free(link);
		return NULL;
	}
	int error = rte_ctrl_thread_create(&link->thread, "link", NULL, link_run, link);
	if (error != 0) {
		close(link->wake.fd);
		free(link);
		errno = -error;
		return NULL;
	}
	return link;
}

void link_reload_schemas(struct link *link)
{
	uint64_t one = 1;
	atomic_store_explicit(&link->reload, true, memory_order_release);
	(void)!write(link->wake.fd, &one, sizeof(one));
}

void link_stop(struct link *link)
{
	uint64_t one = 1;
	atomic_store_explicit(&link->stop, true, memory_order_release);
	(void)!write(link->wake.fd, &one, sizeof(one));
	pthread_join(link->thread, NULL);
}

void link_destroy(struct link *link)
{
	struct action action;
	while (rte_ring_sc_dequeue_elem(link->setup.from_traffic, &action, sizeof(action)) == 0)
		message_free(action.message);
	peer_close(&link->peer);
	registry_destroy(link->staging);
	for (uint32_t i = 0; i < link->waiting_count; i++)
		message_free(
			link->waiting[(link->waiting_head + i) % SERVICES_WAITING_MAX].message);
	close(link->wake.fd);
	free(link);
}

struct wake *link_wake(struct link *link)
{
	return &link->wake;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorway-control's server: one thread, poll(2), one data plane and at most 16 operators. A turn
 * does everything that can be done without waiting; between turns the program sleeps in poll(2) on
 * server_fds() for at most server_timeout_ms(). Time is an argument, so tests turn it by hand.
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <poll.h>
#include <stdio.h>

#include "control/feed_keep.h"
#include <jansson.h>

#include "control/conf.h"
#include "control/explain.h"
#include "control/feed_turn.h"
#include "control/ledger.h"
#include "control/link.h"
#include "control/listen.h"
#include "control/mirror.h"
#include "control/parties.h"
#include "control/peer.h"
#include "control/timetable.h"
#include "control/table_chunk.h"
#include "control/removal.h"

#define SERVER_OPERATORS_MAX 16
#define SERVER_PEERS_MAX                                                                           \
	(SERVER_OPERATORS_MAX + 4) /* the data plane, and some without hello yet                   \
				    */
#define SERVER_FDS_MAX (SERVER_PEERS_MAX + 1)
#define SERVER_HELLO_MS 5000
#define SERVER_STALL_MS 10000
#define SERVER_STATUS_MS 2000 /* for the data plane to answer STATUS_REQUEST */

struct server_counters {
	uint64_t accepted;
	uint64_t commands;
	uint64_t disconnected[PEER_FAULT_COUNT];
	uint64_t reloads, reloads_refused;
	uint64_t parties_made; /* sets made anew because parties changed */
};

struct server {
	struct listener listener;
	struct peer peers[SERVER_PEERS_MAX];
	struct link link;
	struct services services;
	struct ledger ledger;
	struct schedules *schedules;
	struct alerts *alerts;
	struct quarantine quarantine;
	struct removal *removal;
	uint64_t removal_generation; /* of the set that the removal knows */
	struct reference *reference; /* owned */
	struct feed_http *feed;	     /* borrowed; NULL: none */
	struct feed_counters feed_counters;
	struct feed_keep feed_keep;
	struct timetable *timetable; /* borrowed; NULL: none */
	struct mirror *mirror;	     /* borrowed; NULL: the status tells nothing of it */
	struct parties *parties;     /* borrowed; NULL: the set's parties never change */
	struct table_stages stages;
	bool parties_changed;	  /* in the store, and not yet in the set */
	bool parties_failed;	  /* the store could not be read; tried again each second */
	int64_t parties_tried_ms; /* the files of trust were looked at then; monotonic */
	struct server_counters counters;
	FILE *log;
	int64_t started_ms;
	const struct conf *conf; /* borrowed; NULL: no documents are explained */
	struct explainer explainer;
	uint64_t token;	    /* of the last question to the data plane */
	bool asked;	    /* the command at hand has asked one */
	int64_t asked_at_s; /* explain: the instant it is about */
	bool status_asked;  /* STATUS_REQUEST is on its way */
	bool second_logged; /* a second data plane tries again and again: say it once */
	bool again;	    /* a turn left work behind that needs no event */
};

/* Begin with `reference` (then owned by the server) for the DSP `dsp_eui`. Messages for people go
 * to `log`. 0. server_use_store() comes before the first turn. */
int server_create(struct server *server, struct reference *reference, uint64_t dsp_eui,
	struct server_time now, FILE *log);

/* Take up what `store` (borrowed) says is owed: schedules, alerts, operators' decisions. 0, or
 * -errno with one line in `reason`. */
int server_use_store(struct server *server, struct store *store, struct server_time now,
	char *reason, size_t reason_size);

/* Listen at `path`. 0 or -errno, see listener_open(). */
int server_listen(struct server *server, const char *path);

/* Put a new set in force (then owned by the server) and push it. */
void server_set_reference(
	struct server *server, struct reference *reference, struct server_time now);

/* The set in force has another generation: send it. */
void server_push(struct server *server, struct server_time now);

/* Bring in what the feed has, if there is one, forget what is old of it, and name the registry
 * image to the data plane when it is another one than the set in force has. */
void server_feed(struct server *server, struct server_time now);

/* Tell the data plane the windows of the days to come, when it is time to or they have changed. */
void server_timetable(struct server *server, struct server_time now);

/* Make the set anew when an operator changed parties, a certificate's time came or ended, or the
 * files of trust are others; and push it. A set that is on its way is left to arrive first. */
void server_parties(struct server *server, struct server_time now);

/* What to wait for: fills fds, returns their number. */
unsigned server_fds(const struct server *server, struct pollfd fds[SERVER_FDS_MAX]);

/* How long to wait at most, ms. */
int server_timeout_ms(const struct server *server, struct server_time now);

/* Do all that can be done now. */
void server_turn(struct server *server, struct server_time now);

/* For commands whose reply comes with an answer of the data plane: send `record` (length bytes, the
 * first 8 for the token) to it. Returns NULL, or the reply that says no. server_question.c */
json_t *server_ask(struct server *server, enum mw_control_type type, void *record, size_t length);

/* Whoever asked waits now. */
void server_question_begin(struct server *server, struct peer *peer, struct server_time now);

/* The data plane has answered; PEER_OK or the fault. And: reply to those whose time is over, or to
 * all when the data plane is gone. */
enum peer_fault server_question_answer(
	struct server *server, const struct peer_message *message, struct server_time now);
void server_question_turn(struct server *server, struct server_time now);

/* Close everything, remove the socket, free. */
void server_destroy(struct server *server, struct server_time now);

/* The REPLY to the command in text[0 .. length) (JSON), as malloc'ed JSON text, or NULL when memory
 * is short. Sets *wait when the answer needs the data plane's status first: then NULL is returned
 * too. server_status_reply() makes that reply; `data_plane` is its STATUS text or NULL. */
char *server_command(struct server *server, const uint8_t *text, size_t length, bool *wait,
	struct server_time now);
char *server_status_reply(const struct server *server, const uint8_t *data_plane, size_t length,
	const char *missing, struct server_time now);

#endif

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

#include "control/feed_turn.h"
#include "control/link.h"
#include "control/listen.h"
#include "control/mirror.h"
#include "control/peer.h"

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
};

struct server {
	struct listener listener;
	struct peer peers[SERVER_PEERS_MAX];
	struct link link;
	struct services services;
	struct schedules *schedules;
	struct alerts *alerts;
	struct quarantine quarantine;
	struct reference *reference; /* owned */
	struct feed_http *feed;	     /* borrowed; NULL: none */
	struct feed_counters feed_counters;
	struct mirror *mirror; /* borrowed; NULL: the status tells nothing of it */
	struct server_counters counters;
	FILE *log;
	int64_t started_ms;
	bool status_asked;  /* STATUS_REQUEST is on its way */
	bool second_logged; /* a second data plane tries again and again: say it once */
	bool again;	    /* a turn left work behind that needs no event */
};

/* Begin with `reference` (then owned by the server) for the DSP `dsp_eui`. Messages for people go
 * to `log`. 0 or -ENOMEM. services.store (borrowed) is to be set before the first turn. */
int server_create(struct server *server, struct reference *reference, uint64_t dsp_eui,
	struct server_time now, FILE *log);

/* Listen at `path`. 0 or -errno, see listener_open(). */
int server_listen(struct server *server, const char *path);

/* Put a new set in force (then owned by the server) and push it. */
void server_set_reference(
	struct server *server, struct reference *reference, struct server_time now);

/* Bring in what the feed has, if there is one, and name the registry image to the data plane when
 * it is another one than the set in force has. */
void server_feed(struct server *server, struct server_time now);

/* What to wait for: fills fds, returns their number. */
unsigned server_fds(const struct server *server, struct pollfd fds[SERVER_FDS_MAX]);

/* How long to wait at most, ms. */
int server_timeout_ms(const struct server *server, struct server_time now);

/* Do all that can be done now. */
void server_turn(struct server *server, struct server_time now);

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

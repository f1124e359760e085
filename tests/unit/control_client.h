/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server and the other ends of its connections (a small data plane, operators, strangers), all in
 * one thread and on made-up time. Every function asserts what it expects.
 */
#ifndef TESTS_CONTROL_CLIENT_H
#define TESTS_CONTROL_CLIENT_H

#include "control/calendar.h"
#include "control/server.h"
#include "control_fixture.h"

#define NONE ((struct peer_part){"", 0})
#define PART(object) ((struct peer_part){&(object), sizeof(object)})
#define GENERATION 100
#define RECORDS (4 + 3 + 3 + 1 + 129 + 2)
#define START_WALL (20779LL * CALENDAR_DAY_MS + 9 * 3600000) /* 2026-11-22 09:00 */

extern struct server server;
extern struct server_time now;

/* The other end of a connection. */
struct client {
	struct peer peer;
	struct peer_message message; /* the last one taken */
	bool gone;		     /* the server closed the connection */
};

/* The fixture, and a server that listens in its folder. */
void client_suite_create(void);
void client_suite_destroy(void);

/* Let the server do all it can; let time pass before that. */
void turn(void);
void wait_ms(int64_t ms);

void client_connect(struct client *client);
void client_close(struct client *client);
void client_send(struct client *client, enum mw_control_type type, struct peer_part fixed,
	struct peer_part tail);

/* Take the next message that the server sent; false when there is none. */
bool client_next(struct client *client);
void client_expect(struct client *client, enum mw_control_type type);

/* Connect and say hello. */
void client_hello(
	struct client *client, enum mw_control_role role, uint64_t generation, uint64_t offset);
void client_credit(struct client *client, uint32_t messages);

/* The server closed the connection for `fault` and counted it. */
void expect_closed(struct client *client, enum peer_fault fault);

/* What a push has brought so far. */
struct received {
	uint64_t records;
	uint32_t crc;
	struct mw_control_reference begin;
	struct mw_control_reference end;
	bool ended;
};

/* Take everything of a push that comes without further credit. */
void take_push(struct client *client, struct received *received);
void send_applied(struct client *client, uint64_t generation, int status);

/* Connect a data plane that has applied the set and granted `credit` beyond it. */
void ready_data_plane(struct client *client, uint32_t credit);

/* A valid 5.1: 4.2 of FIXTURE_SMETS2, daily from today, at no particular time. */
extern const char create_request[];

void send_service_request(struct client *client, uint64_t token, uint64_t user, const char *srv,
	const char *document);

/* Create that schedule for `user` through the link; returns its id. */
uint64_t create_schedule(struct client *client, uint64_t user);

struct mw_control_due_read expect_due(struct client *client);
void answer_due(struct client *client, const struct mw_control_due_read *due, int status);

#endif

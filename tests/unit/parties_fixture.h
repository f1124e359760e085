/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server on made-up time with the fixture's users and an authority of its own for certificates:
 * what the tests of parties share. Each function asserts what it expects.
 */
#ifndef TESTS_PARTIES_FIXTURE_H
#define TESTS_PARTIES_FIXTURE_H

#include <jansson.h>

#include "certificate_maker.h"
#include "control_client.h"

#define NOW_S (START_WALL / 1000)
#define USER "90-B3-D5-1F-30-02-00-00" /* the fixture's network operator: ED GT */
#define OTHER "90-B3-D5-1F-30-55-00-01"
#define OTHER_EUI 0x90b3d51f30550001u

extern struct conf parties_conf_made;
extern struct maker_authority parties_authority;

void parties_suite_create(void);
void parties_suite_destroy(void);

/* Begin to judge certificates anew, by parties_conf_made. */
void parties_suite_open(void);

/* Was this said in the log? */
bool parties_logged(const char *text);

/* Ask, and let the set be made anew. The reply to a request (which is taken). */
json_t *ask_text(const char *text);
json_t *ask_json(json_t *request);

/* The command must be done; must be refused, for this reason. */
void done(const char *text);
void refused(const char *text, const char *why);
void refused_reply(json_t *reply, const char *why);

json_int_t number_of(const json_t *reply, const char *name);

const struct reference_user *user_of(uint64_t eui);
unsigned certificates_of(uint64_t eui);

/* A certificate of the network operator, with these differences; a request that brings it; added.
 */
X509 *make(struct maker_terms terms);
json_t *certificate_request(const char *action, const char *eui, X509 *x509);
void add_certificate(X509 *x509);
void fingerprint_of(X509 *x509, char text[17]);

/* Let time pass, both clocks. */
void pass_ms(int64_t ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reader for each reference file. Each fills its part of the set, reports every error of its
 * file and returns 0, -EINVAL or another -errno. Only reference.c calls them; what they have
 * allocated is freed with the set in every case.
 */
#ifndef CONTROL_REFERENCE_FILES_H
#define CONTROL_REFERENCE_FILES_H

#include "control/reference.h"
#include "control/yaml.h"

int reference_read_users(
	const struct reference_paths *paths, FILE *errors, struct reference *reference);
int reference_read_providers(const char *path, FILE *errors, struct reference *reference);
int reference_read_devices(const char *path, FILE *errors, struct reference *reference);
int reference_read_access(const char *path, FILE *errors, struct reference *reference);
int reference_read_checks(const char *path, FILE *errors, struct reference *reference);
int reference_read_alert_codes(const char *path, FILE *errors, struct reference *reference);

/* After users and access rules, which it names. */
int reference_read_thresholds(const char *path, FILE *errors, struct reference *reference);

int reference_read_codes(const char *path, FILE *errors, struct reference *reference);

/* Open `path` and find the list under its one key `name`, with at most
 * count_max items. On success returns 0, the document and the list. */
int reference_open_list(const char *path, FILE *errors, const char *name, size_t count_max,
	struct yaml_document **document, const struct yaml_node **list);

/* The words of conf/access, each list in the order of its enum and ended by NULL. */
extern const char *const reference_role_names[];      /* enum mw_role, from bit 0 */
extern const char *const reference_variant_names[];   /* from 1 */
extern const char *const reference_type_names[];      /* enum mw_device_type, from 1 */
extern const char *const reference_status_names[];    /* enum mw_device_status, from 1 */
extern const char *const reference_direction_names[]; /* enum mw_direction, from 0 */
extern const char *const reference_basis_names[];

/* A ResponseCode as the schema writes it: I, E or W and 1 to 6 digits. */
bool reference_code_valid(const char *code);

/* A segment of a URL path: letters, digits, ".", "_" and "-", and not dots alone. */
bool reference_provider_name_valid(const char *name);

/* A URL that the gateway can POST to: "http://host:port/path", host an IPv4 address or localhost.
 */
bool reference_url_valid(const char *url);

#endif

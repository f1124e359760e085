/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GBCS messages of the right frame and size, for simulated meters and the simulated transform
 * provider.
 *
 *   MAC header   DD 00 00 00 00 00 00 | length | 11 00 00 00 00
 *   grouping     DF 09 | 1 command, 2 response | counter | 08 originator | 08 recipient
 *                | date-time (00, or 0C and 12 octets) | other information | content
 *                | length of signature (00)
 *   MAC          12 octets
 *
 * The frame, the message codes and the sizes of the SRVs listed in gbcs.c are those of public
 * samples. What is not real, because the simulator holds no device keys and decodes nothing: the
 * MAC is random, encrypted content is random, readings are random but plausible. Messages of other
 * SRVs carry message code 0 and a plausible size. All content follows from `seed`.
 *
 * Pure functions.
 */
#ifndef SIM_GBCS_H
#define SIM_GBCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GBCS_BYTES_MAX 2048

/* What is known of an SRV's device message. */
struct gbcs_use_case {
	const char *srv;
	const char *name;	 /* GBCS use case, "ECS22b" */
	uint16_t message_code;	 /* 0: not publicly known */
	uint16_t command_bytes;	 /* whole command to a known remote party's device */
	uint16_t response_bytes; /* whole response to a known remote party */
	uint8_t row_columns;	 /* readable content: uint32 columns of a row, 0 = none */
	uint8_t row_count;
	uint16_t row_interval_min; /* between the rows' times */
	bool encrypted;		   /* content holds an encrypted element */
	bool date_time;		   /* the response fills the grouping header's date-time */
};

/* The entry for `srv`, or the one for SRVs that are not listed. Never NULL. */
const struct gbcs_use_case *gbcs_use_case(const char *srv);

struct gbcs_parties {
	uint64_t originator; /* EUI-64 of the GBCS business originator */
	uint64_t recipient;
	uint64_t counter;
	bool has_supplementary;		/* unknown remote party or scheduled by the DSP: */
	uint64_t supplementary_party;	/* the user */
	uint64_t supplementary_counter; /* the RequestID's counter */
};

/* Write the response of a device: `parties` as in the response (originator = device), `wall_s`
 * seconds since 1970 UTC. Returns the number of octets (at most GBCS_BYTES_MAX), or -ENOBUFS. */
int gbcs_write_response(const struct gbcs_use_case *use_case, const struct gbcs_parties *parties,
	int64_t wall_s, uint64_t seed, uint8_t *out, size_t capacity);

/* Write a pre-command (grouping only, begins with DF) or, with `mac`, a command for local delivery
 * (begins with DD). Returns as above. */
int gbcs_write_command(const struct gbcs_use_case *use_case, const struct gbcs_parties *parties,
	bool mac, uint64_t seed, uint8_t *out, size_t capacity);

#endif

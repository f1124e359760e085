/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terms of access control: its checks, the modes of operation and the directions of energy. The
 * words are those of conf/access; values are part of the control protocol; never renumber them.
 */
#ifndef MOTORWAY_ACCESS_TERMS_H
#define MOTORWAY_ACCESS_TERMS_H

/* X(NAME, "name"): the checks, named by what is wrong when one fails. Their order here is that of
 * their numbers; in which order they are made is data (conf/access/checks.yaml). doc/access.md. */
#define MW_ACCESS_CHECKS(X)                                                                        \
	X(USER_ROLE, "user-role")                                                                  \
	X(USER_SUSPENDED, "user-suspended")                                                        \
	X(SRV_MISMATCH, "srv-mismatch")                                                            \
	X(COMMAND_VARIANT, "command-variant")                                                      \
	X(SERVICE, "service")                                                                      \
	X(ROLE_NOT_PERMITTED, "role-not-permitted")                                                \
	X(MODE, "mode")                                                                            \
	X(DUIS_VERSION, "duis-version")                                                            \
	X(TARGET, "target")                                                                        \
	X(DEVICE_UNKNOWN, "device-unknown")                                                        \
	X(NOT_ENTITLED, "not-entitled")                                                            \
	X(DEVICE_STATUS, "device-status")                                                          \
	X(DEVICE_TYPE, "device-type")                                                              \
	X(GENERATION, "generation")                                                                \
	X(LOCAL_COMMAND, "local-command")

enum mw_access_check {
#define MW_ACCESS_CHECK_ENUM(name, text) MW_ACCESS_##name,
	MW_ACCESS_CHECKS(MW_ACCESS_CHECK_ENUM)
#undef MW_ACCESS_CHECK_ENUM
	MW_ACCESS_CHECK_COUNT,
};

/* How a request is carried out, as a set. FUTURE_DATED_DSP: the DCC keeps the request until the
 * ExecutionDateTime; FUTURE_DATED_DEVICE: the device keeps the command. */
enum mw_mode {
	MW_MODE_ON_DEMAND = 1u << 0,
	MW_MODE_FUTURE_DATED_DSP = 1u << 1,
	MW_MODE_FUTURE_DATED_DEVICE = 1u << 2,
	MW_MODE_SCHEDULED = 1u << 3, /* sent by the DCC as a schedule (5.1) says */
	MW_MODE_DCC_ONLY = 1u << 4,  /* answered by the DCC itself */
};

/* Of which energy an SRV tells: with which of a device's MPxNs the sender must have to do. */
enum mw_direction {
	MW_DIRECTION_ANY = 0,
	MW_DIRECTION_IMPORT = 1,
	MW_DIRECTION_EXPORT = 2,
	MW_DIRECTION_GAS = 3,
	MW_DIRECTION_COUNT,
};

#define MW_ROLE_COUNT 9 /* enum mw_role */

#define MW_REASON_SIZE 32 /* "transform-unavailable"; doc/answers.md has the reasons */

#endif

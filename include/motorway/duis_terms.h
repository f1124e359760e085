/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terms of DUIS that every program of motorway speaks: roles, services, device generations and the
 * identifier of a request. Values are part of the control protocol; never renumber them.
 */
#ifndef MOTORWAY_DUIS_TERMS_H
#define MOTORWAY_DUIS_TERMS_H

#include <stdbool.h>
#include <stdint.h>

/* User roles (FIA 3.3 Table 2; DUIS user role names). A user holds a set of them. LC, the load
 * controller, sends 7.16 only and has no column in the published matrix: an assumption. */
enum mw_role {
	MW_ROLE_IS = 1u << 0,  /* import supplier */
	MW_ROLE_ES = 1u << 1,  /* export supplier */
	MW_ROLE_GS = 1u << 2,  /* gas supplier */
	MW_ROLE_RSA = 1u << 3, /* registered supplier agent */
	MW_ROLE_ED = 1u << 4,  /* electricity distributor */
	MW_ROLE_GT = 1u << 5,  /* gas transporter */
	MW_ROLE_OU = 1u << 6,  /* other user */
	MW_ROLE_MDR = 1u << 7, /* meter data retriever (MP162) */
	MW_ROLE_LC = 1u << 8,  /* load controller */
};

/* The request web services of DUIS; the URL paths are those of DCC Boxed. */
enum mw_service {
	MW_SERVICE_TRANSFORM = 0,    /* POST /api/v1/serviceT, command variant 4 */
	MW_SERVICE_SEND_COMMAND = 1, /* POST /api/v1/serviceS, command variants 1 3 5 7 */
	MW_SERVICE_NON_DEVICE = 2,   /* POST /api/v1/serviceD, command variants 2 6 8 */
	MW_SERVICE_COUNT = 3,
};

/* Device generations: SMETS1 meters are reached through S1SPs, SMETS2+ ones through CSPs. */
enum mw_generation {
	MW_GENERATION_SMETS1 = 1,
	MW_GENERATION_SMETS2 = 2,
};

/* What a service provider is (FIA 5.5, 5.6). A transform provider turns service requests into
 * GBCS (pre-)commands; it is a neighbour of the DSP's message gateway, not a part of it. */
enum mw_provider_kind {
	MW_PROVIDER_CSP = 1,
	MW_PROVIDER_S1SP = 2,
	MW_PROVIDER_DCO = 3,
	MW_PROVIDER_TRANSFORM = 4,
};

/* The lane in which an answer travels north (FIA 4.4). */
enum mw_lane {
	MW_LANE_ON_DEMAND = 0,
	MW_LANE_SCHEDULED = 1,
	MW_LANE_COUNT = 2,
};

/* RequestIDType / ResponseIDType: originator EUI : target EUI : counter (uint64, 0 permitted).
 * EUI-64s are held as big-endian numbers: 90-B3-D5-1F-30-01-00-00 is 0x90b3d51f30010000. */
struct mw_request_id {
	uint64_t originator;
	uint64_t target;
	uint64_t counter;
};

/* Longest text of a request id: two EUIs of 23 characters, two colons, 20 digits, NUL. */
#define MW_REQUEST_ID_TEXT_SIZE 69

/* Sizes of short DUIS texts, each with its NUL. */
#define MW_SRV_SIZE 8		  /* "4.6.1", "6.24.2", "6.2.10" */
#define MW_CODE_SIZE 8		  /* "I99", "E040101" */
#define MW_SCHEMA_VERSION_SIZE 16 /* "5.4" */
#define MW_ELEMENT_NAME_SIZE 80	  /* the longest body element has 65 characters */
#define MW_NAME_SIZE 48		  /* names of users and providers */
#define MW_URL_SIZE 256

#endif

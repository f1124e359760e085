/* SPDX-License-Identifier: Apache-2.0 */
#include "control/parties.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "control/calendar.h"
#include "dataplane/duis/identifier.h"

struct verdict {
	uint8_t fingerprint[32];
	uint8_t identity[32];
	enum party_standing standing;
	uint32_t roles; /* its user's, then */
	uint64_t trust; /* number of the anchors and lists, then */
	int64_t until_ms;
};

struct parties {
	const struct conf *conf;
	FILE *log;
	struct trust_paths paths;
	struct trust *trust;
	uint64_t trust_number;
	uint64_t stamp_refused; /* of files with errors: said already */
	bool admitted;
	struct verdict *verdicts; /* of the last time */
	size_t verdict_count;
	size_t left_out;
	int64_t judged_ms;
	int64_t next_ms;
};

const char *party_standing_name(enum party_standing standing)
{
	switch (standing) {
	case PARTY_MISFIT:
		return "role-does-not-fit";
	case PARTY_DUPLICATE:
		return "duplicate";
	case PARTY_UNUSABLE:
		return "unusable";
	case PARTY_WITHDRAWN:
		return "withdrawn";
	default:
		return trust_state_name((enum trust_state)standing);
	}
}

/* ---- anchors and lists ---- */

static size_t take_paths(const char *paths[TRUST_PATHS_MAX], const char (*from)[CONF_PATH_SIZE])
{
	size_t count = 0;

	_Static_assert(TRUST_PATHS_MAX >= CONF_TRUST_MAX, "all paths of the configuration");
	while (count < CONF_TRUST_MAX && from[count][0] != '\0') {
		paths[count] = from[count];
		count++;
	}
	return count;
}

/* Say which lists are older than they should be, as of now. */
static void note_lists(const struct parties *parties, int64_t since_ms, int64_t now_ms)
{
	for (size_t i = 0; i < trust_list_count(parties->trust); i++) {
		struct trust_list list = trust_list(parties->trust, i);

		if (list.next_ms <= now_ms && list.next_ms > since_ms)
			fprintf(parties->log,
				"motorway-control: %s: the time for a newer revocation list "
				"(nextUpdate) is over; this one stays in force\n",
				list.path);
	}
}

static void note_trust(const struct parties *parties)
{
	if (!trust_checks_issuers(parties->trust))
		fputs("motorway-control: certificates.trust names nobody: ISSUERS OF "
		      "CERTIFICATES ARE NOT CHECKED\n",
			parties->log);
	else
		fprintf(parties->log,
			"motorway-control: %zu trusted issuers of certificates, %zu revocation "
			"lists\n",
			trust_anchor_count(parties->trust), trust_list_count(parties->trust));
	if (!trust_checks_dates(parties->trust))
		fputs("motorway-control: certificates.check_dates is no: DATES OF CERTIFICATES "
		      "ARE NOT CHECKED\n",
			parties->log);
}

struct parties *parties_open(const struct conf *conf, FILE *log)
{
	struct parties *parties = calloc(1, sizeof(*parties));

	if (parties == NULL)
		return NULL;
	parties->conf = conf;
	parties->log = log;
	parties->paths.anchor_count = take_paths(parties->paths.anchors, conf->trust_anchors);
	parties->paths.list_count = take_paths(parties->paths.lists, conf->revocation_lists);
	parties->paths.ignore_dates = !conf->check_certificate_dates;
	parties->trust = trust_open(&parties->paths, log);
	parties->trust_number = 1;
	parties->next_ms = INT64_MIN;
	if (parties->trust == NULL) {
		parties_close(parties);
		return NULL;
	}
	note_trust(parties);
	return parties;
}

void parties_close(struct parties *parties)
{
	if (parties == NULL)
		return;
	trust_close(parties->trust);
	free(parties->verdicts);
	free(parties);
}

int parties_reload(struct parties *parties, bool always)
{
	uint64_t stamp = trust_stamp_now(&parties->paths);

	if (!always && (stamp == trust_stamp(parties->trust) || stamp == parties->stamp_refused))
		return 0;
	struct trust *trust = trust_open(&parties->paths, parties->log);
	if (trust == NULL) {
		parties->stamp_refused = stamp;
		fputs("motorway-control: certificates: the trusted issuers and revocation lists "
		      "in force stay\n",
			parties->log);
		return -EINVAL;
	}
	trust_close(parties->trust);
	parties->trust = trust;
	parties->trust_number++;
	parties->stamp_refused = 0;
	note_trust(parties);
	return 1;
}

const struct trust *parties_trust(const struct parties *parties)
{
	return parties->trust;
}

const struct conf *parties_conf(const struct parties *parties)
{
	return parties->conf;
}

/* ---- verdicts ---- */

static void judge(const struct parties *parties, const struct reference_certificate *row,
	struct verdict *verdict, int64_t now_ms)
{
	const struct certificate_owner owner = {
		.eui = row->eui,
		.roles = verdict->roles,
		.dsp_eui = parties->conf->dsp_eui,
	};
	char reason[CERTIFICATE_REASON_SIZE];
	struct certificate certificate;

	verdict->until_ms = INT64_MAX;
	verdict->standing = PARTY_UNUSABLE;
	if (certificate_read(row->der, row->der_length, &certificate, reason) != 0)
		return;
	struct trust_verdict trust = trust_judge(parties->trust, certificate.x509, now_ms);
	certificate_identity(&certificate, verdict->identity);
	verdict->standing = (enum party_standing)trust.state;
	verdict->until_ms = trust.until_ms;
	if (trust.state == TRUST_VALID && !certificate_fits(&certificate, &owner, reason))
		verdict->standing = PARTY_MISFIT;
	certificate_free(&certificate);
}

enum party_standing parties_judge(const struct parties *parties,
	const struct store_certificate *row, uint32_t roles, int64_t now_ms)
{
	const struct reference_certificate certificate = {
		.eui = row->eui,
		.der_length = row->der_length,
		.der = (uint8_t *)(uintptr_t)row->der,
	};
	struct verdict verdict = {.roles = roles};

	if (row->withdrawn)
		return PARTY_WITHDRAWN;
	judge(parties, &certificate, &verdict, now_ms);
	return verdict.standing;
}

static const struct verdict *find_verdict(
	const struct parties *parties, const uint8_t fingerprint[32])
{
	for (size_t i = 0; i < parties->verdict_count; i++)
		if (memcmp(parties->verdicts[i].fingerprint, fingerprint, 32) == 0)
			return &parties->verdicts[i];
	return NULL;
}

/* A verdict that holds still, or a new one. */
static struct verdict decide(const struct parties *parties, const struct reference_certificate *row,
	uint32_t roles, int64_t now_ms)
{
	struct verdict verdict = {.roles = roles, .trust = parties->trust_number};

	SHA256(row->der, row->der_length, verdict.fingerprint);
	const struct verdict *old = find_verdict(parties, verdict.fingerprint);
	if (old != NULL && old->standing != PARTY_DUPLICATE && old->roles == roles &&
		old->trust == parties->trust_number && now_ms < old->until_ms &&
		now_ms >= parties->judged_ms)
		return *old;
	judge(parties, row, &verdict, now_ms);
	return verdict;
}

/* The set's verdicts so far, those in force, have one with this issuer and serial number? */
static bool is_duplicate(const struct verdict *verdicts, size_t count, const uint8_t identity[32])
{
	for (size_t i = 0; i < count; i++)
		if (verdicts[i].standing == PARTY_VALID &&
			memcmp(verdicts[i].identity, identity, 32) == 0)
			return true;
	return false;
}

static void format_ms(int64_t time_ms, char text[CALENDAR_DATE_TIME_SIZE])
{
	int64_t day = time_ms / CALENDAR_DAY_MS - (time_ms % CALENDAR_DAY_MS < 0);

	calendar_format((int32_t)day, (int32_t)(time_ms - day * CALENDAR_DAY_MS), text);
}

static void tell(const struct parties *parties, const struct reference_user *user,
	const struct reference_certificate *row, const struct verdict *verdict)
{
	char reason[CERTIFICATE_REASON_SIZE];
	struct certificate certificate = {.from_ms = 0};
	char from[CALENDAR_DATE_TIME_SIZE] = "?";
	char to[CALENDAR_DATE_TIME_SIZE] = "?";
	char eui[DUIS_EUI_TEXT_SIZE];
	char mark[17];

	duis_eui_format(row->eui, eui);
	for (int i = 0; i < 8; i++)
		snprintf(mark + 2 * i, 3, "%02x", verdict->fingerprint[i]);
	if (certificate_read(row->der, row->der_length, &certificate, reason) == 0) {
		format_ms(certificate.from_ms, from);
		format_ms(certificate.to_ms, to);
		certificate_free(&certificate);
	}
	fprintf(parties->log,
		"motorway-control: certificate %s of user %s (%s) is %s: %s; its time: %s to %s\n",
		mark, eui, user != NULL ? user->name : "?",
		verdict->standing == PARTY_VALID ? "in force" : "not in force",
		party_standing_name(verdict->standing), from, to);
}

/* Say what is different: at first what is not in force, later also what comes into force. */
static void tell_change(const struct parties *parties, const struct reference_user *user,
	const struct reference_certificate *row, const struct verdict *verdict)
{
	const struct verdict *old = find_verdict(parties, verdict->fingerprint);

	if (old != NULL ? old->standing != verdict->standing : verdict->standing != PARTY_VALID)
		tell(parties, user, row, verdict);
}

/* When something changes by itself next: a verdict, or a list that should have been followed. */
static int64_t next_instant(
	const struct parties *parties, const struct verdict *verdicts, size_t count, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < count; i++)
		if (verdicts[i].until_ms < next_ms)
			next_ms = verdicts[i].until_ms;
	for (size_t i = 0; i < trust_list_count(parties->trust); i++) {
		struct trust_list list = trust_list(parties->trust, i);

		if (list.next_ms > now_ms && list.next_ms < next_ms)
			next_ms = list.next_ms;
	}
	return next_ms;
}

void parties_admit(struct parties *parties, struct reference *reference, int64_t now_ms)
{
	size_t count = reference->certificate_count;
	struct verdict *verdicts = calloc(count + 1, sizeof(*verdicts));
	size_t kept = 0;

	/* Without memory nothing is judged, and so nothing is in force. */
	for (size_t i = 0; i < count; i++) {
		struct reference_certificate *row = &reference->certificates[i];
		const struct reference_user *user = reference_user(reference, row->eui);
		struct verdict verdict = {.standing = PARTY_UNUSABLE};

		if (verdicts != NULL) {
			verdict = decide(parties, row, user != NULL ? user->roles : 0, now_ms);
			if (verdict.standing == PARTY_VALID &&
				is_duplicate(verdicts, i, verdict.identity))
				verdict.standing = PARTY_DUPLICATE;
			tell_change(parties, user, row, &verdict);
			verdicts[i] = verdict;
		}
		if (verdict.standing == PARTY_VALID)
			reference->certificates[kept++] = *row;
		else
			free(row->der);
	}
	reference->certificate_count = kept;
	note_lists(parties, parties->admitted ? parties->judged_ms : INT64_MIN, now_ms);
	parties->left_out = count - kept;
	parties->next_ms =
		verdicts != NULL ? next_instant(parties, verdicts, count, now_ms) : now_ms;
	parties->judged_ms = now_ms;
	parties->admitted = true;
	free(parties->verdicts);
	parties->verdicts = verdicts;
	parties->verdict_count = verdicts != NULL ? count : 0;
	reference_seal(reference);
}

/* What a row is known by, for finding two alike. */
struct known {
	uint8_t identity[32];
	uint8_t fingerprint[32];
};

static int compare_known(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(((const struct known *)left)->identity));
}

bool parties_find_duplicate(
	const struct parties *parties, const struct reference *reference, char mark[17])
{
	struct known *known = calloc(reference->certificate_count + 1, sizeof(*known));
	size_t count = 0;
	bool found = false;

	for (size_t i = 0; known != NULL && i < reference->certificate_count; i++) {
		const struct reference_certificate *row = &reference->certificates[i];
		char reason[CERTIFICATE_REASON_SIZE];
		struct certificate certificate;

		SHA256(row->der, row->der_length, known[count].fingerprint);
		const struct verdict *old = find_verdict(parties, known[count].fingerprint);
		if (old != NULL && old->standing != PARTY_UNUSABLE) {
			memcpy(known[count++].identity, old->identity, 32);
		} else if (certificate_read(row->der, row->der_length, &certificate, reason) == 0) {
			certificate_identity(&certificate, known[count++].identity);
			certificate_free(&certificate);
		}
	}
	if (count > 0)
		qsort(known, count, sizeof(*known), compare_known);
	for (size_t i = 1; i < count && !found; i++) {
		found = compare_known(&known[i - 1], &known[i]) == 0;
		for (int b = 0; found && b < 8; b++)
			snprintf(mark + 2 * b, 3, "%02x", known[i].fingerprint[b]);
	}
	free(known);
	return found;
}

int64_t parties_next_ms(const struct parties *parties)
{
	return parties->next_ms;
}

bool parties_due(const struct parties *parties, int64_t now_ms)
{
	return now_ms >= parties->next_ms || now_ms < parties->judged_ms;
}

size_t parties_left_out(const struct parties *parties)
{
	return parties->left_out;
}

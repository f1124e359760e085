/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast engine against libxml2, expat, OpenSSL and xmlsec1, on signed documents:
 *
 *     (none)     the 297 templates, signed by the official tool, as one sender's after the other
 *     -mdr       one request for each service of a meter data retriever
 *     -senders   the templates as 32 senders in turn would write them: no document is of the sender
 *                or of the service of the one before, and there are more ways to write the root's
 *                tag than the engine keeps
 *     -lines     the templates indented, with line ends CR LF
 *
 *     validate   parse, validate, extract         digest   canonicalise and hash, from a read
 *     c14n       both canonical forms, no hash    prepare  bytes -> validated, profile, digests
 *     whole      bytes -> validated, verified
 *     hostile-*  a byte of hostile input up to the verdict on it: read, profile, digests. Against
 *                valid-prepare, a byte of a valid message as far (the case prepare): its ratio must
 *                not fall under 0.5. valid-message: a byte of it with its signature
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/duis_corpus.h"
#include "bench/duis_hostile.h"
#include "bench/duis_peers.h"
#include "bench/duis_senders.h"
#include "bench/harness.h"

#define CASES_MAX 96
#define SUBJECTS 4
#define SUBJECT_CASES 5
#define WHOLE_DOCUMENTS 32 /* xmlsec1 is slow: fewer a call */
#define WHOLE_BURST 16
#define TEXT_SIZE 200

struct subject {
	const char *name; /* "" or "-mdr" ... */
	const char *what;
	bool judged; /* against targets */
	struct corpus corpus;
	struct peers *peers;
	struct p256_verifier *verifier;
	uint8_t *room;
	size_t room_size;
	size_t whole_count;
	char text[TEXT_SIZE];
	char names[SUBJECT_CASES][32];
};

struct attack {
	const struct hostile *hostile;
	struct subject *subject;
	struct buffer document;
	char text[TEXT_SIZE];
};

/* ---- ours ---- */

static uint64_t run_validate(void *state)
{
	struct subject *subject = state;
	struct corpus *corpus = &subject->corpus;
	struct duis_document document;
	struct duis_error error;

	for (size_t index = 0; index < corpus->count; index++)
		if (duis_fast_engine_read(corpus->engine, corpus->documents[index].bytes,
			    corpus->documents[index].length, &document, &error) != 0)
			return 0;
	return corpus->count;
}

static uint64_t run_c14n(void *state)
{
	struct subject *subject = state;
	struct corpus *corpus = &subject->corpus;

	for (size_t index = 0; index < corpus->count; index++) {
		struct corpus_document *document = &corpus->documents[index];
		int64_t first = duis_fast_engine_digested(
			document->ready, subject->room, subject->room_size);
		int64_t second = duis_fast_engine_signed_info(
			document->ready, subject->room, subject->room_size);

		if (first <= 0 || second <= 0 ||
			(size_t)(first + second) != document->canonical_length)
			return 0;
	}
	return corpus->count;
}

static uint64_t run_digest(void *state)
{
	struct subject *subject = state;
	struct corpus *corpus = &subject->corpus;
	uint8_t first[32];
	uint8_t second[32];

	for (size_t index = 0; index < corpus->count; index++) {
		duis_fast_engine_digest(corpus->documents[index].ready, first, second);
		bench_use(first[0] ^ second[0]);
	}
	return corpus->count;
}

static uint64_t run_prepare(void *state)
{
	struct subject *subject = state;
	struct corpus *corpus = &subject->corpus;

	for (size_t index = 0; index < corpus->count; index++) {
		struct duis_document document;
		struct duis_error error;
		uint8_t digest[32];
		uint8_t signature[64];

		if (duis_fast_engine_read(corpus->engine, corpus->documents[index].bytes,
			    corpus->documents[index].length, &document, &error) != 0 ||
			duis_fast_engine_prepare(corpus->engine, digest, signature, &error) != 0)
			return 0;
		bench_use(digest[0] ^ signature[0]);
	}
	return corpus->count;
}

/* Read and prepare a burst of messages, then verify its signatures together, as a polling core does
 * with what it finds; nothing waits for a burst to fill. */
static uint64_t run_whole(void *state)
{
	struct subject *subject = state;
	struct corpus *corpus = &subject->corpus;
	struct p256_check checks[WHOLE_BURST];
	uint8_t digests[WHOLE_BURST][32];
	uint8_t signatures[WHOLE_BURST][64];
	size_t burst = 0;

	for (size_t index = 0; index < subject->whole_count; index++) {
		struct duis_document document;
		struct duis_error error;
		const struct corpus_key *key;

		if (duis_fast_engine_read(corpus->engine, corpus->documents[index].bytes,
			    corpus->documents[index].length, &document, &error) != 0 ||
			duis_fast_engine_prepare(
				corpus->engine, digests[burst], signatures[burst], &error) != 0)
			return 0;
		key = corpus_find_key(corpus, &document);
		if (key == NULL)
			return 0;
		checks[burst] = (struct p256_check){
			.key = key->key, .digest = digests[burst], .signature = signatures[burst]};
		if (++burst < WHOLE_BURST && index + 1 < subject->whole_count)
			continue;
		p256_verify_batch(subject->verifier, checks, burst);
		while (burst > 0)
			if (checks[--burst].result != 0)
				return 0;
	}
	return subject->whole_count;
}

/* Refused where it is expected to be. */
static uint64_t run_attack(void *state)
{
	struct attack *attack = state;
	struct corpus *corpus = &attack->subject->corpus;
	struct duis_document document;
	struct duis_error error;
	uint8_t digest[32];
	uint8_t signature[64];
	int result = duis_fast_engine_read(corpus->engine, attack->document.bytes,
		(uint32_t)attack->document.length, &document, &error);

	if ((result != 0) != attack->hostile->read)
		return 0;
	if (result == 0 && duis_fast_engine_prepare(corpus->engine, digest, signature, &error) == 0)
		return 0;
	return attack->document.length;
}

/* ---- the peers ---- */

#define PEER(name)                                                                                 \
	static uint64_t run_##name(void *state)                                                    \
	{                                                                                          \
		return peers_##name(((struct subject *)state)->peers);                             \
	}

PEER(dom_schema)
PEER(sax)
PEER(expat)
static uint64_t run_c14n_peer(void *state)
{
	return peers_c14n(((struct subject *)state)->peers);
}

PEER(sha256)

static uint64_t run_xmlsec(void *state)
{
	struct subject *subject = state;

	return peers_xmlsec(subject->peers, subject->whole_count);
}

static uint64_t run_prepare_bytes(void *state)
{
	struct attack *attack = state;

	return run_prepare(attack->subject) > 0 ? attack->subject->corpus.bytes : 0;
}

static uint64_t run_whole_bytes(void *state)
{
	struct attack *attack = state;
	struct subject *subject = attack->subject;
	uint64_t bytes = 0;

	for (size_t index = 0; index < subject->whole_count; index++)
		bytes += subject->corpus.documents[index].length;
	return run_whole(subject) > 0 ? bytes : 0;
}

/* ---- the cases ---- */

static const char *variant(void)
{
	return duis_fast_variant_name(duis_fast_variant_best());
}

static void load(struct subject *subject)
{
	struct corpus *corpus = &subject->corpus;

	corpus_make_ready(corpus);
	subject->peers = peers_create(corpus);
	subject->verifier = p256_verifier_create();
	subject->room_size = 4u << 20;
	subject->room = malloc(subject->room_size);
	subject->whole_count = corpus->count < WHOLE_DOCUMENTS ? corpus->count : WHOLE_DOCUMENTS;
	if (subject->verifier == NULL || subject->room == NULL) {
		fprintf(stderr, "bench_duis: out of memory\n");
		exit(2);
	}
	snprintf(subject->text, sizeof(subject->text),
		"%zu %s, %zu bytes on average, %zu keys; %s; whole: bursts of %d", corpus->count,
		subject->what, corpus->bytes / corpus->count, corpus->key_count, variant(),
		WHOLE_BURST);
}

static bool is_needed(const struct subject *subject, const char *only)
{
	size_t length = strlen(subject->name);

	return only == NULL || strlen(only) < length ||
	       strcmp(only + strlen(only) - length, subject->name) == 0;
}

/* The subjects; those after the first two are made from the first. `only`: the one case that is
 * run, or NULL. */
static void load_all(struct subject subjects[SUBJECTS], const char *only)
{
	struct corpus *templates = &subjects[0].corpus;

	subjects[0].name = "";
	subjects[0].what = "signed templates";
	subjects[0].judged = true;
	corpus_load(templates, "templates", NULL);
	corpus_load_keys(templates, NULL);
	subjects[1].name = "-mdr";
	subjects[1].what = "requests of a meter data retriever";
	subjects[1].judged = true;
	corpus_load(&subjects[1].corpus, "mdr", templates);
	corpus_load_keys(&subjects[1].corpus, templates);
	subjects[2].name = "-senders";
	subjects[2].what = "templates of 32 senders in turn";
	if (is_needed(&subjects[2], only))
		corpus_write_again(&subjects[2].corpus, templates, senders_respell);
	subjects[3].name = "-lines";
	subjects[3].what = "templates with CR LF and indentation";
	if (is_needed(&subjects[3], only))
		corpus_write_again(&subjects[3].corpus, templates, senders_indent);
	for (unsigned index = 0; index < SUBJECTS; index++)
		if (is_needed(&subjects[index], only))
			load(&subjects[index]);
}

/* Before cases that verify signatures. */
static int build_tables(void *state)
{
	struct subject *subject = state;

	corpus_build_tables(&subject->corpus, subject->whole_count);
	return 0;
}

static int build_attack_tables(void *state)
{
	return build_tables(((struct attack *)state)->subject);
}

static size_t add_subject(struct bench_case *cases, struct subject *subject)
{
	static const struct bench_case added[SUBJECT_CASES] = {
		{.name = "validate",
			.contenders = {{"ours", run_validate, 0},
				{"libxml2-dom-schema", run_dom_schema, 20},
				{"libxml2-sax", run_sax, 4}, {"expat-ns", run_expat, 8}}},
		{.name = "c14n",
			.contenders = {{"ours", run_c14n, 0}, {"libxml2-c14n", run_c14n_peer, 8}}},
		{.name = "digest",
			.contenders = {{"ours", run_digest, 0}, {"sha256", run_sha256, 0.75}}},
		{.name = "prepare",
			.contenders = {{"ours", run_prepare, 0},
				{"libxml2-dom-schema", run_dom_schema, 0}}},
		{.name = "whole",
			.setup = build_tables,
			.contenders = {{"ours", run_whole, 0}, {"libxml2-xmlsec1", run_xmlsec, 6}}},
	};

	for (size_t index = 0; index < SUBJECT_CASES; index++) {
		cases[index] = added[index];
		snprintf(subject->names[index], sizeof(subject->names[index]), "%s%s",
			added[index].name, subject->name);
		cases[index].name = subject->names[index];
		cases[index].unit = "ns/message";
		cases[index].parameters = subject->text;
		cases[index].variant = variant;
		cases[index].state = subject;
		for (unsigned peer = 1; !subject->judged && peer < BENCH_CONTENDERS_MAX; peer++)
			cases[index].contenders[peer].target = 0;
	}
	return SUBJECT_CASES;
}

static void add_attack(struct bench_case *added, struct attack *attack, bool verifies)
{
	hostile_write(attack->hostile, &attack->document);
	snprintf(attack->text, sizeof(attack->text), "%s, %zu bytes%s", attack->hostile->what,
		attack->document.length, attack->hostile->read ? ", not valid" : "");
	*added = (struct bench_case){
		.name = attack->hostile->name,
		.unit = "ns/byte",
		.parameters = attack->text,
		.variant = variant,
		.setup = verifies ? build_attack_tables : NULL,
		.state = attack,
		.contenders = {{"ours", run_attack, 0},
			{"valid-prepare", run_prepare_bytes, attack->hostile->dear ? 0 : 0.5},
			{"valid-message", run_whole_bytes, 0}},
	};
}

int main(int argc, char **argv)
{
	static struct subject subjects[SUBJECTS];
	static struct attack attacks[CASES_MAX];
	static struct bench_case cases[CASES_MAX];
	struct bench_options options;
	size_t count = 0;
	int status = bench_options_parse(&options, argc, argv, "");

	if (status != BENCH_GO_ON)
		return status;
	load_all(subjects, options.only);
	for (unsigned index = 0; index < SUBJECTS; index++)
		count += add_subject(cases + count, &subjects[index]);
	for (size_t index = 0; index < hostile_count && count < CASES_MAX; index++) {
		attacks[index].hostile = &hostile_documents[index];
		attacks[index].subject = &subjects[0];
		/* Instructions are counted of one contender at a time; the third verifies. */
		add_attack(&cases[count++], &attacks[index],
			options.counted < 0 || options.counted == 2);
	}
	return bench_run("duis", cases, count, &options);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast engine against libxml2, expat, OpenSSL and xmlsec1, on documents that the official tool
 * signed: all 297 templates, and one request for each service of a meter data retriever.
 *
 *     validate   parse, validate, extract         digest   canonicalise and hash, from a read
 * document c14n       both canonical forms, no hash    whole    bytes -> validated, verified
 *     hostile-*  a byte of hostile input, up to the verdict on it. valid-message: a byte of a valid
 *                message up to the verdict on it, signature included; its ratio must not fall under
 *                0.5. valid-read: a byte of it without the signature
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/duis_corpus.h"
#include "bench/duis_hostile.h"
#include "bench/duis_peers.h"
#include "bench/harness.h"

#define CASES_MAX 64
#define WHOLE_DOCUMENTS 32 /* xmlsec1 is slow: fewer a call */
#define WHOLE_BURST 16
#define TEXT_SIZE 160

struct subject {
	struct corpus corpus;
	struct peers *peers;
	struct p256_verifier *verifier;
	uint8_t *room;
	size_t room_size;
	size_t whole_count;
	char text[TEXT_SIZE];
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

static uint64_t run_attack(void *state)
{
	struct attack *attack = state;
	struct corpus *corpus = &attack->subject->corpus;
	struct duis_document document;
	struct duis_error error;
	int result = duis_fast_engine_read(corpus->engine, attack->document.bytes,
		(uint32_t)attack->document.length, &document, &error);

	if ((result != 0) != attack->hostile->refused)
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

static uint64_t run_read_bytes(void *state)
{
	struct attack *attack = state;

	return run_validate(attack->subject) > 0 ? attack->subject->corpus.bytes : 0;
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

static void load(struct subject *subject, const char *name)
{
	struct corpus *corpus = &subject->corpus;

	corpus_load(corpus, name);
	corpus_make_ready(corpus);
	corpus_load_keys(corpus);
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
		"%zu documents of %zu bytes on average, %s; whole: bursts of 16", corpus->count,
		corpus->bytes / corpus->count, duis_fast_variant_name(duis_fast_variant_best()));
}

static size_t add_subject(
	struct bench_case *cases, struct subject *subject, const char *const names[4])
{
	const struct bench_case added[] = {
		{.name = names[0],
			.contenders = {{"ours", run_validate, 0},
				{"libxml2-dom-schema", run_dom_schema, 20},
				{"libxml2-sax", run_sax, 4}, {"expat-ns", run_expat, 8}}},
		{.name = names[1],
			.contenders = {{"ours", run_c14n, 0}, {"libxml2-c14n", run_c14n_peer, 8}}},
		{.name = names[2],
			.contenders = {{"ours", run_digest, 0}, {"sha256", run_sha256, 0.75}}},
		{.name = names[3],
			.contenders = {{"ours", run_whole, 0}, {"libxml2-xmlsec1", run_xmlsec, 6}}},
	};

	for (size_t index = 0; index < 4; index++) {
		cases[index] = added[index];
		cases[index].unit = "ns/message";
		cases[index].parameters = subject->text;
		cases[index].state = subject;
	}
	return 4;
}

static void add_attack(struct bench_case *added, struct attack *attack)
{
	hostile_write(attack->hostile, &attack->document);
	snprintf(attack->text, sizeof(attack->text), "%s, %zu bytes%s", attack->hostile->what,
		attack->document.length, attack->hostile->refused ? ", refused" : "");
	*added = (struct bench_case){
		.name = attack->hostile->name,
		.unit = "ns/byte",
		.parameters = attack->text,
		.state = attack,
		.contenders = {{"ours", run_attack, 0}, {"valid-message", run_whole_bytes, 0.5},
			{"valid-read", run_read_bytes, 0}},
	};
}

int main(int argc, char **argv)
{
	static const char *const template_names[4] = {"validate", "c14n", "digest", "whole"};
	static const char *const mdr_names[4] = {
		"validate-mdr", "c14n-mdr", "digest-mdr", "whole-mdr"};
	static struct subject templates;
	static struct subject mdr;
	static struct attack attacks[CASES_MAX];
	static struct bench_case cases[CASES_MAX];
	struct bench_options options;
	size_t count;
	int status = bench_options_parse(&options, argc, argv, "");

	if (status != BENCH_GO_ON)
		return status;
	load(&templates, "templates");
	load(&mdr, "mdr");
	count = add_subject(cases, &templates, template_names);
	count += add_subject(cases + count, &mdr, mdr_names);
	for (size_t index = 0; index < hostile_count && count < CASES_MAX; index++) {
		attacks[index].hostile = &hostile_documents[index];
		attacks[index].subject = &templates;
		add_attack(&cases[count++], &attacks[index]);
	}
	return bench_run("duis", cases, count, &options);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Documents as other senders would write them, signed again with keys of the bench's own. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ecdsa.h>

#include "bench/duis_corpus.h"
#include "bench/duis_senders.h"
#include "tests/differential/buffer.h"

#define SENDERS 32
#define VALUE_SIZE 128
#define STRIDE 131 /* from a document to the next, so that neighbours are of different services */

struct sender {
	EVP_PKEY *pair;
	struct p256_key *key;
	char serial[48];
};

static struct sender senders[SENDERS];

static void check(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "bench_duis: documents of other senders: %s\n", what);
	exit(2);
}

static void make_senders(void)
{
	for (unsigned index = 0; index < SENDERS && senders[index].pair == NULL; index++) {
		struct sender *sender = &senders[index];

		sender->pair = EVP_EC_gen("P-256");
		check(sender->pair != NULL, "no key");
		sender->key = p256_key_create(sender->pair);
		check(sender->key != NULL, "no key");
		snprintf(sender->serial, sizeof(sender->serial),
			"1701411834604692317%02u16873037158841%02u", index, 99 - index);
	}
}

/* ---- other spellings ---- */

static void replace_all(struct buffer *text, const char *old, const char *new)
{
	size_t length = strlen(old);
	size_t at = 0;
	uint8_t *found;

	while ((found = memmem(text->bytes + at, text->length - at, old, length)) != NULL) {
		at = (size_t)(found - text->bytes);
		buffer_splice(text, at, at + length, new, strlen(new));
		at += strlen(new);
	}
}

static void rename_prefix(
	struct buffer *text, const char *old, const char *new, const char *declaration)
{
	static const char *const forms[3] = {"<%s:", "</%s:", "xmlns:%s="};

	for (unsigned form = 0; form < 3; form++) {
		char from[32];
		char to[32];

		snprintf(from, sizeof(from), forms[form], old);
		if (new[0] != '\0')
			snprintf(to, sizeof(to), forms[form], new);
		else
			snprintf(to, sizeof(to), "%s",
				form == 2   ? declaration
				: form == 1 ? "</"
					    : "<");
		replace_all(text, from, to);
	}
}

void senders_respell(struct buffer *text, unsigned sender)
{
	static const char *const duis[8] = {"", "ns2", "duis", "d", "sr", "sug", "ns1", "req"};
	static const char *const dsig[4] = {"dsig", "ds", "sig", "ns3"};
	char declaration[64];

	rename_prefix(text, "sr", duis[sender % 8], "xmlns=");
	rename_prefix(text, "ds", dsig[sender / 8 % 4], "xmlns=");
	snprintf(declaration, sizeof(declaration),
		" xmlns:own%02u=\"urn:sender:%02u\" schemaVersion=", sender, sender);
	replace_all(text, " schemaVersion=", declaration);
}

void senders_indent(struct buffer *text, unsigned sender)
{
	struct buffer out = {0};
	unsigned depth = 0;
	bool opened = false; /* the last tag was a start tag */

	(void)sender;
	for (size_t at = 0; at < text->length;) {
		const uint8_t *tag = text->bytes + at;
		const uint8_t *stop = memchr(tag, '>', text->length - at);
		bool closes = tag[0] == '<' && tag[1] == '/';

		if (tag[0] != '<') {
			stop = memchr(tag, '<', text->length - at);
			stop = stop != NULL ? stop : text->bytes + text->length;
			buffer_add(&out, tag, (size_t)(stop - tag));
			at = (size_t)(stop - text->bytes);
			continue;
		}
		depth -= closes;
		if (at > 0 && tag[-1] == '>' && !(closes && opened)) {
			buffer_text(&out, "\r\n");
			for (unsigned level = 0; level < depth; level++)
				buffer_text(&out, "  ");
		}
		opened = !closes && stop[-1] != '/' && tag[1] != '?';
		depth += opened;
		buffer_add(&out, tag, (size_t)(stop + 1 - tag));
		at = (size_t)(stop + 1 - text->bytes);
	}
	buffer_free(text);
	*text = out;
}

/* ---- signing ---- */

/* The text of the only element of this local name. */
static void set_text(struct buffer *text, const char *element, const char *value)
{
	char tag[64];
	uint8_t *found;
	size_t begin;
	size_t end;

	snprintf(tag, sizeof(tag), "%s>", element);
	found = memmem(text->bytes, text->length, tag, strlen(tag));
	check(found != NULL, element);
	begin = (size_t)(found - text->bytes) + strlen(tag);
	end = (size_t)((uint8_t *)memchr(text->bytes + begin, '<', text->length - begin) -
		       text->bytes);
	buffer_splice(text, begin, end, value, strlen(value));
}

static void digest(struct corpus *corpus, const struct buffer *text, struct duis_document *document,
	uint8_t digests[2][32])
{
	struct duis_error error;

	check(duis_fast_engine_read(
		      corpus->engine, text->bytes, (uint32_t)text->length, document, &error) == 0,
		error.rule);
	duis_fast_engine_digest(corpus->engine, digests[0], digests[1]);
}

/* r and s, 32 octets each, in base64 as the official tool breaks it. */
static void make_signature(
	const struct sender *sender, const uint8_t signed_digest[32], char *value)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(sender->pair, NULL);
	uint8_t der[128];
	size_t length = sizeof(der);
	const uint8_t *at = der;
	uint8_t raw[64];
	char base64[96];
	ECDSA_SIG *signature;

	check(context != NULL && EVP_PKEY_sign_init(context) == 1 &&
			EVP_PKEY_sign(context, der, &length, signed_digest, 32) == 1,
		"signing");
	EVP_PKEY_CTX_free(context);
	signature = d2i_ECDSA_SIG(NULL, &at, (long)length);
	check(signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32) == 32 &&
			BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32) == 32,
		"signature");
	ECDSA_SIG_free(signature);
	EVP_EncodeBlock((unsigned char *)base64, raw, sizeof(raw));
	snprintf(value, VALUE_SIZE, "%.76s&#13;\n%s", base64, base64 + 76);
}

static void sign(struct corpus *corpus, struct buffer *text, unsigned index)
{
	const struct sender *sender = &senders[index];
	struct corpus_key *key = &corpus->keys[index];
	struct duis_document document;
	uint8_t digests[2][32];
	char value[VALUE_SIZE];

	set_text(text, "X509SerialNumber", sender->serial);
	digest(corpus, text, &document, digests);
	EVP_EncodeBlock((unsigned char *)value, digests[0], 32);
	set_text(text, "DigestValue", value);
	digest(corpus, text, &document, digests);
	make_signature(sender, digests[1], value);
	set_text(text, "SignatureValue", value);
	memcpy(key->issuer, document.issuer, sizeof(key->issuer));
	memcpy(key->serial, document.serial, sizeof(key->serial));
	key->public_key = sender->pair;
	key->key = sender->key;
}

void corpus_write_again(struct corpus *to, const struct corpus *from,
	void (*rewrite)(struct buffer *text, unsigned sender))
{
	make_senders();
	*to = (struct corpus){.schemas = from->schemas, .key_count = SENDERS};
	to->engine = corpus_engine(to, CORPUS_DOCUMENT_BYTES_MAX);
	to->keys = calloc(SENDERS, sizeof(to->keys[0]));
	to->documents = calloc(from->count, sizeof(to->documents[0]));
	check(to->keys != NULL && to->documents != NULL, "out of memory");
	for (size_t index = 0; index < from->count; index++) {
		const struct corpus_document *document =
			&from->documents[index * STRIDE % from->count];
		struct corpus_document *added = &to->documents[to->count++];
		unsigned sender = (unsigned)(index % SENDERS);
		struct buffer text = {0};

		buffer_add(&text, document->bytes, document->length);
		rewrite(&text, sender);
		sign(to, &text, sender);
		added->bytes = text.bytes;
		added->length = (uint32_t)text.length;
		added->public_key = senders[sender].pair;
		to->bytes += text.length;
	}
}

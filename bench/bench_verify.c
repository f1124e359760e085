/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA P-256 verification and signing: known keys with tables against OpenSSL's EVP functions with
 * keys loaded and contexts made once. Both get the same keys and signatures in the same order; the
 * keys take turns, so that no table stays in the first cache unless there is only one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "bench/harness.h"
#include "dataplane/duis/p256.h"

#define DER_SIZE_MAX 80
#define SIGNATURES_A_CALL 32

/* A key and one signature of it. */
struct signer {
	EVP_PKEY *pair;
	EVP_PKEY_CTX *plain; /* the peer's: made once */
	struct p256_key *key;
	uint8_t digest[P256_DIGEST_SIZE];
	uint8_t signature[P256_SIGNATURE_SIZE];
	uint8_t der[DER_SIZE_MAX];
	size_t der_length;
};

/* State of a case. Ours and the peer walk through the signers on their own. */
struct verification {
	size_t signer_count;
	size_t batch;
	struct signer *signers;
	struct p256_verifier *verifier;
	size_t next_ours;
	size_t next_plain;
};

static bool encode_raw(struct signer *signer)
{
	const uint8_t *at = signer->der;
	ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &at, (long)signer->der_length);
	bool done = parsed && BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signer->signature, 32) == 32 &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signer->signature + 32, 32) == 32;

	ECDSA_SIG_free(parsed);
	return done;
}

static int make_signer(struct signer *signer)
{
	EVP_PKEY_CTX *signing;
	bool done = false;

	signer->pair = EVP_EC_gen("P-256");
	if (!signer->pair || RAND_bytes(signer->digest, sizeof(signer->digest)) != 1)
		return -ENOMEM;
	signer->der_length = sizeof(signer->der);
	signing = EVP_PKEY_CTX_new(signer->pair, NULL);
	if (signing && EVP_PKEY_sign_init(signing) == 1)
		done = EVP_PKEY_sign(signing, signer->der, &signer->der_length, signer->digest,
			       sizeof(signer->digest)) == 1;
	EVP_PKEY_CTX_free(signing);
	signer->plain = EVP_PKEY_CTX_new(signer->pair, NULL);
	if (!done || !encode_raw(signer) || !signer->plain ||
		EVP_PKEY_verify_init(signer->plain) != 1)
		return -ENOMEM;
	signer->key = p256_key_create(signer->pair);
	return signer->key ? p256_key_build_table(signer->key) : -ENOMEM;
}

static void tear_down(void *state)
{
	struct verification *verification = state;

	for (size_t index = 0; verification->signers && index < verification->signer_count;
		index++) {
		p256_key_destroy(verification->signers[index].key);
		EVP_PKEY_CTX_free(verification->signers[index].plain);
		EVP_PKEY_free(verification->signers[index].pair);
	}
	free(verification->signers);
	verification->signers = NULL;
	p256_verifier_destroy(verification->verifier);
	verification->verifier = NULL;
}

static int set_up(void *state)
{
	struct verification *verification = state;

	verification->signers = calloc(verification->signer_count, sizeof(struct signer));
	verification->verifier = p256_verifier_create();
	if (!verification->signers || !verification->verifier)
		return -ENOMEM;
	for (size_t index = 0; index < verification->signer_count; index++) {
		int result = make_signer(&verification->signers[index]);

		if (result != 0)
			return result;
	}
	return 0;
}

static uint64_t run_ours(void *state)
{
	struct verification *verification = state;
	struct p256_check checks[P256_BATCH_MAX];
	uint64_t units = 0;

	while (units < SIGNATURES_A_CALL) {
		for (size_t index = 0; index < verification->batch; index++) {
			const struct signer *signer =
				&verification->signers[verification->next_ours];

			checks[index] = (struct p256_check){.key = signer->key,
				.digest = signer->digest,
				.signature = signer->signature};
			verification->next_ours =
				(verification->next_ours + 1) % verification->signer_count;
		}
		p256_verify_batch(verification->verifier, checks, verification->batch);
		for (size_t index = 0; index < verification->batch; index++)
			if (checks[index].result != 0)
				return 0;
		units += verification->batch;
	}
	return units;
}

static uint64_t run_plain(void *state)
{
	struct verification *verification = state;

	for (size_t count = 0; count < SIGNATURES_A_CALL; count++) {
		const struct signer *signer = &verification->signers[verification->next_plain];

		if (EVP_PKEY_verify(signer->plain, signer->der, signer->der_length, signer->digest,
			    P256_DIGEST_SIZE) != 1)
			return 0;
		verification->next_plain =
			(verification->next_plain + 1) % verification->signer_count;
	}
	return SIGNATURES_A_CALL;
}

static struct verification known_16 = {.signer_count = 16, .batch = 16};
static struct verification known_1 = {.signer_count = 1, .batch = 16};
static struct verification known_500 = {.signer_count = 500, .batch = 16};
static struct verification alone = {.signer_count = 16, .batch = 1};
static struct verification four = {.signer_count = 16, .batch = 4};
static struct verification full = {.signer_count = 16, .batch = P256_BATCH_MAX};

#define VERIFICATION(case_name, of, text, ratio)                                                   \
	{                                                                                          \
		.name = case_name, .unit = "ns/signature", .parameters = text, .setup = set_up,    \
		.teardown = tear_down, .state = &of,                                               \
		.contenders = {{"ours", run_ours, 0}, {"openssl-evp", run_plain, ratio}},          \
	}

static const struct bench_case cases[] = {
	VERIFICATION("signature", known_16, "16 known keys in turn, bursts of 16", 2.5),
	VERIFICATION("signature-1-key", known_1, "one key, bursts of 16", 0),
	VERIFICATION("signature-500-keys", known_500, "500 known keys in turn, bursts of 16", 0),
	VERIFICATION("signature-burst-1", alone, "16 known keys in turn, one at a time", 0),
	VERIFICATION("signature-burst-4", four, "16 known keys in turn, bursts of 4", 0),
	VERIFICATION("signature-burst-32", full, "16 known keys in turn, bursts of 32", 0),
};

int main(int argc, char **argv)
{
	struct bench_options options;
	int status = bench_options_parse(&options, argc, argv, "");

	if (status != BENCH_GO_ON)
		return status;
	if (options.argument_count > 0) {
		fprintf(stderr, "bench_verify: %s is not expected\n", options.arguments[0]);
		return 2;
	}
	return bench_run("verify", cases, sizeof(cases) / sizeof(cases[0]), &options);
}

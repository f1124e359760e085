/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser's inner loops, once for each variant. fast_parse.c is compiled with FAST_VARIANT set
 * to scalar, avx2 or avx512 and the compiler flags to match; nothing outside of it includes this
 * file. No load reaches behind `end`: where fewer bytes remain than a vector holds, the load is
 * masked (AVX-512) or the bytes are looked at one by one.
 */
#ifndef DUIS_FAST_SCAN_H
#define DUIS_FAST_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/duis/fast_classes.h"
#include "motorway/schema_image.h"

#if defined(__AVX512BW__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#define FAST_INLINE static inline __attribute__((always_inline))
#define FAST_APART __attribute__((noinline))
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

static inline bool scan_is(uint8_t byte, enum scan_class class)
{
	return (scan_bits[byte] >> class) & 1;
}

static inline const uint8_t *scan_bytes(
	const uint8_t *at, const uint8_t *end, enum scan_class class)
{
	while (at < end && scan_is(*at, class))
		at++;
	return at;
}

#if defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__BMI2__)

/* One bit for each of 64 bytes that belong to the set. */
FAST_INLINE uint64_t scan_classify(__m512i bytes, const uint8_t low[16], const uint8_t high[16])
{
	__m512i lows = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)low));
	__m512i highs = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)high));
	__m512i nibble = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(15));

	return _mm512_test_epi8_mask(
		_mm512_shuffle_epi8(lows, bytes), _mm512_shuffle_epi8(highs, nibble));
}

FAST_INLINE const uint8_t *scan_run(const uint8_t *at, const uint8_t *end, enum scan_class class)
{
	const struct scan_nibbles *nibbles = &scan_nibbles[class];

	for (;;) {
		uint64_t there = end - at >= 64 ? ~UINT64_C(0)
						: _bzhi_u64(~UINT64_C(0), (uint32_t)(end - at));
		__m512i bytes = _mm512_maskz_loadu_epi8(there, at);
		uint64_t other = ~scan_classify(bytes, nibbles->low, nibbles->high);

		if (likely(other & there))
			return at + __builtin_ctzll(other & there);
		if (end - at <= 64)
			return end;
		at += 64;
	}
}

/* at[0 .. length) and text[0 .. length), both readable that far. */
FAST_INLINE bool scan_equal(
	const uint8_t *at, const uint8_t *text, uint32_t length, const uint8_t *end)
{
	(void)end;
	if (likely(length <= 64)) {
		uint64_t there = _bzhi_u64(~UINT64_C(0), length);

		return _mm512_mask_cmpneq_epi8_mask(there, _mm512_maskz_loadu_epi8(there, at),
			       _mm512_maskz_loadu_epi8(there, text)) == 0;
	}
	return memcmp(at, text, length) == 0;
}

/* Whether each of the pattern's fixed_length bytes is allowed at its place. */
FAST_INLINE bool scan_fixed(
	const struct mw_image_pattern *pattern, const uint8_t *at, const uint8_t *end)
{
	uint64_t there = _bzhi_u64(~UINT64_C(0), pattern->fixed_length);
	__m512i bytes = _mm512_maskz_loadu_epi8(there, at);
	__m512i lows = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)pattern->low));
	__m512i highs = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)pattern->high));
	__m512i nibble = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(15));
	__m512i allowed = _mm512_and_si512(
		_mm512_shuffle_epi8(lows, bytes), _mm512_shuffle_epi8(highs, nibble));

	(void)end;
	return (_mm512_test_epi8_mask(allowed, _mm512_loadu_si512(pattern->fixed)) & there) ==
	       there;
}

#elif defined(__AVX2__)

FAST_INLINE __m256i scan_products(__m256i bytes, const uint8_t low[16], const uint8_t high[16])
{
	__m256i lows = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)low));
	__m256i highs = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)high));
	__m256i nibble = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));

	return _mm256_and_si256(
		_mm256_shuffle_epi8(lows, bytes), _mm256_shuffle_epi8(highs, nibble));
}

FAST_INLINE const uint8_t *scan_run(const uint8_t *at, const uint8_t *end, enum scan_class class)
{
	const struct scan_nibbles *nibbles = &scan_nibbles[class];

	while (end - at >= 32) {
		__m256i products = scan_products(
			_mm256_loadu_si256((const __m256i *)at), nibbles->low, nibbles->high);
		uint32_t other = (uint32_t)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(products, _mm256_setzero_si256()));

		if (likely(other != 0))
			return at + __builtin_ctz(other);
		at += 32;
	}
	return scan_bytes(at, end, class);
}

FAST_INLINE bool scan_equal(
	const uint8_t *at, const uint8_t *text, uint32_t length, const uint8_t *end)
{
	if (likely(length <= 32 && end - at >= 32)) {
		uint32_t same = (uint32_t)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)at),
				_mm256_loadu_si256((const __m256i *)text)));

		return _bzhi_u32(~same, length) == 0;
	}
	return memcmp(at, text, length) == 0;
}

FAST_INLINE bool scan_fixed(
	const struct mw_image_pattern *pattern, const uint8_t *at, const uint8_t *end)
{
	uint32_t index = 0;

	for (; index < pattern->fixed_length && end - at >= 32; index += 32, at += 32) {
		__m256i products = scan_products(
			_mm256_loadu_si256((const __m256i *)at), pattern->low, pattern->high);
		__m256i fixed = _mm256_loadu_si256((const __m256i *)(pattern->fixed + index));
		uint32_t other = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(
			_mm256_and_si256(products, fixed), _mm256_setzero_si256()));
		uint32_t count = pattern->fixed_length - index;

		if (_bzhi_u32(other, count < 32 ? count : 32) != 0)
			return false;
	}
	for (; index < pattern->fixed_length; index++, at++)
		if (*at >= 128 || (pattern->low[*at & 15] & pattern->high[*at >> 4] &
					  pattern->fixed[index]) == 0)
			return false;
	return true;
}

#else

FAST_INLINE const uint8_t *scan_run(const uint8_t *at, const uint8_t *end, enum scan_class class)
{
	return scan_bytes(at, end, class);
}

FAST_INLINE bool scan_equal(
	const uint8_t *at, const uint8_t *text, uint32_t length, const uint8_t *end)
{
	(void)end;
	return memcmp(at, text, length) == 0;
}

FAST_INLINE bool scan_fixed(
	const struct mw_image_pattern *pattern, const uint8_t *at, const uint8_t *end)
{
	(void)end;
	for (uint32_t index = 0; index < pattern->fixed_length; index++)
		if (at[index] >= 128 ||
			(pattern->low[at[index] & 15] & pattern->high[at[index] >> 4] &
				pattern->fixed[index]) == 0)
			return false;
	return true;
}

#endif

#endif

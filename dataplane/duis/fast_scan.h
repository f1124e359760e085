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
#include <stddef.h>
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

/* Where the three bytes are found, or a byte that is no character of XML within ASCII, or the end.
 * With third == 0 the first two are enough. One byte at a time. */
static inline const uint8_t *scan_bytes_until(
	const uint8_t *at, const uint8_t *end, uint8_t first, uint8_t second, uint8_t third)
{
	const ptrdiff_t length = third != 0 ? 3 : 2;

	while (at < end && scan_is(*at, SCAN_CHARACTER)) {
		if (*at == first && end - at >= length && at[1] == second &&
			(third == 0 || at[2] == third))
			return at;
		at++;
	}
	return at;
}

/* The length of the name at `at` and one bit for each of its colons, when it is plain ASCII and
 * ends within 31 bytes and before `end`; 0 otherwise. */
static inline uint32_t scan_bytes_name(const uint8_t *at, const uint8_t *end, uint64_t *colons)
{
	uint32_t limit = end - at > 31 ? 32 : (uint32_t)(end - at);

	*colons = 0;
	for (uint32_t length = 0; length < limit; length++) {
		if (!scan_is(at[length], SCAN_NAME))
			return length;
		*colons |= (uint64_t)(at[length] == ':') << length;
	}
	return 0;
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

FAST_INLINE uint32_t scan_name(const uint8_t *at, const uint8_t *end, uint64_t *colons)
{
	const struct scan_nibbles *nibbles = &scan_nibbles[SCAN_NAME];
	__m512i bytes;
	uint64_t other;

	if (unlikely(end - at < 64))
		return scan_bytes_name(at, end, colons);
	bytes = _mm512_loadu_si512(at);
	other = ~scan_classify(bytes, nibbles->low, nibbles->high);
	*colons = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(':')) & (other - 1) & ~other;
	return other != 0 ? (uint32_t)__builtin_ctzll(other) : 0;
}

FAST_INLINE const uint8_t *scan_until(
	const uint8_t *at, const uint8_t *end, uint8_t first, uint8_t second, uint8_t third)
{
	const struct scan_nibbles *nibbles = &scan_nibbles[SCAN_CHARACTER];

	while (end - at >= 66) {
		__m512i bytes = _mm512_loadu_si512(at);
		uint64_t found = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8((char)first)) &
				 _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(at + 1),
					 _mm512_set1_epi8((char)second));

		if (third != 0)
			found &= _mm512_cmpeq_epi8_mask(
				_mm512_loadu_si512(at + 2), _mm512_set1_epi8((char)third));
		found |= ~scan_classify(bytes, nibbles->low, nibbles->high);
		if (found != 0)
			return at + __builtin_ctzll(found);
		at += 64;
	}
	return scan_bytes_until(at, end, first, second, third);
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

FAST_INLINE uint32_t scan_name(const uint8_t *at, const uint8_t *end, uint64_t *colons)
{
	const struct scan_nibbles *nibbles = &scan_nibbles[SCAN_NAME];
	__m256i bytes;
	uint32_t other;

	if (unlikely(end - at < 32))
		return scan_bytes_name(at, end, colons);
	bytes = _mm256_loadu_si256((const __m256i *)at);
	other = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(
		scan_products(bytes, nibbles->low, nibbles->high), _mm256_setzero_si256()));
	*colons = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(':'))) &
		  (other - 1) & ~other;
	return other != 0 ? (uint32_t)__builtin_ctz(other) : 0;
}

FAST_INLINE const uint8_t *scan_until(
	const uint8_t *at, const uint8_t *end, uint8_t first, uint8_t second, uint8_t third)
{
	const struct scan_nibbles *nibbles = &scan_nibbles[SCAN_CHARACTER];

	while (end - at >= 34) {
		__m256i bytes = _mm256_loadu_si256((const __m256i *)at);
		__m256i found =
			_mm256_and_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8((char)first)),
				_mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(at + 1)),
					_mm256_set1_epi8((char)second)));
		uint32_t where;

		if (third != 0)
			found = _mm256_and_si256(found,
				_mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(at + 2)),
					_mm256_set1_epi8((char)third)));
		found = _mm256_or_si256(
			found, _mm256_cmpeq_epi8(scan_products(bytes, nibbles->low, nibbles->high),
				       _mm256_setzero_si256()));
		where = (uint32_t)_mm256_movemask_epi8(found);
		if (where != 0)
			return at + __builtin_ctz(where);
		at += 32;
	}
	return scan_bytes_until(at, end, first, second, third);
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

FAST_INLINE uint32_t scan_name(const uint8_t *at, const uint8_t *end, uint64_t *colons)
{
	return scan_bytes_name(at, end, colons);
}

FAST_INLINE const uint8_t *scan_until(
	const uint8_t *at, const uint8_t *end, uint8_t first, uint8_t second, uint8_t third)
{
	return scan_bytes_until(at, end, first, second, third);
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

/* As scan_run(), for runs that are mostly short where someone wants them to be: a vector costs as
 * much as many bytes, and what follows has to wait for it. */
FAST_INLINE const uint8_t *scan_near(const uint8_t *at, const uint8_t *end, enum scan_class class)
{
	const uint8_t *far = end - at > 12 ? at + 12 : end;

	for (; at < far; at++)
		if (!scan_is(*at, class))
			return at;
	return scan_run(at, end, class);
}

#endif

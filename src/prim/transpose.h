/* transpose: rows of 64-bit words into columns, in registers. */
#ifndef BP_PRIM_TRANSPOSE_H
#define BP_PRIM_TRANSPOSE_H

#include <immintrin.h>
#include <stdint.h>

#include "prim/le.h"

#define load256(p)     _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define store256(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), v)
#define load512(p)     _mm512_loadu_si512((const void *)(p))
#define store512(p, v) _mm512_storeu_si512((void *)(p), v)

/* The 64-bit word at `offset` of each of 4 or 8 blocks. */
#define word_at(block, w, offset) ((long long)load_le64((block)[w] + (offset)))
#define gather4(block, offset)                                                 \
    _mm256_setr_epi64x(word_at(block, 0, offset), word_at(block, 1, offset),   \
                       word_at(block, 2, offset), word_at(block, 3, offset))
#define gather8(block, offset)                                                 \
    _mm512_setr_epi64(word_at(block, 0, offset), word_at(block, 1, offset),    \
                      word_at(block, 2, offset), word_at(block, 3, offset),    \
                      word_at(block, 4, offset), word_at(block, 5, offset),    \
                      word_at(block, 6, offset), word_at(block, 7, offset))

/* 4 x 4: row i, column j becomes row j, column i. */
#define TRANSPOSE4(r0, r1, r2, r3)                                             \
    do {                                                                       \
        __m256i t0_ = _mm256_unpacklo_epi64(r0, r1);                           \
        __m256i t1_ = _mm256_unpackhi_epi64(r0, r1);                           \
        __m256i t2_ = _mm256_unpacklo_epi64(r2, r3);                           \
        __m256i t3_ = _mm256_unpackhi_epi64(r2, r3);                           \
        r0 = _mm256_permute2x128_si256(t0_, t2_, 0x20);                        \
        r1 = _mm256_permute2x128_si256(t1_, t3_, 0x20);                        \
        r2 = _mm256_permute2x128_si256(t0_, t2_, 0x31);                        \
        r3 = _mm256_permute2x128_si256(t1_, t3_, 0x31);                        \
    } while (0)

/* Quarters (128 bits) of four registers: the same for 4 x 4 of them. */
#define QUARTERS4(q0, q1, q2, q3)                                              \
    do {                                                                       \
        __m512i u0_ = _mm512_shuffle_i64x2(q0, q1, 0x88);                      \
        __m512i u1_ = _mm512_shuffle_i64x2(q2, q3, 0x88);                      \
        __m512i u2_ = _mm512_shuffle_i64x2(q0, q1, 0xdd);                      \
        __m512i u3_ = _mm512_shuffle_i64x2(q2, q3, 0xdd);                      \
        q0 = _mm512_shuffle_i64x2(u0_, u1_, 0x88);                             \
        q1 = _mm512_shuffle_i64x2(u2_, u3_, 0x88);                             \
        q2 = _mm512_shuffle_i64x2(u0_, u1_, 0xdd);                             \
        q3 = _mm512_shuffle_i64x2(u2_, u3_, 0xdd);                             \
    } while (0)

/* 8 x 8. */
#define TRANSPOSE8(r0, r1, r2, r3, r4, r5, r6, r7)                             \
    do {                                                                       \
        __m512i e0_ = _mm512_unpacklo_epi64(r0, r1);                           \
        __m512i o0_ = _mm512_unpackhi_epi64(r0, r1);                           \
        __m512i e1_ = _mm512_unpacklo_epi64(r2, r3);                           \
        __m512i o1_ = _mm512_unpackhi_epi64(r2, r3);                           \
        __m512i e2_ = _mm512_unpacklo_epi64(r4, r5);                           \
        __m512i o2_ = _mm512_unpackhi_epi64(r4, r5);                           \
        __m512i e3_ = _mm512_unpacklo_epi64(r6, r7);                           \
        __m512i o3_ = _mm512_unpackhi_epi64(r6, r7);                           \
        QUARTERS4(e0_, e1_, e2_, e3_);                                         \
        QUARTERS4(o0_, o1_, o2_, o3_);                                         \
        r0 = e0_;                                                              \
        r1 = o0_;                                                              \
        r2 = e1_;                                                              \
        r3 = o1_;                                                              \
        r4 = e2_;                                                              \
        r5 = o2_;                                                              \
        r6 = e3_;                                                              \
        r7 = o3_;                                                              \
    } while (0)

#endif

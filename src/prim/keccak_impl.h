/* keccak_impl: the permutations behind keccak.h, one row per instruction set.

   The table is the only dispatch there is: bp_keccak_ops() gives the row of
   the level in use, and callers that hash in a loop fetch it once.

   A wide state holds the same lane of several Keccak states side by side:
   lane i of state w is s[i * ways + w]. */
#ifndef BP_PRIM_KECCAK_IMPL_H
#define BP_PRIM_KECCAK_IMPL_H

#include "blockpool/keccak.h"

#define BP_KECCAK256_RATE 136
#define BP_KECCAK512_RATE 72
/* States in the widest row. */
#define BP_KECCAK_WAYS_MAX 8
/* The padding of a 64-byte message fills the one word left of its block. */
#define BP_KECCAK512_LINE_PAD 0x8000000000000001u

struct bp_keccak_wide {
    unsigned ways; /* 0 ends the list */
    /* May be NULL. Forgets the states whose bit in `keep` is 0, xors one block
       of BP_KECCAK256_RATE bytes at block[w] into each state, permutes all. s
       is aligned to 64 bytes. */
    void (*absorb)(uint64_t *s, const uint8_t *const block[], unsigned keep);
    /* out[w] = keccak512(a[w] ^ b[w]), each of 64 bytes, for w < ways; out[w]
       may be a[w] or b[w]. b == NULL stands for zeroes. */
    void (*line512)(uint8_t *const out[], const uint8_t *const a[],
                    const uint8_t *const b[]);
};

struct bp_keccak_ops {
    void (*permute)(uint64_t a[25]); /* one state */
    /* Wider ones, the widest first. */
    struct bp_keccak_wide wide[4];
};

/* The row of a level, lowered to what the machine offers. */
const struct bp_keccak_ops *bp_keccak_ops_of(enum bp_cpu cpu);
/* The row in use. */
const struct bp_keccak_ops *bp_keccak_ops(void);

/* out[i] = keccak512(a[i] ^ b[i]) for k lines of 64 bytes, as line512 above,
   over the wide rows as they fit. */
void bp_keccak512_lines(const struct bp_keccak_ops *ops, uint8_t *const out[],
                        const uint8_t *const a[], const uint8_t *const b[],
                        size_t k);

void bp_keccak_permute_portable(uint64_t a[25]);
#if defined(__x86_64__)
void bp_keccak_permute_bmi(uint64_t a[25]);
void bp_keccak_permute_xmm(uint64_t a[25]);
void bp_keccak_line512_xmm(uint8_t *const out[], const uint8_t *const a[],
                           const uint8_t *const b[]);
void bp_keccak_absorb_avx2(uint64_t *s, const uint8_t *const block[],
                           unsigned keep);
void bp_keccak_line512_avx2(uint8_t *const out[], const uint8_t *const a[],
                            const uint8_t *const b[]);
void bp_keccak_absorb_vl(uint64_t *s, const uint8_t *const block[],
                         unsigned keep);
void bp_keccak_line512_vl(uint8_t *const out[], const uint8_t *const a[],
                          const uint8_t *const b[]);
void bp_keccak_absorb_avx512(uint64_t *s, const uint8_t *const block[],
                             unsigned keep);
void bp_keccak_line512_avx512(uint8_t *const out[], const uint8_t *const a[],
                              const uint8_t *const b[]);
#endif

#endif

/* keccak.h: Keccak-256 and Keccak-512 as Ethereum uses them.

   This is the hash that won the SHA-3 competition, with its first padding
   (one byte 0x01 after the message, where FIPS 202 SHA-3 has 0x06); see the
   Yellow Paper, appendix "Keccak". One message at a time, a running state for
   RLPx, or any number of messages at once, which is two to five times faster
   per message where the machine has AVX2 or AVX-512:

       n messages --> lanes of 4 or 8 --> n digests
                      a lane that is done takes the next message

   Nothing here allocates, and every function is safe from any thread. */
#ifndef BLOCKPOOL_KECCAK_H
#define BLOCKPOOL_KECCAK_H

#include "blockpool/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the instruction set --------------------------------------------- */

/* Results never depend on it, only speed does. Each level includes the ones
   before it. AVX2 stands for AVX2, BMI and BMI2; AVX512 for those and AVX-512
   F, VL, DQ and BW. */
enum bp_cpu { BP_CPU_PORTABLE, BP_CPU_AVX2, BP_CPU_AVX512 };

/* The best level this machine and its operating system offer (cpuid only). */
BP_API enum bp_cpu bp_cpu_detect(void);
/* Sets the level that the functions below use in the whole process, lowered to
   what the machine offers; returns what was set. Without a call it is
   bp_cpu_detect(). Call it at start, before threads; a call at another time is
   harmless, as a hash under way ends at the level it began with. */
BP_API enum bp_cpu bp_cpu_use(enum bp_cpu cpu);
BP_API enum bp_cpu bp_cpu_used(void);
/* "portable", "avx2", "avx512". */
BP_API const char *bp_cpu_name(enum bp_cpu cpu);
/* Reads such a name. Returns 0 or BP_ERR_FORMAT. */
BP_API int bp_cpu_parse(enum bp_cpu *out, const char *name) BP_MUST_USE;

/* ---- one message ------------------------------------------------------ */

BP_API void bp_keccak256(bp_hash *out, bp_span in);
BP_API void bp_keccak512(uint8_t out[64], bp_span in);

/* ---- many messages ---------------------------------------------------- */

/* out[i] = keccak256(in[i]) for i < n; lengths may differ, n may be 0. The
   outputs must not overlap the inputs. */
BP_API void bp_keccak256_many(bp_hash *out, const bp_span *in, size_t n);

/* ---- a message that comes in pieces ----------------------------------- */

/* A plain value: copy it to fork the state. */
struct bp_keccak {
    uint64_t a[25];     /* the state after the blocks absorbed so far */
    uint8_t block[136]; /* the block that is not full yet */
    uint8_t rate;       /* bytes in a block: 136 or 72 */
    uint8_t fill;       /* bytes of it that are there, less than rate */
};

BP_API void bp_keccak256_init(struct bp_keccak *k);
BP_API void bp_keccak512_init(struct bp_keccak *k);
BP_API void bp_keccak_update(struct bp_keccak *k, const void *p, size_t n);
/* Writes the digest of what came so far (32 bytes after bp_keccak256_init, 64
   after bp_keccak512_init) and leaves the state as it was, so that more may
   come: the running MACs of RLPx are read this way. */
BP_API void bp_keccak_digest(const struct bp_keccak *k, uint8_t *out);

#ifdef __cplusplus
}
#endif
#endif

/* keccak_vl: AVX-512's rotations and three-operand logic on narrow registers:
   four states in ymm, for batches too small for eight. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "prim/keccak_impl.h"

#define TARGET                                                                 \
    __attribute__((target("avx2,avx512f,"                                      \
                          "avx512vl,avx512dq")))

#define K_T                   __m256i
#define K_XOR(a, b)           _mm256_xor_si256(a, b)
#define XOR3(a, b, c)         _mm256_ternarylogic_epi64(a, b, c, 0x96)
#define K_XOR5(a, b, c, d, e) XOR3(XOR3(a, b, c), d, e)
#define K_ROL(a, n)           _mm256_rol_epi64(a, n)
#define K_CHI(a, b, c)        _mm256_ternarylogic_epi64(a, b, c, 0xd2)
#define K_CONST(c)            _mm256_set1_epi64x((long long)(c))
#include "prim/keccak_rounds.h"

#define X4_ABSORB        bp_keccak_absorb_vl
#define X4_LINE512       bp_keccak_line512_vl
#define X4_KEPT_T        __mmask8
#define X4_KEPT(m)       ((__mmask8)(m))
#define X4_LOAD(p, kept) _mm256_maskz_load_epi64(kept, p)
#include "prim/keccak_x4.h"

#else
typedef int bp_keccak_vl_needs_x86;
#endif

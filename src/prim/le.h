/* le: little-endian words of bytes, on any machine. */
#ifndef BP_PRIM_LE_H
#define BP_PRIM_LE_H

#include <stdint.h>
#include <string.h>

static inline uint64_t le64(uint64_t v) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(v);
#else
    return v;
#endif
}

static inline uint32_t le32(uint32_t v) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap32(v);
#else
    return v;
#endif
}

static inline uint64_t load_le64(const void *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64(v);
}

static inline uint32_t load_le32(const void *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32(v);
}

static inline void store_le64(void *p, uint64_t v) {
    v = le64(v);
    memcpy(p, &v, sizeof v);
}

static inline void store_le32(void *p, uint32_t v) {
    v = le32(v);
    memcpy(p, &v, sizeof v);
}

#endif

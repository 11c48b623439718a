/* u256: 256-bit unsigned numbers over four 64-bit limbs. */
#include <string.h>

#include "blockpool/base.h"

__extension__ typedef unsigned __int128 u128;

bp_u256 bp_u256_from_u64(uint64_t v) {
    return (bp_u256){ { v, 0, 0, 0 } };
}

bool bp_u256_is_zero(const bp_u256 *a) {
    return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

int bp_u256_cmp(const bp_u256 *a, const bp_u256 *b) {
    for (int i = 3; i >= 0; i--)
        if (a->w[i] != b->w[i]) return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}

bool bp_u256_add(bp_u256 *out, const bp_u256 *a, const bp_u256 *b) {
    u128 c = 0;
    for (int i = 0; i < 4; i++) {
        c += (u128)a->w[i] + b->w[i];
        out->w[i] = (uint64_t)c;
        c >>= 64;
    }
    return c != 0;
}

bool bp_u256_sub(bp_u256 *out, const bp_u256 *a, const bp_u256 *b) {
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        u128 d = (u128)a->w[i] - b->w[i] - borrow;
        out->w[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return borrow != 0;
}

uint64_t bp_u256_mul_u64(bp_u256 *out, const bp_u256 *a, uint64_t m) {
    u128 c = 0;
    for (int i = 0; i < 4; i++) {
        c += (u128)a->w[i] * m;
        out->w[i] = (uint64_t)c;
        c >>= 64;
    }
    return (uint64_t)c;
}

uint64_t bp_u256_div_u64(bp_u256 *out, const bp_u256 *a, uint64_t d) {
    u128 rem = 0;
    for (int i = 3; i >= 0; i--) {
        u128 cur = rem << 64 | a->w[i];
        out->w[i] = (uint64_t)(cur / d);
        rem = cur % d;
    }
    return (uint64_t)rem;
}

unsigned bp_u256_bits(const bp_u256 *a) {
    for (int i = 3; i >= 0; i--)
        if (a->w[i] != 0)
            return (unsigned)(64 * i + 64 - __builtin_clzll(a->w[i]));
    return 0;
}

bp_u256 bp_u256_shr(const bp_u256 *a, unsigned bits) {
    bp_u256 r = { { 0 } };
    if (bits >= 256) return r;
    unsigned limb = bits / 64, off = bits % 64;
    for (unsigned i = 0; i + limb < 4; i++) {
        r.w[i] = a->w[i + limb] >> off;
        if (off != 0 && i + limb + 1 < 4)
            r.w[i] |= a->w[i + limb + 1] << (64 - off);
    }
    return r;
}

bp_u256 bp_u256_shl(const bp_u256 *a, unsigned bits) {
    bp_u256 r = { { 0 } };
    if (bits >= 256) return r;
    unsigned limb = bits / 64, off = bits % 64;
    for (unsigned i = limb; i < 4; i++) {
        r.w[i] = a->w[i - limb] << off;
        if (off != 0 && i > limb) r.w[i] |= a->w[i - limb - 1] >> (64 - off);
    }
    return r;
}

/* Schoolbook, a bit at a time: divisors above 64 bits are rare here (a share
   of work in a report, 2^256 over a difficulty) and never in a hot loop. */
void bp_u256_divmod(bp_u256 *quot, bp_u256 *rem, const bp_u256 *a,
                    const bp_u256 *d) {
    bp_u256 q = { { 0 } }, r = { { 0 } };
    if (bp_u256_bits(d) <= 64) {
        r.w[0] = bp_u256_div_u64(&q, a, d->w[0]);
    } else {
        for (int i = 255; i >= 0; i--) {
            bool carry = r.w[3] >> 63;
            r = bp_u256_shl(&r, 1);
            r.w[0] |= a->w[i / 64] >> (i % 64) & 1;
            if (carry || bp_u256_cmp(&r, d) >= 0) {
                bp_u256_sub(&r, &r, d);
                q.w[i / 64] |= (uint64_t)1 << (i % 64);
            }
        }
    }
    if (quot != NULL) *quot = q;
    if (rem != NULL) *rem = r;
}

bp_u256 bp_u256_from_be(const uint8_t *bytes, size_t n) {
    bp_u256 r = { { 0 } };
    for (size_t i = 0; i < n && i < 32; i++)
        r.w[i / 8] |= (uint64_t)bytes[n - 1 - i] << (8 * (i % 8));
    return r;
}

void bp_u256_to_be(uint8_t out[32], const bp_u256 *a) {
    for (size_t i = 0; i < 32; i++)
        out[31 - i] = (uint8_t)(a->w[i / 8] >> (8 * (i % 8)));
}

size_t bp_u256_to_dec(char out[BP_U256_DEC_MAX], const bp_u256 *a) {
    char digits[BP_U256_DEC_MAX];
    size_t n = 0;
    bp_u256 v = *a;
    do {
        digits[n++] = (char)('0' + bp_u256_div_u64(&v, &v, 10));
    } while (!bp_u256_is_zero(&v));
    for (size_t i = 0; i < n; i++) out[i] = digits[n - 1 - i];
    out[n] = '\0';
    return n;
}

static int digit_of(char c, unsigned base) {
    unsigned d = 99;
    if (c >= '0' && c <= '9')
        d = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
        d = (unsigned)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        d = (unsigned)(c - 'A') + 10;
    return d < base ? (int)d : -1;
}

int bp_u256_parse(bp_u256 *out, const char *text) {
    unsigned base = 10;
    bp_u256 v = { { 0 } };
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (*text == '\0') return BP_ERR_FORMAT;
    for (; *text != '\0'; text++) {
        int d = digit_of(*text, base);
        if (d < 0) return BP_ERR_FORMAT;
        if (bp_u256_mul_u64(&v, &v, base) != 0) return BP_ERR_RANGE;
        bp_u256 add = bp_u256_from_u64((uint64_t)d);
        if (bp_u256_add(&v, &v, &add)) return BP_ERR_RANGE;
    }
    *out = v;
    return 0;
}

/* rules_header: every rule of a header but its seal. */
#include <string.h>

#include "chain/checks.h"

enum {
    GAS_LIMIT_MIN = 5000,
    GAS_LIMIT_SHIFT = 10, /* it moves by less than 1/1024 */
    ELASTICITY = 2,       /* EIP-1559: what the limit doubles by, once */
    DIFFICULTY_BITS = 128,
};
/* EIP-1985. */
#define GAS_LIMIT_MAX (UINT64_MAX / 2)

unsigned bp_header_fields_at(const struct bp_spec *spec, uint64_t number,
                             uint64_t time) {
    if (bp_spec_has(spec, BP_FORK_PRAGUE, number, time))
        return BP_FIELDS_PRAGUE;
    if (bp_spec_has(spec, BP_FORK_CANCUN, number, time))
        return BP_FIELDS_CANCUN;
    if (bp_spec_has(spec, BP_FORK_SHANGHAI, number, time))
        return BP_FIELDS_SHANGHAI;
    return bp_spec_base_fee(spec, number) ? BP_FIELDS_LONDON
                                          : BP_FIELDS_FRONTIER;
}

/* EIP-779: on the side that carried it out, ten blocks from the fork on are
   marked; on the other side none of them may be. */
static int check_dao(const struct bp_spec *s, const struct bp_header *h) {
    static const char mark[] = "dao-hard-fork";
    uint64_t fork = s->fork[BP_FORK_DAO];
    if (fork == BP_FORK_NEVER || h->number < fork ||
        h->number - fork >= s->dao_extra_range)
        return 0;
    bool marked = h->extra.n == sizeof mark - 1 &&
                  memcmp(h->extra.p, mark, h->extra.n) == 0;
    return marked == s->dao_support ? 0 : BP_ERR_RULE_DAO_EXTRA;
}

static int check_required(const struct bp_spec *s, const struct bp_header *h,
                          const bp_hash *hash) {
    for (size_t i = 0; i < s->n_required; i++)
        if (s->required[i].number == h->number)
            return bp_hash_eq(&s->required[i].hash, hash)
                       ? 0
                       : BP_ERR_RULE_REQUIRED_HASH;
    return 0;
}

static bool is_zero(const uint8_t *p, size_t n) {
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* Without transactions nothing is used, nothing is received and nothing is
   logged, whatever the state is. Nobody executes an uncle, so there it does not
   matter: published tests have uncles with such blooms. */
static int check_empty(const struct bp_header *h) {
    if (!bp_hash_eq(&h->transactions_root, &bp_empty_root)) return 0;
    return h->gas_used == 0 && bp_hash_eq(&h->receipts_root, &bp_empty_root) &&
                   is_zero(h->bloom, sizeof h->bloom)
               ? 0
               : BP_ERR_RULE_EMPTY_BLOCK;
}

static int check_blob_gas(const struct bp_spec *s, const struct bp_header *h) {
    const struct bp_spec_blobs *b = bp_spec_blobs_at(s, h->time);
    uint64_t max = b == NULL ? 0 : b->max;
    return h->blob_gas_used % BP_GAS_PER_BLOB == 0 &&
                   h->blob_gas_used / BP_GAS_PER_BLOB <= max
               ? 0
               : BP_ERR_RULE_BLOB_GAS_USED;
}

int bp_header_alone(const struct bp_spec *s, const struct bp_header *h,
                    const bp_hash *hash) {
    int err;
    if (h->n_fields != bp_header_fields_at(s, h->number, h->time))
        return BP_ERR_RULE_HEADER_FIELDS;
    if (h->extra.n > BP_EXTRA_MAX) return BP_ERR_RULE_EXTRA_DATA;
    if (bp_u256_bits(&h->difficulty) > DIFFICULTY_BITS)
        return BP_ERR_RULE_DIFFICULTY_BOUND;
    if (h->gas_limit < GAS_LIMIT_MIN || h->gas_limit > GAS_LIMIT_MAX)
        return BP_ERR_RULE_GAS_LIMIT_BOUNDS;
    if (h->gas_used > h->gas_limit) return BP_ERR_RULE_GAS_USED;
    if ((err = check_dao(s, h)) != 0) return err;
    if (hash != NULL && (err = check_required(s, h, hash)) != 0) return err;
    return h->n_fields >= BP_FIELDS_CANCUN ? check_blob_gas(s, h) : 0;
}

static int check_gas_limit(const struct bp_spec *s, const struct bp_header *h,
                           const struct bp_header *parent) {
    uint64_t from = parent->gas_limit;
    if (bp_spec_base_fee(s, h->number) &&
        !bp_spec_base_fee(s, parent->number) && from <= UINT64_MAX / 2)
        from *= ELASTICITY;
    uint64_t off =
        h->gas_limit > from ? h->gas_limit - from : from - h->gas_limit;
    return off < from >> GAS_LIMIT_SHIFT ? 0 : BP_ERR_RULE_GAS_LIMIT;
}

/* EIP-3675, "Block validity". */
static int check_pos(const struct bp_header *h) {
    if (!bp_u256_is_zero(&h->difficulty)) return BP_ERR_RULE_TERMINAL;
    if (!is_zero(h->nonce, sizeof h->nonce)) return BP_ERR_RULE_POS_NONCE;
    if (!bp_hash_eq(&h->uncles_hash, &bp_empty_uncles_hash))
        return BP_ERR_RULE_POS_UNCLES;
    return 0;
}

static int check_pow(const struct bp_spec *s, const struct bp_header *h,
                     const struct bp_header *parent) {
    bp_u256 d;
    bp_difficulty(&d, s, h->number, h->time, parent);
    return bp_u256_cmp(&d, &h->difficulty) == 0 ? 0 : BP_ERR_RULE_DIFFICULTY;
}

int bp_header_follows(const struct bp_spec *s, const struct bp_header *h,
                      const struct bp_header *parent, bool pos) {
    int err;
    if (parent->number == UINT64_MAX || h->number != parent->number + 1)
        return BP_ERR_RULE_NUMBER;
    if (h->time <= parent->time) return BP_ERR_RULE_TIME;
    if ((err = pos ? check_pos(h) : check_pow(s, h, parent)) != 0) return err;
    if ((err = check_gas_limit(s, h, parent)) != 0) return err;
    if (h->n_fields >= BP_FIELDS_LONDON) {
        bp_u256 fee;
        bp_base_fee(&fee, s, parent);
        if (bp_u256_cmp(&fee, &h->base_fee) != 0) return BP_ERR_RULE_BASE_FEE;
    }
    if (h->n_fields >= BP_FIELDS_CANCUN &&
        h->excess_blob_gas != bp_excess_blob_gas(s, h->time, parent))
        return BP_ERR_RULE_EXCESS_BLOB_GAS;
    return 0;
}

struct bp_ruling bp_check_headers(const struct bp_spec *spec,
                                  const struct bp_run *run, uint64_t now) {
    const struct bp_header *parent = run->parent;
    const bp_hash *parent_hash = run->parent_hash;
    bool td_known = run->parent_td != NULL;
    bp_u256 td = td_known ? *run->parent_td : (bp_u256){ { 0 } };
    for (size_t i = 0; i < run->n; i++) {
        const struct bp_header *h = &run->header[i];
        bool pos =
            spec->has_ttd && (td_known ? bp_u256_cmp(&td, &spec->ttd) >= 0
                                       : bp_u256_is_zero(&h->difficulty));
        int err = bp_header_alone(spec, h, &run->hash[i]);
        if (err == 0) err = check_empty(h);
        if (err == 0 && parent != NULL &&
            !bp_hash_eq(&h->parent_hash, parent_hash))
            err = BP_ERR_RULE_PARENT_HASH;
        if (err == 0 && parent != NULL)
            err = bp_header_follows(spec, h, parent, pos);
        if (err != 0) return bp_ruling_bad(i, err);
        if (now < UINT64_MAX - BP_FUTURE_SECONDS &&
            h->time > now + BP_FUTURE_SECONDS)
            return (struct bp_ruling){ BP_RULING_LATER,
                                       i,
                                       BP_ERR_RULE_TIME_FUTURE,
                                       -1,
                                       -1,
                                       h->time - BP_FUTURE_SECONDS };
        if (bp_u256_add(&td, &td, &h->difficulty))
            return bp_ruling_bad(i, BP_ERR_RULE_DIFFICULTY_BOUND);
        parent = h;
        parent_hash = &run->hash[i];
    }
    return bp_ruling_ok(run->n);
}

bool bp_run_td(bp_u256 *out, const struct bp_run *run) {
    bool over = false;
    *out = run->parent_td != NULL ? *run->parent_td : (bp_u256){ { 0 } };
    for (size_t i = 0; i < run->n; i++)
        over |= bp_u256_add(out, out, &run->header[i].difficulty);
    return over;
}

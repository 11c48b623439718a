/* forkid: which forks a chain passed, in four bytes. EIP-2124, and EIP-6122
   for forks by time. */
#include <string.h>

#include "base/try.h"
#include "blockpool/spec.h"

/* CRC-32 of IEEE 802.3, a bit at a time: it runs over a few dozen bytes once
   in a while. Give 0 at first. */
static uint32_t crc32_ieee(uint32_t crc, const uint8_t *p, size_t n) {
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
    }
    return ~crc;
}

static uint32_t add_fork(uint32_t crc, uint64_t at) {
    uint8_t be[8];
    for (int i = 0; i < 8; i++) be[i] = (uint8_t)(at >> (56 - 8 * i));
    return crc32_ieee(crc, be, sizeof be);
}

/* Inserts into an ascending run without duplicates. */
static size_t insert(uint64_t *list, size_t n, uint64_t v) {
    size_t i = 0;
    while (i < n && list[i] < v) i++;
    if (i < n && list[i] == v) return n;
    memmove(&list[i + 1], &list[i], (n - i) * sizeof *list);
    list[i] = v;
    return n + 1;
}

void bp_fork_list(struct bp_fork_list *out, const struct bp_spec *spec) {
    size_t n = 0;
    for (int f = 0; f < BP_FORK_FIRST_BY_TIME; f++)
        if (spec->fork[f] != 0 && spec->fork[f] != BP_FORK_NEVER)
            n = insert(out->at, n, spec->fork[f]);
    out->n_blocks = n;
    for (int f = BP_FORK_FIRST_BY_TIME; f < BP_N_FORKS; f++)
        if (spec->fork[f] > spec->genesis.time &&
            spec->fork[f] != BP_FORK_NEVER)
            n = out->n_blocks + insert(out->at + out->n_blocks,
                                       n - out->n_blocks, spec->fork[f]);
    out->n = n;
}

static bool passed(const struct bp_fork_list *l, size_t i, uint64_t number,
                   uint64_t time) {
    return l->at[i] <= (i < l->n_blocks ? number : time);
}

struct bp_fork_id bp_fork_id(const struct bp_spec *spec, uint64_t number,
                             uint64_t time) {
    struct bp_fork_list l;
    struct bp_fork_id id;
    size_t i = 0;
    bp_fork_list(&l, spec);
    id.hash = crc32_ieee(0, spec->genesis_hash.b, sizeof spec->genesis_hash.b);
    for (; i < l.n && passed(&l, i, number, time); i++)
        id.hash = add_fork(id.hash, l.at[i]);
    id.next = i < l.n ? l.at[i] : 0;
    return id;
}

/* Numbers from here on are times: that of mainnet's genesis, in seconds. */
enum { FIRST_TIME = 1438269973 };

/* Whether we are past what the remote calls its next fork, when our own next
   fork is the i-th. It does not say whether it counts blocks or seconds: where
   our own forks are by time its next one is, too; else the size tells. */
static bool past_remote_next(const struct bp_fork_list *l, size_t i,
                             uint64_t number, uint64_t time, uint64_t next) {
    if (next == 0) return false;
    if (i >= l->n_blocks && l->n > l->n_blocks) return time >= next;
    return next < FIRST_TIME ? number >= next : time >= next;
}

/* EIP-2124, "Validation rules": 1) equal hashes: compatible unless the remote
   announces a next fork that we are past without knowing it; 2) the remote's
   hash is one of our past: compatible if its next fork is the one that we took
   there; 3) it is one of our future: compatible, we are the one to sync; 4)
   else it is another chain, or one of us lacks an update. */
enum bp_fork_verdict bp_fork_check(const struct bp_spec *spec, uint64_t number,
                                   uint64_t time, struct bp_fork_id remote) {
    struct bp_fork_list l;
    bool now_past = true;
    bp_fork_list(&l, spec);
    uint32_t sum =
        crc32_ieee(0, spec->genesis_hash.b, sizeof spec->genesis_hash.b);
    for (size_t i = 0; i <= l.n; i++) {
        bool was_past = now_past;
        now_past = i < l.n && passed(&l, i, number, time);
        if (sum != remote.hash) {
            if (i < l.n) sum = add_fork(sum, l.at[i]);
        } else if (now_past) {
            return l.at[i] == remote.next ? BP_FORK_COMPATIBLE
                                          : BP_FORK_REMOTE_STALE;
        } else if (was_past &&
                   past_remote_next(&l, i, number, time, remote.next)) {
            return BP_FORK_LOCAL_STALE;
        } else {
            return BP_FORK_COMPATIBLE;
        }
    }
    return BP_FORK_LOCAL_STALE;
}

int bp_fork_id_decode(struct bp_fork_id *out, bp_span *in) {
    bp_span at = *in, f;
    uint8_t hash[4];
    struct bp_fork_id id;
    BP_TRY(bp_rlp_list(&f, &at));
    BP_TRY(bp_rlp_bytes(hash, sizeof hash, &f));
    BP_TRY(bp_rlp_u64(&id.next, &f));
    BP_TRY(bp_rlp_end(f));
    id.hash = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 |
              (uint32_t)hash[2] << 8 | hash[3];
    *out = id;
    *in = at;
    return 0;
}

void bp_fork_id_put(struct bp_rlp_w *w, struct bp_fork_id id) {
    uint8_t hash[4] = { (uint8_t)(id.hash >> 24), (uint8_t)(id.hash >> 16),
                        (uint8_t)(id.hash >> 8), (uint8_t)id.hash };
    bp_rlp_put_list(w, 5 + bp_rlp_size_u64(id.next));
    bp_rlp_put_str(w, hash, sizeof hash);
    bp_rlp_put_u64(w, id.next);
}

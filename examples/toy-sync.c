/* toy-sync: syncs a chain that is no Ethereum, with libblockpool alone.

       toy-sync [BLOCKS]

   The toy's hash is FNV-1a over parent and number, four times; its proof of
   work is that the hash begins with a zero byte. One peer, in this program,
   has the whole chain and answers at once; one more claims a longer chain and
   answers with a header that nobody worked for. The pool asks, checks, inserts
   and says who lied. Exit code 0: all of the chain is here.

       cc toy-sync.c $(pkg-config --cflags --libs blockpool) */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <blockpool/pool.h>

#define MOST  20000
#define PARTS 1024 /* links or blocks of one answer */

enum { HONEST = 1, LIAR = 2 };

static bp_hash chain[MOST + 1]; /* what the honest peer has */
static uint64_t have;           /* … of which we hold 0..have */
static struct bp_pool *pool;
/* An action is answered when all of a step's were taken: a queue of events,
   each with the lists that it points to. */
static struct answer {
    struct bp_event ev;
    struct bp_link links[PARTS];
    struct bp_delivery blocks[PARTS];
} queue[64];
static size_t first, last;

static bp_hash seal(const bp_hash *parent, uint64_t number, uint64_t nonce) {
    bp_hash h;
    uint64_t x = 0xcbf29ce484222325u ^ nonce * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 64; i++) {
        x = (x ^ (i < 32 ? parent->b[i] : number >> (i & 7) * 8)) *
            0x100000001b3u;
        if (i >= 32) h.b[i - 32] = (uint8_t)(x >> 29);
    }
    return h;
}

static bool works(const bp_hash *h) {
    return h->b[0] == 0;
}

static void mine(uint64_t n) {
    for (uint64_t k = 1; k <= n; k++)
        for (uint64_t nonce = 0; nonce == 0 || !works(&chain[k]); nonce++)
            chain[k] = seal(&chain[k - 1], k, nonce);
}

/* Its number, or 0 for a hash that is not of the chain. */
static uint64_t number_of(const bp_hash *h, uint64_t n) {
    while (n > 0 && !bp_hash_eq(&chain[n], h)) n--;
    return n;
}

static struct answer *answer(enum bp_event_type type) {
    struct answer *a = &queue[last++ % 64];
    memset(&a->ev, 0, sizeof a->ev);
    a->ev.type = type;
    return a;
}

/* Items are numbers of ours: of a header 2n, of a body 2n + 1. */
static void send_links(const struct bp_act_ask_links *ask, uint64_t top) {
    struct answer *a = answer(BP_EV_LINKS);
    struct bp_ev_links *l = &a->ev.u.links;
    uint64_t at = ask->by_number ? ask->number : number_of(&ask->hash, top);
    l->peer = ask->peer;
    l->request = ask->request;
    l->links = a->links;
    l->held_at = BP_NONE;
    if (ask->peer == LIAR)
        a->links[l->n++] = (struct bp_link){
            ask->hash,    chain[top], top + 1, bp_u256_from_u64(9),
            2 * MOST + 2, 64,         0
        };
    for (;
         ask->peer == HONEST && at > have && l->n < ask->count && l->n < PARTS;
         at--)
        a->links[l->n++] = (struct bp_link){
            chain[at], chain[at - 1], at, bp_u256_from_u64(1), 2 * at, 64, 0
        };
    if (at != have || l->n == 0) return;
    l->held_at = l->n; /* the parent of the last one is in our chain */
    l->held = (struct bp_held){ true, have, bp_u256_from_u64(have) };
}

static void send_blocks(const struct bp_act_ask_blocks *ask, uint64_t top) {
    struct answer *a = answer(BP_EV_BLOCKS);
    a->ev.u.blocks =
        (struct bp_ev_blocks){ ask->peer, ask->request, a->blocks, 0 };
    if (ask->peer == LIAR) return; /* has none */
    for (size_t i = 0; i < ask->n && i < PARTS; i++)
        a->blocks[a->ev.u.blocks.n++] = (struct bp_delivery){
            .hash = ask->wants[i].hash,
            .matched = true,
            .item = 2 * number_of(&ask->wants[i].hash, top) + 1,
            .size = 100
        };
}

static void check(const struct bp_act_check *job) {
    struct bp_ev_checked *c = &answer(BP_EV_CHECKED)->ev.u.checked;
    c->job = job->job;
    while (c->verdict.n < job->n && works(&job->hashes[c->verdict.n]))
        c->verdict.n++;
    if (c->verdict.n < job->n) c->verdict.kind = BP_VERDICT_INVALID;
}

static void insert(const struct bp_act_insert *job) {
    struct bp_ev_inserted *i = &answer(BP_EV_INSERTED)->ev.u.inserted;
    have = job->first_number + job->n - 1;
    i->job = job->job;
    i->verdict.n = job->n;
    i->head =
        (struct bp_chain_head){ chain[have], have, bp_u256_from_u64(have) };
}

static void carry_out(const struct bp_action *a, uint64_t top) {
    switch (a->type) {
    case BP_ACT_ASK_LINKS: send_links(&a->u.ask_links, top); return;
    case BP_ACT_ASK_BLOCKS: send_blocks(&a->u.ask_blocks, top); return;
    case BP_ACT_CHECK: check(&a->u.check); return;
    case BP_ACT_INSERT: insert(&a->u.insert); return;
    case BP_ACT_BLAME:
        printf("peer %" PRIu64 " %s\n", a->u.blame.peer,
               bp_offence_text(a->u.blame.offence));
        return;
    case BP_ACT_ASK_HASHES: /* no peer here has hashes alone */
    case BP_ACT_RELEASE:    /* nothing hangs on an item of the toy's */
    case BP_ACT_REPORT: return;
    }
}

static void join(bp_peer_id peer, bp_hash head, uint64_t td) {
    struct bp_peer_info *info = &answer(BP_EV_PEER_JOINED)->ev.u.joined.info;
    queue[(last - 1) % 64].ev.u.joined.peer = peer;
    info->identity.b[0] = (uint8_t)peer;
    info->caps = BP_CAP_LINKS | BP_CAP_BLOCKS;
    info->claim.head = head;
    info->claim.has_td = true;
    info->claim.td = bp_u256_from_u64(td);
}

int main(int argc, char **argv) {
    uint64_t top = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000;
    if (top == 0 || top > MOST) return 2;
    mine(top);
    struct bp_pool_config config = { .seed = 1, .head.hash = chain[0] };
    config.genesis = chain[0];
    if (bp_pool_new(&pool, &config) != 0) return 2;
    join(HONEST, chain[top], top);
    join(LIAR, (bp_hash){ { 1, 2, 3 } }, 2 * top);
    struct bp_event nothing = { .type = BP_EV_TIME };
    struct bp_action act;
    bp_time now = 0;
    /* Until everything is answered and no timer is worth waiting for. */
    while (first != last || (have < top && bp_pool_deadline(pool) < 600000)) {
        if (first == last) now = bp_pool_deadline(pool);
        bp_pool_step(pool, first != last ? &queue[first++ % 64].ev : &nothing,
                     now++);
        while (bp_pool_next(pool, &act)) carry_out(&act, top);
    }
    printf("%" PRIu64 " of %" PRIu64 " blocks\n", have, top);
    bp_pool_free(pool, NULL, NULL);
    return have == top ? 0 : 1;
}

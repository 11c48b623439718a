/* codec: events, actions and the config as a stream of bytes. */
#include "pool/codec.h"

#include <string.h>

/* ---- primitives --------------------------------------------------------- */

static void move(struct bp_codec *c, void *bytes, size_t n) {
    if (!c->failed && !c->move(c->user, bytes, n)) c->failed = true;
    if (c->failed && c->reading) memset(bytes, 0, n);
}

static void write_varint(struct bp_codec *c, uint64_t v) {
    uint8_t b[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) b[n++] = (uint8_t)(v | 0x80);
    b[n++] = (uint8_t)v;
    move(c, b, n);
}

static uint64_t read_varint(struct bp_codec *c) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t b;
        move(c, &b, 1);
        /* The tenth byte holds the last bit; no number has a needless byte. */
        if ((shift == 63 && b > 1) || (shift > 0 && b == 0)) break;
        v |= (uint64_t)(b & 0x7f) << shift;
        if ((b & 0x80) == 0) return v;
    }
    c->failed = true;
    return 0;
}

void bp_codec_u64(struct bp_codec *c, uint64_t *v) {
    if (c->reading)
        *v = read_varint(c);
    else
        write_varint(c, *v);
}

static void visit_u32(struct bp_codec *c, uint32_t *v) {
    uint64_t wide = *v;
    bp_codec_u64(c, &wide);
    if (wide > UINT32_MAX) c->failed = true;
    *v = (uint32_t)wide;
}

static void visit_size(struct bp_codec *c, size_t *v) {
    uint64_t wide = *v;
    bp_codec_u64(c, &wide);
    if (wide > SIZE_MAX) c->failed = true;
    *v = (size_t)wide;
}

/* Zigzag: small negative numbers stay small. */
static void visit_int(struct bp_codec *c, int *v) {
    uint64_t z = (uint64_t)(uint32_t)*v << 1 ^ (uint32_t)(*v < 0 ? -1 : 0);
    z &= UINT32_MAX;
    bp_codec_u64(c, &z);
    if (z > UINT32_MAX) c->failed = true;
    uint32_t u = (uint32_t)z;
    *v = (int)(int32_t)(u >> 1 ^ (0 - (u & 1)));
}

static void visit_bool(struct bp_codec *c, bool *v) {
    uint8_t b = *v;
    move(c, &b, 1);
    if (b > 1) c->failed = true;
    *v = b == 1;
}

static void visit_hash(struct bp_codec *c, bp_hash *h) {
    move(c, h->b, sizeof h->b);
}

static void visit_u256(struct bp_codec *c, bp_u256 *v) {
    for (int i = 0; i < 4; i++) bp_codec_u64(c, &v->w[i]);
}

/* An enum of values 0..max. */
static int visit_enum(struct bp_codec *c, int v, int max) {
    uint8_t b = (uint8_t)v;
    move(c, &b, 1);
    if (b > max) {
        c->failed = true;
        return 0;
    }
    return b;
}

/* The list of an event: n entries of `size` bytes. Reading, it grows as
   entries really come, so a lying count costs nothing. */
typedef void visit_entry(struct bp_codec *c, void *entry);

static const void *visit_list(struct bp_codec *c, const void *list, size_t *n,
                              size_t size, visit_entry *visit) {
    visit_size(c, n);
    if (*n > BP_CODEC_ITEMS_MAX) c->failed = true;
    if (!c->reading) {
        for (size_t i = 0; i < *n && !c->failed; i++)
            visit(c, (uint8_t *)(uintptr_t)list + i * size);
        return list;
    }
    for (size_t i = 0; i < *n && !c->failed; i++) {
        size_t need = (i + 1) * size;
        if (need > c->list_bytes) {
            size_t more = need * 2 > 4096 ? need * 2 : 4096;
            void *p = bp_grow(c->alloc, c->list, c->list_bytes, more);
            if (p == NULL) {
                c->failed = true;
                break;
            }
            c->list = p;
            c->list_bytes = more;
        }
        memset((uint8_t *)c->list + i * size, 0, size);
        visit(c, (uint8_t *)c->list + i * size);
    }
    if (c->failed) *n = 0;
    return *n > 0 ? c->list : NULL;
}

void bp_codec_free(struct bp_codec *c) {
    bp_free(c->alloc, c->list, c->list_bytes);
    c->list = NULL;
    c->list_bytes = 0;
}

/* ---- values ------------------------------------------------------------- */

static void visit_held(struct bp_codec *c, struct bp_held *h) {
    visit_bool(c, &h->held);
    if (!h->held) return;
    bp_codec_u64(c, &h->number);
    visit_u256(c, &h->td);
}

static void visit_link(struct bp_codec *c, void *entry) {
    struct bp_link *l = entry;
    visit_hash(c, &l->hash);
    visit_hash(c, &l->parent);
    bp_codec_u64(c, &l->number);
    visit_u256(c, &l->difficulty);
    bp_codec_u64(c, &l->item);
    visit_u32(c, &l->size);
    visit_u32(c, &l->flags);
}

static void visit_hash_entry(struct bp_codec *c, void *entry) {
    visit_hash(c, entry);
}

static void visit_delivery(struct bp_codec *c, void *entry) {
    struct bp_delivery *d = entry;
    visit_bool(c, &d->matched);
    visit_hash(c, &d->hash);
    bp_codec_u64(c, &d->item);
    visit_u32(c, &d->size);
    visit_bool(c, &d->has_link);
    if (!d->has_link) return;
    visit_link(c, &d->link);
    visit_held(c, &d->known);
    visit_held(c, &d->parent);
}

static void visit_claim(struct bp_codec *c, struct bp_claim *m) {
    visit_hash(c, &m->head);
    visit_held(c, &m->known);
    visit_bool(c, &m->has_td);
    visit_bool(c, &m->has_number);
    if (m->has_td) visit_u256(c, &m->td);
    if (m->has_number) bp_codec_u64(c, &m->number);
}

static void visit_info(struct bp_codec *c, struct bp_peer_info *i) {
    visit_hash(c, &i->identity);
    visit_u32(c, &i->caps);
    visit_u32(c, &i->links_max);
    visit_u32(c, &i->hashes_max);
    visit_u32(c, &i->blocks_max);
    visit_bool(c, &i->has_range);
    bp_codec_u64(c, &i->earliest);
    bp_codec_u64(c, &i->latest);
    visit_claim(c, &i->claim);
}

static void visit_verdict(struct bp_codec *c, struct bp_verdict *v) {
    v->kind =
        (enum bp_verdict_kind)visit_enum(c, (int)v->kind, BP_VERDICT_FAILED);
    visit_size(c, &v->n);
    v->part = (enum bp_part)visit_enum(c, (int)v->part, BP_PART_BODY);
    visit_bool(c, &v->body_committed);
    visit_int(c, &v->code);
    bp_codec_u64(c, &v->not_before);
}

static void visit_head(struct bp_codec *c, struct bp_chain_head *h) {
    visit_hash(c, &h->hash);
    bp_codec_u64(c, &h->number);
    visit_u256(c, &h->td);
}

/* ---- events ------------------------------------------------------------- */

static void visit_links(struct bp_codec *c, struct bp_ev_links *e) {
    bp_codec_u64(c, &e->peer);
    bp_codec_u64(c, &e->request);
    e->links =
        visit_list(c, e->links, &e->n, sizeof(struct bp_link), visit_link);
    visit_size(c, &e->held_at);
    visit_held(c, &e->held);
}

static void visit_hashes(struct bp_codec *c, struct bp_ev_hashes *e) {
    bp_codec_u64(c, &e->peer);
    bp_codec_u64(c, &e->request);
    e->hashes =
        visit_list(c, e->hashes, &e->n, sizeof(bp_hash), visit_hash_entry);
    visit_size(c, &e->held_at);
    visit_held(c, &e->held);
}

static void visit_blocks(struct bp_codec *c, struct bp_ev_blocks *e) {
    bp_codec_u64(c, &e->peer);
    bp_codec_u64(c, &e->request);
    e->blocks = visit_list(c, e->blocks, &e->n, sizeof(struct bp_delivery),
                           visit_delivery);
}

static void visit_pushed(struct bp_codec *c, struct bp_ev_pushed *e) {
    bp_codec_u64(c, &e->peer);
    visit_delivery(c, &e->block);
    visit_bool(c, &e->has_td);
    if (e->has_td) visit_u256(c, &e->td);
}

static void visit_announced(struct bp_codec *c, struct bp_ev_announced *e) {
    bp_codec_u64(c, &e->peer);
    visit_hash(c, &e->hash);
    visit_bool(c, &e->has_number);
    if (e->has_number) bp_codec_u64(c, &e->number);
    visit_held(c, &e->known);
}

static void visit_chain(struct bp_codec *c, struct bp_ev_chain *e) {
    visit_head(c, &e->before);
    visit_head(c, &e->head);
    visit_hash(c, &e->ancestor);
    bp_codec_u64(c, &e->ancestor_number);
}

static void visit_target(struct bp_codec *c, struct bp_ev_target *e) {
    visit_bool(c, &e->set);
    visit_hash(c, &e->hash);
    visit_bool(c, &e->has_number);
    if (e->has_number) bp_codec_u64(c, &e->number);
    visit_held(c, &e->known);
}

static void visit_inserted(struct bp_codec *c, struct bp_ev_inserted *e) {
    bp_codec_u64(c, &e->job);
    visit_verdict(c, &e->verdict);
    visit_head(c, &e->head);
    visit_u256(c, &e->refused_td);
}

void bp_codec_event(struct bp_codec *c, struct bp_event *e) {
    if (c->reading) memset(e, 0, sizeof *e);
    e->type = (enum bp_event_type)visit_enum(c, (int)e->type, BP_EV_PURGE);
    switch (e->type) {
    case BP_EV_TIME:
    case BP_EV_RESET:
    case BP_EV_PURGE: return;
    case BP_EV_PEER_JOINED:
        bp_codec_u64(c, &e->u.joined.peer);
        visit_info(c, &e->u.joined.info);
        return;
    case BP_EV_PEER_CLAIM:
        bp_codec_u64(c, &e->u.claim.peer);
        visit_claim(c, &e->u.claim.claim);
        return;
    case BP_EV_PEER_RANGE:
        bp_codec_u64(c, &e->u.range.peer);
        bp_codec_u64(c, &e->u.range.earliest);
        bp_codec_u64(c, &e->u.range.latest);
        return;
    case BP_EV_PEER_LEFT: bp_codec_u64(c, &e->u.left.peer); return;
    case BP_EV_PEER_OFFENCE:
        bp_codec_u64(c, &e->u.offence.peer);
        visit_int(c, &e->u.offence.offence);
        visit_int(c, &e->u.offence.code);
        return;
    case BP_EV_REPLY:
        bp_codec_u64(c, &e->u.reply.peer);
        bp_codec_u64(c, &e->u.reply.request);
        visit_size(c, &e->u.reply.bytes);
        return;
    case BP_EV_LINKS: visit_links(c, &e->u.links); return;
    case BP_EV_HASHES: visit_hashes(c, &e->u.hashes); return;
    case BP_EV_BLOCKS: visit_blocks(c, &e->u.blocks); return;
    case BP_EV_PUSHED: visit_pushed(c, &e->u.pushed); return;
    case BP_EV_ANNOUNCED: visit_announced(c, &e->u.announced); return;
    case BP_EV_CHECKED:
        bp_codec_u64(c, &e->u.checked.job);
        visit_verdict(c, &e->u.checked.verdict);
        return;
    case BP_EV_INSERTED: visit_inserted(c, &e->u.inserted); return;
    case BP_EV_CHAIN: visit_chain(c, &e->u.chain); return;
    case BP_EV_TARGET: visit_target(c, &e->u.target); return;
    }
}

/* ---- actions ------------------------------------------------------------ */

static void visit_u64_entry(struct bp_codec *c, void *entry) {
    bp_codec_u64(c, entry);
}

static void visit_want(struct bp_codec *c, void *entry) {
    struct bp_want *w = entry;
    visit_hash(c, &w->hash);
    bp_codec_u64(c, &w->item);
}

static void visit_insert_item(struct bp_codec *c, void *entry) {
    struct bp_insert_item *i = entry;
    visit_hash(c, &i->hash);
    bp_codec_u64(c, &i->link_item);
    bp_codec_u64(c, &i->body_item);
    bp_codec_u64(c, &i->link_by);
    bp_codec_u64(c, &i->body_by);
    visit_bool(c, &i->checked);
    visit_bool(c, &i->trusted);
}

static void write_ask_links(struct bp_codec *c, struct bp_act_ask_links a) {
    bp_codec_u64(c, &a.peer);
    bp_codec_u64(c, &a.request);
    visit_bool(c, &a.by_number);
    if (a.by_number)
        bp_codec_u64(c, &a.number);
    else
        visit_hash(c, &a.hash);
    visit_u32(c, &a.count);
    visit_u32(c, &a.skip);
    visit_bool(c, &a.reverse);
    bp_codec_u64(c, &a.due);
}

static void write_ask_hashes(struct bp_codec *c, struct bp_act_ask_hashes a) {
    bp_codec_u64(c, &a.peer);
    bp_codec_u64(c, &a.request);
    visit_hash(c, &a.from);
    visit_u32(c, &a.count);
    bp_codec_u64(c, &a.due);
}

static void write_ask_blocks(struct bp_codec *c, struct bp_act_ask_blocks a) {
    bp_codec_u64(c, &a.peer);
    bp_codec_u64(c, &a.request);
    visit_list(c, a.wants, &a.n, sizeof *a.wants, visit_want);
    bp_codec_u64(c, &a.due);
}

static void write_check(struct bp_codec *c, struct bp_act_check a) {
    bp_codec_u64(c, &a.job);
    visit_enum(c, (int)a.kind, BP_CHECK_RUN);
    visit_hash(c, &a.parent);
    bp_codec_u64(c, &a.parent_item);
    visit_list(c, a.items, &a.n, sizeof *a.items, visit_u64_entry);
    for (size_t i = 0; i < a.n; i++) {
        bp_hash h = a.hashes[i];
        visit_hash(c, &h);
    }
    bp_codec_u64(c, &a.first_number);
    visit_bool(c, &a.trusted);
}

static void write_insert(struct bp_codec *c, struct bp_act_insert a) {
    bp_codec_u64(c, &a.job);
    visit_hash(c, &a.parent);
    bp_codec_u64(c, &a.first_number);
    visit_list(c, a.items, &a.n, sizeof *a.items, visit_insert_item);
}

static void write_blame(struct bp_codec *c, struct bp_act_blame a) {
    bp_codec_u64(c, &a.peer);
    visit_hash(c, &a.identity);
    visit_int(c, &a.offence);
    visit_int(c, &a.code);
    visit_bool(c, &a.has_hash);
    if (a.has_hash) visit_hash(c, &a.hash);
    bp_codec_u64(c, &a.number);
    visit_bool(c, &a.end);
    bp_codec_u64(c, &a.until);
}

static void write_report(struct bp_codec *c, struct bp_act_report a) {
    visit_enum(c, (int)a.kind, BP_REPORT_TARGET);
    bp_codec_u64(c, &a.peer);
    visit_hash(c, &a.hash);
    bp_codec_u64(c, &a.number);
    bp_codec_u64(c, &a.count);
}

void bp_codec_action(struct bp_codec *c, const struct bp_action *a) {
    struct bp_act_release release = a->u.release;
    visit_enum(c, (int)a->type, BP_ACT_REPORT);
    switch (a->type) {
    case BP_ACT_ASK_LINKS: write_ask_links(c, a->u.ask_links); return;
    case BP_ACT_ASK_HASHES: write_ask_hashes(c, a->u.ask_hashes); return;
    case BP_ACT_ASK_BLOCKS: write_ask_blocks(c, a->u.ask_blocks); return;
    case BP_ACT_CHECK: write_check(c, a->u.check); return;
    case BP_ACT_INSERT: write_insert(c, a->u.insert); return;
    case BP_ACT_BLAME: write_blame(c, a->u.blame); return;
    case BP_ACT_RELEASE:
        visit_list(c, release.items, &release.n, sizeof *release.items,
                   visit_u64_entry);
        return;
    case BP_ACT_REPORT: write_report(c, a->u.report); return;
    }
}

static bool digest_move(void *user, void *bytes, size_t n) {
    uint64_t *h = user;
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) *h = (*h ^ p[i]) * 0x100000001b3u;
    return true;
}

void bp_digest_action(uint64_t *digest, const struct bp_action *a) {
    struct bp_codec c = { .move = digest_move, .user = digest };
    bp_codec_action(&c, a);
}

/* ---- the config --------------------------------------------------------- */

/* A field added to the config is added here, too. */
_Static_assert(sizeof(void *) != 8 ||
                   sizeof(struct bp_pool_config) == BP_CODEC_CONFIG_SIZE,
               "every field of the config is in the record");

void bp_codec_config(struct bp_codec *c, struct bp_pool_config *f) {
    uint32_t *const u32s[] = {
        &f->peers_max,          &f->workers,
        &f->reply_bytes_max,    &f->replies_max,
        &f->record_bytes,       &f->links_per_request,
        &f->hashes_per_request, &f->blocks_per_request,
        &f->insert_items_max,   &f->insert_bytes_max,
        &f->check_links_max,    &f->bad_hashes_max,
        &f->suspended_max,      &f->announced_max,
        &f->pushed_max,         &f->request_first_ms,
        &f->request_min_ms,     &f->request_max_ms,
        &f->head_probe_ms,      &f->progress_ms,
        &f->suspend_ms,         &f->idle_best_ms,
        &f->announce_wait_ms,
    };
    bp_codec_u64(c, &f->seed);
    visit_hash(c, &f->genesis);
    visit_head(c, &f->head);
    visit_u256(c, &f->refused_td);
    bp_codec_u64(c, &f->probe_below);
    bp_codec_u64(c, &f->links_max);
    bp_codec_u64(c, &f->window_bytes);
    for (size_t i = 0; i < sizeof u32s / sizeof u32s[0]; i++)
        visit_u32(c, u32s[i]);
}

/* ---- checksum ----------------------------------------------------------- */

/* Half a byte at a time: 16 entries, no table to build. */
uint32_t bp_record_crc(uint32_t crc, const void *bytes, size_t n) {
    static const uint32_t half[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        crc = half[crc & 15] ^ crc >> 4;
        crc = half[crc & 15] ^ crc >> 4;
    }
    return ~crc;
}

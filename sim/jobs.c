/* jobs: checks, insertions and the store.

   The store is a journal of blocks, each after its parent, and a head. A check
   knows the truth of the rules from the oracle; an insertion believes what the
   pool says was checked, so that a pool that lies to its host puts an invalid
   block into the chain, and the judge sees it. */
#include <string.h>

#include "sim.h"

#define CODE_OF_FLAW(flaw) (-1000 - (int)(flaw))
#define CODE_CORRUPT       (-1100)

/* ---- items ------------------------------------------------------------ */

uint64_t item_new(struct sim *s, uint32_t block, enum item_kind kind,
                  uint32_t size, bool corrupt) {
    s->item = arena_grow(s->arena, s->item, &s->item_cap, s->items + 1,
                         sizeof *s->item);
    s->item[s->items] =
        (struct item){ block, (uint8_t)kind, true, corrupt, size };
    s->live_items++;
    s->live_bytes += size;
    return ++s->items;
}

struct item *item_of(struct sim *s, uint64_t handle, const char *where) {
    if (handle == 0 || handle > s->items) {
        sim_fail(s, "contract", "%s names an item that never was", where);
        return NULL;
    }
    struct item *it = &s->item[handle - 1];
    if (!it->live) {
        sim_fail(s, "contract", "%s names item %llu after its release", where,
                 (unsigned long long)handle);
        return NULL;
    }
    return it;
}

void item_release(struct sim *s, uint64_t handle) {
    if (handle == 0 || handle > s->items || !s->item[handle - 1].live) {
        sim_fail(s, "release", "item %llu is released twice, or never was",
                 (unsigned long long)handle);
        return;
    }
    s->item[handle - 1].live = false;
    s->live_items--;
    s->live_bytes -= s->item[handle - 1].size;
}

/* ---- the store -------------------------------------------------------- */

void store_put(struct sim *s, uint32_t block) {
    s->journal = arena_grow(s->arena, s->journal, &s->journal_cap,
                            s->stored + 1, sizeof *s->journal);
    s->journal[s->stored++] = block;
    s->tree.b[block].held = true;
}

void store_choose(struct sim *s, uint32_t block) {
    s->head_block = block;
    s->head.hash = s->tree.b[block].hash;
    s->head.number = s->tree.b[block].number;
    s->head.td = s->tree.b[block].td;
    s->head_at = s->now;
}

/* Greatest total difficulty wins, first seen at a tie; a reorganisation that
   is too deep is held back. */
static void fork_choice(struct sim *s, uint32_t block) {
    const struct tblock *b = &s->tree.b[block];
    if (bp_u256_cmp(&b->td, &s->head.td) <= 0) {
        sim_count(s, HAPPENED_SIDE, 1);
        return;
    }
    if (b->parent != s->head_block) {
        uint32_t common = tree_common(&s->tree, block, s->head_block);
        uint64_t depth = s->head.number - s->tree.b[common].number;
        if (s->w->host.hold_depth != 0 && depth > s->w->host.hold_depth) {
            if (bp_u256_cmp(&b->td, &s->refused_td) > 0) s->refused_td = b->td;
            return;
        }
        if (depth > 0) sim_count(s, HAPPENED_REORG, 1);
    }
    store_choose(s, block);
}

static void store_block(struct sim *s, uint32_t block) {
    struct tblock *b = &s->tree.b[block];
    if (b->held) return;
    if (b->parent == BLOCK_NONE || !s->tree.b[b->parent].held) {
        sim_fail(s, "order", "block %s came before its parent",
                 sim_block(s, block));
        return;
    }
    if (!b->valid) {
        sim_fail(s, "invalid", "invalid block %s was inserted",
                 sim_block(s, block));
        return;
    }
    store_put(s, block);
    sim_count(s, HAPPENED_INSERTED, 1);
    fork_choice(s, block);
}

void import_block(struct sim *s, uint32_t block) {
    struct bp_event ev = { .type = BP_EV_CHAIN };
    uint32_t before = s->head_block;
    ev.u.chain.before = s->head;
    store_block(s, block);
    uint32_t common = tree_common(&s->tree, before, s->head_block);
    ev.u.chain.head = s->head;
    ev.u.chain.ancestor = s->tree.b[common].hash;
    ev.u.chain.ancestor_number = s->tree.b[common].number;
    host_step(s, &ev);
}

/* ---- checks ----------------------------------------------------------- */

static bool fails_now(struct sim *s) {
    const struct host_spec *h = &s->w->host;
    return h->fail_pm != 0 && s->now < h->fail_until &&
           bp_rng_below(&s->job_rng, 1000) < h->fail_pm;
}

static struct job *new_job(struct sim *s, bp_job_id id, size_t n) {
    if (id == 0 || id <= s->last_job)
        sim_fail(s, "contract", "job id %llu was used before",
                 (unsigned long long)id);
    s->last_job = id;
    struct job *j = arena_take(s->arena, sizeof *j);
    j->id = id;
    j->epoch = s->epoch;
    j->resets = s->resets;
    j->n = (uint32_t)n;
    j->block = arena_take(s->arena, (n + 1) * sizeof *j->block);
    j->checked = arena_take(s->arena, n + 1);
    j->corrupt = arena_take(s->arena, n + 1);
    return j;
}

/* Jobs of several workers end in any order: each takes its own time. */
static void start_job(struct sim *s, struct job *j, uint64_t us) {
    uint64_t ms = us / 1000 + s->w->host.job_ms;
    ms += bp_rng_below(&s->job_rng, ms / 2 + 2);
    queue_put(&s->queue, s->now + ms, j->insert ? ON_INSERTED : ON_CHECKED, 0,
              j);
}

void job_check(struct sim *s, const struct bp_act_check *a) {
    bool probe = a->kind == BP_CHECK_PROBE;
    if (a->n == 0 || a->n > s->config.check_links_max || (probe && a->n != 1))
        sim_fail(s, "contract", "a check of %zu links", a->n);
    if (++s->checks_running > s->config.workers + 1)
        sim_fail(s, "contract", "%u checks at once", s->checks_running);
    struct job *j = new_job(s, a->job, a->n);
    j->probe = probe;
    j->trusted = a->trusted;
    for (size_t i = 0; i < a->n; i++) {
        const struct item *it = item_of(s, a->items[i], "a check");
        if (it == NULL) return;
        j->block[i] = it->block;
        bp_hash h = tree_hash(&s->tree, it->block);
        if (it->kind == ITEM_BODY || !bp_hash_eq(&h, &a->hashes[i]))
            sim_fail(s, "contract", "a check names the wrong header");
        if (probe) continue;
        uint32_t up = tree_parent(&s->tree, it->block);
        bp_hash due = i > 0 ? a->hashes[i - 1] : a->parent;
        bp_hash is = up != BLOCK_NONE ? tree_hash(&s->tree, up) : h;
        if (!bp_hash_eq(&due, &is))
            sim_fail(s, "contract", "a checked run does not follow");
        if (i == 0 && a->parent_item == 0 && !tree_held(&s->tree, up).held)
            sim_fail(s, "contract", "a run is checked without its parent");
    }
    if (!probe && a->parent_item != 0) item_of(s, a->parent_item, "a check");
    sim_count(s, probe ? HAPPENED_CHECK_PROBE : HAPPENED_CHECK_RUN, 1);
    if (a->trusted) sim_count(s, HAPPENED_CHECK_TRUSTED, 1);
    say(s, "check %s of %zu from %s (job %llu)", probe ? "seal" : "run", a->n,
        sim_block(s, j->block[0]), (unsigned long long)a->job);
    uint64_t us =
        probe ? s->w->host.seal_us
              : a->n * (uint64_t)(s->w->host.check_us + s->w->host.seal_us);
    start_job(s, j, us);
}

static bool link_is_bad(const struct sim *s, const struct job *j,
                        uint32_t block) {
    if (is_phantom(block)) {
        uint32_t branch = (block - PHANTOM_FIRST) >> PHANTOM_BITS;
        return !s->tree.phantom[branch].sealed;
    }
    uint8_t flaw = s->tree.b[block].flaw;
    if (flaw == FLAW_SEAL) return !j->trusted;
    return !j->probe &&
           (flaw == FLAW_RULE || flaw == FLAW_NUMBER || flaw == FLAW_HUGE);
}

static bool too_early(const struct sim *s, uint32_t block) {
    if (block >= s->tree.n) return false;
    const struct tblock *b = &s->tree.b[block];
    return b->flaw == FLAW_LATER && s->now < b->not_before;
}

static struct bp_verdict check_verdict(struct sim *s, const struct job *j) {
    struct bp_verdict v = { .kind = BP_VERDICT_OK, .n = j->n };
    if (fails_now(s)) {
        v.kind = BP_VERDICT_FAILED;
        v.n = bp_rng_below(&s->job_rng, j->n);
        v.code = -1;
    }
    for (uint32_t i = 0; i < v.n; i++) {
        uint32_t block = j->block[i];
        if (link_is_bad(s, j, block)) {
            v = (struct bp_verdict){ .kind = BP_VERDICT_INVALID, .n = i };
            v.part = BP_PART_LINK;
            v.code =
                is_phantom(block) ? -1 : CODE_OF_FLAW(s->tree.b[block].flaw);
        } else if (!j->probe && too_early(s, block)) {
            v = (struct bp_verdict){ .kind = BP_VERDICT_LATER, .n = i };
            v.not_before = s->tree.b[block].not_before;
        }
    }
    return v;
}

static const char *const verdict_words[] = { "ok", "INVALID", "later",
                                             "FAILED" };

void job_checked(struct sim *s, struct job *j) {
    if (j->epoch != s->epoch || s->down) return;
    if (j->resets == s->resets) s->checks_running--;
    struct bp_event ev = { .type = BP_EV_CHECKED };
    ev.u.checked.job = j->id;
    ev.u.checked.verdict = check_verdict(s, j);
    enum bp_verdict_kind k = ev.u.checked.verdict.kind;
    if (k == BP_VERDICT_INVALID) sim_count(s, HAPPENED_CHECK_INVALID, 1);
    if (k == BP_VERDICT_LATER) sim_count(s, HAPPENED_CHECK_LATER, 1);
    if (k == BP_VERDICT_FAILED) sim_count(s, HAPPENED_CHECK_FAILED, 1);
    say(s, "checked: %s, %zu good (job %llu)", verdict_words[k],
        ev.u.checked.verdict.n, (unsigned long long)j->id);
    host_step(s, &ev);
}

/* ---- insertions ------------------------------------------------------- */

static void insert_item(struct sim *s, struct job *j, uint32_t i,
                        const struct bp_insert_item *a, uint64_t *bytes) {
    uint32_t block = tree_find(&s->tree, &a->hash);
    j->block[i] = block;
    j->checked[i] = a->checked || a->trusted;
    if (block >= s->tree.n) {
        sim_fail(s, "invalid", "a made-up block was to be inserted");
        return;
    }
    const struct tblock *b = &s->tree.b[block];
    if (a->link_item != 0) {
        const struct item *it = item_of(s, a->link_item, "an insertion");
        if (it != NULL && it->block != block)
            sim_fail(s, "contract", "an insertion names the wrong header");
    }
    if (a->body_item != 0) {
        const struct item *it = item_of(s, a->body_item, "an insertion");
        if (it == NULL) return;
        if (it->block != block || it->kind == ITEM_HEADER)
            sim_fail(s, "contract", "an insertion names the wrong body");
        if (it->kind == ITEM_BODY && a->link_item == 0)
            sim_fail(s, "contract", "an insertion has no header for %s",
                     sim_block(s, block));
        j->corrupt[i] = it->corrupt;
        *bytes += it->size;
    } else if (!b->empty) {
        sim_fail(s, "contract", "block %s is inserted without its body",
                 sim_block(s, block));
    }
}

void job_insert(struct sim *s, const struct bp_act_insert *a) {
    if (s->inserting) sim_fail(s, "contract", "two insertions at once");
    if (a->n == 0 || a->n > s->config.insert_items_max) {
        sim_fail(s, "contract", "an insertion of %zu blocks", a->n);
        return;
    }
    s->inserting = true;
    struct job *j = new_job(s, a->job, a->n);
    j->insert = true;
    uint64_t bytes = 0;
    uint32_t up = tree_find(&s->tree, &a->parent);
    if (!tree_held(&s->tree, up).held)
        sim_fail(s, "order", "a run is inserted whose parent %s is not held",
                 sim_block(s, up));
    for (uint32_t i = 0; i < j->n && !s->r.failed; i++) {
        insert_item(s, j, i, &a->items[i], &bytes);
        if (s->r.failed) return;
        uint32_t parent = s->tree.b[j->block[i]].parent;
        if (parent != (i > 0 ? j->block[i - 1] : up))
            sim_fail(s, "order", "an inserted run does not follow at %s",
                     sim_block(s, j->block[i]));
    }
    if (bytes > s->config.insert_bytes_max && a->n > 1)
        sim_fail(s, "contract", "an insertion of %llu bytes",
                 (unsigned long long)bytes);
    sim_count(s, HAPPENED_INSERT, 1);
    say(s, "insert %u from %s to %s (job %llu)", j->n,
        sim_block(s, j->block[0]), sim_block(s, j->block[j->n - 1]),
        (unsigned long long)a->job);
    start_job(s, j, a->n * (uint64_t)s->w->host.insert_us);
}

/* A policy of ours, say a reorganisation that has to wait. */
static bool puts_off_now(struct sim *s) {
    const struct host_spec *h = &s->w->host;
    return h->put_off_pm != 0 && s->now < h->fail_until &&
           bp_rng_below(&s->job_rng, 1000) < h->put_off_pm;
}

static struct bp_verdict insert_verdict(struct sim *s, const struct job *j) {
    struct bp_verdict v = { .kind = BP_VERDICT_OK, .n = j->n };
    if (puts_off_now(s)) {
        v.kind = BP_VERDICT_LATER;
        v.n = bp_rng_below(&s->job_rng, j->n);
        v.not_before = s->now + s->w->host.put_off_ms;
    } else if (fails_now(s)) {
        v.kind = BP_VERDICT_FAILED;
        v.n = bp_rng_below(&s->job_rng, j->n);
        v.code = -1;
    }
    for (uint32_t i = 0; i < v.n; i++) {
        const struct tblock *b = &s->tree.b[j->block[i]];
        if (!j->checked[i] && link_is_bad(s, j, j->block[i])) {
            v = (struct bp_verdict){ .kind = BP_VERDICT_INVALID, .n = i };
            v.part = BP_PART_LINK;
            v.code = CODE_OF_FLAW(b->flaw);
        } else if (b->flaw == FLAW_BODY || j->corrupt[i]) {
            v = (struct bp_verdict){ .kind = BP_VERDICT_INVALID, .n = i };
            v.part = BP_PART_BODY;
            v.body_committed = b->flaw == FLAW_BODY;
            v.code = v.body_committed ? CODE_OF_FLAW(b->flaw) : CODE_CORRUPT;
        } else if (too_early(s, j->block[i])) {
            v = (struct bp_verdict){ .kind = BP_VERDICT_LATER, .n = i };
            v.not_before = b->not_before;
        }
    }
    return v;
}

void job_inserted(struct sim *s, struct job *j) {
    if (j->epoch != s->epoch || s->down) return;
    if (j->resets == s->resets) s->inserting = false;
    struct bp_event ev = { .type = BP_EV_INSERTED };
    struct bp_ev_inserted *e = &ev.u.inserted;
    e->job = j->id;
    e->verdict = insert_verdict(s, j);
    struct bp_event moved = { .type = BP_EV_CHAIN };
    moved.u.chain.before = s->head;
    uint32_t before = s->head_block;
    for (uint32_t i = 0; i < e->verdict.n; i++) store_block(s, j->block[i]);
    e->head = s->head;
    e->refused_td = s->refused_td;
    enum bp_verdict_kind k = e->verdict.kind;
    if (k == BP_VERDICT_INVALID) sim_count(s, HAPPENED_INSERT_INVALID, 1);
    if (k == BP_VERDICT_LATER) sim_count(s, HAPPENED_INSERT_LATER, 1);
    if (k == BP_VERDICT_FAILED) sim_count(s, HAPPENED_INSERT_FAILED, 1);
    say(s, "inserted: %s, %zu good, head %s (job %llu)", verdict_words[k],
        e->verdict.n, sim_block(s, s->head_block), (unsigned long long)j->id);
    host_step(s, &ev);
    /* A pool that was reset meanwhile does not know the job, and has to be
       told that the chain moved. */
    if (j->resets == s->resets || before == s->head_block) return;
    uint32_t common = tree_common(&s->tree, before, s->head_block);
    moved.u.chain.head = s->head;
    moved.u.chain.ancestor = s->tree.b[common].hash;
    moved.u.chain.ancestor_number = s->tree.b[common].number;
    host_step(s, &moved);
}

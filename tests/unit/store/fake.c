/* fake.c: see fake.h. */
#include "fake.h"

bp_hash fake_hash(uint32_t branch, uint64_t number) {
    struct bp_rng r;
    bp_hash h;
    bp_rng_seed(&r, ((uint64_t)branch << 32) ^ number);
    bp_rng_bytes(&r, h.b, sizeof h.b);
    return h;
}

void fake_make(struct fake *f, uint32_t branch, const struct fake *parent) {
    memset(f, 0, sizeof *f);
    f->b.number = parent == NULL ? 0 : parent->b.number + 1;
    f->b.hash = fake_hash(branch, f->b.number);
    if (parent != NULL) f->b.parent = parent->b.hash;
    f->b.difficulty = bp_u256_from_u64(100 + branch);
    f->b.checks = BP_CHECK_ALL;
    memset(f->header, 'h', sizeof f->header);
    memcpy(f->header, f->b.hash.b, 32);
    memset(f->body, 'b', sizeof f->body);
    memcpy(f->body + 8, f->b.hash.b, 32);
    memset(f->receipts, 'r', sizeof f->receipts);
    memcpy(f->receipts + 4, f->b.hash.b, 32);
}

/* The spans point into f itself: set where it lies. */
static void aim(struct fake *f) {
    f->b.header = (bp_span){ f->header, sizeof f->header };
    f->b.body = (bp_span){ f->body, 40 + f->b.number % 50 };
}

struct fake *fake_run(uint32_t branch, const struct fake *parent, size_t n) {
    struct fake *run = calloc(n, sizeof *run);
    assert_non_null(run);
    for (size_t i = 0; i < n; i++) {
        fake_make(&run[i], branch, i == 0 ? parent : &run[i - 1]);
        aim(&run[i]);
    }
    return run;
}

int fake_write(struct bp_store *s, const struct fake *blocks, size_t n,
               bool head, struct bp_store_moved *moved) {
    struct bp_store_block *b = calloc(n + 1, sizeof *b);
    assert_non_null(b);
    for (size_t i = 0; i < n; i++) b[i] = blocks[i].b;
    struct bp_store_batch batch = { b, n, head ? &blocks[n - 1].b.hash : NULL };
    int err = bp_store_write(s, moved, &batch, NULL);
    free(b);
    return err;
}

struct bp_store_chain fake_chain(struct fake *genesis) {
    fake_make(genesis, 0, NULL);
    aim(genesis);
    return (struct bp_store_chain){ "fake", 7, genesis->b };
}

#include "prim/trie.h"

#include <assert.h>
#include <string.h>

#include "blockpool/keccak.h"
#include "blockpool/rlp.h"

enum {
    NIBBLES = 2 * BP_TRIE_KEY_MAX,
    /* Nodes kept at a time: those of 15,000 leaves, in half a megabyte. */
    NODES = 1024,
    /* Most nodes that placing one leaf makes: a branch and an extension for
       each level that closes, and one branch that opens. */
    NODES_PER_LEAF = 2 * NIBBLES + 2,
    QUEUE = 256,        /* messages hashed together */
    ARENA = 192 * 1024, /* and their bytes */
    LARGE = 16 * 1024,  /* a leaf from here on is hashed alone, in place */
    NODE_BYTES_MAX = 3 + 16 * 33 + 1,
};

_Static_assert(ARENA >= LARGE + 64, "any leaf that is queued fits the arena");
_Static_assert(NODES > NODES_PER_LEAF + NIBBLES, "open nodes leave room");

enum kind { BRANCH, EXTENSION };

struct node {
    uint8_t kind;
    uint8_t depth;   /* nibbles above a branch */
    uint8_t height;  /* 1 + the largest of its children that are nodes */
    bool closed;     /* complete but for hashes that are queued */
    uint8_t slot;    /* in the parent */
    uint8_t path_n;  /* nibbles of an extension */
    int32_t parent;  /* -1: the root */
    bp_hash *root;   /* where the hash goes when there is no parent */
    uint8_t len[16]; /* 0 no child, 32 a hash, else an encoding that short */
    uint8_t ref[16][32];
    uint8_t path[NIBBLES]; /* of an extension */
};

struct bp_trie {
    const struct bp_alloc *alloc;
    struct node node[NODES];
    int32_t n_nodes;
    /* The open branches, from the root down. */
    int32_t open[NIBBLES + 1];
    int n_open;

    bp_hash *root; /* of the trie that is being built */
    uint8_t key[NIBBLES], next_key[NIBBLES];
    size_t key_n;
    bp_span value;
    bool pending; /* key and value wait for their successor */
    int lcp;      /* nibbles shared with the predecessor, -1: there is none */

    bp_span message[QUEUE];
    bp_hash digest[QUEUE];
    void *target[QUEUE]; /* 32 bytes each */
    size_t n_queue, used;
    uint8_t arena[ARENA];
};

int bp_trie_new(struct bp_trie **out, const struct bp_alloc *a) {
    struct bp_trie *t = bp_malloc(a, sizeof *t);
    if (t == NULL) return BP_ERR_NOMEM;
    t->alloc = a;
    t->n_nodes = 0;
    t->n_open = 0;
    t->root = NULL;
    t->pending = false;
    t->n_queue = t->used = 0;
    *out = t;
    return 0;
}

void bp_trie_free(struct bp_trie *t) {
    if (t != NULL) bp_free(t->alloc, t, sizeof *t);
}

/* ---- the queue of bytes to hash ---------------------------------------- */

static void flush(struct bp_trie *t) {
    bp_keccak256_many(t->digest, t->message, t->n_queue);
    for (size_t i = 0; i < t->n_queue; i++)
        memcpy(t->target[i], t->digest[i].b, sizeof t->digest[i].b);
    t->n_queue = t->used = 0;
}

/* A writer for a node of at most `max` bytes. */
static struct bp_rlp_w reserve(struct bp_trie *t, size_t max) {
    if (t->n_queue == QUEUE || ARENA - t->used < max) flush(t);
    return (struct bp_rlp_w){ t->arena + t->used, ARENA - t->used, 0 };
}

/* Queues what was written for the parent's slot, or the root. */
static void deliver(struct bp_trie *t, const struct bp_rlp_w *w, int32_t parent,
                    uint8_t slot, bp_hash *root) {
    void *target = root;
    if (parent >= 0) {
        struct node *p = &t->node[parent];
        if (w->n < 32) {
            p->len[slot] = (uint8_t)w->n;
            memcpy(p->ref[slot], w->p, w->n);
            return;
        }
        p->len[slot] = 32;
        target = p->ref[slot];
    }
    t->message[t->n_queue] = (bp_span){ w->p, w->n };
    t->target[t->n_queue++] = target;
    t->used += w->n;
}

/* ---- encoding ------------------------------------------------------------ */

/* Yellow Paper, appendix C: nibbles in bytes, with a flag for the parity and
   one for the end of a path. Returns the number of bytes. */
static size_t hex_prefix(uint8_t out[1 + BP_TRIE_KEY_MAX],
                         const uint8_t *nibble, size_t n, bool leaf) {
    size_t k = 0;
    uint8_t flag = leaf ? 0x20 : 0;
    if (n % 2 == 1) {
        out[k++] = (uint8_t)(flag | 0x10 | *nibble++);
        n--;
    } else {
        out[k++] = flag;
    }
    for (size_t i = 0; i < n; i += 2)
        out[k++] = (uint8_t)(nibble[i] << 4 | nibble[i + 1]);
    return k;
}

static void put_branch(struct bp_rlp_w *w, const struct node *b) {
    size_t payload = 1;
    for (int i = 0; i < 16; i++)
        payload += b->len[i] == 0 ? 1 : b->len[i] + (b->len[i] == 32);
    bp_rlp_put_list(w, payload);
    uint8_t *p = w->p + w->n;
    for (int i = 0; i < 16; i++) {
        if (b->len[i] == 0) {
            *p++ = 0x80;
            continue;
        }
        if (b->len[i] == 32) *p++ = 0x80 + 32;
        memcpy(p, b->ref[i], b->len[i]);
        p += b->len[i];
    }
    *p = 0x80; /* no key ends here */
    w->n += payload;
}

static void put_extension(struct bp_rlp_w *w, const struct node *e) {
    uint8_t hp[1 + BP_TRIE_KEY_MAX];
    size_t n = hex_prefix(hp, e->path, e->path_n, false);
    bp_rlp_put_list(w, bp_rlp_size_str(hp, n) + e->len[0] + (e->len[0] == 32));
    bp_rlp_put_str(w, hp, n);
    if (e->len[0] == 32)
        bp_rlp_put_str(w, e->ref[0], 32);
    else
        bp_rlp_put_raw(w, e->ref[0], e->len[0]);
}

static void hash_large(bp_hash *out, bp_span hp, bp_span value) {
    uint8_t head[64];
    struct bp_rlp_w w = { head, sizeof head, 0 };
    struct bp_keccak k;
    bp_rlp_put_list(&w, bp_rlp_size_str(hp.p, hp.n) +
                            bp_rlp_size_str(value.p, value.n));
    bp_rlp_put_str(&w, hp.p, hp.n);
    bp_rlp_put_str_prefix(&w, value.n);
    bp_keccak256_init(&k);
    bp_keccak_update(&k, head, w.n);
    bp_keccak_update(&k, value.p, value.n);
    bp_keccak_digest(&k, out->b);
}

static void put_leaf(struct bp_trie *t, const uint8_t *path, size_t path_n,
                     int32_t parent, uint8_t slot) {
    uint8_t hp[1 + BP_TRIE_KEY_MAX];
    size_t n = hex_prefix(hp, path, path_n, true);
    bp_span v = t->value;
    if (v.n >= LARGE) {
        bp_hash h;
        hash_large(&h, (bp_span){ hp, n }, v);
        if (parent < 0) {
            *t->root = h;
            return;
        }
        t->node[parent].len[slot] = 32;
        memcpy(t->node[parent].ref[slot], h.b, sizeof h.b);
        return;
    }
    struct bp_rlp_w w = reserve(t, v.n + 64);
    bp_rlp_put_list(&w, bp_rlp_size_str(hp, n) + bp_rlp_size_str(v.p, v.n));
    bp_rlp_put_str(&w, hp, n);
    bp_rlp_put_str(&w, v.p, v.n);
    deliver(t, &w, parent, slot, t->root);
}

/* Hashes every closed node, lowest first, and drops it. */
static void drain(struct bp_trie *t) {
    uint32_t of_height[NIBBLES * 2 + 2] = { 0 };
    for (int32_t i = 0; i < t->n_nodes; i++)
        if (t->node[i].closed) of_height[t->node[i].height]++;
    flush(t);
    for (int h = 0; h < NIBBLES * 2 + 2; h++) {
        if (of_height[h] == 0) continue;
        for (int32_t i = 0; i < t->n_nodes; i++) {
            struct node *n = &t->node[i];
            if (!n->closed || n->height != h) continue;
            struct bp_rlp_w w = reserve(t, NODE_BYTES_MAX);
            if (n->kind == BRANCH)
                put_branch(&w, n);
            else
                put_extension(&w, n);
            deliver(t, &w, n->parent, n->slot, n->root);
        }
        flush(t);
    }
    /* The open branches are in the order of their depth in the table, too:
       what is left moves to the front. */
    for (int i = 0; i < t->n_open; i++) {
        if (t->open[i] != i)
            memmove(&t->node[i], &t->node[t->open[i]], sizeof t->node[i]);
        t->open[i] = i;
    }
    t->n_nodes = t->n_open;
}

/* ---- building ---------------------------------------------------------- */

static int32_t add_node(struct bp_trie *t, enum kind kind, size_t depth) {
    assert(t->n_nodes < NODES);
    struct node *n = &t->node[t->n_nodes];
    n->kind = (uint8_t)kind;
    n->depth = (uint8_t)depth;
    n->height = 0;
    n->closed = false;
    n->parent = -1;
    n->root = NULL;
    memset(n->len, 0, sizeof n->len);
    return t->n_nodes++;
}

static int top_depth(const struct bp_trie *t) {
    return t->n_open == 0 ? -1 : t->node[t->open[t->n_open - 1]].depth;
}

static void attach(struct bp_trie *t, int32_t child, int32_t parent,
                   uint8_t slot) {
    struct node *c = &t->node[child];
    c->closed = true;
    c->parent = parent;
    c->slot = slot;
    c->root = t->root;
    if (parent >= 0 && t->node[parent].height <= c->height)
        t->node[parent].height = (uint8_t)(c->height + 1);
}

/* Closes the innermost branch under a branch of depth `above` (-1: it is the
   whole trie), which an extension leads to where they are further apart. */
static void close_branch(struct bp_trie *t, int32_t child, int32_t parent,
                         int above) {
    size_t from = (size_t)(above + 1), n = t->node[child].depth - from;
    uint8_t slot = above < 0 ? 0 : t->key[above];
    if (n > 0) {
        int32_t e = add_node(t, EXTENSION, from);
        t->node[e].path_n = (uint8_t)n;
        memcpy(t->node[e].path, t->key + from, n);
        attach(t, child, e, 0);
        child = e;
    }
    attach(t, child, parent, slot);
}

/* Places the waiting leaf, which shares lcp nibbles with the key before it
   and `next` with the key after it (-1: there is none). */
static void place(struct bp_trie *t, int next) {
    if (NODES - t->n_nodes < NODES_PER_LEAF) drain(t);
    if (next > top_depth(t))
        t->open[t->n_open++] = add_node(t, BRANCH, (size_t)next);
    int above = top_depth(t);
    assert(above == (next > t->lcp ? next : t->lcp));
    size_t from = (size_t)(above + 1);
    put_leaf(t, t->key + from, t->key_n - from,
             above < 0 ? -1 : t->open[t->n_open - 1],
             above < 0 ? 0 : t->key[above]);
    while (top_depth(t) > next) {
        int32_t child = t->open[--t->n_open];
        if (next > top_depth(t))
            t->open[t->n_open++] = add_node(t, BRANCH, (size_t)next);
        close_branch(t, child, t->n_open == 0 ? -1 : t->open[t->n_open - 1],
                     top_depth(t));
    }
    t->lcp = next;
}

void bp_trie_begin(struct bp_trie *t, bp_hash *root) {
    assert(t->root == NULL);
    t->root = root;
    t->lcp = -1;
    t->pending = false;
}

void bp_trie_add(struct bp_trie *t, const uint8_t *key, size_t key_n,
                 bp_span value) {
    assert(t->root != NULL && key_n <= BP_TRIE_KEY_MAX && value.n > 0);
    for (size_t i = 0; i < key_n; i++) {
        t->next_key[2 * i] = key[i] >> 4;
        t->next_key[2 * i + 1] = key[i] & 15;
    }
    if (t->pending) {
        size_t n = 0, max = t->key_n < 2 * key_n ? t->key_n : 2 * key_n;
        while (n < max && t->key[n] == t->next_key[n]) n++;
        assert(n < max && t->key[n] < t->next_key[n]);
        place(t, (int)n);
    }
    memcpy(t->key, t->next_key, 2 * key_n);
    t->key_n = 2 * key_n;
    t->value = value;
    t->pending = true;
}

void bp_trie_end(struct bp_trie *t) {
    assert(t->root != NULL);
    if (t->pending)
        place(t, -1);
    else
        bp_keccak256(t->root, (bp_span){ (const uint8_t *)"\x80", 1 });
    t->pending = false;
    t->root = NULL;
}

void bp_trie_abandon(struct bp_trie *t) {
    assert(t->root != NULL);
    /* Its nodes stay until the next drain, which drops what is not open; those
       that are closed may still write to their parents until then. */
    t->n_open = 0;
    t->pending = false;
    t->root = NULL;
}

void bp_trie_run(struct bp_trie *t) {
    assert(t->root == NULL);
    drain(t);
}

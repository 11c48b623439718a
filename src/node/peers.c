/* peers: a table of identities and a list of findings.

   Happy path: an identity is met once and keeps its entry, through any number
   of sessions; a finding is logged and appended.

   Failure modes:
     - the table is full of fixed and connected peers and of those whom findings
       name: strangers get no entry and are turned away
     - the list of findings is full: they are logged, not kept, and a stranger
       is forgotten like any other, so that nobody fills the table by offending
     - the same finding again and again (a peer of another chain is redialled):
       noted once until something else is found of it */
#include "node/peers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockpool/keccak.h"
#include "node/conn.h"
#include "node/log.h"

#define PEERS_FIRST 64

int peers_init(struct peers *p) {
    *p = (struct peers){ .cap = PEERS_FIRST };
    p->list = calloc(p->cap, sizeof *p->list);
    p->findings = calloc(NODE_FINDINGS_MAX, sizeof *p->findings);
    if (p->list != NULL && p->findings != NULL) return 0;
    peers_free(p);
    return BP_ERR_NOMEM;
}

void peers_free(struct peers *p) {
    free(p->list);
    free(p->findings);
    *p = (struct peers){ 0 };
}

size_t peers_find(const struct peers *p, const uint8_t id[64]) {
    for (size_t i = 0; i < p->n; i++)
        if (memcmp(p->list[i].seen.enode.id, id, 64) == 0) return i;
    return NO_PEER;
}

size_t peers_by_identity(const struct peers *p, const bp_hash *identity) {
    for (size_t i = 0; i < p->n; i++)
        if (bp_hash_eq(&p->list[i].identity, identity)) return i;
    return NO_PEER;
}

static bool forgettable(const struct peer *e) {
    return !e->seen.fixed && e->held == 0 && !e->blamed;
}

/* A place for a new entry; NO_PEER: none. */
static size_t make_room(struct peers *p) {
    if (p->n == p->cap && p->cap < PEERS_MAX) {
        size_t cap = p->cap > 0 ? 2 * p->cap : 64;
        struct peer *more = realloc(p->list, cap * sizeof *more);
        if (more != NULL) {
            p->list = more;
            p->cap = cap;
        }
    }
    if (p->n < p->cap) return p->n++;
    for (size_t i = 0; i < p->n; i++)
        if (forgettable(&p->list[i])) return i;
    return NO_PEER;
}

size_t peers_meet(struct peers *p, const struct enode *at, bool fixed) {
    size_t i = peers_find(p, at->id);
    bool is_new = i == NO_PEER;
    if (is_new && (i = make_room(p)) == NO_PEER) return NO_PEER;
    struct peer *e = &p->list[i];
    if (is_new) {
        *e = (struct peer){ .seen = { .head = NODE_UNKNOWN } };
        bp_keccak256(&e->identity, (bp_span){ at->id, sizeof at->id });
    }
    if (fixed || !e->seen.fixed) {
        e->seen.enode = *at;
        enode_short(e->seen.name, at);
    }
    e->seen.fixed |= fixed;
    return i;
}

void peers_hold(struct peers *p, size_t peer) {
    p->list[peer].held++;
}

void peers_let_go(struct peers *p, size_t peer) {
    assert(p->list[peer].held > 0);
    p->list[peer].held--;
}

static bool same(const struct node_finding *a, const struct node_finding *b) {
    return a->peer == b->peer && a->offence == b->offence &&
           a->code == b->code && a->number == b->number &&
           bp_hash_eq(&a->hash, &b->hash);
}

static bool is_repeated(const struct peers *p, const struct node_finding *f) {
    for (size_t i = p->n_findings; i-- > 0;)
        if (p->findings[i].peer == f->peer) return same(&p->findings[i], f);
    return false;
}

bool peers_blame(struct peers *p, const struct node_finding *f) {
    struct peer *e = &p->list[f->peer];
    bool offence = f->offence < BP_OFF_FIRST_FAULT;
    if (offence)
        e->seen.offences++;
    else
        e->seen.faults++;
    if (is_repeated(p, f)) return false;
    enum log_level level = offence ? LOG_LVL_WARN : LOG_LVL_INFO;
    LOG(level, offence ? "Peer committed an offence" : "Peer is at fault",
        KS("peer", e->seen.name),
        KS(offence ? "offence" : "fault", bp_offence_name(f->offence)),
        KS("what", f->text), KS("session", f->ended ? "ended" : "kept"));
    if (p->n_findings == NODE_FINDINGS_MAX) return true;
    p->findings[p->n_findings++] = *f;
    e->blamed = true;
    return true;
}

/* peers.h: everyone we met, and what was held against whom. */
#ifndef BP_NODE_PEERS_H
#define BP_NODE_PEERS_H

#include "node/node.h"

struct conn;

/* Of what takes or gives an index in the table. */
#define NO_PEER SIZE_MAX

/* Identities remembered. Strangers beyond it take the place of the oldest
   stranger who is gone and against whom nothing is held. */
#define PEERS_MAX 4096

struct peer {
    struct node_peer seen; /* what node_peers shows */
    bp_hash identity;      /* for the pool: Keccak-256 of the public key */
    struct conn *conn;     /* its open session */
    unsigned held;         /* conns that name this entry */
    bp_time suspended_until;
    bool blamed; /* a finding that is kept names this entry */
};

struct peers {
    struct peer *list;
    size_t n, cap;
    struct node_finding *findings;
    size_t n_findings;
};

int peers_init(struct peers *p) BP_MUST_USE;
void peers_free(struct peers *p);

/* The entry of an identity, made when it is new; NO_PEER when there is no room
   for a stranger. `at` is where we see it now. */
size_t peers_meet(struct peers *p, const struct enode *at, bool fixed);
/* A conn that keeps the number of an entry holds it: nobody else gets the
   number until it is let go. */
void peers_hold(struct peers *p, size_t peer);
void peers_let_go(struct peers *p, size_t peer);
/* The entry, or NO_PEER. */
size_t peers_find(const struct peers *p, const uint8_t id[64]);
size_t peers_by_identity(const struct peers *p, const bp_hash *identity);

/* Notes and logs a finding, unless it is what was found of this peer last.
   Returns true when it is new. */
bool peers_blame(struct peers *p, const struct node_finding *finding);

#endif

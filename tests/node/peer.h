/* peer.h: a peer that a test plays by hand, over a real socket.

   It speaks RLPx through the library, and everything above it byte by byte, so
   it can say what no node of ours would. All calls block, with a limit. */
#ifndef BP_TESTS_NODE_PEER_H
#define BP_TESTS_NODE_PEER_H

#include "blockpool/proto.h"
#include "blockpool/rlpx.h"
#include "lib/test.h"
#include "node/enode.h"

#define PEER_PATIENCE_MS 5000

struct peer_script {
    int fd;
    struct bp_rlpx *session;
    unsigned eth; /* agreed version */
    uint8_t key[32], id[64];
    uint8_t in[64 * 1024];
    bp_span rest;      /* of `in`, not yet eaten */
    uint8_t *message;  /* of the last message, a copy */
    struct bp_msg msg; /* borrows it */
    int error;         /* of our own session; PEER_EOF then */
    uint64_t reason;   /* of the Disconnect that ended it */
    bool raw;          /* messages are not decoded */
    uint64_t code;     /* of the last message */
};

/* Connects to `to` and sends the first packet. seed picks the key. */
void peer_dial(struct peer_script *p, const struct enode *to, uint8_t seed,
               unsigned eth_min, unsigned eth_max);
/* Only the connection: no RLPx. */
void peer_connect(struct peer_script *p, const struct enode *to);
/* Listens on a port of 127.0.0.1; *me is where. peer_accept takes one. */
int peer_listen(struct enode *me, uint8_t seed);
void peer_accept(struct peer_script *p, int listener, uint8_t seed,
                 unsigned eth_min, unsigned eth_max);
void peer_close(struct peer_script *p);

enum peer_heard {
    PEER_READY,
    PEER_MESSAGE,
    PEER_PONG,
    PEER_PARTED,
    PEER_EOF,
    PEER_NOTHING
};
/* The next thing that comes, within a limit. */
enum peer_heard peer_hear(struct peer_script *p, int ms);
/* Skips to the message with this code; fails the test when it does not come. */
void peer_expect(struct peer_script *p, uint64_t code);
/* Skips to the end of the session; the Disconnect's reason, or -1 for none. */
int peer_expect_end(struct peer_script *p, int ms);

void peer_say(struct peer_script *p, const struct bp_msg *msg);
void peer_say_bytes(struct peer_script *p, uint64_t code, bp_span payload);
void peer_send_raw(struct peer_script *p, const void *bytes, size_t n);

/* Handshake up to and with both Status: `ours` is sent; NULL: theirs, sent
   back. Theirs is left in *theirs. */
void peer_greet(struct peer_script *p, struct bp_msg_status *theirs,
                const struct bp_msg_status *ours);

/* Asks and returns the answer's items. */
struct bp_items peer_ask_headers(struct peer_script *p, uint64_t id,
                                 const bp_hash *hash, uint64_t number,
                                 uint64_t amount, uint64_t skip, bool reverse);
struct bp_items peer_ask(struct peer_script *p, uint64_t code, uint64_t id,
                         const bp_hash *hashes, size_t n);

#endif

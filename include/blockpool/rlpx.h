/* rlpx.h: an encrypted session with one peer. Bytes in, bytes out.

   A session is a value that eats what a stream delivered and fills a queue
   with what the stream should carry. It owns no socket, reads no clock and
   draws no randomness: keys and random bytes are arguments, so two sessions
   in one process talk to each other and a recorded one can be repeated.

       bytes --> recv --> events          READY, MESSAGE, PONG, DISCONNECTED
       send  --> queue --> pending, sent --> bytes

       initiator   auth ->         <- ack   Hello <-> Hello   READY
       recipient         -> auth   ack ->   Hello <-> Hello   READY

   Followed: devp2p rlpx.md (handshake, frames, Hello, Disconnect, Ping, Pong,
   capabilities), EIP-8 (extensible handshake), EIP-706 (Snappy).

   The session answers Ping, sends its own Hello, chooses the capabilities and
   checks every MAC. It does not know what a capability's messages mean, and
   it never closes anything: after an error, flush what is pending, then close
   the stream. Timeouts are the caller's: a peer gets five seconds for a
   handshake and a Hello in every client we know. */
#ifndef BLOCKPOOL_RLPX_H
#define BLOCKPOOL_RLPX_H

#include "blockpool/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- limits ---------------------------------------------------------- */

/* A handshake packet after its two bytes of length. EIP-8 adds 100 to 300
   bytes of padding to about 280; other clients stop at 2048 as well. */
#define BP_RLPX_HANDSHAKE_MAX 2048

/* A frame's length is three bytes; nothing larger can be said. */
#define BP_RLPX_FRAME_MAX 0xffffff

/* One message of a capability, decompressed. The eth protocol's peers refuse
   more than 10 MiB in every version. */
#define BP_RLPX_MESSAGE_MAX (10u << 20)

/* Hello, Disconnect, Ping and Pong. A Hello with every capability ever named
   is a few hundred bytes; other clients stop at 2 KiB as well. */
#define BP_RLPX_P2P_MAX 2048

/* Bytes that wait to be written. Room for the largest message beside a few
   replies of 2 MiB; a peer that does not read gets no more. */
#define BP_RLPX_QUEUE_MAX (24u << 20)

/* Capabilities of one Hello. Clients announce fewer than ten. */
#define BP_RLPX_CAPS_MAX 64

/* Capabilities that we offer, all versions counted. */
#define BP_RLPX_OFFERS_MAX 16

/* Of the peer's client name, kept for the log. */
#define BP_RLPX_CLIENT_MAX 127

/* Random bytes that a session uses up: the ephemeral key, the nonce, the key
   and vector of the packet's encryption, the padding, the blinding. */
#define BP_RLPX_RANDOM 192

/* ---- capabilities ---------------------------------------------------- */

/* A protocol spoken over the session: "eth", 68, with 17 message codes. */
struct bp_rlpx_cap {
    char name[9]; /* up to 8 ASCII characters and a NUL */
    uint32_t version;
    uint32_t length; /* message codes it takes; 0 in a peer's announcement */
};

/* What both sides have: the highest common version of each name, in order of
   name. Codes 0x00 to 0x0f are the session's own; the first capability
   starts at 0x10, the next behind it. */
struct bp_rlpx_shared {
    struct bp_rlpx_cap cap;
    uint32_t offset;
};

/* bp_rlpx_negotiate chooses them from our offers (n_ours at most
   BP_RLPX_OFFERS_MAX, with lengths) and the peer's announcement. Returns how
   many were written to out, one a name at most. */
BP_API size_t bp_rlpx_negotiate(struct bp_rlpx_shared out[BP_RLPX_OFFERS_MAX],
                                const struct bp_rlpx_cap *ours, size_t n_ours,
                                const struct bp_rlpx_cap *theirs,
                                size_t n_theirs);

/* ---- the peer's Hello ------------------------------------------------ */

struct bp_rlpx_hello {
    uint64_t version;                    /* of the p2p protocol; we speak 5 */
    char client[BP_RLPX_CLIENT_MAX + 1]; /* printable ASCII, cut to fit */
    struct bp_rlpx_cap caps[BP_RLPX_CAPS_MAX];
    size_t n_caps;
    uint64_t listen_port; /* legacy; mostly 0 */
    uint8_t id[64];       /* public key, without the leading 04 */
};

/* ---- reasons to part ------------------------------------------------- */

/* devp2p rlpx.md, Disconnect. A peer may send any other value. */
#define BP_DISC_MAP(X)                                                         \
    X(REQUESTED, 0x00, "disconnect requested")                                 \
    X(NETWORK, 0x01, "TCP error")                                              \
    X(BREACH, 0x02, "breach of protocol")                                      \
    X(USELESS, 0x03, "useless peer")                                           \
    X(TOO_MANY, 0x04, "too many peers")                                        \
    X(ALREADY, 0x05, "already connected")                                      \
    X(VERSION, 0x06, "incompatible p2p version")                               \
    X(IDENTITY, 0x07, "node identity is null")                                 \
    X(QUITTING, 0x08, "client quitting")                                       \
    X(UNEXPECTED, 0x09, "unexpected identity")                                 \
    X(SELF, 0x0a, "connected to itself")                                       \
    X(TIMEOUT, 0x0b, "timeout")                                                \
    X(SUBPROTOCOL, 0x10, "error in a subprotocol")

enum bp_disc {
#define BP_DISC_ENUM(name, value, text) BP_DISC_##name = value,
    BP_DISC_MAP(BP_DISC_ENUM)
#undef BP_DISC_ENUM
};

/* The words of a reason; "unknown reason" for a value not in the table. */
BP_API const char *bp_disc_str(uint64_t reason);

/* ---- session --------------------------------------------------------- */

struct bp_rlpx; /* opaque */

struct bp_rlpx_config {
    const struct bp_alloc *alloc;     /* NULL: the C library's. OpenSSL's cipher
                                         contexts are not taken from it */
    const uint8_t *static_key;        /* 32 bytes, our identity; copied */
    const uint8_t *remote;            /* 64 bytes, the peer's public key: we
                                         initiate; NULL: we are the recipient */
    const uint8_t *random;            /* BP_RLPX_RANDOM bytes, used once */
    const char *client;               /* our name in Hello; copied */
    uint64_t listen_port;             /* in Hello; 0 is usual */
    const struct bp_rlpx_cap *offers; /* what we speak; copied */
    size_t n_offers;
    size_t message_max; /* 0: BP_RLPX_MESSAGE_MAX, which is also the most */
    size_t queue_max;   /* 0: BP_RLPX_QUEUE_MAX */
};

/* Makes a session; an initiator's first packet is then pending. Free it with
   bp_rlpx_free. Errors: NOMEM; RLPX_KEY, the static key is not a secret key
   of the curve or the remote key not a point of it; RLPX_SELF, the remote key
   is our own; RANGE, a name or a count beyond its limit, or a queue_max that
   the largest message does not fit. */
BP_API int bp_rlpx_new(struct bp_rlpx **out,
                       const struct bp_rlpx_config *config) BP_MUST_USE;
BP_API void bp_rlpx_free(struct bp_rlpx *s); /* NULL does nothing */

enum bp_rlpx_event_type {
    BP_RLPX_NONE,         /* all input is used up */
    BP_RLPX_READY,        /* Hellos are exchanged; messages may be sent */
    BP_RLPX_MESSAGE,      /* a message of a shared capability */
    BP_RLPX_PONG,         /* the peer answered a Ping */
    BP_RLPX_DISCONNECTED, /* the peer parts; the session is over */
};

struct bp_rlpx_event {
    enum bp_rlpx_event_type type;
    unsigned cap;     /* MESSAGE: index into bp_rlpx_shared */
    uint32_t code;    /* MESSAGE: relative to the capability's offset */
    bp_span payload;  /* MESSAGE: decompressed; borrowed until the next call
                         of bp_rlpx_recv or bp_rlpx_free */
    uint64_t reason;  /* DISCONNECTED: enum bp_disc, or any other value */
    size_t wire_size; /* MESSAGE: bytes of its frame on the stream */
};

/* Eats from the front of *in until one event is complete or *in is empty.
   Call it until it says BP_RLPX_NONE:

       bp_span in = { bytes, n };
       do {
           if ((err = bp_rlpx_recv(s, &ev, &in)) != 0) goto flush_and_close;
           act_on(&ev);
       } while (ev.type != BP_RLPX_NONE);

   It may queue answers (ack, Hello, Pong): look at bp_rlpx_pending after it.
   On an error *ev is NONE, the session is over (later calls return
   RLPX_OVER), and where the peer can still understand it a Disconnect that
   names the reason is pending. Errors:
     NOMEM               a buffer could not be made (limits were kept)
     ECIES               a handshake packet that does not decrypt
     RLPX_HANDSHAKE      a handshake packet's length, key or signature
     RLPX_SELF           the peer has our own identity
     RLPX_MAC            a frame was altered, or the stream lost its place
     RLPX_FRAME          a frame is too large, or shorter than its code
     SNAPPY_SIZE         a message says that it decompresses to too much
     SNAPPY              a message does not decompress
     RLPX_CODE           a code of no capability, or before the Hello
     RLPX_HELLO          a malformed Hello, or a second one
     RLPX_IDENTITY       the Hello's id is not the key of the handshake
     RLPX_USELESS        no capability in common
     RLPX_FULL           it sends Pings and does not read the Pongs
     RLPX_OVER           the session ended before
     RLP_*               a malformed Hello */
BP_API int bp_rlpx_recv(struct bp_rlpx *s, struct bp_rlpx_event *ev,
                        bp_span *in) BP_MUST_USE;

/* Queues a message of capability `cap` (index into bp_rlpx_shared). The
   payload is copied. Errors, with nothing queued:
     RLPX_FULL   it does not fit below queue_max: stop, go on after
                 bp_rlpx_sent made room (bp_rlpx_queued tells how much waits)
     RANGE       the payload is longer than message_max, or there is no such
                 capability or code
     RLPX_OVER   not READY yet, or over
     NOMEM */
BP_API int bp_rlpx_send(struct bp_rlpx *s, unsigned cap, uint32_t code,
                        bp_span payload) BP_MUST_USE;

/* Queues a Ping. Errors as bp_rlpx_send. */
BP_API int bp_rlpx_ping(struct bp_rlpx *s) BP_MUST_USE;

/* Ends the session: queues a Disconnect where the handshake is far enough for
   it (it may exceed queue_max by its few bytes), refuses everything else from
   now on. Doing it twice changes nothing. */
BP_API void bp_rlpx_disconnect(struct bp_rlpx *s, enum bp_disc reason);

/* The next bytes to write; empty when there are none. They stay where they
   are until bp_rlpx_sent has taken the last of them, whatever is sent or
   received meanwhile. */
BP_API bp_span bp_rlpx_pending(const struct bp_rlpx *s);
/* Takes n bytes off the front of what bp_rlpx_pending showed. */
BP_API void bp_rlpx_sent(struct bp_rlpx *s, size_t n);
/* All bytes that wait, over every piece that bp_rlpx_pending will show. */
BP_API size_t bp_rlpx_queued(const struct bp_rlpx *s);

/* The peer's public key: for an initiator the one it was given, for a
   recipient known once the handshake is done; NULL before. */
BP_API const uint8_t *bp_rlpx_remote(const struct bp_rlpx *s);
/* The peer's Hello (known before READY when there was nothing in common) and
   the shared capabilities; NULL and 0 while unknown. They live as long as the
   session. */
BP_API const struct bp_rlpx_hello *bp_rlpx_peer_hello(const struct bp_rlpx *s);
BP_API const struct bp_rlpx_shared *bp_rlpx_shared_caps(const struct bp_rlpx *s,
                                                        size_t *n);

/* The most memory that a session of this configuration takes, in bytes,
   OpenSSL's contexts (under 2 KiB) left out: two buffers for the largest
   message, one compressed and one not, and the queue. */
BP_API size_t bp_rlpx_memory_max(const struct bp_rlpx_config *config);

/* The public key (64 bytes, without the leading 04) of a secret key of 32.
   RLPX_KEY: it is 0 or not below the order of the curve; NOMEM. */
BP_API int bp_rlpx_public_key(uint8_t out[64],
                              const uint8_t secret[32]) BP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif

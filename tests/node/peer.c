#include "node/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void key_of(struct peer_script *p, uint8_t seed) {
    memset(p->key, seed, sizeof p->key);
    assert_int_equal(bp_rlpx_public_key(p->id, p->key), 0);
}

static void new_session(struct peer_script *p, const uint8_t *remote,
                        unsigned eth_min, unsigned eth_max) {
    uint8_t random[BP_RLPX_RANDOM];
    static uint64_t drawn = 1;
    struct bp_rng rng;
    bp_rng_seed(&rng, drawn++ + p->key[0]);
    bp_rng_bytes(&rng, random, sizeof random);
    struct bp_rlpx_cap caps[4];
    struct bp_rlpx_config config = {
        .static_key = p->key,
        .remote = remote,
        .random = random,
        .client = "test/v0",
        .offers = caps,
    };
    for (unsigned v = eth_min; v <= eth_max; v++)
        caps[config.n_offers++] =
            (struct bp_rlpx_cap){ "eth", v, bp_eth_length(v) };
    assert_int_equal(bp_rlpx_new(&p->session, &config), 0);
}

void peer_connect(struct peer_script *p, const struct enode *to) {
    memset(p, 0, sizeof *p);
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons(to->port) };
    assert_int_equal(inet_pton(AF_INET, to->host, &addr.sin_addr), 1);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(p->fd >= 0);
    assert_int_equal(connect(p->fd, (struct sockaddr *)&addr, sizeof addr), 0);
    int on = 1;
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void peer_dial(struct peer_script *p, const struct enode *to, uint8_t seed,
               unsigned eth_min, unsigned eth_max) {
    peer_connect(p, to);
    key_of(p, seed);
    new_session(p, to->id, eth_min, eth_max);
}

int peer_listen(struct enode *me, uint8_t seed) {
    uint8_t key[32];
    struct sockaddr_in addr = { .sin_family = AF_INET };
    socklen_t size = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &size), 0);
    memset(me, 0, sizeof *me);
    memset(key, seed, sizeof key);
    assert_int_equal(bp_rlpx_public_key(me->id, key), 0);
    snprintf(me->host, sizeof me->host, "127.0.0.1");
    me->port = ntohs(addr.sin_port);
    return fd;
}

void peer_accept(struct peer_script *p, int listener, uint8_t seed,
                 unsigned eth_min, unsigned eth_max) {
    memset(p, 0, sizeof *p);
    struct pollfd wait = { .fd = listener, .events = POLLIN };
    assert_int_equal(poll(&wait, 1, PEER_PATIENCE_MS), 1);
    p->fd = accept(listener, NULL, NULL);
    assert_true(p->fd >= 0);
    key_of(p, seed);
    new_session(p, NULL, eth_min, eth_max);
}

void peer_close(struct peer_script *p) {
    if (p->fd >= 0) close(p->fd);
    bp_rlpx_free(p->session);
    free(p->message);
    memset(p, 0, sizeof *p);
    p->fd = -1;
}

void peer_send_raw(struct peer_script *p, const void *bytes, size_t n) {
    const uint8_t *at = bytes;
    while (n > 0) {
        ssize_t put = send(p->fd, at, n, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return; /* it hung up: the test will hear of it */
        at += put;
        n -= (size_t)put;
    }
}

static void flush(struct peer_script *p) {
    bp_span out;
    while ((out = bp_rlpx_pending(p->session)).n > 0) {
        peer_send_raw(p, out.p, out.n);
        bp_rlpx_sent(p->session, out.n);
    }
}

void peer_say_bytes(struct peer_script *p, uint64_t code, bp_span payload) {
    assert_int_equal(bp_rlpx_send(p->session, 0, (uint32_t)code, payload), 0);
    flush(p);
}

void peer_say(struct peer_script *p, const struct bp_msg *msg) {
    size_t cap = bp_msg_size(msg, p->eth), n;
    uint8_t *bytes = malloc(cap);
    assert_int_equal(bp_msg_encode(bytes, cap, &n, msg, p->eth), 0);
    peer_say_bytes(p, msg->id, (bp_span){ bytes, n });
    free(bytes);
}

static void keep_message(struct peer_script *p,
                         const struct bp_rlpx_event *ev) {
    free(p->message);
    p->message = malloc(ev->payload.n + 1);
    memcpy(p->message, ev->payload.p, ev->payload.n);
    p->code = ev->code;
    if (p->raw) return;
    assert_int_equal(bp_msg_decode(&p->msg, p->eth, ev->code,
                                   (bp_span){ p->message, ev->payload.n }),
                     0);
}

/* What the bytes at hand say; PEER_NOTHING when they are used up. */
static enum peer_heard eat(struct peer_script *p) {
    struct bp_rlpx_event ev;
    size_t n;
    while (p->rest.n > 0) {
        p->error = bp_rlpx_recv(p->session, &ev, &p->rest);
        flush(p);
        if (p->error != 0) return PEER_EOF;
        switch (ev.type) {
        case BP_RLPX_NONE: break;
        case BP_RLPX_READY:
            p->eth = bp_rlpx_shared_caps(p->session, &n)[0].cap.version;
            return PEER_READY;
        case BP_RLPX_MESSAGE: keep_message(p, &ev); return PEER_MESSAGE;
        case BP_RLPX_PONG: return PEER_PONG;
        case BP_RLPX_DISCONNECTED: p->reason = ev.reason; return PEER_PARTED;
        }
    }
    return PEER_NOTHING;
}

enum peer_heard peer_hear(struct peer_script *p, int ms) {
    uint64_t until = now_ms() + (uint64_t)ms;
    if (p->session != NULL) flush(p);
    for (;;) {
        enum peer_heard heard = p->session != NULL ? eat(p) : PEER_NOTHING;
        if (heard != PEER_NOTHING) return heard;
        uint64_t now = now_ms();
        struct pollfd wait = { .fd = p->fd, .events = POLLIN };
        if (now >= until || poll(&wait, 1, (int)(until - now)) <= 0)
            return PEER_NOTHING;
        ssize_t n = recv(p->fd, p->in, sizeof p->in, 0);
        if (n <= 0) return PEER_EOF;
        p->rest = (bp_span){ p->in, (size_t)n };
        if (p->session == NULL) return PEER_MESSAGE;
    }
}

void peer_expect(struct peer_script *p, uint64_t code) {
    for (;;) {
        enum peer_heard heard = peer_hear(p, PEER_PATIENCE_MS);
        if (heard == PEER_MESSAGE && p->code == code) return;
        if (heard == PEER_PARTED)
            fail_msg("parted: %s", bp_disc_str(p->reason));
        if (heard == PEER_EOF) fail_msg("the connection was closed");
        if (heard == PEER_NOTHING)
            fail_msg("no message 0x%02x came", (unsigned)code);
    }
}

int peer_expect_end(struct peer_script *p, int ms) {
    uint64_t until = now_ms() + (uint64_t)ms;
    while (now_ms() < until) {
        enum peer_heard heard = peer_hear(p, (int)(until - now_ms()) + 1);
        if (heard == PEER_PARTED) return (int)p->reason;
        if (heard == PEER_EOF) return -1;
    }
    fail_msg("the session did not end in %d ms", ms);
    return -1;
}

void peer_greet(struct peer_script *p, struct bp_msg_status *theirs,
                const struct bp_msg_status *ours) {
    while (p->eth == 0) {
        enum peer_heard heard = peer_hear(p, PEER_PATIENCE_MS);
        if (heard == PEER_PARTED)
            fail_msg("parted: %s", bp_disc_str(p->reason));
        assert_true(heard == PEER_READY);
    }
    peer_expect(p, BP_MSG_STATUS);
    *theirs = p->msg.u.status;
    struct bp_msg msg = { .id = BP_MSG_STATUS,
                          .u.status = ours != NULL ? *ours : *theirs };
    peer_say(p, &msg);
}

struct bp_items peer_ask_headers(struct peer_script *p, uint64_t id,
                                 const bp_hash *hash, uint64_t number,
                                 uint64_t amount, uint64_t skip, bool reverse) {
    struct bp_msg msg = {
        .id = BP_MSG_GET_BLOCK_HEADERS,
        .u.get_headers = { .request_id = id,
                           .origin = { .by_number = hash == NULL,
                                       .number = number },
                           .amount = amount,
                           .skip = skip,
                           .reverse = reverse },
    };
    if (hash != NULL) msg.u.get_headers.origin.hash = *hash;
    peer_say(p, &msg);
    peer_expect(p, BP_MSG_BLOCK_HEADERS);
    assert_int_equal(p->msg.u.reply.request_id, id);
    return p->msg.u.reply.items;
}

struct bp_items peer_ask(struct peer_script *p, uint64_t code, uint64_t id,
                         const bp_hash *hashes, size_t n) {
    uint8_t *buf = malloc(BP_HASH_ITEMS_SIZE(n) + 1);
    struct bp_msg msg = {
        .id = (enum bp_msg_id)code,
        .u.request = { .request_id = id,
                       .hashes = bp_items_of_hashes(buf, hashes, n) },
    };
    peer_say(p, &msg);
    free(buf);
    peer_expect(p, bp_msg_info(p->eth, code)->reply);
    assert_int_equal(p->msg.u.reply.request_id, id);
    return p->msg.u.reply.items;
}

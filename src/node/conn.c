/* conn: moves bytes between a socket and an RLPx session.

   Happy path: connected or accepted, the session is made, bytes go both ways,
   session.c acts on the messages, and at the end what is queued is written,
   the stream is shut down, the peer closes its side, the handles close.

   Failure modes:
     - it cannot be reached, or resets, or closes: closed at once, named
     - the handshake takes more than GREETING_MS: closed
     - the RLPx session breaks (bad MAC, malformed packet): closed, with a
       Disconnect where the peer can still read one
     - nothing comes for SILENCE_MS though it was pinged: closed
     - it does not read what we send: nothing moves for WRITE_STALL_MS, or the
       queue is full: closed
     - it does not close its side: closed hard after CLOSING_MS
     - more inbound handshakes and endings than max_pending: closed before a
       key is drawn */
#include "node/conn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/clock.h"
#include "node/entropy.h"
#include "node/log.h"
#include "node/loop.h"

/* devp2p peers give a handshake five seconds; so do we, dialling included. */
#define GREETING_MS 5000
/* For the last bytes and the peer's side of the close. */
#define CLOSING_MS 1000
/* Silence before a Ping, and before a peer counts as gone. */
#define PING_MS    15000
#define SILENCE_MS 30000
/* Bytes wait and not one is taken. */
#define WRITE_STALL_MS 20000

static const struct bp_rlpx_cap *offers(size_t *n, const struct node *node,
                                        struct bp_rlpx_cap caps[4]) {
    *n = 0;
    for (unsigned v = node->cfg.eth_min; v <= node->cfg.eth_max; v++)
        caps[(*n)++] = (struct bp_rlpx_cap){ "eth", v, bp_eth_length(v) };
    return caps;
}

/* ---- memory ------------------------------------------------------------ */

static void maybe_free(struct conn *c) {
    if (c->handles > 0 || c->jobs > 0) return;
    struct node *n = c->node;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        n->conns = c->next;
    if (c->next != NULL) c->next->prev = c->prev;
    n->n_conns--;
    if (c->peer != NO_PEER) peers_let_go(&n->peers, c->peer);
    bp_rlpx_free(c->rlpx);
    free(c);
}

static void on_closed(uv_handle_t *handle) {
    struct conn *c = handle->data;
    c->handles--;
    maybe_free(c);
}

void conn_hold(struct conn *c) {
    c->jobs++;
}

void conn_let_go(struct conn *c) {
    assert(c->jobs > 0);
    c->jobs--;
    maybe_free(c);
}

static void close_handles(struct conn *c) {
    if (!uv_is_closing((uv_handle_t *)&c->tcp))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
    if (!uv_is_closing((uv_handle_t *)&c->timer))
        uv_close((uv_handle_t *)&c->timer, on_closed);
}

static struct conn *conn_new(struct node *n, bool inbound) {
    struct conn *c = calloc(1, sizeof *c);
    if (c == NULL) return NULL;
    if (uv_tcp_init(&n->loop, &c->tcp) != 0) {
        free(c);
        return NULL;
    }
    uv_timer_init(&n->loop, &c->timer); /* cannot fail */
    c->tcp.data = c->timer.data = c;
    c->handles = 2;
    c->node = n;
    c->inbound = inbound;
    c->peer = NO_PEER;
    c->id = ++n->last_session;
    c->state = CONN_DIALING;
    c->read_at = c->wrote_at = clock_mono_ms();
    c->next = n->conns;
    if (c->next != NULL) c->next->prev = c;
    n->conns = c;
    n->n_conns++;
    return c;
}

static int rlpx_new(struct conn *c, const uint8_t *remote) {
    uint8_t random[BP_RLPX_RANDOM];
    struct bp_rlpx_cap caps[4];
    entropy_fill(random, sizeof random);
    struct bp_rlpx_config config = {
        .static_key = c->node->key,
        .remote = remote,
        .random = random,
        .client = c->node->client,
    };
    config.offers = offers(&config.n_offers, c->node, caps);
    int err = bp_rlpx_new(&c->rlpx, &config);
    explicit_bzero(random, sizeof random);
    return err;
}

/* ---- the end ----------------------------------------------------------- */

static void on_close_timer(uv_timer_t *timer) {
    close_handles(timer->data);
}

static void on_shutdown(uv_shutdown_t *req, int status) {
    struct conn *c = req->data;
    c->in_shutdown = false;
    if (status != 0)
        close_handles(c); /* else the peer's end of stream, or
                             the timer, closes it */
}

static void shut(struct conn *c) {
    if (c->in_shutdown || uv_is_closing((uv_handle_t *)&c->tcp)) return;
    c->shutting.data = c;
    c->in_shutdown = true;
    if (uv_shutdown(&c->shutting, (uv_stream_t *)&c->tcp, on_shutdown) != 0) {
        c->in_shutdown = false;
        close_handles(c);
    }
}

/* Tells everyone that the session is over. */
static void say_goodbye(struct conn *c, bool opened) {
    struct node *n = c->node;
    if (c->peer != NO_PEER) {
        struct peer *p = &n->peers.list[c->peer];
        snprintf(p->seen.last_error, sizeof p->seen.last_error, "%s", c->why);
        if (p->conn == c) {
            p->conn = NULL;
            p->seen.connected = false;
        }
    }
    serve_left(c);
    if (n->sync != NULL) sync_left(c);
    if (!c->inbound) dial_ended(n, c, opened);
}

static bool end_session(struct conn *c, const char *why) {
    if (c->state == CONN_CLOSING) return false;
    bool opened = c->state == CONN_OPEN;
    snprintf(c->why, sizeof c->why, "%s", why);
    c->state = CONN_CLOSING;
    say_goodbye(c, opened);
    return true;
}

void conn_drop(struct conn *c, const char *why) {
    end_session(c, why);
    close_handles(c);
}

static void flush(struct conn *c);

void conn_close(struct conn *c, enum bp_disc reason, const char *why) {
    bool connected = c->state != CONN_DIALING;
    if (!end_session(c, why)) return;
    if (!connected || c->rlpx == NULL) {
        close_handles(c);
        return;
    }
    bp_rlpx_disconnect(c->rlpx, reason);
    uv_timer_start(&c->timer, on_close_timer, CLOSING_MS, 0);
    flush(c);
}

/* ---- writing ----------------------------------------------------------- */

static void count_out(struct conn *c, size_t n) {
    bp_rlpx_sent(c->rlpx, n);
    c->wrote_at = clock_mono_ms();
    c->node->bytes_out += n;
    if (c->peer != NO_PEER) c->node->peers.list[c->peer].seen.bytes_out += n;
}

static void on_written(uv_write_t *req, int status) {
    struct conn *c = req->data;
    c->in_write = false;
    if (status == UV_ECANCELED) return; /* the handle is closing */
    if (status != 0) {
        conn_drop(c, uv_strerror(status));
        return;
    }
    count_out(c, c->unwritten);
    c->unwritten = 0;
    flush(c);
}

static void write_later(struct conn *c, bp_span out) {
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)out.p, (unsigned)out.n);
    c->writing.data = c;
    c->unwritten = out.n;
    c->wrote_at = clock_mono_ms();
    int err =
        uv_write(&c->writing, (uv_stream_t *)&c->tcp, &buf, 1, on_written);
    if (err != 0)
        conn_drop(c, uv_strerror(err));
    else
        c->in_write = true;
}

static void flush(struct conn *c) {
    bp_span out = { 0 };
    while (!c->in_write && !uv_is_closing((uv_handle_t *)&c->tcp) &&
           (out = bp_rlpx_pending(c->rlpx)).n > 0) {
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)out.p, (unsigned)out.n);
        int n = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
        if (n > 0)
            count_out(c, (size_t)n);
        else if (n == UV_EAGAIN)
            write_later(c, out);
        else
            conn_drop(c, uv_strerror(n));
    }
    if (c->in_write || uv_is_closing((uv_handle_t *)&c->tcp)) return;
    if (c->state == CONN_CLOSING)
        shut(c);
    else
        serve_resume(c);
}

size_t conn_queued(const struct conn *c) {
    return bp_rlpx_queued(c->rlpx);
}

int conn_offer(struct conn *c, uint64_t code, bp_span payload) {
    if (c->state != CONN_STATUS && c->state != CONN_OPEN)
        return BP_ERR_RLPX_OVER;
    int err = bp_rlpx_send(c->rlpx, c->eth_cap, (uint32_t)code, payload);
    if (err == 0) flush(c);
    return err;
}

void conn_send_payload(struct conn *c, uint64_t code, bp_span payload) {
    int err = conn_offer(c, code, payload);
    if (err != 0) conn_close(c, BP_DISC_USELESS, bp_strerror(err));
}

void conn_send(struct conn *c, const struct bp_msg *msg) {
    size_t n;
    int err = bp_msg_encode(c->node->encode, ENCODE_SIZE, &n, msg, c->eth);
    assert(err == 0); /* our own message */
    conn_send_payload(c, msg->id, (bp_span){ c->node->encode, n });
}

/* ---- reading ----------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf) {
    (void)hint;
    struct conn *c = handle->data;
    *buf = uv_buf_init(c->node->read_buf, CONN_READ_SIZE);
}

static void part(struct conn *c, uint64_t reason) {
    char why[sizeof c->why];
    snprintf(why, sizeof why, "the peer said: %s", bp_disc_str(reason));
    end_session(c, why);
    flush(c); /* nothing more is queued: shuts the stream */
    uv_timer_start(&c->timer, on_close_timer, CLOSING_MS, 0);
}

static void act_on(struct conn *c, const struct bp_rlpx_event *ev) {
    switch (ev->type) {
    case BP_RLPX_READY: session_ready(c); return;
    case BP_RLPX_MESSAGE: session_message(c, ev); return;
    case BP_RLPX_DISCONNECTED: part(c, ev->reason); return;
    case BP_RLPX_PONG:
    case BP_RLPX_NONE: return;
    }
    abort();
}

static void take_bytes(struct conn *c, bp_span in) {
    struct bp_rlpx_event ev = { .type = BP_RLPX_NONE };
    do {
        int err = bp_rlpx_recv(c->rlpx, &ev, &in);
        if (err != 0) {
            session_broke(c, err);
            return;
        }
        act_on(c, &ev);
    } while (ev.type != BP_RLPX_NONE && c->state != CONN_CLOSING);
    if (c->state != CONN_CLOSING) flush(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    struct conn *c = stream->data;
    if (n < 0) {
        conn_drop(c, n == UV_EOF ? "the peer closed the connection"
                                 : uv_strerror((int)n));
        return;
    }
    c->read_at = clock_mono_ms();
    c->node->bytes_in += (uint64_t)n;
    if (c->peer != NO_PEER)
        c->node->peers.list[c->peer].seen.bytes_in += (uint64_t)n;
    if (c->state == CONN_CLOSING) return; /* waits for the end only */
    take_bytes(c, (bp_span){ (const uint8_t *)buf->base, (size_t)n });
}

void conn_pause(struct conn *c, enum conn_pause reason) {
    if (c->paused == 0 && c->state != CONN_CLOSING)
        uv_read_stop((uv_stream_t *)&c->tcp);
    c->paused |= reason;
}

void conn_unpause(struct conn *c, enum conn_pause reason) {
    unsigned before = c->paused;
    c->paused &= ~(unsigned)reason;
    if (before == 0 || c->paused != 0) return;
    if (uv_is_closing((uv_handle_t *)&c->tcp)) return;
    c->read_at = clock_mono_ms();
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

/* ---- the beginning ----------------------------------------------------- */

static void on_greeting_timer(uv_timer_t *timer) {
    struct conn *c = timer->data;
    if (c->state == CONN_DIALING)
        conn_drop(c, "it does not answer");
    else
        conn_close(c, BP_DISC_TIMEOUT, "the handshake took too long");
}

static void greet(struct conn *c) {
    c->state = CONN_GREETING;
    uv_tcp_nodelay(&c->tcp, 1);
    int err = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    if (err != 0)
        conn_drop(c, uv_strerror(err));
    else
        flush(c);
}

static void on_connected(uv_connect_t *req, int status) {
    struct conn *c = req->data;
    if (status == UV_ECANCELED) return;
    if (status != 0)
        conn_drop(c, uv_strerror(status));
    else
        greet(c);
}

static int sockaddr_of(struct sockaddr_storage *out, const struct enode *e) {
    if (strchr(e->host, ':') != NULL)
        return uv_ip6_addr(e->host, e->port, (struct sockaddr_in6 *)out);
    return uv_ip4_addr(e->host, e->port, (struct sockaddr_in *)out);
}

struct conn *conn_dial(struct node *n, size_t peer, const struct enode *to) {
    struct sockaddr_storage addr;
    struct conn *c = conn_new(n, false);
    if (c == NULL) return NULL;
    c->peer = peer;
    peers_hold(&n->peers, peer);
    c->address = *to;
    c->connecting.data = c;
    uv_timer_start(&c->timer, on_greeting_timer, GREETING_MS, 0);
    int err = rlpx_new(c, to->id);
    if (err != 0) {
        conn_drop(c, bp_strerror(err)); /* the id is no key of the curve */
        return c;
    }
    err = sockaddr_of(&addr, to);
    if (err == 0)
        err = uv_tcp_connect(&c->connecting, &c->tcp,
                             (const struct sockaddr *)&addr, on_connected);
    if (err != 0) conn_drop(c, uv_strerror(err));
    return c;
}

/* Inbound sockets that are no open sessions: on their way in, or out. */
static size_t pending(const struct node *n) {
    size_t count = 0;
    for (const struct conn *c = n->conns; c != NULL; c = c->next)
        if (c->inbound && c->state != CONN_OPEN) count++;
    return count;
}

static void remember_address(struct conn *c) {
    struct sockaddr_storage addr;
    int size = sizeof addr;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&addr, &size) != 0)
        return;
    if (addr.ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&addr;
        uv_ip6_name(six, c->address.host, sizeof c->address.host);
        c->address.port = ntohs(six->sin6_port);
    } else {
        const struct sockaddr_in *four = (const struct sockaddr_in *)&addr;
        uv_ip4_name(four, c->address.host, sizeof c->address.host);
        c->address.port = ntohs(four->sin_port);
    }
}

void conn_accept(struct node *n, uv_stream_t *listener) {
    bool crowded = pending(n) >= n->cfg.max_pending;
    struct conn *c = conn_new(n, true);
    if (c == NULL) return;
    int err = uv_accept(listener, (uv_stream_t *)&c->tcp);
    if (err == 0) remember_address(c);
    if (err == 0 && crowded) err = UV_ECONNREFUSED;
    if (err == 0) err = rlpx_new(c, NULL) == 0 ? 0 : UV_ENOMEM;
    if (err != 0) {
        conn_drop(c, uv_strerror(err));
        return;
    }
    uv_timer_start(&c->timer, on_greeting_timer, GREETING_MS, 0);
    greet(c);
}

/* ---- silence ----------------------------------------------------------- */

static bool write_stalls(struct conn *c, bp_time now) {
    if (!c->in_write) return false;
    size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
    if (left < c->unwritten) { /* some of it went */
        count_out(c, c->unwritten - left);
        c->unwritten = left;
    }
    return now - c->wrote_at > WRITE_STALL_MS;
}

void conn_tick(struct conn *c, bp_time now) {
    if (c->state != CONN_OPEN) return;
    if (write_stalls(c, now)) {
        conn_drop(c, "it does not read what we send");
        return;
    }
    if (c->paused != 0) return; /* the silence is ours */
    if (now - c->read_at > SILENCE_MS) {
        conn_close(c, BP_DISC_TIMEOUT, "nothing came for 30 s");
    } else if (now - c->read_at > PING_MS && now - c->pinged_at > PING_MS) {
        c->pinged_at = now;
        if (bp_rlpx_ping(c->rlpx) == 0) flush(c);
    }
}

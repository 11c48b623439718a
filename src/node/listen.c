/* listen: the socket that peers come to.

   Happy path: bound in node_new, so that a used port is an error before
   anything else happens and the port that the system chose is known; it
   accepts from node_run on.

   Failure modes:
     - the port is used, or the address is not ours, or may not be bound: one
       sentence, exit code 1
     - a connection is gone before it is accepted: passed over */
#include <stdio.h>
#include <string.h>

#include "node/log.h"
#include "node/loop.h"

#define BACKLOG 128

static int set_address(struct sockaddr_storage *out, const char *host,
                       uint16_t port) {
    if (strchr(host, ':') != NULL)
        return uv_ip6_addr(host, port, (struct sockaddr_in6 *)out);
    return uv_ip4_addr(host, port, (struct sockaddr_in *)out);
}

static uint16_t port_of(const uv_tcp_t *tcp) {
    struct sockaddr_storage addr;
    int size = sizeof addr;
    if (uv_tcp_getsockname(tcp, (struct sockaddr *)&addr, &size) != 0) return 0;
    return ntohs(addr.ss_family == AF_INET6
                     ? ((struct sockaddr_in6 *)&addr)->sin6_port
                     : ((struct sockaddr_in *)&addr)->sin_port);
}

static void on_connection(uv_stream_t *listener, int status) {
    if (status == 0) conn_accept(listener->data, listener);
}

int listen_open(struct node *n, struct node_error *why) {
    const char *host = n->cfg.addr != NULL ? n->cfg.addr : "127.0.0.1";
    struct sockaddr_storage addr;
    uv_tcp_init(&n->loop, &n->listener);
    n->listener.data = n;
    int err = set_address(&addr, host, n->cfg.port);
    if (err == 0)
        err = uv_tcp_bind(&n->listener, (const struct sockaddr *)&addr, 0);
    /* libuv reports a used port here, not at the bind. */
    if (err == 0)
        err = uv_listen((uv_stream_t *)&n->listener, BACKLOG, on_connection);
    if (err != 0) {
        why->exit_code = NODE_EXIT_FAILED;
        snprintf(why->text, sizeof why->text, "cannot listen on %s port %u: %s",
                 host, n->cfg.port, uv_strerror(err));
        return why->exit_code;
    }
    snprintf(n->self.host, sizeof n->self.host, "%s", host);
    n->self.port = port_of(&n->listener);
    return 0;
}

void listen_close(struct node *n) {
    if (n->cfg.listen && !uv_is_closing((uv_handle_t *)&n->listener))
        uv_close((uv_handle_t *)&n->listener, NULL);
}

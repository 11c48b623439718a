/* enode: reads and writes node addresses.

   Happy path: enode://id@host:port, with or without ?discport=n.

   Failure modes, each named in the text that a user sees:
     - another scheme, no '@', no ':' before the port
     - an id that is not 128 hexadecimal digits
     - a host that is not an IPv4 or bracketed IPv6 address in digits
     - a port that is not 1 to 65535, or something after it */
#include "node/enode.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SCHEME    "enode://"
#define ID_DIGITS 128
#define PORT_MAX  65535

__attribute__((format(printf, 3, 4))) static int complain(char *why, size_t cap,
                                                          const char *format,
                                                          ...) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, cap, format, ap);
    va_end(ap);
    return BP_ERR_FORMAT;
}

/* Digits of *text up to PORT_MAX, not 0; steps past them. */
static bool read_port(uint16_t *out, const char **text) {
    uint32_t v = 0;
    const char *p = *text;
    for (; *p >= '0' && *p <= '9' && v <= PORT_MAX; p++)
        v = v * 10 + (uint32_t)(*p - '0');
    if (p == *text || v == 0 || v > PORT_MAX) return false;
    *out = (uint16_t)v;
    *text = p;
    return true;
}

/* The host between *text and `end`, brackets and all. */
static bool read_host(char out[46], const char *text, const char *end) {
    bool six = *text == '[';
    if (six && (end - text < 2 || end[-1] != ']')) return false;
    if (six) text++, end--;
    size_t n = (size_t)(end - text);
    if (n == 0 || n >= 46) return false;
    memcpy(out, text, n);
    out[n] = '\0';
    uint8_t bytes[16];
    return inet_pton(six ? AF_INET6 : AF_INET, out, bytes) == 1;
}

int enode_parse(struct enode *out, char *why, size_t cap, const char *text) {
    memset(out, 0, sizeof *out);
    if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
        return complain(why, cap, "it does not begin with %s", SCHEME);
    text += strlen(SCHEME);

    const char *at = strchr(text, '@');
    if (at == NULL) return complain(why, cap, "there is no @ after the id");
    if (at - text != ID_DIGITS)
        return complain(why, cap, "the node id has %zu digits, not %d",
                        (size_t)(at - text), ID_DIGITS);
    char id[ID_DIGITS + 1];
    memcpy(id, text, ID_DIGITS);
    id[ID_DIGITS] = '\0';
    if (bp_unhex(out->id, sizeof out->id, id) != 0)
        return complain(why, cap, "the node id is not hexadecimal");

    const char *host = at + 1;
    const char *colon = strrchr(host, ':');
    const char *bracket = strchr(host, ']');
    if (colon == NULL || (bracket != NULL && colon < bracket))
        return complain(why, cap, "there is no port");
    if (!read_host(out->host, host, colon))
        return complain(why, cap, "the host is not an IP address in digits");

    const char *rest = colon + 1;
    uint16_t discovery;
    if (!read_port(&out->port, &rest))
        return complain(why, cap, "the port is not a number from 1 to %d",
                        PORT_MAX);
    static const char query[] = "?discport=";
    if (strncmp(rest, query, sizeof query - 1) == 0) {
        rest += sizeof query - 1;
        if (strcmp(rest, "0") == 0) return 0;
        if (!read_port(&discovery, &rest))
            return complain(why, cap, "discport is not a port");
    }
    if (*rest != '\0')
        return complain(why, cap, "there is more after the port");
    return 0;
}

static bool is_six(const struct enode *e) {
    return strchr(e->host, ':') != NULL;
}

size_t enode_format(char out[ENODE_TEXT_MAX], const struct enode *e) {
    char id[ID_DIGITS + 1];
    bp_hex(id, e->id, sizeof e->id);
    return (size_t)snprintf(out, ENODE_TEXT_MAX,
                            is_six(e) ? SCHEME "%s@[%s]:%u" : SCHEME "%s@%s:%u",
                            id, e->host, e->port);
}

void enode_short(char out[ENODE_SHORT_MAX], const struct enode *e) {
    char id[9];
    bp_hex(id, e->id, 4);
    snprintf(out, ENODE_SHORT_MAX, is_six(e) ? "%s@[%s]:%u" : "%s@%s:%u", id,
             e->host, e->port);
}

bool enode_same_id(const struct enode *a, const struct enode *b) {
    return memcmp(a->id, b->id, sizeof a->id) == 0;
}

/* enode.h: the address of a node, as users write it.

       enode://<128 hexadecimal digits>@<IPv4 | [IPv6]>:<port>[?discport=<n>]

   The digits are the node's public key. Names are not resolved: an address is
   in digits, as EIP-778's predecessor has it in every client. */
#ifndef BP_NODE_ENODE_H
#define BP_NODE_ENODE_H

#include "blockpool/base.h"

struct enode {
    uint8_t id[64];
    char host[46]; /* digits, without brackets */
    uint16_t port; /* TCP */
};

/* "enode://", the id, "@[", a host, "]:", a port, a NUL. */
#define ENODE_TEXT_MAX (8 + 128 + 2 + 46 + 2 + 5 + 1)

/* Reads one. why gets what is wrong with it, naming the part ("the node id
   has 126 digits, not 128"), at most cap bytes with the NUL. Returns 0 or
   BP_ERR_FORMAT, with *out then unspecified. */
int enode_parse(struct enode *out, char *why, size_t cap,
                const char *text) BP_MUST_USE;

/* Writes the whole form; returns its length. */
size_t enode_format(char out[ENODE_TEXT_MAX], const struct enode *e);

/* "6f8a1b2c@127.0.0.1:30303", for logs. */
#define ENODE_SHORT_MAX (8 + 2 + 46 + 2 + 5 + 1)
void enode_short(char out[ENODE_SHORT_MAX], const struct enode *e);

bool enode_same_id(const struct enode *a, const struct enode *b);

#endif

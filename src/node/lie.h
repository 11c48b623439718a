/* lie.h: false answers, for demonstrations and for tests of other nodes. */
#ifndef BP_NODE_LIE_H
#define BP_NODE_LIE_H

#include "node/node.h"

/* The longest header with its nonce altered. */
#define LIE_HEADER_MAX 1024

/* The header that block `number` gets in an answer: *item itself, or an
   altered copy in buf. */
bp_span lie_header(uint8_t buf[LIE_HEADER_MAX], const struct node_lie *lie,
                   uint64_t number, bp_span item);
/* The same for a body; the copy, of less than item.n + header.n + 16 bytes, is
   written to buf (of cap). */
bp_span lie_body(uint8_t *buf, size_t cap, const struct node_lie *lie,
                 uint64_t number, bp_span item, bp_span header);
/* What becomes of request number `nth` (1: the first). */
bool lie_stalls(const struct node_lie *lie, uint64_t nth);
bool lie_drops(const struct node_lie *lie, uint64_t nth);
bool lie_empties(const struct node_lie *lie, uint64_t nth);

#endif

/* receipts.h: receipts in the forms that peers ask for. */
#ifndef BP_NODE_RECEIPTS_H
#define BP_NODE_RECEIPTS_H

#include "blockpool/store.h"

/* The list of receipts of a stored block as consensus has it: what is stored,
   or the empty list where the header says that there are none. Returns 0,
   BP_ERR_NOT_STORED, or errors of the store. *out borrows the view. */
int receipts_of(bp_span *out, struct bp_store_view *view,
                const struct bp_store_entry *e) BP_MUST_USE;

/* The same list as eth/69 has it, in buf: each receipt is [type, status, gas,
   logs] (EIP-7642). Returns 0, BP_ERR_SPACE, or errors of the RLP readers.
   *out borrows buf; it must not overlap list. */
int receipts_without_bloom(bp_span *out, uint8_t *buf, size_t cap,
                           bp_span list) BP_MUST_USE;

#endif

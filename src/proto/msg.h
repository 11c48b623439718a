/* msg: what the files of single messages give to the table.

   decode takes the whole payload and refuses what follows it; put writes it,
   or counts when the writer has no room. */
#ifndef BP_PROTO_MSG_H
#define BP_PROTO_MSG_H

#include "blockpool/proto.h"
#include "blockpool/rlp.h"

int bp_status_decode(struct bp_msg_status *out, unsigned version,
                     bp_span payload) BP_MUST_USE;
void bp_status_put(struct bp_rlp_w *w, const struct bp_msg_status *m,
                   unsigned version);

int bp_get_headers_decode(struct bp_msg_get_headers *out,
                          bp_span payload) BP_MUST_USE;
void bp_get_headers_put(struct bp_rlp_w *w, const struct bp_msg_get_headers *m);

int bp_request_decode(struct bp_msg_request *out, bp_span payload) BP_MUST_USE;
void bp_request_put(struct bp_rlp_w *w, const struct bp_msg_request *m);

/* How far a reply's items are looked into. */
enum bp_reply_shape {
    BP_SHAPE_ANY,
    BP_SHAPE_LISTS,  /* headers; receipts */
    BP_SHAPE_BODIES, /* lists of two or three lists */
};
int bp_reply_decode(struct bp_msg_reply *out, enum bp_reply_shape shape,
                    bp_span payload) BP_MUST_USE;
void bp_reply_put(struct bp_rlp_w *w, const struct bp_msg_reply *m);

int bp_announce_decode(struct bp_msg_announce *out,
                       bp_span payload) BP_MUST_USE;
void bp_announce_put(struct bp_rlp_w *w, const struct bp_msg_announce *m);

int bp_new_block_decode(struct bp_msg_new_block *out,
                        bp_span payload) BP_MUST_USE;
void bp_new_block_put(struct bp_rlp_w *w, const struct bp_msg_new_block *m);

int bp_range_decode(struct bp_msg_range *out, bp_span payload) BP_MUST_USE;
void bp_range_put(struct bp_rlp_w *w, const struct bp_msg_range *m);

/* A payload that is one list: *fields is what is inside. */
int bp_payload_list(bp_span *fields, bp_span payload) BP_MUST_USE;

#endif

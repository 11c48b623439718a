/* proto.h: the messages of the eth protocol as plain structs.

       payload --> bp_msg_decode --> struct bp_msg --> bp_msg_encode --> payload

   Decoding allocates nothing and copies nothing that is long: lists stay RLP
   inside the payload and are stepped through with the bp_items functions.
   What decodes is canonical RLP with the shape, the counts and the field sizes
   that the version allows; hashes, links and rules are other people's work.
   Encoding writes into the caller's buffer.

   Followed: devp2p caps/eth.md, versions 66, 67, 68 and 69. Messages about
   transactions and state are recognised by name and otherwise left alone;
   their requests can be answered with an empty list. */
#ifndef BLOCKPOOL_PROTO_H
#define BLOCKPOOL_PROTO_H

#include "blockpool/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- limits ---------------------------------------------------------- */

#define BP_ETH_VERSION_MIN 66
#define BP_ETH_VERSION_MAX 69

/* Items in one reply, asked for and given. Servers since December 2020 stop
   at 1024 headers, bodies or receipt lists, and nobody gives more. */
#define BP_ETH_ITEMS_MAX 1024

/* Size of a reply, tested before an item is added, so that a reply is at most
   one item longer. */
#define BP_ETH_REPLY_SOFT_MAX (2u << 20)

/* Block hashes announced at once. A new block is one; the rest is slack for a
   peer that catches up. */
#define BP_ETH_ANNOUNCE_MAX 4096

/* ---- codes ----------------------------------------------------------- */

/* code, name, first and last version that have it, what it is, and for a
   request the code that answers it. */
#define BP_MSG_MAP(X)                                                          \
    X(STATUS, 0x00, "Status", 66, 69, STATE, 0)                                \
    X(NEW_BLOCK_HASHES, 0x01, "NewBlockHashes", 66, 68, STATE, 0)              \
    X(TRANSACTIONS, 0x02, "Transactions", 66, 69, IGNORED, 0)                  \
    X(GET_BLOCK_HEADERS, 0x03, "GetBlockHeaders", 66, 69, REQUEST, 0x04)       \
    X(BLOCK_HEADERS, 0x04, "BlockHeaders", 66, 69, REPLY, 0)                   \
    X(GET_BLOCK_BODIES, 0x05, "GetBlockBodies", 66, 69, REQUEST, 0x06)         \
    X(BLOCK_BODIES, 0x06, "BlockBodies", 66, 69, REPLY, 0)                     \
    X(NEW_BLOCK, 0x07, "NewBlock", 66, 68, STATE, 0)                           \
    X(NEW_POOLED_HASHES, 0x08, "NewPooledTransactionHashes", 66, 69, IGNORED,  \
      0)                                                                       \
    X(GET_POOLED_TXS, 0x09, "GetPooledTransactions", 66, 69, REQUEST, 0x0a)    \
    X(POOLED_TXS, 0x0a, "PooledTransactions", 66, 69, REPLY, 0)                \
    X(GET_NODE_DATA, 0x0d, "GetNodeData", 66, 66, REQUEST, 0x0e)               \
    X(NODE_DATA, 0x0e, "NodeData", 66, 66, REPLY, 0)                           \
    X(GET_RECEIPTS, 0x0f, "GetReceipts", 66, 69, REQUEST, 0x10)                \
    X(RECEIPTS, 0x10, "Receipts", 66, 69, REPLY, 0)                            \
    X(BLOCK_RANGE_UPDATE, 0x11, "BlockRangeUpdate", 69, 69, STATE, 0)

enum bp_msg_id {
#define BP_MSG_ENUM(id, code, name, first, last, kind, reply)                  \
    BP_MSG_##id = code,
    BP_MSG_MAP(BP_MSG_ENUM)
#undef BP_MSG_ENUM
};

enum bp_msg_kind {
    BP_MSG_KIND_STATE,   /* says something about the sender's chain */
    BP_MSG_KIND_REQUEST, /* carries a request id; wants an answer */
    BP_MSG_KIND_REPLY,   /* carries the request's id */
    BP_MSG_KIND_IGNORED, /* of no use to us */
};

/* One row of the table. */
struct bp_msg_info {
    enum bp_msg_id id;
    const char *name;
    unsigned first, last; /* versions */
    enum bp_msg_kind kind;
    enum bp_msg_id reply; /* of a request */
};

/* The row of a code in a version, or NULL when the version has no such
   message (which ends the session). */
BP_API const struct bp_msg_info *bp_msg_info(unsigned version, uint64_t code);

/* Message codes that a version takes in the session: 17, from 69 on 18; 0 for
   a version that is not spoken. */
BP_API uint32_t bp_eth_length(unsigned version);

/* ---- lists ----------------------------------------------------------- */

/* n RLP items one behind the other, borrowed. */
struct bp_items {
    bp_span rlp;
    size_t n;
};

/* Takes the next item, its head included, off the front. False at the end. */
BP_API bool bp_items_next(bp_span *item, struct bp_items *rest);
/* The same in a list of hashes (requests). */
BP_API bool bp_items_hash(bp_hash *out, struct bp_items *rest);
/* The same in NewBlockHashes. */
BP_API bool bp_items_announced(bp_hash *hash, uint64_t *number,
                               struct bp_items *rest);

/* Bytes of n hashes as items. */
#define BP_HASH_ITEMS_SIZE(n) ((n) * (size_t)33)
/* Writes n hashes as items into buf, of BP_HASH_ITEMS_SIZE(n) bytes, and
   returns them as a list that borrows buf. */
BP_API struct bp_items bp_items_of_hashes(uint8_t *buf, const bp_hash *hashes,
                                          size_t n);

/* ---- messages -------------------------------------------------------- */

/* Status. `td` is of versions 66 to 68; `earliest` and `latest` are of 69,
   where `head` is the hash of the latest block. Fields of the other versions
   are zero after decoding and are not encoded. */
struct bp_msg_status {
    uint64_t version;
    uint64_t network;
    bp_hash genesis;
    uint8_t fork_hash[4]; /* EIP-2124 */
    uint64_t fork_next;
    bp_hash head;
    bp_u256 td;
    uint64_t earliest, latest;
};

/* Where a GetBlockHeaders begins: a hash or a number, never both. */
struct bp_origin {
    bool by_number;
    uint64_t number;
    bp_hash hash; /* zero when by_number */
};

struct bp_msg_get_headers {
    uint64_t request_id;
    struct bp_origin origin;
    uint64_t amount, skip;
    bool reverse;
};

/* GetBlockBodies, GetReceipts, GetPooledTransactions, GetNodeData. A peer may
   ask for any number of hashes; answer the first BP_ETH_ITEMS_MAX at most. */
struct bp_msg_request {
    uint64_t request_id;
    struct bp_items hashes;
};

/* BlockHeaders (each item a header), BlockBodies (each a list of transactions,
   uncles and from Shanghai on withdrawals), Receipts (each a list of
   receipts): at most BP_ETH_ITEMS_MAX items. PooledTransactions and NodeData,
   which we never ask for, are not looked into. */
struct bp_msg_reply {
    uint64_t request_id;
    struct bp_items items;
};

/* NewBlockHashes: read with bp_items_announced. */
struct bp_msg_announce {
    struct bp_items blocks;
};

/* NewBlock. `block` is the whole block item: a list of header, transactions,
   uncles and perhaps withdrawals, each of them a list. */
struct bp_msg_new_block {
    bp_span block;
    bp_u256 td;
};

/* BlockRangeUpdate. */
struct bp_msg_range {
    uint64_t earliest, latest;
    bp_hash latest_hash;
};

/* Which member counts is said by `id`. */
struct bp_msg {
    enum bp_msg_id id;
    union {
        struct bp_msg_status status;
        struct bp_msg_get_headers get_headers;
        struct bp_msg_request request;
        struct bp_msg_reply reply;
        struct bp_msg_announce announce;
        struct bp_msg_new_block new_block;
        struct bp_msg_range range;
        bp_span ignored; /* the payload: one RLP item, not looked into */
    } u;
};

/* Decodes the payload of a message. *out borrows it. Errors, *out then
   unspecified:
     ETH_CODE    the version has no such message
     ETH_COUNT   more items than the limit of this message
     ETH_RANGE   the range's earliest block is above its latest
     RLP_*       malformed RLP, a field of the wrong size, bytes left over */
BP_API int bp_msg_decode(struct bp_msg *out, unsigned version, uint64_t code,
                         bp_span payload) BP_MUST_USE;

/* Bytes that bp_msg_encode will write. */
BP_API size_t bp_msg_size(const struct bp_msg *msg, unsigned version);

/* Encodes into out, of cap bytes; *n is the length. Errors:
     SPACE       cap is below bp_msg_size
     ETH_CODE    the version has no such message
     ETH_ORIGIN  an origin is both a number and a hash */
BP_API int bp_msg_encode(uint8_t *out, size_t cap, size_t *n,
                         const struct bp_msg *msg,
                         unsigned version) BP_MUST_USE;

/* ---- the handshake of eth -------------------------------------------- */

/* Takes the first message that a peer sends: it must be a Status of the
   version that the session chose, and speak of our chain. Tried in this
   order, as every client does: network, version, genesis; the fork id comes
   after them and is the caller's, with the filter of EIP-2124. Errors:
     ETH_FIRST    it is not a Status
     ETH_NETWORK, ETH_VERSION, ETH_GENESIS  it differs from ours
     ETH_RANGE, RLP_*  as bp_msg_decode */
BP_API int bp_status_receive(struct bp_msg_status *theirs,
                             const struct bp_msg_status *ours, uint64_t code,
                             bp_span payload) BP_MUST_USE;

/* ---- answering ------------------------------------------------------- */

/* The block numbers that a query asks for, when its origin has number
   `origin` and the chain ends at `head`: at most cap, and at most
   BP_ETH_ITEMS_MAX. It stops at the head, at number 0, and where the next
   number would pass 2^64 - 1. A query that begins above the head has none.
   Returns how many. */
BP_API size_t bp_headers_plan(uint64_t *out, size_t cap, uint64_t origin,
                              const struct bp_msg_get_headers *query,
                              uint64_t head);

/* A reply that grows in the caller's buffer until a limit says stop.

       bp_reply_begin(&r, buf, sizeof buf, request_id);
       while (have(&item) && bp_reply_add(&r, item)) next();
       payload = bp_reply_end(&r);

   A buffer of BP_ETH_REPLY_SOFT_MAX + BP_REPLY_HEADS + the longest item never
   refuses for lack of room. An empty reply is a valid answer to any request;
   BP_REPLY_HEADS bytes are enough for it. */
#define BP_REPLY_HEADS 32
struct bp_reply {
    uint8_t *buf;
    size_t cap, len;
    uint64_t request_id;
    size_t n; /* items so far */
};

/* cap must be at least BP_REPLY_HEADS. */
BP_API void bp_reply_begin(struct bp_reply *r, uint8_t *buf, size_t cap,
                           uint64_t request_id);
/* Adds one RLP item. False, with nothing added, when the reply has
   BP_ETH_ITEMS_MAX items, has reached the soft limit, or has no room. */
BP_API bool bp_reply_add(struct bp_reply *r, bp_span item);
/* The payload: it lies in the buffer. */
BP_API bp_span bp_reply_end(struct bp_reply *r);

#ifdef __cplusplus
}
#endif
#endif

/* snappy: compression, in both of its published formats.

   block   a length, then literals and copies. RLPx messages (EIP-706).
   frame   a stream identifier, then chunks of at most 64 KiB, each a block or
           plain bytes, each with a masked CRC-32C. Entries of era1 files.

   Google's library knows blocks only; chunks are written here, after its
   framing_format.txt. A length that the data announce is compared with the
   caller's buffer before anything is decoded. */
#ifndef BP_PRIM_SNAPPY_H
#define BP_PRIM_SNAPPY_H

#include "blockpool/base.h"

/* ---- block ----------------------------------------------------------- */

/* Nothing longer can be announced: the format's lengths have 32 bits. */
#define BP_SNAPPY_BLOCK_MAX UINT32_MAX

/* *n = bytes that the block says it decompresses to. Returns 0 or SNAPPY. */
int bp_snappy_block_size(size_t *n, bp_span in) BP_MUST_USE;

/* Decompresses into out, of cap bytes; *n is the length. Errors, out then
   unspecified: SNAPPY_SIZE, it announces more than cap; SNAPPY, it is
   malformed or gives another length than it announces. */
int bp_snappy_block_decode(uint8_t *out, size_t cap, size_t *n,
                           bp_span in) BP_MUST_USE;

/* Room that bp_snappy_block_encode needs for n bytes. */
size_t bp_snappy_block_room(size_t n);
/* Compresses into out, of at least bp_snappy_block_room(in.n) bytes. Returns
   the length. in.n is at most BP_SNAPPY_BLOCK_MAX. */
size_t bp_snappy_block_encode(uint8_t *out, bp_span in);

/* ---- frame ----------------------------------------------------------- */

/* *n = bytes that the chunks say they decompress to, in one walk over their
   heads. Errors as bp_snappy_frame_decode, checksums not yet compared. */
int bp_snappy_frame_size(size_t *n, bp_span in) BP_MUST_USE;

/* Decompresses a whole stream into out, of cap bytes; *n is the length.
   Padding and skippable chunks are stepped over, a repeated stream identifier
   too. Errors, out then unspecified:
     SNAPPY       no stream identifier, a chunk cut short, malformed, of an
                  unknown kind, or longer than 64 KiB
     SNAPPY_SIZE  more than cap
     SNAPPY_CRC   a chunk does not match its checksum */
int bp_snappy_frame_decode(uint8_t *out, size_t cap, size_t *n,
                           bp_span in) BP_MUST_USE;

/* Room that bp_snappy_frame_encode needs for n bytes. */
size_t bp_snappy_frame_room(size_t n);
/* Compresses into out, of at least bp_snappy_frame_room(in.n) bytes. Returns
   the length. A chunk that does not shrink by an eighth is stored plain. */
size_t bp_snappy_frame_encode(uint8_t *out, bp_span in);

/* CRC-32C (Castagnoli), as RFC 3720 has it. */
uint32_t bp_crc32c(bp_span in);

#endif

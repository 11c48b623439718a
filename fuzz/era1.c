/* era1: whatever the reader gives links, adds up and lies inside the file; an
   error has one sentence that names the file, and the reader stays at it.

   Checksums stop most mutations of a real file at once. An input whose first
   byte is even is therefore a script, from which an era1 file is built with
   right checksums: a type (1 byte), a length (2), data; types 3 to 5 are
   compressed, 7 is the right accumulator, 8 the right index, 9 a block's own
   right total difficulty. */
#include <string.h>

#include "blockpool/files.h"
#include "fuzz.h"
#include "prim/snappy.h"
#include "store/reader.h"

#define FILE_MAX ((size_t)1 << 16)

struct built {
    uint8_t p[FILE_MAX];
    size_t n;
    uint64_t starts[BP_ERA1_BLOCKS], blocks;
    struct bp_accumulator acc;
    struct bp_file_block block;
    bp_u256 td;
};

static void put_entry(struct built *b, uint16_t type, bp_span data) {
    if (b->n + BP_ERA1_HEAD + data.n > FILE_MAX) return;
    bp_era1_entry_encode(b->p + b->n,
                         (struct bp_era1_entry){ type, (uint32_t)data.n });
    memcpy(b->p + b->n + BP_ERA1_HEAD, data.p, data.n);
    b->n += BP_ERA1_HEAD + data.n;
}

static void put_framed(struct built *b, uint16_t type, bp_span data) {
    uint8_t *coded = malloc(bp_snappy_frame_room(data.n));
    if (type == BP_ERA1_HEADER && b->blocks < BP_ERA1_BLOCKS) {
        b->starts[b->blocks++] = b->n;
        b->block = (struct bp_file_block){ .header = data };
        if (bp_file_block_header(&b->block) != 0) b->block.number = 0;
        bp_u256_add(&b->td, &b->td, &b->block.difficulty);
    }
    size_t n = bp_snappy_frame_encode(coded, data);
    put_entry(b, type, (bp_span){ coded, n });
    free(coded);
}

static void put_td(struct built *b) {
    uint8_t le[32];
    bp_u256_to_le(le, &b->td);
    put_entry(b, BP_ERA1_TD, (bp_span){ le, sizeof le });
    if (b->acc.n < BP_ERA1_BLOCKS)
        bp_accumulator_add(&b->acc, &b->block.hash, &b->td);
}

static void put_root(struct built *b) {
    bp_hash root;
    bp_accumulator_root(&b->acc, &root);
    put_entry(b, BP_ERA1_ACCUMULATOR, (bp_span){ root.b, 32 });
}

static void put_index(struct built *b) {
    static uint64_t words[BP_ERA1_BLOCKS + 2];
    words[0] = b->block.number + 1 - b->blocks;
    for (uint64_t i = 0; i < b->blocks; i++) words[1 + i] = b->starts[i] - b->n;
    words[1 + b->blocks] = b->blocks;
    put_entry(b, BP_ERA1_INDEX,
              (bp_span){ (const uint8_t *)words, 8 * (b->blocks + 2) });
}

static void build(struct built *b, const uint8_t *data, size_t size) {
    bp_accumulator_init(&b->acc);
    put_entry(b, BP_ERA1_VERSION, (bp_span){ (const uint8_t *)"", 0 });
    while (size >= 3) {
        size_t n = (size_t)(data[1] | data[2] << 8);
        if (n > size - 3) n = size - 3;
        bp_span part = { data + 3, n };
        switch (data[0]) {
        case 3:
        case 4:
        case 5: put_framed(b, data[0], part); break;
        case 7: put_root(b); break;
        case 8: put_index(b); break;
        case 9: put_td(b); break;
        default: put_entry(b, data[0], part);
        }
        data += 3 + n;
        size -= 3 + n;
    }
}

static void check_file(bp_span file) {
    struct bp_reader *r;
    struct bp_store_error why = { 0 };
    struct bp_file_block b, last = { 0 };
    bp_hash root;
    uint64_t n = 0;
    int err = bp_reader_open_memory(&r, file, "f", NULL, &why);
    if (err == 0) {
        while ((err = bp_reader_next(r, &b, &why)) == 0) {
            bp_u256 td = b.difficulty;
            if (bp_reader_format(r) == BP_FILE_RLP) continue;
            fuzz_law(b.offset < file.n);
            if (n++ > 0) {
                fuzz_law(!bp_u256_add(&td, &td, &last.td));
                fuzz_law(bp_u256_cmp(&td, &b.td) == 0);
                fuzz_law(b.number == last.number + 1);
                fuzz_law(bp_hash_eq(&b.parent, &last.hash));
            }
            last = b;
        }
        fuzz_law(bp_reader_next(r, &b, NULL) == err);
        fuzz_law(
            bp_reader_root(r, &root) ==
            (err == BP_ERR_FILE_END && bp_reader_format(r) == BP_FILE_ERA1));
        bp_reader_close(r);
    }
    if (err == BP_ERR_FILE_END) return;
    fuzz_law(why.code == err && strncmp(why.text, "f: ", 3) == 0);
    fuzz_law(strchr(why.text, '\n') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    if (data[0] & 1) {
        check_file((bp_span){ data, size });
        return 0;
    }
    struct built *b = malloc(sizeof *b);
    b->n = 0;
    b->blocks = 0;
    b->td = bp_u256_from_u64(0);
    memset(&b->block, 0, sizeof b->block);
    build(b, data + 1, size - 1);
    check_file((bp_span){ b->p, b->n });
    free(b);
    return 0;
}

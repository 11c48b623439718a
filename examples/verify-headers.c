/* verify-headers: checks the seal of every header in a file.

       verify-headers [--chain NAME] FILE

   FILE holds RLP, one item after the other: headers, or whole blocks as `geth
   export` writes them. For each header that does not hold a line goes to
   standard output; the last line counts. Exit code 0: every seal holds; 1: one
   does not; 2: the file could not be read.

   It shows libblockpool-eth at work on its own: specification, decoding, seal
   hashes in batches, light caches in groups, seals in batches.

       cc verify-headers.c $(pkg-config --cflags --libs blockpool-eth) */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <blockpool/chain.h>
#include <blockpool/ethash.h>
#include <blockpool/rules.h>
#include <blockpool/spec.h>

/* Seals handed over together. More than BP_ETHASH_LANES_MAX, so that few are
   left over to be computed in a small group. */
#define BATCH 1024

struct verifier {
    struct bp_spec *spec;
    struct bp_ethash_tuning tuning;
    /* the light cache in use */
    struct bp_ethash_epoch epoch;
    uint8_t *cache;
    struct bp_ethash_light light;
    /* headers of its epoch that wait */
    struct bp_header header[BATCH];
    size_t n;
    uint64_t good, bad, unsealed;
    uint8_t work[BP_ETHASH_WORK_SIZE];
};

static void report(struct verifier *v, uint64_t number, int err) {
    printf("block %" PRIu64 ": %s\n", number, bp_strerror(err));
    v->bad++;
}

/* The waiting headers' verdicts. */
static void flush(struct verifier *v) {
    static struct bp_seal_claim claim[BATCH];
    static struct bp_ethash_seal seal[BATCH];
    static int verdict[BATCH];
    bp_seal_claims(claim, v->spec, v->header, v->n);
    for (size_t i = 0; i < v->n; i++) {
        seal[i] = claim[i].seal;
        seal[i].light = &v->light;
    }
    bp_ethash_verify(verdict, seal, v->n, &v->tuning, v->work);
    for (size_t i = 0; i < v->n; i++) {
        if (verdict[i] == 0)
            v->good++;
        else
            report(v, v->header[i].number, verdict[i]);
    }
    v->n = 0;
}

/* Takes the light cache of an epoch into use: about a third of a second to one
   second. A program that goes through history builds up to eight together,
   each then costs a quarter of that. */
static int use_epoch(struct verifier *v, struct bp_ethash_epoch epoch) {
    struct bp_ethash_build build;
    bp_hash seed;
    if (v->cache != NULL && epoch.number == v->epoch.number &&
        epoch.blocks == v->epoch.blocks)
        return 0;
    flush(v);
    size_t n = bp_ethash_cache_size(epoch.number);
    free(v->cache);
    v->cache = aligned_alloc(64, n);
    if (v->cache == NULL) return BP_ERR_NOMEM;
    v->epoch = epoch;
    bp_ethash_seed(&seed, epoch);
    bp_ethash_build_begin(&build, v->cache, n, &seed);
    while (!bp_ethash_build_step(&build, 1, UINT32_MAX, v->tuning.cpu)) {
    }
    return bp_ethash_light_init(&v->light, v->cache, n,
                                bp_ethash_dataset_size(epoch.number));
}

static int add(struct verifier *v, const struct bp_header *h) {
    struct bp_ethash_epoch epoch;
    if (h->number == 0 || !bp_header_sealed(h)) {
        v->unsealed++;
        return 0;
    }
    int err = bp_ethash_epoch_at(&epoch, h->number,
                                 bp_spec_epoch_blocks(v->spec, h->number));
    if (err != 0) {
        report(v, h->number, err);
        return 0;
    }
    if ((err = use_epoch(v, epoch)) != 0) return err;
    v->header[v->n++] = *h; /* borrows from the file, which stays */
    if (v->n == BATCH) flush(v);
    return 0;
}

/* A header, or the header of a block. */
static int next_header(struct bp_header *out, bp_span *in) {
    struct bp_block block;
    if (bp_header_decode(out, in) == 0) return 0;
    int err = bp_block_decode(&block, in);
    if (err == 0) *out = block.header;
    return err;
}

static int read_file(bp_span *out, const char *path) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) return -1;
    uint8_t *p = NULL;
    size_t n = 0, room = 0, got;
    do {
        if (n == room) {
            uint8_t *more = realloc(p, room = 2 * room + (1 << 20));
            if (more == NULL) break;
            p = more;
        }
        n += got = fread(p + n, 1, room - n, f);
    } while (got > 0);
    int failed = ferror(f) || !feof(f);
    fclose(f);
    if (failed) free(p);
    *out = (bp_span){ p, n };
    return failed ? -1 : 0;
}

static int run(struct verifier *v, const char *path) {
    bp_span file, in;
    struct bp_header h;
    if (read_file(&file, path) != 0) {
        fprintf(stderr, "verify-headers: %s cannot be read\n", path);
        return 2;
    }
    int err = 0;
    for (in = file; err == 0 && in.n > 0;)
        if ((err = next_header(&h, &in)) == 0) err = add(v, &h);
    flush(v);
    if (err != 0)
        fprintf(stderr, "verify-headers: %s: byte %zu: %s\n", path,
                file.n - in.n, bp_strerror(err));
    free((void *)file.p);
    printf("%" PRIu64 " seals hold, %" PRIu64 " do not, %" PRIu64
           " headers have none\n",
           v->good, v->bad, v->unsealed);
    return err != 0 ? 2 : v->bad > 0 ? 1 : 0;
}

int main(int argc, char **argv) {
    static struct verifier v;
    const char *chain = "mainnet";
    if (argc == 4 && strcmp(argv[1], "--chain") == 0) {
        chain = argv[2];
        argc -= 2;
        argv += 2;
    }
    if (argc != 2) {
        fprintf(stderr, "usage: verify-headers [--chain NAME] FILE\n");
        return 2;
    }
    int err = bp_spec_builtin(&v.spec, chain, NULL);
    if (err != 0) {
        fprintf(stderr, "verify-headers: chain %s: %s\n", chain,
                bp_strerror(err));
        return 2;
    }
    v.tuning = bp_ethash_tuning_default(bp_cpu_detect());
    int status = run(&v, argv[1]);
    free(v.cache);
    bp_spec_free(v.spec);
    return status;
}

/* cmd_conform: runs consensus fixtures through the import path.

   Happy path: file after file, a line for each failure, then the count.
   Failure modes: a file that cannot be read or is no fixture file is named and
   ends with 1; a failed test ends with 3. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "node/cli.h"
#include "node/conform.h"
#include "node/sealer.h"

/* The largest fixture file that is published has 90 MB. */
#define FIXTURE_BYTES_MAX ((size_t)512 << 20)

/* Reads a file whole, unpacking it if it is packed. */
static int slurp(const char *path, uint8_t **out, size_t *n) {
    gzFile f = gzopen(path, "rb");
    size_t cap = 1 << 20;
    uint8_t *p = f != NULL ? malloc(cap) : NULL;
    int got = 0;
    *n = 0;
    while (p != NULL && (got = gzread(f, p + *n, (unsigned)(cap - *n))) > 0) {
        *n += (size_t)got;
        if (*n < cap) continue;
        uint8_t *more = cap < FIXTURE_BYTES_MAX ? realloc(p, 2 * cap) : NULL;
        if (more == NULL) break;
        p = more;
        cap *= 2;
    }
    if (f != NULL) gzclose(f);
    *out = p;
    if (p != NULL && got == 0) return 0;
    free(p);
    *out = NULL;
    return cli_error(NODE_EXIT_FAILED, "%s: cannot be read", path);
}

static void say(void *user, const char *line) {
    (void)user;
    puts(line);
}

int cmd_conform(struct cli *c) {
    struct bp_spec *mainnet = NULL;
    struct sealer *sealer = NULL;
    struct conform k = { .say = say };
    int code = cli_need_args(c, 1, SIZE_MAX, "conform FILE...");
    if (code != 0) return code;
    if (bp_spec_builtin(&mainnet, "mainnet", NULL) != 0)
        return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
    struct sealer_config sc = { .spec = mainnet,
                                .cachedir = c->o->ethash_cachedir,
                                .caches_mem = (uint32_t)c->o->ethash_caches_mem,
                                .caches_disk =
                                    (uint32_t)c->o->ethash_caches_disk,
                                .threads = (uint32_t)c->o->threads };
    if (sealer_new(&sealer, &sc) != 0)
        code = cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
    for (size_t i = 0; code == 0 && i < c->o->n_args; i++) {
        uint8_t *text = NULL;
        size_t n;
        k.sealer = sealer_iface(sealer);
        code = slurp(c->o->args[i], &text, &n);
        if (code == 0 &&
            conform_run(&k, c->o->args[i], (bp_span){ text, n }) != 0)
            code = NODE_EXIT_FAILED;
        free(text);
    }
    if (code == 0 && k.failed > 0) code = NODE_EXIT_INVALID;
    printf("%llu passed, %llu failed, %llu skipped\n",
           (unsigned long long)k.passed, (unsigned long long)k.failed,
           (unsigned long long)k.skipped);
    sealer_free(sealer);
    bp_spec_free(mainnet);
    return code;
}

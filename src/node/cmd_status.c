/* cmd_status: what a datadir holds, whether a node is using it or not.

   Happy path: open the store read-only, which a writing process does not
   mind, and print. Failure modes: no store there (6), another chain (2), a
   store that contradicts itself (1). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli.h"
#include "node/log.h"

static json_t *check_list(uint32_t bits) {
    char names[BP_CHECK_NAMES_MAX], *rest = names, *name;
    json_t *list = json_array();
    bp_check_names(names, bits);
    if (bits == 0) return list;
    while ((name = strsep(&rest, ",")) != NULL)
        json_array_append_new(list, json_string(name));
    return list;
}

/* The ranges of canonical blocks that went through the same checks. */
static json_t *verified_ranges(struct bp_store_view *v) {
    json_t *list = json_array();
    uint32_t bits;
    uint64_t last;
    for (uint64_t n = 0; bp_view_checks(v, &bits, &last, n) == 0; n = last + 1)
        json_array_append_new(
            list, json_pack("{s:I, s:I, s:o}", "from", (json_int_t)n, "to",
                            (json_int_t)last, "checks", check_list(bits)));
    return list;
}

static int print_json(const struct cli *c, struct bp_store *s,
                      struct bp_store_view *v,
                      const struct bp_store_entry *head) {
    struct bp_store_identity id;
    char hash[67] = "0x", genesis[67] = "0x", td[BP_U256_DEC_MAX];
    bp_store_identity(s, &id);
    bp_hex(hash + 2, head->hash.b, 32);
    bp_hex(genesis + 2, id.genesis.b, 32);
    bp_u256_to_dec(td, &head->td);
    json_t *j = json_pack(
        "{s:s, s:I, s:s, s:s, s:{s:I, s:s, s:s}, s:I, s:o}", "chain", id.name,
        "network_id", (json_int_t)id.network_id, "genesis", genesis, "datadir",
        c->datadir, "head", "number", (json_int_t)head->number, "hash", hash,
        "total_difficulty", td, "blocks", (json_int_t)bp_view_count(v),
        "verified", verified_ranges(v));
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    if (text == NULL) /* jansson has no other reason */
        return cli_error(NODE_EXIT_FAILED,
                         "%s: no memory, or a path that is not UTF-8",
                         c->datadir);
    puts(text);
    free(text);
    return 0;
}

static void print_text(const struct cli *c, struct bp_store *s,
                       struct bp_store_view *v,
                       const struct bp_store_entry *head) {
    struct bp_store_identity id;
    char hash[65], td[BP_U256_DEC_MAX], number[32], blocks[32];
    bp_store_identity(s, &id);
    bp_hex(hash, head->hash.b, 32);
    bp_u256_to_dec(td, &head->td);
    log_group_digits(number, sizeof number, head->number);
    log_group_digits(blocks, sizeof blocks, bp_view_count(v));
    printf("chain             %s (network id %llu)\n", id.name,
           (unsigned long long)id.network_id);
    printf("datadir           %s\n", c->datadir);
    printf("head              %s  0x%s\n", number, hash);
    printf("total difficulty  %s\n", td);
    printf("blocks            %s, side branches included\n", blocks);
    uint32_t bits;
    uint64_t last;
    for (uint64_t n = 0; bp_view_checks(v, &bits, &last, n) == 0;
         n = last + 1) {
        char names[BP_CHECK_NAMES_MAX];
        printf("verified          %llu..%llu  %s\n", (unsigned long long)n,
               (unsigned long long)last, bp_check_names(names, bits));
    }
}

int cmd_status(struct cli *c) {
    struct bp_store *s;
    struct bp_store_view *v;
    struct bp_store_entry head;
    int code = cli_need_args(c, 0, 0, "status [--json]");
    if (code != 0) return code;
    code = cli_open_store(c, &s, BP_STORE_READ);
    if (code != 0) return code;
    int err = bp_view_begin(&v, s);
    if (err == 0) err = bp_view_head(v, &head);
    if (err != 0) {
        code = cli_error(cli_exit_code(err), "%s: %s", c->datadir,
                         bp_strerror(err));
    } else if (c->o->json) {
        code = print_json(c, s, v, &head);
    } else {
        print_text(c, s, v, &head);
    }
    if (err == 0) bp_view_end(v);
    bp_store_close(s);
    return code;
}

/* conform_spec: the networks of ethereum/tests, by their names:

       Berlin                 all forks up to berlin hold from block 0
       BerlinToLondonAt5      ... and london from block 5
       ParisToShanghaiAtTime15k, ArrowGlacierToParisAtDiffC0000 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockpool/spec.h"
#include "node/conform.h"

/* In their order; each network has the forks of all before it. */
static const struct era {
    const char *name;
    const char *forks; /* that it adds */
} eras[] = {
    { "Frontier", "" },
    { "Homestead", "homestead" },
    { "Dao", "dao" },
    { "EIP150", "eip150" },
    { "EIP158", "eip155 eip158" },
    { "Byzantium", "byzantium" },
    { "Constantinople", "constantinople" },
    { "ConstantinopleFix", "petersburg" },
    { "Istanbul", "istanbul" },
    { "Berlin", "muir_glacier berlin" },
    { "London", "london" },
    { "ArrowGlacier", "arrow_glacier" },
    { "GrayGlacier", "gray_glacier" },
    { "Paris", "" },
    { "Shanghai", "shanghai" },
    { "Cancun", "cancun" },
    { "Prague", "prague" },
    { "Osaka", "osaka" },
};
enum { ERAS = sizeof eras / sizeof *eras, DAO = 2, PARIS = 13, SHANGHAI = 14 };

struct network {
    int from, to; /* eras; equal without a transition */
    char what;    /* 'n' number, 't' time, 'd' total difficulty */
    uint64_t at;
};

static int era_of(const char *name, size_t n) {
    if (n == 5 && memcmp(name, "Merge", 5) == 0) return PARIS;
    for (int i = 0; i < ERAS; i++)
        if (strlen(eras[i].name) == n && memcmp(eras[i].name, name, n) == 0)
            return i;
    return -1;
}

static bool parse_network(struct network *out, const char *name) {
    const char *at = strstr(name, "At"), *to = strstr(name, "To");
    char *end;
    if (at == NULL || to == NULL || to > at) {
        out->from = out->to = era_of(name, strlen(name));
        return out->from >= 0;
    }
    out->from = era_of(name, (size_t)(to - name));
    out->to = era_of(to + 2, (size_t)(at - to - 2));
    at += 2;
    out->what = 'n';
    if (strncmp(at, "Time", 4) == 0) out->what = 't', at += 4;
    if (strncmp(at, "Diff", 4) == 0) out->what = 'd', at += 4;
    out->at = strtoull(at, &end, out->what == 'd' ? 16 : 10);
    if (*end == 'k') out->at *= 1000, end++;
    return out->from >= 0 && out->to > out->from && *end == '\0';
}

/* Appends the forks of eras first..last at a block or time. */
static void put_forks(char *out, size_t cap, int first, int last, uint64_t at) {
    for (int i = first; i <= last; i++) {
        const char *p = eras[i].forks;
        if (i == DAO && first != DAO) continue; /* a side chain of its own */
        while (*p != '\0') {
            size_t n = strcspn(p, " "), used = strlen(out);
            snprintf(out + used, cap - used, "%s\"%.*s\":%llu",
                     used > 0 ? "," : "", (int)n, p, (unsigned long long)at);
            p += n;
            while (*p == ' ') p++;
        }
    }
}

static int min(int a, int b) {
    return a < b ? a : b;
}

int conform_spec(struct bp_spec **out, const char *network,
                 const char *genesis_hex) {
    struct network n = { 0, 0, 'n', 0 };
    char blocks[600] = "", times[200] = "", ttd[32] = "null";
    if (!parse_network(&n, network)) return BP_ERR_SPEC_NAME;
    put_forks(blocks, sizeof blocks, 0, min(n.from, PARIS), 0);
    put_forks(times, sizeof times, SHANGHAI, n.from, 0);
    if (n.what == 'n')
        put_forks(blocks, sizeof blocks, n.from + 1, min(n.to, PARIS), n.at);
    if (n.what == 't') put_forks(times, sizeof times, n.from + 1, n.to, n.at);
    if (n.from >= PARIS) snprintf(ttd, sizeof ttd, "0");
    if (n.what == 'd')
        snprintf(ttd, sizeof ttd, "%llu", (unsigned long long)n.at);
    size_t cap = strlen(genesis_hex) + 2048;
    char *text = malloc(cap);
    if (text == NULL) return BP_ERR_NOMEM;
    int len = snprintf(
        text, cap,
        "{\"name\":\"fixture\",\"chain_id\":1,\"genesis_header_rlp\":\"%s\","
        "\"fork_blocks\":{%s},\"fork_times\":{%s},\"dao_support\":%s,"
        "\"terminal_total_difficulty\":%s}",
        genesis_hex, blocks, times, n.to == DAO ? "true" : "false", ttd);
    int err = bp_spec_parse(out, (bp_span){ (uint8_t *)text, (size_t)len },
                            NULL, NULL);
    free(text);
    return err;
}

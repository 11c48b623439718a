/* options: what the user asked for, through one table.

   Happy path: the command line, the environment and the file each call
   options_set, the strongest first. Failure modes: an unknown name, a value
   out of its range, an option that the command does not know: one sentence
   that names the option and the source, and nothing is touched. */
#include "node/options.h"

#include <argp.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/configfile.h"

enum kind { KIND_FLAG, KIND_STR, KIND_NUM, KIND_LIST, KIND_CHAIN, KIND_CHOICE };
enum group { G_CHAIN, G_STORE, G_NET, G_POW, G_LOG, G_GENERAL, G_COUNT };

static const char *const group_title[G_COUNT] = {
    "Chain", "Storage", "Network", "Proof of work", "Logs", "General",
};

struct row {
    const char *name;
    char letter; /* of the short form, or 0 */
    const char *arg;
    enum kind kind;
    size_t at; /* offset in struct options */
    uint64_t min, max;
    uint32_t commands;
    enum group group;
    const char *help;
    const char *choices; /* KIND_CHOICE: "a|b|c" */
};

#define AT(field) offsetof(struct options, field)
#define C(id)     COMMAND_BIT(id)
#define ALL       ((1u << COMMAND_COUNT) - 1)
#define NODES     (C(SYNC) | C(SERVE))
#define STORES                                                                 \
    (NODES | C(IMPORT) | C(EXPORT) | C(STATUS) | C(SHOW) | C(ENODE) |          \
     C(VERIFY) | C(REMOVEDB))
#define CHAINS (STORES | C(MAKECHAIN) | C(MAKECACHE))
#define SEALS  (C(SYNC) | C(IMPORT) | C(VERIFY))
#define PRESET(name, group_help)                                               \
    {                                                                          \
        name, 0, NULL, KIND_CHAIN, AT(chain), 0, 0, CHAINS, G_CHAIN,           \
            group_help, NULL                                                   \
    }

static const struct row table[] = {
    { "chain", 0, "NAME|FILE", KIND_STR, AT(chain), 0, 0, CHAINS, G_CHAIN,
      "mainnet, classic, mordor, sepolia, dev, or a specification file "
      "[mainnet]",
      NULL },
    PRESET("mainnet", "same as --chain mainnet"),
    PRESET("classic", "same as --chain classic"),
    PRESET("mordor", "same as --chain mordor"),
    PRESET("sepolia", "same as --chain sepolia"),
    PRESET("dev", "same as --chain dev"),
    { "networkid", 0, "N", KIND_NUM, AT(network_id), 1, UINT64_MAX,
      NODES | C(IMPORT), G_CHAIN, "network id instead of the chain's own",
      NULL },
    { "exitwhensynced", 0, NULL, KIND_FLAG, AT(exit_when_synced), 0, 0, C(SYNC),
      G_CHAIN, "end when no peer has more", NULL },
    { "until", 0, "N|HASH", KIND_STR, AT(until), 0, 0, C(SYNC), G_CHAIN,
      "end when this block is the head", NULL },
    { "timeout", 0, "SECONDS", KIND_NUM, AT(timeout_s), 1, 31536000, C(SYNC),
      G_CHAIN, "give up after so long without a usable peer or progress",
      NULL },
    { "verify", 0, "all|sample:N|none", KIND_STR, AT(verify), 0, 0, SEALS,
      G_CHAIN, "which seals are verified [all]", NULL },
    { "eth.requiredblocks", 0, "N=HASH", KIND_LIST, AT(required), 0, 0, SEALS,
      G_CHAIN, "blocks that the chain must have; a comma list, or repeated",
      NULL },
    { "checkpoint", 0, "N=HASH", KIND_LIST, AT(checkpoints), 0, 0, SEALS,
      G_CHAIN,
      "the same, for a block that you vouch for: a sync fetches what it stands "
      "on first, whatever its work",
      NULL },
    { "trusted-head", 0, "HASH", KIND_STR, AT(trusted_head), 0, 0, C(SYNC),
      G_CHAIN,
      "a block that you vouch for: sync to it by its links alone, and end "
      "there",
      NULL },
    { "max-reorg", 0, "N", KIND_NUM, AT(max_reorg), 1, UINT64_MAX,
      C(SYNC) | C(IMPORT), G_CHAIN,
      "warn of a reorganisation that undoes more blocks than this [32]", NULL },
    { "max-reorg-hold", 0, NULL, KIND_FLAG, AT(max_reorg_hold), 0, 0,
      C(SYNC) | C(IMPORT), G_CHAIN, "keep the head instead", NULL },
    { "mess", 0, NULL, KIND_FLAG, AT(mess), 0, 0, C(SYNC) | C(IMPORT), G_CHAIN,
      "ECBP-1100: a late branch needs more work, where the chain has it",
      NULL },
    { "file", 0, "FILE", KIND_STR, AT(file), 0, 0, C(SERVE) | C(VERIFY),
      G_CHAIN, "take blocks from an .rlp, .rlp.gz or .era1 file", NULL },

    { "datadir", 'd', "DIR", KIND_STR, AT(datadir), 0, 0, STORES, G_STORE,
      "where the chain is kept [~/.blockpool/CHAIN]", NULL },

    { "port", 0, "N", KIND_NUM, AT(port), 0, 65535, NODES | C(ENODE), G_NET,
      "TCP port to listen on, 0: any [30303]", NULL },
    { "addr", 0, "IP", KIND_STR, AT(addr), 0, 0, NODES | C(ENODE), G_NET,
      "address to listen on [127.0.0.1]", NULL },
    { "peer", 0, "ENODE", KIND_LIST, AT(peers), 0, 0, NODES, G_NET,
      "a peer to stay connected to; may be repeated, or a comma list", NULL },
    { "peers-file", 0, "FILE", KIND_STR, AT(peers_file), 0, 0, NODES, G_NET,
      "more of them, one a line, # begins a comment", NULL },
    { "peer-only", 0, NULL, KIND_FLAG, AT(peer_only), 0, 0, NODES, G_NET,
      "refuse everybody else", NULL },
    { "maxpeers", 0, "N", KIND_NUM, AT(max_peers), 1, 10000, NODES, G_NET,
      "most peers at a time [50]", NULL },
    { "maxpendpeers", 0, "N", KIND_NUM, AT(max_pending), 1, 10000, NODES, G_NET,
      "most handshakes at a time [50]", NULL },
    { "eth.min", 0, "N", KIND_NUM, AT(eth_min), 66, 69, NODES, G_NET,
      "lowest eth version to offer [68]", NULL },
    { "eth.max", 0, "N", KIND_NUM, AT(eth_max), 66, 69, NODES, G_NET,
      "highest eth version to offer [69]", NULL },
    { "nodekey", 0, "FILE", KIND_STR, AT(nodekey), 0, 0, NODES | C(ENODE),
      G_NET, "this node's key, made if absent [DATADIR/nodekey]", NULL },
    { "identity", 0, "NAME", KIND_STR, AT(identity), 0, 0, NODES, G_NET,
      "a word for the client name", NULL },

    { "threads", 0, "N", KIND_NUM, AT(threads), 1, 256,
      NODES | C(IMPORT) | C(VERIFY) | C(CONFORM), G_POW,
      "threads that verify [one a processor]", NULL },
    { "ethash.cachedir", 0, "DIR", KIND_STR, AT(ethash_cachedir), 0, 0,
      SEALS | C(CONFORM), G_POW, "keep Ethash light caches here", NULL },
    { "ethash.cachesinmem", 0, "N", KIND_NUM, AT(ethash_caches_mem), 1, 64,
      SEALS | C(CONFORM), G_POW, "light caches in memory, 16 MiB and more each",
      NULL },
    { "ethash.cachesondisk", 0, "N", KIND_NUM, AT(ethash_caches_disk), 1, 2048,
      SEALS | C(CONFORM), G_POW, "light caches kept in that folder [all]",
      NULL },

    { "verbosity", 0, "0..5", KIND_NUM, AT(verbosity), 0, 5, ALL, G_LOG,
      "0 silent, 1 errors, 2 warnings, 3 info, 4 debug, 5 trace [3]", NULL },
    { "log.format", 0, "FORM", KIND_CHOICE, AT(log_format), 0, 0, ALL, G_LOG,
      "terminal, logfmt or json [terminal on a terminal, else logfmt]",
      "terminal|logfmt|json" },
    { "log.file", 0, "FILE", KIND_STR, AT(log_file), 0, 0, ALL, G_LOG,
      "log there instead of on stderr", NULL },
    { "progress", 0, "FORM", KIND_CHOICE, AT(progress), 0, 0,
      NODES | C(IMPORT) | C(VERIFY), G_LOG,
      "auto, line (redrawn), plain (logged) or none [auto]",
      "auto|line|plain|none" },
    { "no-color", 0, NULL, KIND_FLAG, AT(no_color), 0, 0, ALL, G_LOG,
      "no colours; NO_COLOR in the environment does the same", NULL },
    { "quiet", 'q', NULL, KIND_FLAG, AT(quiet), 0, 0, ALL, G_LOG,
      "warnings and errors only, no progress", NULL },

    { "config", 0, "FILE", KIND_STR, AT(config), 0, 0, ALL, G_GENERAL,
      "read options from this TOML file", NULL },
    { "json", 0, NULL, KIND_FLAG, AT(json), 0, 0, C(STATUS) | C(SHOW),
      G_GENERAL, "print JSON", NULL },
    { "rlp", 0, NULL, KIND_FLAG, AT(rlp), 0, 0, C(SHOW), G_GENERAL,
      "print the block's RLP in hexadecimal", NULL },
    { "header", 0, NULL, KIND_FLAG, AT(header), 0, 0, C(SHOW), G_GENERAL,
      "the header only", NULL },
    { "record", 0, "FILE", KIND_STR, AT(record), 0, 0, C(SYNC), G_GENERAL,
      "record every decision's cause, to replay the sync later", NULL },
    { "seed", 0, "N", KIND_NUM, AT(seed), 0, UINT64_MAX, C(MAKECHAIN),
      G_GENERAL, "seed of everything that the script leaves open [1]", NULL },
    { "yes", 0, NULL, KIND_FLAG, AT(yes), 0, 0, C(REMOVEDB), G_GENERAL,
      "do not ask", NULL },
    { "lie", 0, "KIND[:N]", KIND_STR, AT(lie), 0, 0, C(SERVE), G_GENERAL,
      "for demonstrations and tests, answer falsely: body:N, bodies:N, "
      "header:N, stall:N, drop:N, empty:N, genesis",
      NULL },
};
#define ROWS (sizeof table / sizeof table[0])
_Static_assert(ROWS <= 64, "set_by has a byte for each row");

/* Which source set each row; lives beside the options that are being read. */
struct reader {
    struct options *o;
    uint8_t set_by[64];
    char *why;
    size_t cap;
    bool failed;
    int next; /* index in argv of what follows the last thing understood */
    struct option_list words; /* the command and its arguments */
    bool help, version;
};

const char *command_name(enum command_id id) {
    static const char *const names[] = {
#define COMMAND_NAME(id, name) name,
        COMMAND_MAP(COMMAND_NAME)
#undef COMMAND_NAME
            NULL
    };
    return names[id];
}

static const struct row *find_row(const char *name) {
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

/* BLOCKPOOL_ETHASH_CACHEDIR for ethash.cachedir. */
static void env_name(char *out, size_t cap, const char *name) {
    size_t n = (size_t)snprintf(out, cap, "BLOCKPOOL_");
    for (; *name != '\0' && n + 1 < cap; name++)
        out[n++] = *name == '.' || *name == '-'
                       ? '_'
                       : (char)toupper((unsigned char)*name);
    out[n] = '\0';
}

static int fail(char *why, size_t cap, const struct row *r,
                enum option_source source, const char *what) {
    char env[64];
    env_name(env, sizeof env, r->name);
    if (source == OPTION_ENV)
        snprintf(why, cap, "%s: %s", env, what);
    else
        snprintf(why, cap, "%s%s: %s", source == OPTION_CLI ? "--" : "",
                 r->name, what);
    return BP_ERR_FORMAT;
}

static bool parse_flag(bool *out, const char *v) {
    static const char *const yes[] = { "1", "true", "yes", "on" };
    static const char *const no[] = { "0", "false", "no", "off" };
    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(v, yes[i]) == 0) return *out = true, true;
        if (strcasecmp(v, no[i]) == 0) return *out = false, true;
    }
    return false;
}

static bool parse_number(uint64_t *out, const char *v, uint64_t min,
                         uint64_t max) {
    bp_u256 n;
    if (bp_u256_parse(&n, v) != 0 || bp_u256_bits(&n) > 64) return false;
    if (n.w[0] < min || n.w[0] > max) return false;
    *out = n.w[0];
    return true;
}

static void list_clear(struct option_list *l) {
    for (size_t i = 0; i < l->n; i++) free(l->v[i]);
    free(l->v);
    *l = (struct option_list){ NULL, 0 };
}

static bool list_add(struct option_list *l, const char *text, size_t n) {
    if (l->n == OPTION_LIST_MAX) return false;
    char **more = realloc(l->v, (l->n + 1) * sizeof *l->v);
    if (more == NULL) return false;
    l->v = more;
    return (l->v[l->n] = strndup(text, n)) != NULL && ++l->n > 0;
}

static bool list_add_commas(struct option_list *l, const char *v) {
    while (*v != '\0') {
        size_t n = strcspn(v, ",");
        if (n > 0 && !list_add(l, v, n)) return false;
        v += n + (v[n] == ',');
    }
    return true;
}

static bool is_choice(const char *choices, const char *v) {
    size_t n = strlen(v);
    for (const char *c = choices; *c != '\0'; c += strcspn(c, "|")) {
        if (*c == '|') c++;
        if (strncmp(c, v, n) == 0 && (c[n] == '|' || c[n] == '\0'))
            return n > 0;
    }
    return false;
}

static bool set_string(char **at, const char *v) {
    char *copy = strdup(v);
    if (copy == NULL) return false;
    free(*at);
    *at = copy;
    return true;
}

/* Writes the value of a row; false when it is not of the row's form. */
static int set_row(struct options *o, char *why, size_t cap,
                   const struct row *r, const char *v,
                   enum option_source source, bool first) {
    char text[160];
    void *at = (char *)o + r->at;
    bool flag = true;
    switch (r->kind) {
    case KIND_FLAG:
        if (parse_flag(at, v)) return 0;
        return fail(why, cap, r, source, "takes true or false");
    case KIND_CHAIN:
        if (!parse_flag(&flag, v))
            return fail(why, cap, r, source, "takes true or false");
        if (!flag || set_string(at, r->name)) return 0;
        break;
    case KIND_NUM:
        if (parse_number(at, v, r->min, r->max)) return 0;
        snprintf(text, sizeof text,
                 "'%.40s' is not a whole number from %llu to %llu", v,
                 (unsigned long long)r->min, (unsigned long long)r->max);
        return fail(why, cap, r, source, text);
    case KIND_CHOICE:
        if (!is_choice(r->choices, v)) {
            snprintf(text, sizeof text, "'%.40s' is none of %s", v, r->choices);
            return fail(why, cap, r, source, text);
        }
        if (set_string(at, v)) return 0;
        break;
    case KIND_STR:
        if (*v == '\0') return fail(why, cap, r, source, "must not be empty");
        if (set_string(at, v)) return 0;
        break;
    case KIND_LIST:
        if (first) list_clear(at);
        if (list_add_commas(at, v)) return 0;
        return fail(why, cap, r, source, "has too many values");
    }
    return fail(why, cap, r, source, bp_strerror(BP_ERR_NOMEM));
}

static int set_from(struct reader *rd, const struct row *r, const char *v,
                    enum option_source source) {
    uint8_t *by = &rd->set_by[r - table];
    /* Presets and --chain write one field: the strongest of them counts. */
    if (r->at == AT(chain))
        for (size_t i = 0; i < ROWS; i++)
            if (table[i].at == AT(chain) && rd->set_by[i] > source) return 0;
    if (*by > source) return 0;
    bool first = *by != source;
    *by = (uint8_t)source;
    return set_row(rd->o, rd->why, rd->cap, r, v, source, first);
}

int options_set(struct options *o, char *why, size_t cap, const char *name,
                const char *value, enum option_source source) {
    const struct row *r = find_row(name);
    if (r == NULL) {
        snprintf(why, cap, "there is no option '%.60s'", name);
        return BP_ERR_FORMAT;
    }
    return set_row(o, why, cap, r, value, source, true);
}

/* ---- the command line ---------------------------------------------------- */

#define KEY_FIRST   0x100
#define KEY_HELP    0x80
#define KEY_VERSION 0x81

static error_t on_argument(int key, char *arg, struct argp_state *state) {
    struct reader *rd = state->input;
    if (rd->failed) return 0;
    /* argp's own keys (ARGP_KEY_END and so on) lie above all of these. */
    if (key < 0x1000000) rd->next = state->next;
    if (key == ARGP_KEY_ARG) {
        if (!list_add(&rd->words, arg, strlen(arg))) rd->failed = true;
        if (rd->failed) snprintf(rd->why, rd->cap, "too many arguments");
        return 0;
    }
    if (key == KEY_HELP || key == 'h' || key == '?') return rd->help = true, 0;
    if (key == KEY_VERSION || key == 'V') return rd->version = true, 0;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &table[i];
        if (key != KEY_FIRST + (int)i && (r->letter == 0 || key != r->letter))
            continue;
        if (set_from(rd, r, arg != NULL ? arg : "true", OPTION_CLI) != 0)
            rd->failed = true;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static void fill_argp(struct argp_option out[ROWS + 4]) {
    size_t n = 0;
    memset(out, 0, (ROWS + 4) * sizeof *out);
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &table[i];
        bool flag = r->kind == KIND_FLAG || r->kind == KIND_CHAIN;
        out[n++] = (struct argp_option){
            .name = r->name,
            .key = r->letter != 0 ? r->letter : KEY_FIRST + (int)i,
            .arg = flag ? "BOOL" : r->arg,
            .flags = flag ? OPTION_ARG_OPTIONAL : 0,
            .doc = r->help,
        };
    }
    out[n++] =
        (struct argp_option){ .name = "help", .key = 'h', .doc = "help" };
    out[n++] =
        (struct argp_option){ .name = "usage", .key = '?', .doc = "help" };
    out[n++] =
        (struct argp_option){ .name = "version", .key = 'V', .doc = "version" };
}

/* Silent: argp's own complaints have another form than ours. */
static int read_command_line(struct reader *rd, int argc, char *const argv[]) {
    struct argp_option opts[ROWS + 4];
    fill_argp(opts);
    const struct argp argp = {
        opts, on_argument, NULL, NULL, NULL, NULL, NULL
    };
    char **copy = malloc(((size_t)argc + 1) * sizeof *copy);
    if (copy == NULL) {
        snprintf(rd->why, rd->cap, "%s", bp_strerror(BP_ERR_NOMEM));
        return BP_ERR_FORMAT;
    }
    memcpy(copy, argv, ((size_t)argc + 1) * sizeof *copy);
    rd->next = 1;
    error_t err =
        argp_parse(&argp, argc, copy, ARGP_SILENT | ARGP_IN_ORDER, NULL, rd);
    const char *word = rd->next < argc ? copy[rd->next] : "";
    if (err != 0 && !rd->failed)
        snprintf(rd->why, rd->cap,
                 "'%.60s' is not an option, or its value is missing; "
                 "'blockpool help' lists them all",
                 word);
    free(copy);
    return err != 0 || rd->failed ? BP_ERR_FORMAT : 0;
}

static int pick_command(struct reader *rd) {
    struct options *o = rd->o;
    if (rd->version) return o->command = COMMAND_VERSION, 0;
    if (rd->words.n == 0) {
        o->command = COMMAND_HELP;
        if (rd->help) return 0;
        snprintf(rd->why, rd->cap,
                 "no command given; 'blockpool help' lists "
                 "them");
        return BP_ERR_FORMAT;
    }
    const char *word = rd->words.v[0];
    for (int id = 0; id < COMMAND_COUNT; id++) {
        if (strcmp(word, command_name((enum command_id)id)) != 0) continue;
        o->command = (enum command_id)id;
        free(rd->words.v[0]);
        rd->words.n--;
        memmove(rd->words.v, rd->words.v + 1, rd->words.n * sizeof(char *));
        o->args = rd->words.v;
        o->n_args = rd->words.n;
        rd->words = (struct option_list){ NULL, 0 };
        if (!rd->help) return 0;
        /* "sync --help" is "help sync". */
        for (size_t i = 0; i < o->n_args; i++) free(o->args[i]);
        o->n_args = 0;
        if (o->args == NULL) o->args = malloc(sizeof *o->args);
        if (o->args != NULL) o->args[o->n_args++] = strdup(command_name(id));
        o->command = COMMAND_HELP;
        return 0;
    }
    snprintf(rd->why, rd->cap,
             "there is no command '%.40s'; 'blockpool help' "
             "lists them",
             word);
    return BP_ERR_FORMAT;
}

/* What was given on the command line must be known to the command; what stands
   in the environment or a file may be meant for another one. */
static int check_belonging(const struct reader *rd) {
    for (size_t i = 0; i < ROWS; i++) {
        if (rd->set_by[i] != OPTION_CLI) continue;
        if (rd->o->command == COMMAND_HELP ||
            rd->o->command == COMMAND_VERSION ||
            rd->o->command == COMMAND_DUMPCONFIG)
            continue;
        if ((table[i].commands & 1u << rd->o->command) != 0) continue;
        snprintf(rd->why, rd->cap, "--%s is not an option of '%s'",
                 table[i].name, command_name(rd->o->command));
        return BP_ERR_FORMAT;
    }
    return 0;
}

static int read_environment(struct reader *rd, char *const env[]) {
    for (size_t i = 0; i < ROWS; i++) {
        char name[64];
        env_name(name, sizeof name, table[i].name);
        size_t n = strlen(name);
        for (char *const *e = env; e != NULL && *e != NULL; e++) {
            if (strncmp(*e, name, n) != 0 || (*e)[n] != '=') continue;
            if (set_from(rd, &table[i], *e + n + 1, OPTION_ENV) != 0)
                return BP_ERR_FORMAT;
        }
    }
    return 0;
}

static int on_file_key(void *user, const char *name, const char *value) {
    struct reader *rd = user;
    const struct row *r = find_row(name);
    if (r == NULL || strcmp(name, "config") == 0) {
        snprintf(rd->why, rd->cap, "there is no option '%.60s'", name);
        return BP_ERR_FORMAT;
    }
    return set_from(rd, r, value, OPTION_FILE);
}

int options_read(struct options *o, char *why, size_t cap, int argc,
                 char *const argv[], char *const env[]) {
    struct reader rd = { .o = o, .why = why, .cap = cap };
    memset(o, 0, sizeof *o);
    o->command = COMMAND_HELP;
    o->verbosity = 3;
    o->port = 30303;
    o->seed = 1;
    why[0] = '\0';
    int err = read_command_line(&rd, argc, argv);
    if (err == 0) err = pick_command(&rd);
    if (err == 0) err = check_belonging(&rd);
    if (err == 0) err = read_environment(&rd, env);
    if (err == 0 && o->config != NULL)
        err = config_file_read(o->config, why, cap, on_file_key, &rd);
    list_clear(&rd.words);
    if (err != 0) options_free(o);
    return err;
}

void options_free(struct options *o) {
    for (size_t i = 0; i < ROWS; i++) {
        void *at = (char *)o + table[i].at;
        switch (table[i].kind) {
        case KIND_STR:
        case KIND_CHOICE:
            free(*(char **)at);
            *(char **)at = NULL;
            break;
        case KIND_LIST: list_clear(at); break;
        case KIND_FLAG:
        case KIND_NUM:
        case KIND_CHAIN: break; /* the last one is freed as --chain */
        }
    }
    for (size_t i = 0; i < o->n_args; i++) free(o->args[i]);
    free(o->args);
    o->args = NULL;
    o->n_args = 0;
}

/* ---- help -------------------------------------------------------------- */

/* Prints text in columns 30..79. */
static void print_wrapped(const char *text) {
    size_t col = 30;
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        if (col + n > 79 && col > 30) {
            printf("\n%30s", "");
            col = 30;
        }
        printf("%.*s", (int)n, text);
        col += n;
        text += n;
        if (*text == ' ') {
            text++;
            putchar(' ');
            col++;
        }
    }
    putchar('\n');
}

void options_help(enum command_id id) {
    for (int g = 0; g < G_COUNT; g++) {
        bool titled = false;
        for (size_t i = 0; i < ROWS; i++) {
            const struct row *r = &table[i];
            char left[64];
            if ((int)r->group != g) continue;
            if (id != COMMAND_COUNT && (r->commands & 1u << id) == 0) continue;
            if (!titled) printf("\n%s\n", group_title[g]);
            titled = true;
            int n = r->letter != 0
                        ? snprintf(left, sizeof left, "  -%c, --%s", r->letter,
                                   r->name)
                        : snprintf(left, sizeof left, "      --%s", r->name);
            if (r->arg != NULL)
                snprintf(left + n, sizeof left - (size_t)n, " %s", r->arg);
            if (strlen(left) > 28)
                printf("%s\n%30s", left, "");
            else
                printf("%-30s", left);
            print_wrapped(r->help);
        }
    }
    printf("\n  -h, --help                  this text, or that of a command\n"
           "  -V, --version               the version\n\n"
           "Each option may also stand in the environment (BLOCKPOOL_DATADIR "
           "for --datadir,\n. and - become _) and in the file of --config. The "
           "command line goes first,\nthen the environment, then the file.\n");
}

static void dump_string(const char *s) {
    putchar('"');
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\') putchar('\\');
        if ((unsigned char)*s < ' ')
            printf("\\u%04x", (unsigned char)*s);
        else
            putchar(*s);
    }
    putchar('"');
}

void options_dump(const struct options *o) {
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &table[i];
        const void *at = (const char *)o + r->at;
        const struct option_list *l = at;
        if (strcmp(r->name, "config") == 0) continue;
        switch (r->kind) {
        case KIND_CHAIN: break;
        case KIND_FLAG:
            if (*(const bool *)at) printf("%s = true\n", r->name);
            break;
        case KIND_NUM:
            if (*(const uint64_t *)at != 0 || r->at == AT(verbosity) ||
                r->at == AT(port))
                printf("%s = %llu\n", r->name,
                       (unsigned long long)*(const uint64_t *)at);
            break;
        case KIND_STR:
        case KIND_CHOICE:
            if (*(char *const *)at == NULL) break;
            printf("%s = ", r->name);
            dump_string(*(char *const *)at);
            putchar('\n');
            break;
        case KIND_LIST:
            if (l->n == 0) break;
            printf("%s = [", r->name);
            for (size_t k = 0; k < l->n; k++) {
                printf(k > 0 ? ",\n  " : "\n  ");
                dump_string(l->v[k]);
            }
            printf("\n]\n");
            break;
        }
    }
}

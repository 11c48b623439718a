/* cli: reads the options, finds the command, and what commands share.

   Happy path: options_read, then the command's function. Failure modes: wrong
   usage ends with 2 before anything is touched; whatever a layer below refuses
   becomes one line and the exit code of its kind. */
#include "node/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blockpool/import.h"
#include "blockpool/rlpx.h"
#include "blockpool/spec.h"
#include "node/cpu.h"
#include "node/log.h"
#include "node/nodekey.h"
#include "node/policy.h"
#include "prim/secp.h"

#define SPEC_FILE_BYTES_MAX (64u << 20) /* an alloc may be large */

struct command {
    enum command_id id;
    int (*run)(struct cli *c);
    const char *args;
    const char *help;
};

static int cmd_dumpconfig(struct cli *c);
static int cmd_version(struct cli *c);
static int cmd_help(struct cli *c);

static const struct command commands[] = {
    { COMMAND_SYNC, cmd_sync, "",
      "fetch and verify from peers, serve them, until stopped" },
    { COMMAND_SERVE, cmd_serve, "",
      "serve the stored chain, or a file, and fetch nothing" },
    { COMMAND_IMPORT, cmd_import, "FILE...",
      "verify and store block files: .rlp, .rlp.gz, .era1, - for stdin" },
    { COMMAND_EXPORT, cmd_export, "FILE [FIRST LAST]",
      "write an RLP chain file, .gz by suffix, - for stdout" },
    { COMMAND_VERIFY, cmd_verify, "[FIRST LAST]",
      "check stored blocks, or those of --file, anew" },
    { COMMAND_STATUS, cmd_status, "", "what a datadir holds" },
    { COMMAND_SHOW, cmd_show, "[NUMBER|HASH]", "print a block" },
    { COMMAND_ENODE, cmd_enode, "", "print this node's enode URL" },
    { COMMAND_MAKECHAIN, cmd_makechain, "SCRIPT FILE",
      "mine a chain for tests and demonstrations, - for stdin" },
    { COMMAND_MAKECACHE, cmd_makecache, "EPOCH DIR",
      "write the Ethash light cache of an epoch" },
    { COMMAND_CONFORM, cmd_conform, "FILE...",
      "run consensus fixtures, .jsonl, .json, .gz" },
    { COMMAND_REMOVEDB, cmd_removedb, "",
      "delete the chain data, keep the node key" },
    { COMMAND_DUMPCONFIG, cmd_dumpconfig, "",
      "print the options in force as a file for --config" },
    { COMMAND_VERSION, cmd_version, "", "print the version" },
    { COMMAND_HELP, cmd_help, "[COMMAND]", "print this text, or a command's" },
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

_Static_assert(N_COMMANDS == COMMAND_COUNT, "every command has its row");

static const struct command *find_command(enum command_id id) {
    size_t i = 0;
    while (i < N_COMMANDS - 1 && commands[i].id != id) i++;
    return &commands[i];
}

/* ---- complaints --------------------------------------------------------- */

static void complain(const char *kind, const char *fmt, va_list ap) {
    char text[1024];
    vsnprintf(text, sizeof text, fmt, ap);
    progress_before_log();
    fprintf(stderr, "blockpool: %s: %s\n", kind, text);
    progress_after_log();
}

int cli_error(int exit_code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    complain("error", fmt, ap);
    va_end(ap);
    return exit_code;
}

void cli_warn(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    complain("warning", fmt, ap);
    va_end(ap);
}

int cli_exit_code(int err) {
    switch (err) {
    case 0: return NODE_EXIT_OK;
    case BP_ERR_DISK_FULL: return NODE_EXIT_DISK;
    case BP_ERR_FILE_FORMAT: return NODE_EXIT_INVALID;
    case BP_ERR_NOT_STORED:
    case BP_ERR_NO_STORE: return NODE_EXIT_ABSENT;
    default: break;
    }
    /* What a file says of itself and does not keep. */
    if (err <= BP_ERR_FILE_SHORT && err >= BP_ERR_FILE_INDEX)
        return NODE_EXIT_INVALID;
    switch (bp_err_fault(err)) {
    case BP_PEER: return NODE_EXIT_INVALID;
    case BP_USER: return NODE_EXIT_USAGE;
    case BP_OURS:
    case BP_WORLD: break;
    }
    return NODE_EXIT_FAILED;
}

/* ---- the chain --------------------------------------------------------- */

static int read_file(const char *path, uint8_t **out, size_t *n) {
    FILE *f = fopen(path, "re");
    struct stat st;
    *out = NULL;
    if (f == NULL || fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
        int code = cli_error(NODE_EXIT_USAGE,
                             "--chain: '%s' is no built-in chain and no file "
                             "that can be read",
                             path);
        if (f != NULL) fclose(f);
        return code;
    }
    if ((uint64_t)st.st_size > SPEC_FILE_BYTES_MAX) {
        fclose(f);
        return cli_error(NODE_EXIT_USAGE, "--chain: %s is too large", path);
    }
    *n = (size_t)st.st_size;
    *out = malloc(*n + 1);
    if (*out == NULL || fread(*out, 1, *n, f) != *n) {
        fclose(f);
        free(*out);
        *out = NULL;
        return cli_error(NODE_EXIT_FAILED, "%s: cannot be read", path);
    }
    fclose(f);
    return 0;
}

static int spec_from_file(struct cli *c, const char *path) {
    char why[BP_SPEC_TEXT_MAX];
    uint8_t *text;
    size_t n = 0;
    int code = read_file(path, &text, &n);
    if (code != 0) return code;
    int err = bp_spec_parse(&c->spec, (bp_span){ text, n }, NULL, why);
    free(text);
    if (err == 0) return 0;
    return cli_error(NODE_EXIT_USAGE, "%s: %s", path, why);
}

static int find_spec(struct cli *c) {
    const char *name = c->o->chain != NULL ? c->o->chain : "mainnet";
    if (c->spec != NULL) return 0;
    if (c->foreign[0] != '\0')
        return cli_error(NODE_EXIT_USAGE,
                         "%s holds the chain '%s': give its specification "
                         "with --chain FILE",
                         c->datadir, c->foreign);
    int err = bp_spec_builtin(&c->spec, name, NULL), code = 0;
    if (err == BP_ERR_SPEC_NAME)
        code = spec_from_file(c, name);
    else if (err != 0)
        code =
            cli_error(NODE_EXIT_FAILED, "chain %s: %s", name, bp_strerror(err));
    return code;
}

int cli_need_spec(struct cli *c) {
    int code = find_spec(c);
    return code == 0 ? policy_require(c->spec, c->o) : code;
}

/* ---- the datadir ------------------------------------------------------- */

/* --datadir, or ~/.blockpool/CHAIN. */
static int find_datadir(struct cli *c) {
    const char *home = getenv("HOME");
    const char *chain = c->o->chain != NULL ? c->o->chain : "mainnet";
    int n;
    if (c->datadir[0] != '\0') return 0;
    if (c->o->datadir != NULL) {
        n = snprintf(c->datadir, sizeof c->datadir, "%s", c->o->datadir);
    } else {
        if (home == NULL || *home == '\0' || strchr(chain, '/') != NULL)
            return cli_error(NODE_EXIT_USAGE, "--datadir is needed here");
        n = snprintf(c->datadir, sizeof c->datadir, "%s/.blockpool/%s", home,
                     chain);
    }
    if (n < 0 || (size_t)n >= sizeof c->datadir - 32)
        return cli_error(NODE_EXIT_USAGE, "--datadir: the path is too long");
    return 0;
}

static int make_parents(const char *path) {
    char part[CLI_PATH_MAX];
    for (const char *p = path + 1; *p != '\0'; p++) {
        if (*p != '/') continue;
        snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return cli_error(NODE_EXIT_FAILED, "%s: %s", part, strerror(errno));
    }
    return 0;
}

struct bp_store_chain cli_store_chain(const struct cli *c) {
    struct bp_store_chain chain = bp_import_chain(c->spec);
    if (c->o->network_id != 0) chain.network_id = c->o->network_id;
    return chain;
}

static void spec_of_store(struct cli *c, const struct bp_store *s) {
    struct bp_store_identity id;
    bp_store_identity(s, &id);
    if (bp_spec_builtin(&c->spec, id.name, NULL) != 0)
        snprintf(c->foreign, sizeof c->foreign, "%s", id.name);
}

int cli_open_store(struct cli *c, struct bp_store **out,
                   enum bp_store_mode mode) {
    struct bp_store_config cfg = { .mode = mode };
    struct bp_store_error why;
    struct bp_store_chain chain;
    bool ask_store = mode == BP_STORE_READ && c->o->chain == NULL;
    int code = find_datadir(c);
    if (code == 0 && !ask_store) code = cli_need_spec(c);
    if (code == 0 && mode == BP_STORE_CREATE) code = make_parents(c->datadir);
    if (code != 0) return code;
    if (!ask_store) chain = cli_store_chain(c);
    int err =
        bp_store_open(out, c->datadir, &cfg, ask_store ? NULL : &chain, &why);
    if (err != 0) return cli_error(cli_exit_code(err), "%s", why.text);
    if (ask_store) spec_of_store(c, *out);
    return 0;
}

int cli_nodekey(const struct cli *c, uint8_t key[32], bool make) {
    char path[CLI_PATH_MAX + 16], why[256];
    if (c->o->nodekey != NULL)
        snprintf(path, sizeof path, "%s", c->o->nodekey);
    else
        snprintf(path, sizeof path, "%s/nodekey", c->datadir);
    int err = make ? nodekey_read_or_make(key, why, sizeof why, path)
                   : nodekey_read(key, why, sizeof why, path);
    if (err == 0) return 0;
    return cli_error(err == BP_ERR_NO_KEY   ? NODE_EXIT_ABSENT
                     : err == BP_ERR_FORMAT ? NODE_EXIT_USAGE
                                            : NODE_EXIT_FAILED,
                     "%s", why);
}

/* ---- arguments -------------------------------------------------------- */

int cli_need_args(const struct cli *c, size_t min, size_t max,
                  const char *usage) {
    if (c->o->n_args >= min && c->o->n_args <= max) return 0;
    return cli_error(NODE_EXIT_USAGE, "usage: blockpool %s", usage);
}

bool cli_parse_block(const char *text, bool *is_hash, uint64_t *number,
                     bp_hash *hash) {
    bp_u256 v;
    *is_hash = strlen(text) >= 64;
    if (*is_hash) return bp_unhex(hash->b, sizeof hash->b, text) == 0;
    if (text[0] == '0' && text[1] == 'x') return false;
    if (bp_u256_parse(&v, text) != 0 || bp_u256_bits(&v) > 63) return false;
    *number = v.w[0];
    return true;
}

int cli_parse_verify(const char *text, enum node_verify *kind, uint32_t *n) {
    bp_u256 v;
    *kind = NODE_VERIFY_ALL;
    if (text == NULL || strcmp(text, "all") == 0) return 0;
    *kind = NODE_VERIFY_NONE;
    if (strcmp(text, "none") == 0) {
        cli_warn("--verify none: no seal is verified; the store remembers "
                 "which blocks were not");
        return 0;
    }
    *kind = NODE_VERIFY_SAMPLE;
    if (strncmp(text, "sample:", 7) == 0 && bp_u256_parse(&v, text + 7) == 0 &&
        bp_u256_bits(&v) <= 20 && v.w[0] > 0) {
        *n = (uint32_t)v.w[0];
        return 0;
    }
    return cli_error(NODE_EXIT_USAGE,
                     "--verify: '%.40s' is none of all, sample:N, none", text);
}

/* ---- small commands --------------------------------------------------- */

static int cmd_dumpconfig(struct cli *c) {
    int code = cli_need_args(c, 0, 0, "dumpconfig");
    if (code == 0) options_dump(c->o);
    return code;
}

static int cmd_version(struct cli *c) {
    (void)c;
    printf("blockpool %s\n", bp_version());
    return 0;
}

static void print_commands(void) {
    printf("Usage: blockpool [OPTIONS] COMMAND [OPTIONS] [ARGS]\n\n"
           "Keeps a verified copy of a proof-of-work block chain, taken from "
           "peers that\nnobody has to trust.\n\nCommands\n");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        char left[48];
        snprintf(left, sizeof left, "%s %s", command_name(commands[i].id),
                 commands[i].args);
        printf("  %-27s %s\n", left, commands[i].help);
    }
}

static int cmd_help(struct cli *c) {
    int code = cli_need_args(c, 0, 1, "help [COMMAND]");
    if (code != 0) return code;
    if (c->o->n_args == 0) {
        print_commands();
        options_help(COMMAND_COUNT);
        return 0;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *k = &commands[i];
        if (strcmp(command_name(k->id), c->o->args[0]) != 0) continue;
        printf("Usage: blockpool %s [OPTIONS] %s\n\n  %s\n",
               command_name(k->id), k->args, k->help);
        options_help(k->id);
        return 0;
    }
    return cli_error(NODE_EXIT_USAGE, "there is no command '%.40s'",
                     c->o->args[0]);
}

int cmd_enode(struct cli *c) {
    uint8_t key[32];
    struct enode e = { .port = (uint16_t)c->o->port };
    char text[ENODE_TEXT_MAX];
    int code = cli_need_args(c, 0, 0, "enode");
    if (code == 0) code = find_datadir(c);
    if (code == 0) code = make_parents(c->datadir);
    if (code != 0) return code;
    if (mkdir(c->datadir, 0755) != 0 && errno != EEXIST)
        return cli_error(NODE_EXIT_FAILED, "%s: %s", c->datadir,
                         strerror(errno));
    if ((code = cli_nodekey(c, key, true)) != 0) return code;
    int err = bp_rlpx_public_key(e.id, key);
    bp_wipe(key, sizeof key);
    if (err != 0)
        return cli_error(NODE_EXIT_FAILED, "node key: %s", bp_strerror(err));
    snprintf(e.host, sizeof e.host, "%s",
             c->o->addr != NULL ? c->o->addr : "127.0.0.1");
    enode_format(text, &e);
    puts(text);
    return 0;
}

/* The store's files, and nothing else that may lie there. */
static int remove_store(const struct cli *c) {
    static const char *const files[] = { "data.mdb", "lock.mdb",
                                         "writer.lock" };
    char path[CLI_PATH_MAX + 16];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", c->datadir, files[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            return cli_error(NODE_EXIT_FAILED, "%s: %s", path, strerror(errno));
    }
    printf("Removed the chain data in %s\n", c->datadir);
    return 0;
}

int cmd_removedb(struct cli *c) {
    struct bp_store *s;
    char answer[16] = "";
    int code = cli_need_args(c, 0, 0, "removedb [--yes]");
    /* Opening it for writing proves that it is a store and nobody uses it. */
    if (code == 0) code = cli_open_store(c, &s, BP_STORE_WRITE);
    if (code != 0) return code;
    if (!c->o->yes) {
        printf("Remove the chain data in %s? [y/N] ", c->datadir);
        fflush(stdout);
        if (fgets(answer, sizeof answer, stdin) == NULL ||
            (answer[0] != 'y' && answer[0] != 'Y')) {
            bp_store_close(s);
            puts("Nothing was removed");
            return 0;
        }
    }
    code = remove_store(c);
    bp_store_close(s);
    return code;
}

/* ---- the program ------------------------------------------------------ */

static enum progress_form progress_of(const struct options *o, bool terminal) {
    const char *p = o->progress != NULL ? o->progress : "auto";
    if (o->quiet || strcmp(p, "none") == 0) return PROGRESS_NONE;
    if (strcmp(p, "plain") == 0) return PROGRESS_PLAIN;
    if (strcmp(p, "line") == 0) return PROGRESS_LINE;
    return terminal ? PROGRESS_LINE : PROGRESS_PLAIN;
}

static int open_log(struct cli *c) {
    const struct options *o = c->o;
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    bool terminal =
        isatty(STDERR_FILENO) && (term == NULL || strcmp(term, "dumb") != 0);
    struct log_config cfg = {
        .level = o->quiet && o->verbosity > LOG_LVL_WARN
                     ? LOG_LVL_WARN
                     : (enum log_level)o->verbosity,
        .file = o->log_file,
        .before = progress_before_log,
        .after = progress_after_log,
    };
    c->color =
        terminal && !o->no_color && (no_color == NULL || *no_color == '\0');
    c->progress = progress_of(o, terminal);
    cfg.format = terminal && o->log_file == NULL ? LOG_FORMAT_TERMINAL
                                                 : LOG_FORMAT_LOGFMT;
    if (o->log_format != NULL)
        cfg.format = o->log_format[0] == 't'   ? LOG_FORMAT_TERMINAL
                     : o->log_format[0] == 'l' ? LOG_FORMAT_LOGFMT
                                               : LOG_FORMAT_JSON;
    cfg.color = c->color && o->log_file == NULL;
    if (log_open(&cfg) == 0) return 0;
    return cli_error(NODE_EXIT_FAILED, "--log.file: %s: %s", o->log_file,
                     strerror(errno));
}

int cli_main(int argc, char *argv[], char *env[]) {
    struct options o;
    char why[512];
    struct cli c = { .o = &o };
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a size limit is a full disk: EFBIG */
    if (options_read(&o, why, sizeof why, argc, argv, env) != 0)
        return cli_error(NODE_EXIT_USAGE, "%s", why);
    if (cpu_from_env(env, why, sizeof why) != 0) {
        options_free(&o);
        return cli_error(NODE_EXIT_USAGE, "%s", why);
    }
    int code = open_log(&c);
    const struct command *k = find_command(o.command);
    if (code == 0) code = k->run(&c);
    if (fflush(stdout) != 0 && code == 0)
        code =
            cli_error(NODE_EXIT_FAILED, "standard output: %s", strerror(errno));
    bp_spec_free(c.spec);
    options_free(&o);
    log_close();
    return code;
}

/* options: what the user asked for, from the command line, the environment
   and a file, through one table.

       --ethash.cachedir DIR       the command line, first
       BLOCKPOOL_ETHASH_CACHEDIR   then the environment
       ethash.cachedir = "DIR"     then the file named by --config
                                   then the default

   Every option is one row of the table in options.c: its name, what it takes,
   which commands know it, where it lands in struct options, its help. */
#ifndef BP_NODE_OPTIONS_H
#define BP_NODE_OPTIONS_H

#include "blockpool/base.h"

/* The commands, as bits: which option belongs to which. */
#define COMMAND_MAP(X)                                                         \
    X(SYNC, "sync")                                                            \
    X(SERVE, "serve")                                                          \
    X(IMPORT, "import")                                                        \
    X(EXPORT, "export")                                                        \
    X(STATUS, "status")                                                        \
    X(SHOW, "show")                                                            \
    X(ENODE, "enode")                                                          \
    X(MAKECHAIN, "makechain")                                                  \
    X(MAKECACHE, "makecache")                                                  \
    X(VERIFY, "verify")                                                        \
    X(CONFORM, "conform")                                                      \
    X(REMOVEDB, "removedb")                                                    \
    X(DUMPCONFIG, "dumpconfig")                                                \
    X(VERSION, "version")                                                      \
    X(HELP, "help")

enum command_id {
#define COMMAND_ENUM(id, name) COMMAND_##id,
    COMMAND_MAP(COMMAND_ENUM)
#undef COMMAND_ENUM
        COMMAND_COUNT
};
#define COMMAND_BIT(id) (1u << COMMAND_##id)

/* "sync" and so on; NULL for COMMAND_COUNT. */
const char *command_name(enum command_id id);

/* Values of one option that may be given several times or with commas. */
struct option_list {
    char **v; /* owned */
    size_t n;
};
#define OPTION_LIST_MAX 1024

enum option_source { OPTION_DEFAULT, OPTION_FILE, OPTION_ENV, OPTION_CLI };

/* A NULL string, a zero number, an empty list: not given, unless the default
   that stands in the help says otherwise. Strings are owned. */
struct options {
    enum command_id command;
    char **args; /* after the command; owned */
    size_t n_args;

    char *config;
    char *chain;
    uint64_t network_id;
    bool exit_when_synced;
    char *until;
    uint64_t timeout_s;
    char *verify;
    char *file;
    struct option_list required, checkpoints; /* N=HASH */
    char *trusted_head;
    uint64_t max_reorg;
    bool max_reorg_hold;
    bool mess;

    char *datadir;

    uint64_t port;
    char *addr;
    struct option_list peers;
    char *peers_file;
    bool peer_only;
    uint64_t max_peers, max_pending;
    uint64_t eth_min, eth_max;
    char *nodekey;
    char *identity;

    uint64_t threads;
    char *ethash_cachedir;
    uint64_t ethash_caches_mem, ethash_caches_disk;

    uint64_t verbosity;
    char *log_format, *log_file, *progress;
    bool no_color, quiet;

    bool json, rlp, header, yes;
    char *record, *lie;
    uint64_t seed;
};

/* Reads argv, then the environment `env` (NULL-terminated "NAME=value"), then
   the file that they name. Returns 0 with *o to be freed, or BP_ERR_FORMAT
   with the sentence in why and *o freed. */
int options_read(struct options *o, char *why, size_t cap, int argc,
                 char *const argv[], char *const env[]) BP_MUST_USE;
void options_free(struct options *o);

/* Sets one option by its name without dashes, as a file or tests do. Returns
   0 or BP_ERR_FORMAT with the sentence. A source that ranks below the one
   which set it before leaves it as it is. */
int options_set(struct options *o, char *why, size_t cap, const char *name,
                const char *value, enum option_source source) BP_MUST_USE;

/* Prints the options of one command, or of all (COMMAND_COUNT). */
void options_help(enum command_id id);
/* Prints what is in force as a file that --config reads. */
void options_dump(const struct options *o);

#endif

/* cli: what the commands share.

   main reads the options, finds the command's row and calls it with a context;
   a command opens what it needs through the helpers here, prints its result on
   stdout, complaints on stderr, and returns the exit code (node.h). */
#ifndef BP_NODE_CLI_H
#define BP_NODE_CLI_H

#include "blockpool/store.h"
#include "node/node.h"
#include "node/options.h"
#include "node/progress.h"

struct bp_spec;

#define CLI_PATH_MAX 4096

struct cli {
    const struct options *o;
    struct bp_spec *spec; /* the chain that was asked for; may be NULL */
    /* The chain of a datadir that was opened without --chain, when it is none
       of the built-in ones. */
    char foreign[BP_STORE_NAME_MAX + 1];
    char datadir[CLI_PATH_MAX];
    bool color;
    enum progress_form progress;
};

/* "blockpool: error: …" on stderr; returns exit_code. */
int cli_error(int exit_code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The exit code for an error of a layer below. */
int cli_exit_code(int err);

/* Each returns 0 or the exit code after saying what is wrong. */
int cli_need_spec(struct cli *c);
int cli_need_args(const struct cli *c, size_t min, size_t max,
                  const char *usage);
/* Opens the datadir's store as what --chain says. With READ and no --chain
   given the store says which chain it is, and c->spec follows. */
int cli_open_store(struct cli *c, struct bp_store **out,
                   enum bp_store_mode mode);
/* What a store or a chain file of c->spec must be; borrows c->spec. */
struct bp_store_chain cli_store_chain(const struct cli *c);
/* The node key of --nodekey or the datadir, made if absent. */
int cli_nodekey(const struct cli *c, uint8_t key[32], bool make);

/* A number ("8191") or a hash ("0x…", 64 digits). Returns false else. */
bool cli_parse_block(const char *text, bool *is_hash, uint64_t *number,
                     bp_hash *hash);

/* "all", "sample:N", "none" or NULL; warns of none. Returns 0 or the exit code
   after saying what is wrong. */
int cli_parse_verify(const char *text, enum node_verify *kind, uint32_t *n);

int cmd_sync(struct cli *c);
int cmd_serve(struct cli *c);
int cmd_import(struct cli *c);
int cmd_export(struct cli *c);
int cmd_status(struct cli *c);
int cmd_show(struct cli *c);
int cmd_enode(struct cli *c);
int cmd_makechain(struct cli *c);
int cmd_makecache(struct cli *c);
int cmd_verify(struct cli *c);
int cmd_conform(struct cli *c);
int cmd_removedb(struct cli *c);

/* Runs the program; returns its exit code. */
int cli_main(int argc, char *argv[], char *env[]);

#endif

/* minescript: what `blockpool makechain` mines, as a few lines of text.

       # the trunk is the branch "main"
       blocks 60                # sixty blocks on the branch we are on
       fork rival back 10       # a new branch, ten blocks below its head
       blocks 8 every 20        # … with 20 s between blocks
       on main                  # go on with that branch
       blocks 40 txs 3 uncles   # three transactions each; rivals as uncles

   One command a line; # begins a comment. Every error names its line. */
#ifndef BP_NODE_MINESCRIPT_H
#define BP_NODE_MINESCRIPT_H

#include "blockpool/base.h"

#define MINESCRIPT_NAME_MAX 31
/* Limits of a script: a test chain, not a network. */
#define MINESCRIPT_BLOCKS_MAX   100000
#define MINESCRIPT_TXS_MAX      200
#define MINESCRIPT_COMMANDS_MAX 10000

enum mine_kind { MINE_BLOCKS, MINE_FORK, MINE_ON };

struct mine_command {
    enum mine_kind kind;
    unsigned line;
    char name[MINESCRIPT_NAME_MAX + 1]; /* FORK, ON */
    bool from_head;                     /* FORK: number counts back */
    uint64_t number;                    /* FORK */
    uint32_t count, txs;                /* BLOCKS */
    uint32_t every;                     /* BLOCKS: seconds, 0: as before */
    bool uncles;                        /* BLOCKS */
};

struct mine_script {
    struct mine_command *v; /* owned, malloc */
    size_t n;
};

/* Returns 0, or BP_ERR_FORMAT with "line 3: …" in why. */
int minescript_parse(struct mine_script *out, char *why, size_t cap,
                     const char *text) BP_MUST_USE;
void minescript_free(struct mine_script *s);

#endif

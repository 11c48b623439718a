/* cmd_makecache: writes the Ethash light cache of an epoch to a file.

   Happy path: build, write beside, rename. Failure modes: an epoch that Ethash
   does not provide for (2), a folder that cannot be written (1 or 5). */
#include <stdio.h>
#include <string.h>

#include "blockpool/spec.h"
#include "node/cli.h"
#include "node/ethashdisk.h"

int cmd_makecache(struct cli *c) {
    char why[512], name[BP_ETHASH_FILE_NAME_MAX];
    struct bp_ethash_epoch e = { .blocks = BP_ETHASH_EPOCH_BLOCKS };
    bp_hash ignored;
    uint64_t number;
    bool is_hash, was_there;
    int code = cli_need_args(c, 2, 2, "makecache EPOCH DIR");
    if (code == 0) code = cli_need_spec(c);
    if (code != 0) return code;
    if (!cli_parse_block(c->o->args[0], &is_hash, &number, &ignored) ||
        is_hash || number >= BP_ETHASH_EPOCHS)
        return cli_error(NODE_EXIT_USAGE,
                         "EPOCH is a number below %u, not '%.40s'",
                         BP_ETHASH_EPOCHS, c->o->args[0]);
    e.number = (uint32_t)number;
    /* ECIP-1099: from its block on epochs are counted in 60000s. */
    if (number * BP_ETCHASH_EPOCH_BLOCKS >= c->spec->fork[BP_FORK_ETCHASH])
        e.blocks = BP_ETCHASH_EPOCH_BLOCKS;
    int err = ethashdisk_make(c->o->args[1], e, bp_cpu_used(), &was_there, why,
                              sizeof why);
    if (err != 0) return cli_error(cli_exit_code(err), "%s", why);
    bp_ethash_file_name(name, e);
    printf("%s %s/%s, epoch %u of %u blocks, %zu bytes\n",
           was_there ? "Kept" : "Wrote", c->o->args[1], name, e.number,
           e.blocks, bp_ethash_cache_size(e.number));
    return 0;
}

#include "lib/test.h"
#include "node/options.h"

static char why[512];

/* Reads "a b c" as a command line; env is one NAME=value or NULL. */
static int read_line(struct options *o, const char *line, const char *env) {
    static char copy[1024];
    char *argv[64], *envs[2] = { (char *)(uintptr_t)env, NULL };
    int argc = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *p = strtok(copy, " "); p != NULL; p = strtok(NULL, " "))
        argv[argc++] = p;
    argv[argc] = NULL;
    return options_read(o, why, sizeof why, argc, argv, envs);
}

static void refused(const char *line, const char *env, const char *text) {
    struct options o;
    assert_int_equal(read_line(&o, line, env), BP_ERR_FORMAT);
    assert_string_equal(why, text);
}

static void options_stand_anywhere(void **state) {
    (void)state;
    struct options o;
    assert_int_equal(read_line(&o,
                               "blockpool --classic sync -d /x --peer a,b "
                               "--peer c --port 7 --until 12 --exitwhensynced",
                               NULL),
                     0);
    assert_int_equal(o.command, COMMAND_SYNC);
    assert_string_equal(o.chain, "classic");
    assert_string_equal(o.datadir, "/x");
    assert_int_equal(o.peers.n, 3);
    assert_string_equal(o.peers.v[2], "c");
    assert_int_equal(o.port, 7);
    assert_true(o.exit_when_synced);
    assert_int_equal(o.n_args, 0);
    options_free(&o);
    assert_int_equal(read_line(&o, "blockpool export out.rlp 1 5", NULL), 0);
    assert_int_equal(o.n_args, 3);
    assert_string_equal(o.args[2], "5");
    assert_int_equal(o.port, 30303);
    options_free(&o);
}

static void wrong_usage_is_named(void **state) {
    (void)state;
    refused("blockpool", NULL, "no command given; 'blockpool help' lists them");
    refused("blockpool fly", NULL,
            "there is no command 'fly'; 'blockpool help' lists them");
    refused("blockpool status --bogus", NULL,
            "'--bogus' is not an option, or its value is missing; "
            "'blockpool help' lists them all");
    refused("blockpool status --port 7", NULL,
            "--port is not an option of 'status'");
    refused("blockpool sync --port 65536", NULL,
            "--port: '65536' is not a whole number from 0 to 65535");
    refused("blockpool sync --port -1", NULL,
            "--port: '-1' is not a whole number from 0 to 65535");
    refused("blockpool sync --log.format xml", NULL,
            "--log.format: 'xml' is none of terminal|logfmt|json");
    refused("blockpool status --json=maybe", NULL,
            "--json: takes true or false");
    refused("blockpool sync", "BLOCKPOOL_MAXPEERS=0",
            "BLOCKPOOL_MAXPEERS: '0' is not a whole number from 1 to 10000");
}

static void the_command_line_goes_before_the_environment(void **state) {
    (void)state;
    struct options o;
    assert_int_equal(
        read_line(&o, "blockpool status", "BLOCKPOOL_DATADIR=/env"), 0);
    assert_string_equal(o.datadir, "/env");
    options_free(&o);
    assert_int_equal(
        read_line(&o, "blockpool status -d /cli", "BLOCKPOOL_DATADIR=/env"), 0);
    assert_string_equal(o.datadir, "/cli");
    options_free(&o);
    /* A preset and --chain are one option. */
    assert_int_equal(
        read_line(&o, "blockpool status --mordor", "BLOCKPOOL_CHAIN=classic"),
        0);
    assert_string_equal(o.chain, "mordor");
    options_free(&o);
    assert_int_equal(
        read_line(&o, "blockpool sync --peer x", "BLOCKPOOL_PEER=a,b"), 0);
    assert_int_equal(o.peers.n, 1);
    options_free(&o);
    /* Options of other commands may stand in the environment. */
    assert_int_equal(read_line(&o, "blockpool status", "BLOCKPOOL_PORT=9"), 0);
    options_free(&o);
}

static void the_file_comes_last(void **state) {
    (void)state;
    char dir[256], path[300], line[400];
    struct options o;
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/c.toml", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("chain = \"classic\" # ours\nport = 1_234\n"
          "peer = [ \"a\",\n  'b', # two\n]\n[log]\nformat = \"json\"\n"
          "[ethash]\ncachedir = \"/a\\\\b\"\n",
          f);
    fclose(f);
    snprintf(line, sizeof line, "blockpool sync --config %s --port 5", path);
    assert_int_equal(read_line(&o, line, NULL), 0);
    assert_string_equal(o.chain, "classic");
    assert_int_equal(o.port, 5);
    assert_int_equal(o.peers.n, 2);
    assert_string_equal(o.log_format, "json");
    assert_string_equal(o.ethash_cachedir, "/a\\b");
    options_free(&o);
    snprintf(line, sizeof line, "blockpool sync --config %s/none", dir);
    assert_int_equal(read_line(&o, line, NULL), BP_ERR_FORMAT);
    test_rmdir(dir);
}

static void help_and_version_need_no_command(void **state) {
    (void)state;
    struct options o;
    assert_int_equal(read_line(&o, "blockpool --help", NULL), 0);
    assert_int_equal(o.command, COMMAND_HELP);
    options_free(&o);
    assert_int_equal(read_line(&o, "blockpool -V", NULL), 0);
    assert_int_equal(o.command, COMMAND_VERSION);
    options_free(&o);
    assert_int_equal(read_line(&o, "blockpool sync --help", NULL), 0);
    assert_int_equal(o.command, COMMAND_HELP);
    assert_string_equal(o.args[0], "sync");
    options_free(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(options_stand_anywhere),
        T(wrong_usage_is_named),
        T(the_command_line_goes_before_the_environment),
        T(the_file_comes_last),
        T(help_and_version_need_no_command),
    };
    return bp_run(tests);
}

#include "lib/test.h"
#include "node/minescript.h"

static char why[256];

static void a_script_becomes_commands(void **state) {
    (void)state;
    struct mine_script s;
    assert_int_equal(
        minescript_parse(&s, why, sizeof why,
                         "# a comment\n\nblocks 60\r\n"
                         "fork rival back 10 # ten below\n"
                         "  blocks 8 every 20 uncles txs 3\non main\n"
                         "fork old at 0"),
        0);
    assert_int_equal(s.n, 5);
    assert_int_equal(s.v[0].kind, MINE_BLOCKS);
    assert_int_equal(s.v[0].count, 60);
    assert_int_equal(s.v[0].line, 3);
    assert_int_equal(s.v[1].kind, MINE_FORK);
    assert_string_equal(s.v[1].name, "rival");
    assert_true(s.v[1].from_head);
    assert_int_equal(s.v[1].number, 10);
    assert_int_equal(s.v[2].every, 20);
    assert_int_equal(s.v[2].txs, 3);
    assert_true(s.v[2].uncles);
    assert_int_equal(s.v[3].kind, MINE_ON);
    assert_false(s.v[4].from_head);
    minescript_free(&s);
}

static void every_error_names_its_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        { "", "line 0: the script mines no block" },
        { "on main\n", "line 1: the script mines no block" },
        { "\nfly 3", "line 2: 'fly' is none of blocks, fork, on" },
        { "blocks", "line 1: the count is a number from 1 to 100000, not ''" },
        { "blocks 0", "line 1: the count is a number from 1 to 100000, "
                      "not '0'" },
        { "blocks 1 txs 201", "line 1: txs is a number from 0 to 200, "
                              "not '201'" },
        { "blocks 1 fast", "line 1: 'fast' is none of txs, every, uncles" },
        { "fork a", "line 1: 'back N' or 'at N' is expected after the name" },
        { "fork a back x", "line 1: back is a number from 0 to 4294967295, "
                           "not 'x'" },
        { "fork", "line 1: the name of a branch has 1 to 31 letters" },
        { "on a b", "line 1: 'b' is too much here" },
        { "a b c d e f g h i", "line 1: the line is too long" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct mine_script s;
        assert_int_equal(minescript_parse(&s, why, sizeof why, bad[i].text),
                         BP_ERR_FORMAT);
        assert_string_equal(why, bad[i].why);
        assert_null(s.v);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_script_becomes_commands),
        T(every_error_names_its_line),
    };
    return bp_run(tests);
}

/* Scenario files: each rule of the grammar, each error with its place, and
   that expectations can fail. */
#include "lib/test.h"

#include "sim.h"

static const char everything[] =
    "scenario T1 \"every rule\"   # a comment\n"
    "seed 7\n"
    "kinds links plain bare\n"
    "limit 90000\n"
    "pool links_max=5000 workers=2\n"
    "host check_us=5 unsynced=3\n"
    "blocks 0..5 difficulty 10~3 size 100~20 empty 20\n"
    "blocks 6..8 parent 3 difficulty 2\n"
    "blocks 9 parent none\n"
    "blocks 10 parent 5 flaw body\n"
    "blocks 11 parent 5 flaw later time 400\n"
    "chain 0..2\n"
    "peer 1 links head 5 td true number 9 from 1 join=5 latency=20\n"
    "peer 2 bare hostile head 8 td 99 number none does gap, stall(3)\n"
    "peer 3 scripted plain\n"
    "at 10: P(4, none, 5): H(5: 4..3) B(5,4)\n"
    "after 5: 4: H(3: 2,1,0); 4 sends L(5,4); 4 pushes 5 corrupt td 7\n"
    "when asked 4 L(5) within 900: 4 announces 5 number 3; 4 leaves\n"
    "when head 5: 4 serves 0..5; 4 offends BAD_SEAL; imports 3\n"
    "at 5000: crash; reset; purge; target 5 numbered; target none\n"
    "at 5001: expect best none\n"
    "only bare expect first 4 B(5)\n"
    "expect chain 0..5 by 80000\n"
    "expect stored 1,2\n"
    "expect not stored 10\n"
    "expect blame 2 GONE >= 0\n"
    "expect no blame 1\n"
    "expect asked any(5) < 9\n"
    "expect not asked 3 B\n"
    "expect sections <= 9\n"
    "expect quiet\n"
    "expect live 1\n"
    "expect ended 4\n"
    "expect why \"nothing\"\n";

static void every_rule_reads_and_prints(void **state) {
    (void)state;
    for (uint32_t kind = KIND_IDS; kind <= KIND_BARE; kind *= 2) {
        struct arena a = { 0 }, b = { 0 };
        struct world w, back;
        struct sink one = { 0 }, two = { 0 };
        char error[256];
        if (world_read(&w, &a, everything, kind, error) != 0)
            fail_msg("%s", error);
        assert_string_equal(w.name, "T1");
        assert_int_equal(w.runs, 5);
        assert_int_equal(w.peers, 4);
        assert_int_equal(w.kinds, KIND_ALL);
        assert_int_equal(w.peer[1].deeds, 2);
        assert_int_equal(w.peer[1].deed_arg[1], 3);
        assert_int_equal(w.pool.links_max, 5000);
        world_print(&w, &one);
        if (world_read(&back, &b, one.text, kind, error) != 0)
            fail_msg("%s\n%s", error, one.text);
        world_print(&back, &two);
        assert_string_equal(one.text, two.text);
        sink_free(&one);
        sink_free(&two);
        arena_free(&a);
        arena_free(&b);
    }
}

static void errors_name_line_and_column(void **state) {
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        { "", "line 1, column 1: there are no blocks" },
        { "bloks 0..3\n", "line 1, column 1: 'bloks' begins no statement" },
        { "blocks 1..3\n", "line 1, column 12: the first block is 0" },
        { "blocks 0..3\nblocks 3\n", "line 2, column 9: there is a block 3" },
        { "blocks 0\nchain 0,4\n", "line 2, column 9: there is no block 4" },
        { "blocks 0 flaw bad\n", "line 1, column 18: there is no flaw 'bad'" },
        { "blocks 0\npeer 1 head 0 latncy=3\n",
          "line 2, column 15: there is no setting 'latncy'" },
        { "blocks 0\npeer 1 join=0\n", "line 2, column 14: peer 1 needs" },
        { "blocks 0\npeer 1 head 0 does lie\n",
          "line 2, column 23: there is no deed 'lie'" },
        { "blocks 0\nat 5: P(1, 0)\n", "line 2, column 13: ',' is due" },
        { "blocks 0\nat 5: 3 leaves\n", "line 2, column 9: there is no peer" },
        { "blocks 0\nexpect blame 1 X\n", "line 2, column 16: there is no" },
        { "blocks 0\nexpect sections 3\n", "line 2, column 17: a comparison" },
        { "blocks 0 }\n", "line 1, column 10: a character that means" },
        { "blocks 0\nseed 99999999999999999999\n", "line 2, column 6: this" },
        { "scenario X \"abc\nblocks 0\n", "line 1, column 12: this text" },
        { "blocks 0\nblocks 1 junk 4\n", "line 2, column 10: blocks have no" },
        { "blocks 0\npool links_max=4294967296000 x=1\n",
          "line 2, column 30: there is no setting 'x'" },
        { "blocks 0\npool workers=4294967296\n", "line 2, column 14: workers" },
        { "blocks 0\nat 1: crash crash\n", "line 2, column 13: the line" },
        { "blocks 0\nwhen tired: crash\n", "line 2, column 6: 'tired' is no" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena a = { 0 };
        struct world w;
        char error[256];
        int err = world_read(&w, &a, cases[i].text, KIND_IDS, error);
        assert_int_equal(err, BP_ERR_FORMAT);
        if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("case %zu: got '%s', not '%s'", i, error, cases[i].error);
        arena_free(&a);
    }
}

/* Every prefix and many a changed byte: an answer, never a crash. */
static void any_text_is_read_or_refused(void **state) {
    (void)state;
    struct bp_rng r;
    struct arena a = { 0 };
    bp_rng_seed(&r, test_seed("sim/scn", 5));
    for (size_t n = 0; n < 3000; n++) {
        char text[sizeof everything], error[256];
        struct world w;
        memcpy(text, everything, sizeof text);
        if (n < sizeof text)
            text[n] = '\0';
        else
            for (int k = 0; k < 4; k++)
                text[bp_rng_below(&r, sizeof text - 1)] =
                    (char)bp_rng_below(&r, 128);
        arena_reset(&a);
        int err = world_read(&w, &a, text, KIND_IDS, error);
        assert_true(err == 0 || err == BP_ERR_FORMAT);
        if (err != 0) assert_true(strncmp(error, "line ", 5) == 0);
    }
    arena_free(&a);
}

/* Each kind of expectation, against a world where it does not hold. */
static void expectations_can_fail(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "expect chain 0..2",
        "expect head 2",
        "expect stored 4",
        "expect not stored 2",
        "expect blame 1 BAD_SEAL",
        "expect asked 1 B(4) = 0",
        "expect not asked 1 L(3)",
        "expect first 1 L(2)",
        "expect stored_blocks = 99",
        "expect best 1",
        "expect ended 1",
        "expect live 2",
        "expect why \"no such words\"",
        "expect chain 0..3 by 1",
        "expect no blame 2",
        "expect chain 0,1,4",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct arena a = { 0 }, run = { 0 };
        struct world w;
        struct result r;
        char error[256], text[512];
        snprintf(text, sizeof text,
                 "blocks 0..3\nblocks 4 parent 1\nlimit 3000\n"
                 "peer 1 links head 3 join=0 latency=20\n"
                 "peer 2 links head 3 join=0 hostile\n"
                 "at 1500: 2 offends BAD_BYTES\n%s\n",
                 wrong[i]);
        if (world_read(&w, &a, text, KIND_IDS, error) != 0)
            fail_msg("%s: %s", wrong[i], error);
        sim_run(&r, &w, &run, NULL);
        bool asked = strstr(wrong[i], "B(4) = 0") != NULL;
        if (asked) { /* this one holds */
            if (r.failed) fail_msg("%s: %s", r.kind, r.text);
        } else if (!r.failed || strcmp(r.kind, "expect") != 0) {
            fail_msg("'%s' held", wrong[i]);
        }
        arena_free(&a);
        arena_free(&run);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(every_rule_reads_and_prints),
        T(errors_name_line_and_column),
        T(any_text_is_read_or_refused),
        T(expectations_can_fail),
    };
    return bp_run(tests);
}

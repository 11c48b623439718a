/* Options about the chain: what they ask for, and what is refused. */
#include "node/policy.h"

#include "blockpool/spec.h"
#include "lib/test.h"
#include "node/node.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct bp_spec *spec_of(const char *chain) {
    struct bp_spec *spec;
    assert_int_equal(bp_spec_builtin(&spec, chain, NULL), 0);
    return spec;
}

/* Options as the command line would have them: "name=value" after the dashes,
   ended by NULL. */
static void read_options(struct options *o, const char *const *set) {
    char *argv[16] = { (char *)"blockpool", (char *)"sync" }, why[256];
    char *const env[] = { NULL };
    int argc = 2;
    for (; *set != NULL; set++) argv[argc++] = (char *)*set;
    if (options_read(o, why, sizeof why, argc, argv, env) != 0)
        fail_msg("%s", why);
}
#define OPTIONS(...) read_options(FIRST_AND_REST(__VA_ARGS__, NULL))
#define FIRST_AND_REST(o, ...)                                                 \
    o, (const char *const[]) {                                                 \
        __VA_ARGS__                                                            \
    }

static bp_hash hash_of(const char *digits) {
    bp_hash h;
    test_unhex(h.b, sizeof h.b, digits);
    return h;
}

static void pairs_are_a_number_and_a_hash(void **state) {
    (void)state;
    uint64_t number;
    bp_hash hash, want = hash_of(A);
    assert_true(policy_parse_pair("7=" A, &number, &hash));
    assert_int_equal(number, 7);
    assert_true(bp_hash_eq(&hash, &want));
    assert_true(policy_parse_pair("9223372036854775807=0x" A, &number, &hash));
    assert_true(number == INT64_MAX);
    static const char *const bad[] = {
        "",
        "7",
        "7=",
        "=" A,
        "7=aa",
        "7=" A A,
        "7=" A " ",
        "-7=" A,
        "x7=" A,
        A "=" A,
        "0x7=" A,
        "7 =" A,
        "7==" A,
        "7=0x0x" A,
        "7=z" A,
        "9223372036854775808=" A,
        "1000000000000000000000000000000=" A,
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (policy_parse_pair(bad[i], &number, &hash))
            fail_msg("'%s' was taken for a pair", bad[i]);
}

static void what_is_required_adds_up(void **state) {
    (void)state;
    struct options o;
    struct bp_spec *spec = spec_of("dev");
    size_t before = spec->n_required;
    OPTIONS(&o, "--eth.requiredblocks=9=" A ",5=" B, "--checkpoint=7=" B,
            "--eth.requiredblocks=9=" A);
    assert_int_equal(policy_require(spec, &o), 0);
    assert_int_equal(spec->n_required, before + 3);
    for (size_t i = 1; i < spec->n_required; i++)
        assert_true(spec->required[i - 1].number < spec->required[i].number);
    options_free(&o);
    /* What is said already may be said again, and not be contradicted. */
    OPTIONS(&o, "--checkpoint=5=" B);
    assert_int_equal(policy_require(spec, &o), 0);
    assert_int_equal(spec->n_required, before + 3);
    options_free(&o);
    OPTIONS(&o, "--checkpoint=5=" A);
    assert_int_equal(policy_require(spec, &o), NODE_EXIT_USAGE);
    options_free(&o);
    OPTIONS(&o, "--eth.requiredblocks=0=" A); /* another genesis */
    assert_int_equal(policy_require(spec, &o), NODE_EXIT_USAGE);
    options_free(&o);
    OPTIONS(&o, "--eth.requiredblocks=7");
    assert_int_equal(policy_require(spec, &o), NODE_EXIT_USAGE);
    options_free(&o);
    bp_spec_free(spec);
}

static void there_is_room_for_so_many(void **state) {
    (void)state;
    struct bp_spec *spec = spec_of("dev");
    char text[100];
    for (size_t i = spec->n_required; i <= BP_SPEC_REQUIRED_MAX; i++) {
        struct options o;
        snprintf(text, sizeof text, "--checkpoint=%zu=" A, 100 + i);
        OPTIONS(&o, text);
        assert_int_equal(policy_require(spec, &o),
                         i < BP_SPEC_REQUIRED_MAX ? 0 : NODE_EXIT_USAGE);
        options_free(&o);
    }
    bp_spec_free(spec);
}

static void how_readily_branches_change(void **state) {
    (void)state;
    struct options o;
    struct bp_fork_choice choice;
    struct bp_spec *dev = spec_of("dev"), *classic = spec_of("classic");
    OPTIONS(&o);
    assert_int_equal(policy_choice(&choice, dev, &o), 0);
    assert_ptr_equal(choice.spec, dev);
    assert_int_equal(choice.max_reorg, POLICY_MAX_REORG);
    assert_false(choice.hold_deep || choice.mess);
    options_free(&o);
    OPTIONS(&o, "--max-reorg=5", "--max-reorg-hold", "--mess");
    assert_int_equal(policy_choice(&choice, classic, &o), 0);
    assert_int_equal(choice.max_reorg, 5);
    assert_true(choice.hold_deep && choice.mess);
    assert_int_equal(policy_choice(&choice, dev, &o), NODE_EXIT_USAGE);
    options_free(&o);
    bp_spec_free(dev);
    bp_spec_free(classic);
}

/* The highest checkpoint is fetched up to; a trusted head goes before it, and
   is where the run ends unless something else is said. */
static void a_node_trusts_one_block(void **state) {
    (void)state;
    struct options o;
    struct node_config cfg = { 0 };
    struct bp_spec *spec = spec_of("dev");
    bp_hash a = hash_of(A), b = hash_of(B);
    OPTIONS(&o);
    assert_int_equal(policy_node(&cfg, spec, &o), 0);
    assert_false(cfg.has_trusted_head || cfg.has_until_hash);
    assert_int_equal(cfg.max_reorg, POLICY_MAX_REORG);
    options_free(&o);

    OPTIONS(&o, "--checkpoint=5=" A, "--checkpoint=90=" B,
            "--checkpoint=70=" A);
    assert_int_equal(policy_node(&cfg, spec, &o), 0);
    assert_true(cfg.has_trusted_head && bp_hash_eq(&cfg.trusted_head, &b));
    assert_false(cfg.has_until_hash);
    options_free(&o);

    cfg = (struct node_config){ 0 };
    OPTIONS(&o, "--checkpoint=5=" B, "--trusted-head=" A);
    assert_int_equal(policy_node(&cfg, spec, &o), 0);
    assert_true(cfg.has_trusted_head && bp_hash_eq(&cfg.trusted_head, &a));
    assert_true(cfg.has_until_hash && bp_hash_eq(&cfg.until_hash, &a));
    cfg = (struct node_config){ .has_until_number = true, .until_number = 4 };
    assert_int_equal(policy_node(&cfg, spec, &o), 0);
    assert_false(cfg.has_until_hash);
    options_free(&o);

    OPTIONS(&o, "--trusted-head=12");
    assert_int_equal(policy_node(&cfg, spec, &o), NODE_EXIT_USAGE);
    options_free(&o);
    OPTIONS(&o, "--mess");
    assert_int_equal(policy_node(&cfg, spec, &o), NODE_EXIT_USAGE);
    options_free(&o);
    bp_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(pairs_are_a_number_and_a_hash), T(what_is_required_adds_up),
        T(there_is_room_for_so_many),     T(how_readily_branches_change),
        T(a_node_trusts_one_block),
    };
    return bp_run(tests);
}

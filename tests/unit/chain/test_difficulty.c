#include "lib/test.h"

#include "blockpool/rules.h"

/* A specification in which one rule holds from the start. */
static struct bp_spec *spec_of(const char *rule) {
    static const struct {
        const char *rule;
        enum bp_fork fork;
        uint64_t delay;
    } row[] = {
        { "frontier", BP_N_FORKS, 0 },
        { "homestead", BP_FORK_HOMESTEAD, 0 },
        { "byzantium", BP_FORK_BYZANTIUM, 3000000 },
        { "constantinople", BP_FORK_BYZANTIUM, 5000000 },
        { "muir_glacier", BP_FORK_BYZANTIUM, 9000000 },
        { "arrow_glacier", BP_FORK_BYZANTIUM, 10700000 },
        { "gray_glacier", BP_FORK_BYZANTIUM, 11400000 },
    };
    struct bp_spec *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (int f = 0; f < BP_N_FORKS; f++) s->fork[f] = BP_FORK_NEVER;
    s->minimum_difficulty = bp_u256_from_u64(131072);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (strcmp(row[i].rule, rule) != 0) continue;
        if (row[i].fork != BP_N_FORKS) s->fork[row[i].fork] = 0;
        if (row[i].delay > 0)
            s->bomb[s->n_bombs++] = (struct bp_spec_bomb){ 0, row[i].delay };
        return s;
    }
    fail_msg("no rule %s", rule);
    return NULL;
}

/* Columns: file, case, rule, number, parent time, parent difficulty, parent
   has uncles, time, difficulty. */
static void difficulty_published_vectors(void **state) {
    (void)state;
    size_t n, seen = 0;
    char *text = (char *)test_read(need_data("vectors/difficulty.tsv.gz"), &n);
    char *save, *line = strtok_r(text, "\n", &save);
    struct bp_spec *spec = NULL;
    char last[32] = "";
    for (; line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char name[80], rule[32], was[80], want_text[80], got_text[80];
        unsigned long number, parent_time, uncles, time;
        struct bp_header parent;
        bp_u256 got;
        if (line[0] == '#') continue;
        assert_int_equal(sscanf(line, "%*s %79s %31s %lu %lu %79s %lu %lu %79s",
                                name, rule, &number, &parent_time, was, &uncles,
                                &time, want_text),
                         8);
        if (strcmp(last, rule) != 0) {
            free(spec);
            spec = spec_of(rule);
            memcpy(last, rule, sizeof last);
        }
        memset(&parent, 0, sizeof parent);
        parent.number = number - 1;
        parent.time = parent_time;
        assert_int_equal(bp_u256_parse(&parent.difficulty, was), 0);
        if (uncles == 0) parent.uncles_hash = bp_empty_uncles_hash;
        bp_difficulty(&got, spec, number, time, &parent);
        bp_u256_to_dec(got_text, &got);
        if (strcmp(got_text, want_text) != 0)
            fail_msg("%s: %s, not %s", name, got_text, want_text);
        seen++;
    }
    assert_int_equal(seen, 11437);
    free(spec);
    free(text);
}

/* ECIP-1010: the bomb stands still at the period of block 3,000,000 until
   5,000,000, then goes on two million blocks late; ECIP-1041 removes it at
   5,900,000. The bomb is what the difficulty has beyond its parent's, ten
   seconds later, where nothing else changes it. */
static uint64_t bomb_at(const struct bp_spec *s, uint64_t number) {
    struct bp_header parent;
    bp_u256 d;
    memset(&parent, 0, sizeof parent);
    parent.uncles_hash = bp_empty_uncles_hash;
    parent.number = number - 1;
    parent.difficulty = bp_u256_from_u64((uint64_t)1 << 50);
    bp_difficulty(&d, s, number, 10, &parent);
    bp_u256_sub(&d, &d, &parent.difficulty);
    return d.w[0];
}

static void difficulty_bomb_of_classic(void **state) {
    (void)state;
    struct bp_spec *s;
    assert_int_equal(bp_spec_builtin(&s, "classic", NULL), 0);
    assert_int_equal(bomb_at(s, 2999999), 1 << 27);
    assert_int_equal(bomb_at(s, 3000000), 1 << 28);
    assert_int_equal(bomb_at(s, 4999999), 1 << 28);
    assert_int_equal(bomb_at(s, 5000000), 1 << 28);
    assert_int_equal(bomb_at(s, 5100000), 1 << 29);
    assert_int_equal(bomb_at(s, 5899999), (uint64_t)1 << 36);
    assert_int_equal(bomb_at(s, 5900000), 0);
    assert_int_equal(bomb_at(s, 20000000), 0);
    bp_spec_free(s);
}

static void difficulty_saturates(void **state) {
    (void)state;
    struct bp_spec *s = spec_of("homestead");
    struct bp_header parent;
    bp_u256 d;
    memset(&parent, 0, sizeof parent);
    parent.uncles_hash = bp_empty_uncles_hash;
    parent.number = UINT64_MAX - 1;
    parent.difficulty = bp_u256_from_u64(131072);
    bp_difficulty(&d, s, UINT64_MAX, 10, &parent);
    assert_int_equal(bp_u256_bits(&d), 256);
    /* The lowest is the minimum, and that of the chain. */
    bp_difficulty(&d, s, 1, 100000, &parent);
    assert_int_equal(d.w[0], 131072);
    s->minimum_difficulty = bp_u256_from_u64(16);
    parent.difficulty = bp_u256_from_u64(16);
    bp_difficulty(&d, s, 1, 100000, &parent);
    assert_int_equal(d.w[0], 16);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(difficulty_published_vectors),
        T(difficulty_bomb_of_classic),
        T(difficulty_saturates),
    };
    return bp_run(tests);
}

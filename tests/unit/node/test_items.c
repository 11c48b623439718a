/* Items: counted references, frames that go with their last item. */
#include "node/items.h"

#include "lib/test.h"

static struct frame *frame_text(const char *text) {
    return frame_of((bp_span){ (const uint8_t *)text, strlen(text) });
}

static void shares_a_frame(void **state) {
    (void)state;
    struct items *t;
    assert_int_equal(items_new(&t), 0);
    struct frame *f = frame_text("headerbody");
    uint64_t a = items_add(t, f, (bp_span){ f->bytes, 6 });
    uint64_t b = items_add(t, f, (bp_span){ f->bytes + 6, 4 });
    assert_int_equal(f->refs, 3);
    frame_let_go(f);
    assert_true(a != 0 && b != 0 && a != b);
    assert_memory_equal(items_bytes(t, a).p, "header", 6);
    assert_memory_equal(items_bytes(t, b).p, "body", 4);
    items_let_go(t, a);
    assert_int_equal(items_count(t), 1);
    assert_memory_equal(items_bytes(t, b).p, "body", 4);
    items_let_go(t, b);
    assert_int_equal(items_count(t), 0);
    items_free(t);
}

static void a_number_is_not_used_again(void **state) {
    (void)state;
    struct items *t;
    assert_int_equal(items_new(&t), 0);
    uint64_t seen[100];
    for (int i = 0; i < 100; i++) {
        struct frame *f = frame_text("x");
        seen[i] = items_add(t, f, (bp_span){ f->bytes, 1 });
        frame_let_go(f);
        for (int k = 0; k < i; k++) assert_true(seen[k] != seen[i]);
        items_let_go(t, seen[i]);
    }
    items_free(t);
}

static void a_held_item_outlives_its_release(void **state) {
    (void)state;
    struct items *t;
    assert_int_equal(items_new(&t), 0);
    struct frame *f = frame_text("x");
    uint64_t a = items_add(t, f, (bp_span){ f->bytes, 1 });
    frame_let_go(f);
    items_hold(t, a);
    items_let_go(t, a);
    assert_int_equal(items_bytes(t, a).p[0], 'x');
    items_let_go(t, a);
    assert_int_equal(items_count(t), 0);
    items_free(t);
}

/* Many at once: the table grows, each keeps its own bytes, and what is left
   goes with the table. */
static void grows(void **state) {
    (void)state;
    enum { N = 5000 };
    static uint64_t list[N];
    struct items *t;
    assert_int_equal(items_new(&t), 0);
    for (uint32_t i = 0; i < N; i++) {
        struct frame *f = frame_of((bp_span){ (uint8_t *)&i, sizeof i });
        list[i] = items_add(t, f, (bp_span){ f->bytes, f->n });
        frame_let_go(f);
    }
    assert_int_equal(items_count(t), N);
    for (uint32_t i = 0; i < N; i += 2) items_let_go(t, list[i]);
    for (uint32_t i = 1; i < N; i += 2)
        assert_memory_equal(items_bytes(t, list[i]).p, &i, sizeof i);
    assert_int_equal(items_count(t), N / 2);
    items_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(shares_a_frame),
        T(a_number_is_not_used_again),
        T(a_held_item_outlives_its_release),
        T(grows),
    };
    return bp_run(tests);
}

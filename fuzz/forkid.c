/* forkid: a fork id that decodes encodes to the same bytes. On a chain whose
   forks the input draws, the fork id at one of them is compatible with itself
   and, at the end of all forks, still one of the past. */
#include <string.h>

#include "blockpool/spec.h"
#include "fuzz.h"

static uint64_t draw(const uint8_t **data, size_t *size) {
    uint64_t v = 0;
    for (int i = 0; i < 4 && *size > 0; i++, ++*data, --*size)
        v = v << 8 | **data;
    return v;
}

static void laws_of_a_chain(const uint8_t *data, size_t size) {
    struct bp_spec *s = calloc(1, sizeof *s);
    struct bp_fork_list l;
    fuzz_law(s != NULL);
    size_t i = draw(&data, &size);
    for (int f = 0; f < BP_N_FORKS; f++)
        s->fork[f] = size > 0 ? draw(&data, &size) : BP_FORK_NEVER;
    bp_fork_list(&l, s);
    i %= l.n + 1;
    uint64_t number = i == 0 ? 0 : UINT64_MAX - 1, time = 0;
    if (i > 0 && i <= l.n_blocks) number = l.at[i - 1];
    if (i > l.n_blocks) time = l.at[i - 1];
    struct bp_fork_id id = bp_fork_id(s, number, time);
    fuzz_law((id.next == 0) == (i == l.n));
    fuzz_law(id.next == 0 || id.next == l.at[i]);
    fuzz_law(bp_fork_check(s, number, time, id) == BP_FORK_COMPATIBLE);
    fuzz_law(bp_fork_check(s, UINT64_MAX - 1, UINT64_MAX - 1, id) ==
             BP_FORK_COMPATIBLE);
    free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bp_fork_id id;
    uint8_t out[32];
    struct bp_rlp_w w = { out, sizeof out, 0 };
    bp_span in = { data, size };
    if (bp_fork_id_decode(&id, &in) == 0) {
        bp_fork_id_put(&w, id);
        fuzz_law(w.n == size - in.n && memcmp(out, data, w.n) == 0);
    }
    laws_of_a_chain(data, size);
    return 0;
}

/* spec: JSON text that is a specification, or a genesis file, has a genesis
   header of the hash it says, and fork ids that follow its forks; text that is
   none is refused with a reason. */
#include <string.h>

#include "blockpool/keccak.h"
#include "blockpool/spec.h"
#include "fuzz.h"

static void laws(const struct bp_spec *s) {
    struct bp_fork_list l;
    bp_hash h;
    struct bp_rlp_w w = { NULL, 0, 0 };
    bp_header_put(&w, &s->genesis);
    fuzz_law(w.n == s->genesis_rlp.n && s->genesis.number == 0);
    bp_header_hash(&h, &s->genesis);
    fuzz_law(bp_hash_eq(&h, &s->genesis_hash));
    bp_fork_list(&l, s);
    fuzz_law(l.n_blocks <= l.n && l.n <= BP_FORK_LIST_MAX);
    for (size_t i = 1; i < l.n; i++)
        fuzz_law(i == l.n_blocks || l.at[i - 1] < l.at[i]);
    struct bp_fork_id id = bp_fork_id(s, 0, s->genesis.time);
    fuzz_law(bp_fork_check(s, 0, s->genesis.time, id) == BP_FORK_COMPATIBLE);
    for (size_t i = 1; i < s->n_required; i++)
        fuzz_law(s->required[i - 1].number < s->required[i].number);
    for (size_t i = 1; i < s->n_blobs; i++)
        fuzz_law(s->blobs[i - 1].from <= s->blobs[i].from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bp_spec *s = NULL;
    char why[BP_SPEC_TEXT_MAX] = "";
    int err = bp_spec_parse(&s, (bp_span){ data, size }, NULL, why);
    fuzz_law((err == 0) == (s != NULL));
    fuzz_law(err == 0 || why[0] != '\0');
    if (err == 0) laws(s);
    bp_spec_free(s);
    return 0;
}

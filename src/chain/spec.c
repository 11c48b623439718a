/* spec: the parts of a specification that need no JSON. */
#include "blockpool/spec.h"

#include <string.h>

#include "blockpool/ethash.h"
#include "chain/spec_text.h"

const char *bp_fork_name(enum bp_fork f) {
    static const char *const name[BP_N_FORKS] = {
#define NAME(id, key, genesis_key) key,
        BP_FORK_MAP(NAME)
#undef NAME
    };
    return name[f];
}

void bp_spec_free(struct bp_spec *spec) {
    if (spec == NULL) return;
    bp_free(spec->alloc, spec->owned, spec->owned_n);
    bp_free(spec->alloc, spec, sizeof *spec);
}

bp_span bp_spec_builtin_text(const char *name) {
    for (size_t i = 0; bp_spec_text_names[i] != NULL; i++)
        if (strcmp(bp_spec_text_names[i], name) == 0) return bp_spec_texts[i];
    return (bp_span){ NULL, 0 };
}

const char *const *bp_spec_builtin_names(void) {
    return bp_spec_text_names;
}

int bp_spec_builtin(struct bp_spec **out, const char *name,
                    const struct bp_alloc *alloc) {
    bp_span text = bp_spec_builtin_text(name);
    if (text.n == 0) return BP_ERR_SPEC_NAME;
    return bp_spec_parse(out, text, alloc, NULL);
}

int bp_spec_require(struct bp_spec *spec, uint64_t number,
                    const bp_hash *hash) {
    size_t i = 0;
    while (i < spec->n_required && spec->required[i].number < number) i++;
    if (i == spec->n_required || spec->required[i].number != number) {
        if (spec->n_required == BP_SPEC_REQUIRED_MAX) return BP_ERR_RANGE;
        memmove(&spec->required[i + 1], &spec->required[i],
                (spec->n_required++ - i) * sizeof spec->required[0]);
    }
    spec->required[i] = (struct bp_spec_required){ number, *hash };
    return 0;
}

uint32_t bp_spec_epoch_blocks(const struct bp_spec *spec, uint64_t number) {
    return bp_spec_has(spec, BP_FORK_ETCHASH, number, 0)
               ? BP_ETCHASH_EPOCH_BLOCKS
               : BP_ETHASH_EPOCH_BLOCKS;
}

/* spec_text: the files of data/networks, as scripts/embed writes them into the
   build. */
#ifndef BP_CHAIN_SPEC_TEXT_H
#define BP_CHAIN_SPEC_TEXT_H

#include "blockpool/base.h"

extern const char *const bp_spec_text_names[]; /* NULL at the end */
extern const bp_span bp_spec_texts[];

#endif

/* configfile: the part of TOML that our options need, read strictly.

       # a comment
       chain = "classic"
       port  = 30303
       peer  = ["enode://…", "enode://…"]   # over several lines if need be
       [log]
       format = "json"                      # the same as log.format = "json"

   Strings ("…" with escapes, '…' without), whole numbers, booleans and lists
   of strings; tables prefix their name. Anything else is refused with the line
   it stands in. */
#ifndef BP_NODE_CONFIGFILE_H
#define BP_NODE_CONFIGFILE_H

#include "blockpool/base.h"

#define CONFIG_FILE_BYTES_MAX (1 << 20)

/* Gets each key and value; a list is given value by value. Returns 0, or an
   error after writing its sentence to the same `why`. */
typedef int config_key_fn(void *user, const char *key, const char *value);

/* Both return 0 or BP_ERR_FORMAT with "FILE:LINE: sentence" in why. */
int config_file_read(const char *path, char *why, size_t cap,
                     config_key_fn *on_key, void *user) BP_MUST_USE;
int config_text_read(const char *name, const char *text, char *why, size_t cap,
                     config_key_fn *on_key, void *user) BP_MUST_USE;

#endif

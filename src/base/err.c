/* err: the error table as text, and the version. */
#include "blockpool/base.h"

#define BP_STR_(x) #x
#define BP_STR(x)  BP_STR_(x)

/* A value given twice does not compile: it would be a duplicate case. */

const char *bp_strerror(int err) {
    switch (err) {
    case BP_OK: return "no error";
#define BP_ERR_TEXT(name, value, who, text)                                    \
    case value: return text;
        BP_ERR_MAP(BP_ERR_TEXT)
#undef BP_ERR_TEXT
    }
    return "unknown error";
}

const char *bp_errname(int err) {
    switch (err) {
    case BP_OK: return "OK";
#define BP_ERR_NAME(name, value, who, text)                                    \
    case value: return #name;
        BP_ERR_MAP(BP_ERR_NAME)
#undef BP_ERR_NAME
    }
    return "UNKNOWN";
}

enum bp_fault_of bp_err_fault(int err) {
    switch (err) {
#define BP_ERR_WHO(name, value, who, text)                                     \
    case value: return BP_##who;
        BP_ERR_MAP(BP_ERR_WHO)
#undef BP_ERR_WHO
    }
    return BP_OURS;
}

const char *bp_version(void) {
    return BP_STR(BP_VERSION_MAJOR) "." BP_STR(BP_VERSION_MINOR) "." BP_STR(
        BP_VERSION_PATCH);
}

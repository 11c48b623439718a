/* memory.h: a record in memory: what a recorder writes, to be read again. */
#ifndef BP_TESTS_LIB_MEMORY_H
#define BP_TESTS_LIB_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Begins as { 0 }; free(p) at the end. */
struct memory {
    uint8_t *p;
    size_t n, cap, at; /* `at`: read up to here */
    size_t limit;      /* the sink fails beyond it; 0: never */
    size_t most;       /* bytes a read gives at most; 0: any number */
};

/* The bp_record_sink and the bp_record_source of a struct memory. */
int memory_sink(void *user, const void *bytes, size_t n);
size_t memory_source(void *user, void *buf, size_t cap);

#endif

/* config: defaults, sizes of tables, the declared bound. */
#include <assert.h>

#include "pool/state.h"

#define KIB 1024u
#define MIB (1024u * 1024u)

static void fill32(uint32_t *field, uint32_t value) {
    if (*field == 0) *field = value;
}

static void fill64(uint64_t *field, uint64_t value) {
    if (*field == 0) *field = value;
}

static void fill_times(struct bp_pool_config *c) {
    fill32(&c->request_first_ms, 5000);
    fill32(&c->request_min_ms, 1000);
    fill32(&c->request_max_ms, 15000);
    fill32(&c->head_probe_ms, 60000);
    fill32(&c->progress_ms, 30000);
    fill32(&c->suspend_ms, 300000);
    fill32(&c->idle_best_ms, 60000);
    fill32(&c->announce_wait_ms, 500);
}

int bp_config_fill(struct bp_pool_config *c) {
    if (c->alloc == NULL) c->alloc = &bp_alloc_libc;
    fill64(&c->probe_below, UINT64_MAX);
    fill32(&c->peers_max, 64);
    fill64(&c->links_max, 1000000);
    fill64(&c->window_bytes, 64ull * MIB);
    fill32(&c->workers, 2);
    fill32(&c->reply_bytes_max, 10 * MIB);
    fill32(&c->replies_max, 16);
    fill32(&c->links_per_request, 1024);
    fill32(&c->hashes_per_request, 256);
    fill32(&c->blocks_per_request, 128);
    fill32(&c->insert_items_max, 1024);
    fill32(&c->insert_bytes_max, 16 * MIB);
    fill32(&c->check_links_max, 1024);
    fill32(&c->bad_hashes_max, 4096);
    fill32(&c->suspended_max, 1024);
    fill32(&c->announced_max, 256);
    fill32(&c->pushed_max, 64);
    fill_times(c);
    bool ok =
        c->links_max >= 64 && c->links_max <= 1u << 22 &&
        c->peers_max <= 4096 && c->workers <= 1024 && c->replies_max <= 4096 &&
        c->links_per_request <= BP_EVENT_ITEMS_MAX &&
        c->hashes_per_request <= BP_EVENT_ITEMS_MAX &&
        c->blocks_per_request <= 4096 && c->insert_items_max <= 65536 &&
        c->check_links_max <= 65536 && c->bad_hashes_max <= 1u << 24 &&
        c->suspended_max <= 1u << 24 && c->announced_max <= 65536 &&
        c->pushed_max <= 65536 && c->window_bytes >= 4 * KIB &&
        c->window_bytes <= 1ull << 48 && c->request_min_ms <= c->request_max_ms;
    return ok ? 0 : BP_ERR_RANGE;
}

/* Requests on record: those for blocks, and of every peer at most two for links
   and two for hashes, of which one may be late; the rest is to spare. */
uint32_t bp_config_requests(const struct bp_pool_config *c) {
    return c->replies_max + 6 * c->peers_max + 16;
}

/* Blocks of the window: none takes less than the smallest reserve, but for
   the one that is always let in. */
uint32_t bp_config_slots(const struct bp_pool_config *c) {
    uint64_t n = c->window_bytes / BP_RESERVE_MIN + 64;
    if (n > 32768) n = 32768;
    return (uint32_t)n + BP_ROOTS * c->peers_max;
}

static uint32_t max_u32(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

/* Links that one job may have. */
uint32_t bp_config_job_links(const struct bp_pool_config *c) {
    return max_u32(c->check_links_max, c->insert_items_max);
}

uint64_t bp_config_tables(const struct bp_pool_config *c) {
    uint64_t requests = bp_config_requests(c);
    return sizeof(struct bp_pool) + bp_forest_bound(c->links_max) +
           (uint64_t)c->peers_max * (sizeof(struct bp_peer) + sizeof(uint64_t) +
                                     sizeof(struct bp_pursuit) + sizeof(bool)) +
           sizeof(struct bp_pursuit) +
           bp_table_bound(sizeof(struct bp_giver), 6, BP_GIVERS_MAX) +
           (uint64_t)c->suspended_max * sizeof(struct bp_suspended) +
           bp_table_bound(sizeof(struct bp_request), 6, (uint32_t)requests) +
           bp_table_bound(sizeof(struct bp_notice), 4, bp_notices_max(c)) +
           bp_index_bound(bp_notices_max(c)) +
           bp_table_bound(sizeof(struct bp_page), 2, bp_pages_max(c)) +
           bp_index_bound(bp_config_slots(c)) +
           requests * c->blocks_per_request * sizeof(uint32_t) +
           bp_table_bound(sizeof(struct bp_slot), 6, bp_config_slots(c)) +
           ((uint64_t)c->workers + 2) *
               (sizeof(struct bp_job) +
                (uint64_t)bp_config_job_links(c) * sizeof(bp_ref)) +
           bp_hashset_bound(4 * c->peers_max) +
           bp_hashset_bound(c->bad_hashes_max) + bp_hashset_bound(BP_RECENT) +
           BP_RECENT * sizeof(struct bp_recent) + bp_actions_bound(c);
}

uint64_t bp_pool_bound(const struct bp_pool_config *config) {
    struct bp_pool_config c = *config;
    if (bp_config_fill(&c) != 0) return 0;
    return bp_config_tables(&c) + c.links_max * BP_LINK_BYTES_MAX +
           c.window_bytes + (uint64_t)c.replies_max * c.reply_bytes_max +
           c.record_bytes;
}

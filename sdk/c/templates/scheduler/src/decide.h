/* The decision: which peers get, keep and lose instances of one role. It reads and writes no JSON. */
#ifndef DECIDE_H
#define DECIDE_H

#include <stddef.h>
#include <stdint.h>

/* All peers, the least busy first. */
struct ranking {
    const size_t *peers;
    size_t count;
    size_t open; /* so many of them, the first ones, may get another instance */
};

/* Ranks peers: those without a sample (NaN) last, then by `busy` ascending, then by position. O(n log n). */
struct ranking decide_ranking(const double *busy, size_t count, double max_busy);

/*
 * Turns what each peer has of a role into what it shall have, as evenly as it can be, and returns how many of the wanted instances
 * have no place. Level by level: one pass over the ranking serves all peers of a level. O(levels · peers).
 */
int64_t decide_instances(const struct ranking *ranking, int64_t wanted, uint32_t *instances);

#endif

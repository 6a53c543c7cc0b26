/*
 * Sorting that keeps the order of equals. The C library's `qsort` need not, and then two machines may disagree.
 */
#ifndef VERWALTER_SORT_H
#define VERWALTER_SORT_H

#include <stddef.h>

/**
 * Sorts `count` items of `size` bytes each. `order` is below, equal to or above 0, as for `qsort`; equals stay in the order in which
 * they are. O(n log n), O(n) where they are in order already; as much memory again for a moment.
 */
void vw_sort(void *items, size_t count, size_t size, int (*order)(const void *, const void *));

#endif

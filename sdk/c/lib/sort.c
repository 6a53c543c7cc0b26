#include "sort.h"

#include <string.h>

#include "memory.h"

/* Merges the runs [0, middle) and [middle, count) of `items`, with room for the first run. */
static void merge(char *items, size_t middle, size_t count, size_t size, int (*order)(const void *, const void *), char *room) {
    char *left = room, *left_end = room + middle * size, *right = items + middle * size, *right_end = items + count * size;
    if (order(right - size, right) <= 0) {
        return;
    }
    memcpy(room, items, middle * size);
    for (char *to = items; left < left_end; to += size) {
        char **from = right < right_end && order(right, left) < 0 ? &right : &left;
        memcpy(to, *from, size);
        *from += size;
    }
}

void vw_sort(void *items, size_t count, size_t size, int (*order)(const void *, const void *)) {
    void *mark = vw_mark();
    char *room = vw_take(count, size);
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t begin = 0; begin + run < count; begin += 2 * run) {
            size_t both = count - begin < 2 * run ? count - begin : 2 * run;
            merge((char *)items + begin * size, run, both, size, order, room);
        }
    }
    vw_release(mark);
}

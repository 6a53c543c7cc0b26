#include "decide.h"

#include <math.h>

#include "sdk/memory.h"
#include "sdk/sort.h"

struct ranked {
    double busy;
    size_t peer;
};

/* Equals stay in the order of their positions: vw_sort is stable. */
static int by_rank(const void *a, const void *b) {
    double left = ((const struct ranked *)a)->busy, right = ((const struct ranked *)b)->busy;
    if (isnan(left) || isnan(right)) {
        return (isnan(left) != 0) - (isnan(right) != 0);
    }
    return (left > right) - (left < right);
}

struct ranking decide_ranking(const double *busy, size_t count, double max_busy) {
    struct ranked *ranked = vw_take(count, sizeof *ranked);
    size_t *peers = vw_take(count, sizeof *peers), open = 0;
    for (size_t i = 0; i < count; i++) {
        ranked[i] = (struct ranked){busy[i], i};
    }
    vw_sort(ranked, count, sizeof *ranked, by_rank);
    for (size_t i = 0; i < count; i++) {
        peers[i] = ranked[i].peer;
        open += ranked[i].busy <= max_busy; /* never for NaN */
    }
    return (struct ranking){peers, count, open};
}

/* Of the peers with the most instances, the one ranked last loses one, until there are `surplus` fewer. */
static void take_away(const struct ranking *ranking, int64_t surplus, uint32_t *instances) {
    uint32_t level = 0;
    for (size_t i = 0; i < ranking->count; i++) {
        level = instances[i] > level ? instances[i] : level;
    }
    for (; surplus > 0; level--) {
        for (size_t rank = ranking->count; rank-- > 0 && surplus > 0;) {
            uint32_t *here = &instances[ranking->peers[rank]];
            if (*here == level) {
                --*here;
                surplus--;
            }
        }
    }
}

/* Of the open peers with the fewest instances, the one ranked first gets one, until there are `missing` more. */
static void add(const struct ranking *ranking, int64_t missing, uint32_t *instances) {
    uint32_t level = UINT32_MAX;
    for (size_t rank = 0; rank < ranking->open; rank++) {
        uint32_t here = instances[ranking->peers[rank]];
        level = here < level ? here : level;
    }
    for (; missing > 0; level++) {
        for (size_t rank = 0; rank < ranking->open && missing > 0; rank++) {
            uint32_t *here = &instances[ranking->peers[rank]];
            if (*here == level) {
                ++*here;
                missing--;
            }
        }
    }
}

int64_t decide_instances(const struct ranking *ranking, int64_t wanted, uint32_t *instances) {
    int64_t missing = wanted;
    for (size_t i = 0; i < ranking->count; i++) {
        missing -= instances[i];
    }
    if (missing < 0) {
        take_away(ranking, -missing, instances);
        return 0;
    }
    if (ranking->open == 0) {
        return missing;
    }
    add(ranking, missing, instances);
    return 0;
}

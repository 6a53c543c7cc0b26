// Where the instances of a role go: as few moves as possible, as evenly as possible, the least busy peers first.

/**
 * The positions of peers from the one that gets instances first to the one that loses them first: those with a sample before those
 * without, less busy ones before busier ones, then in the order of hostnames.
 * @param {Float64Array} busy one share a peer, NaN where there is no sample
 * @returns {number[]}
 */
export function rank(busy) {
    const peers = Array.from(busy.keys());
    const measured = peers.filter((peer) => !Number.isNaN(busy[peer]));
    const unmeasured = peers.filter((peer) => Number.isNaN(busy[peer]));
    return measured.sort((a, b) => busy[a] - busy[b] || a - b).concat(unmeasured);
}

/**
 * The instances of one role on each peer: `wanted` in all, or fewer where no peer may get more.
 * @param {number} wanted
 * @param {Uint32Array} before what each peer has
 * @param {number[]} ranking
 * @param {(peer: number) => boolean} mayGet whether a peer may get another instance
 * @returns {Uint32Array}
 */
export function spread(wanted, before, ranking, mayGet) {
    const after = Uint32Array.from(before);
    const missing = wanted - before.reduce((sum, instances) => sum + instances, 0);
    if (missing > 0) level(after, ranking.filter(mayGet), missing, 1);
    if (missing < 0) level(after, ranking.toReversed(), -missing, -1);
    return after;
}

/**
 * Adds (`step` 1) or takes away (`step` -1) `count` instances one by one: each time the first of the peers with the fewest, or with
 * the most. As this goes level by level, whole levels are done at once. O(peers × different numbers of instances).
 */
function level(
    /** @type {Uint32Array} */ instances,
    /** @type {number[]} */ peers,
    /** @type {number} */ count,
    /** @type {1 | -1} */ step,
) {
    const height = (/** @type {number} */ peer) => step * instances[peer];
    while (count > 0 && peers.length > 0) {
        const lowest = peers.reduce((least, peer) => Math.min(least, height(peer)), Infinity);
        const next = peers.reduce((least, peer) => (height(peer) > lowest ? Math.min(least, height(peer)) : least), Infinity);
        const group = peers.filter((peer) => height(peer) === lowest);
        const levels = Math.min(next - lowest, Math.floor(count / group.length));
        const served = levels > 0 ? group : group.slice(0, count);
        for (const peer of served) instances[peer] += step * Math.max(levels, 1);
        count -= served.length * Math.max(levels, 1);
    }
}

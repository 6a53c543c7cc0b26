// The decision: how many instances of a role each peer gets. Numbers only; it knows neither documents nor the host.

/** What `sort` compares by: AssemblyScript's functions close over nothing. */
let busyShares: StaticArray<f64> = [];

/** The peers from the one to fill first to the one to empty first. */
export class Ranking {
  /** All peers, by (no sample last, busy share, position). */
  readonly all: i32[];
  /** How many of them, from the first, may get another instance. */
  readonly eligible: i32;

  /** `busy` has each peer's busy share, NaN where there is no sample. O(peers · log peers). */
  constructor(busy: StaticArray<f64>, maxBusy: f64) {
    const all = new Array<i32>(busy.length);
    for (let peer = 0; peer < all.length; peer++) all[peer] = peer;
    busyShares = busy;
    all.sort((a, b) => {
      const x = busyShares[a];
      const y = busyShares[b];
      if (isNaN(x) != isNaN(y)) return isNaN(x) ? 1 : -1;
      return x < y ? -1 : x > y ? 1 : a - b;
    });
    let eligible = 0;
    // A comparison with NaN is false.
    while (eligible < all.length && busy[all[eligible]] <= maxBusy) eligible += 1;
    this.all = all;
    this.eligible = eligible;
  }
}

/**
 * Changes `instances`, one number a peer, until `wanted` are placed or no peer takes more; returns how many are placed. What stands stays
 * where it is as far as it can. Level by level, one pass over the ranking each: O(levels · peers).
 */
export function spread(instances: StaticArray<i64>, wanted: i64, ranking: Ranking): i64 {
  let total: i64 = 0;
  for (let peer = 0; peer < instances.length; peer++) total += instances[peer];
  while (total > wanted) {
    let top: i64 = 0;
    for (let peer = 0; peer < instances.length; peer++) top = max(top, instances[peer]);
    for (let rank = ranking.all.length - 1; rank >= 0 && total > wanted; rank--) {
      const peer = ranking.all[rank];
      if (instances[peer] != top) continue;
      instances[peer] -= 1;
      total -= 1;
    }
  }
  while (total < wanted && ranking.eligible > 0) {
    let low = i64.MAX_VALUE;
    for (let rank = 0; rank < ranking.eligible; rank++) low = min(low, instances[ranking.all[rank]]);
    for (let rank = 0; rank < ranking.eligible && total < wanted; rank++) {
      const peer = ranking.all[rank];
      if (instances[peer] != low) continue;
      instances[peer] += 1;
      total += 1;
    }
  }
  return total;
}

//! The decision: how many instances of a role each peer gets. Numbers only; it knows neither documents nor the host.

const std = @import("std");
const Allocator = std.mem.Allocator;

/// The peers from the one to fill first to the one to empty first.
pub const Ranking = struct {
    /// All peers, by (no sample last, busy share, position).
    all: []const usize,
    /// How many of them, from the first, may get another instance.
    eligible: usize,

    /// `busy` has each peer's busy share, NaN where there is no sample. O(peers · log peers).
    pub fn init(arena: Allocator, busy: []const f64, max_busy: f64) error{OutOfMemory}!Ranking {
        const all = try arena.alloc(usize, busy.len);
        for (all, 0..) |*peer, position| peer.* = position;
        std.sort.pdq(usize, all, busy, comesFirst);
        var eligible: usize = 0;
        // A comparison with NaN is false.
        while (eligible < all.len and busy[all[eligible]] <= max_busy) eligible += 1;
        return .{ .all = all, .eligible = eligible };
    }

    fn comesFirst(busy: []const f64, a: usize, b: usize) bool {
        if (std.math.isNan(busy[a]) or std.math.isNan(busy[b])) {
            if (std.math.isNan(busy[a]) != std.math.isNan(busy[b])) return std.math.isNan(busy[b]);
            return a < b;
        }
        return if (busy[a] != busy[b]) busy[a] < busy[b] else a < b;
    }
};

/// Changes `instances`, one number a peer, until `wanted` are placed or no peer takes more; returns how many are placed. What stands
/// stays where it is as far as it can. Level by level, one pass over the ranking each: O(levels · peers).
pub fn spread(instances: []u32, wanted: u64, ranking: Ranking) u64 {
    var total: u64 = 0;
    for (instances) |n| total += n;
    while (total > wanted) {
        const top = std.mem.max(u32, instances);
        var from_last = std.mem.reverseIterator(ranking.all);
        while (from_last.next()) |peer| {
            if (total == wanted) break;
            if (instances[peer] != top) continue;
            instances[peer] -= 1;
            total -= 1;
        }
    }
    const eligible = ranking.all[0..ranking.eligible];
    if (eligible.len == 0) return total;
    while (total < wanted) {
        var low = instances[eligible[0]];
        for (eligible) |peer| low = @min(low, instances[peer]);
        for (eligible) |peer| {
            if (total == wanted) break;
            if (instances[peer] != low) continue;
            instances[peer] += 1;
            total += 1;
        }
    }
    return total;
}

fn expectSpread(expected: []const u32, before: []const u32, wanted: u64, busy: []const f64) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const instances = try arena.allocator().dupe(u32, before);
    _ = spread(instances, wanted, try .init(arena.allocator(), busy, 0.9));
    try std.testing.expectEqualSlices(u32, expected, instances);
}

test "spread" {
    const nan = std.math.nan(f64);
    try expectSpread(&.{ 0, 1, 1 }, &.{ 0, 0, 0 }, 2, &.{ 0.5, 0.1, 0.3 });
    try expectSpread(&.{ 1, 2, 2 }, &.{ 0, 0, 0 }, 5, &.{ 0.5, 0.1, 0.3 });
    // What stands stays, and level by level the busiest loses first.
    try expectSpread(&.{ 1, 0, 1 }, &.{ 1, 0, 1 }, 2, &.{ 0.8, 0.1, 0.3 });
    try expectSpread(&.{ 1, 2, 1 }, &.{ 1, 9, 4 }, 4, &.{ 0.5, 0.1, 0.3 });
    // Ties go by position, also between zeros of either sign.
    try expectSpread(&.{ 1, 1, 0 }, &.{ 0, 0, 0 }, 2, &.{ 0.0, -0.0, 0.0 });
    // Without a sample, or too busy, a peer gets none and keeps what it has; without a sample it loses first.
    try expectSpread(&.{ 0, 2, 1 }, &.{ 0, 0, 1 }, 3, &.{ nan, 0.6, 0.95 });
    try expectSpread(&.{ 1, 1, 0 }, &.{ 1, 1, 1 }, 2, &.{ 0.1, 0.99, nan });
    try expectSpread(&.{ 0, 0, 0 }, &.{ 0, 0, 0 }, 3, &.{ 0.91, nan, 1 });
    try expectSpread(&.{}, &.{}, 3, &.{});
}

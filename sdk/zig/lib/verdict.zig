//! Builds a policy's verdict. What the host would refuse cannot be built: a denial has a reason, texts keep to their bounds.

const std = @import("std");
const json = @import("json.zig");
const Call = @import("call.zig").Call;
const Error = @import("call.zig").Error;

/// The most reasons, and the most warnings.
pub const max_texts = 100;
/// The longest reason or warning, in characters.
pub const max_characters = 500;

/// Allows until a reason is given.
pub const Verdict = struct {
    call: *Call,
    reasons: std.ArrayList([]const u8) = .empty,
    warnings: std.ArrayList([]const u8) = .empty,

    pub fn init(call: *Call) Verdict {
        return .{ .call = call };
    }

    /// Denies, and says why. The first `max_texts` reasons are told.
    pub fn deny(verdict: *Verdict, comptime fmt: []const u8, args: anytype) Error!void {
        try verdict.add(&verdict.reasons, try verdict.call.print(fmt, args));
    }

    /// Says what a person should know, whatever the verdict. The first `max_texts` warnings are told.
    pub fn warn(verdict: *Verdict, comptime fmt: []const u8, args: anytype) Error!void {
        try verdict.add(&verdict.warnings, try verdict.call.print(fmt, args));
    }

    pub fn allows(verdict: Verdict) bool {
        return verdict.reasons.items.len == 0;
    }

    pub fn word(verdict: Verdict) []const u8 {
        return if (verdict.allows()) "allow" else "deny";
    }

    pub fn write(verdict: Verdict, arena: std.mem.Allocator) error{OutOfMemory}!json.Json {
        return .{ .text = try std.json.Stringify.valueAlloc(arena, .{
            .v = 1,
            .verdict = verdict.word(),
            .reasons = verdict.reasons.items,
            .warnings = verdict.warnings.items,
        }, .{}) };
    }

    fn add(verdict: *Verdict, texts: *std.ArrayList([]const u8), text: []const u8) Error!void {
        if (std.mem.trim(u8, text, &std.ascii.whitespace).len == 0) return verdict.call.fail("a reason or warning without words", .{});
        if (texts.items.len < max_texts) try texts.append(verdict.call.arena, firstCharacters(text, max_characters));
    }
};

fn firstCharacters(text: []const u8, most: usize) []const u8 {
    var characters = std.unicode.Utf8View.initUnchecked(text).iterator();
    return characters.peek(most);
}

test "a verdict keeps to its bounds" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: @import("host.zig").Stub = .{ .arena = arena.allocator() };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    var verdict: Verdict = .init(&call);
    try std.testing.expectEqualStrings("{\"v\":1,\"verdict\":\"allow\",\"reasons\":[],\"warnings\":[]}", (try verdict.write(call.arena)).text);
    try std.testing.expectError(error.Failed, verdict.deny(" \n", .{}));
    try std.testing.expect(verdict.allows());
    for (0..101) |_| try verdict.warn("{s}", .{std.mem.asBytes(&@as([501][2]u8, @splat("ü".*)))});
    try std.testing.expectEqual(100, verdict.warnings.items.len);
    try std.testing.expectEqual(1000, verdict.warnings.items[0].len);
    try verdict.deny("web: too many", .{});
    try std.testing.expectEqualStrings("deny", verdict.word());
}

const std = @import("std");
const verwalter = @import("verwalter");

pub const Args = struct { text: []const u8, length: u64, end: []const u8 = "…" };

/// The text if it has at most `length` characters (Unicode code points); else its beginning and `end`, `length` characters
/// together. `end` itself is cut where it is longer.
pub fn truncate(call: *verwalter.Call, args: Args) verwalter.Error![]const u8 {
    const characters = count(args.text);
    if (characters <= args.length) return args.text;
    const length: usize = @intCast(args.length);
    try call.log(.debug, "truncate: {d} of {d} characters cut", .{ characters - length, characters });
    const end = first(args.end, length);
    return call.print("{s}{s}", .{ first(args.text, length - count(end)), end });
}

fn count(text: []const u8) usize {
    var characters: usize = 0;
    // All but the continuation bytes begin a character.
    for (text) |byte| characters += @intFromBool(byte & 0xC0 != 0x80);
    return characters;
}

/// The first `characters` characters of `text`, or all of it where it has fewer.
fn first(text: []const u8, characters: usize) []const u8 {
    // Texts of the host are valid UTF-8.
    var iterator = std.unicode.Utf8View.initUnchecked(text).iterator();
    return iterator.peek(characters);
}

fn expectTruncated(expected: []const u8, args: Args) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: verwalter.Stub = .{ .arena = arena.allocator() };
    var call: verwalter.Call = .{ .arena = arena.allocator(), .host = &stub };
    try std.testing.expectEqualStrings(expected, try truncate(&call, args));
}

test "truncate" {
    try expectTruncated("a lon…", .{ .text = "a long text", .length = 6 });
    try expectTruncated("a long text", .{ .text = "a long text", .length = 11 });
    try expectTruncated("🦀🦀🦀…", .{ .text = "🦀🦀🦀é東", .length = 4 });
    try expectTruncated("..", .{ .text = "a long text", .length = 2, .end = "...." });
    try expectTruncated("", .{ .text = "abc", .length = 0 });
    try expectTruncated("abc", .{ .text = "abc", .length = std.math.maxInt(u64) });
}

const std = @import("std");
const verwalter = @import("verwalter");

pub const Args = struct { text: []const u8 };

/// ASCII letters in lower case and digits; each run of anything else becomes one `-`, none at the beginning or the end.
pub fn slug(call: *verwalter.Call, args: Args) verwalter.Error![]const u8 {
    var out: std.ArrayList(u8) = .empty;
    var gap = false;
    for (args.text) |byte| {
        if (!std.ascii.isAlphanumeric(byte)) {
            gap = true;
            continue;
        }
        if (gap and out.items.len > 0) try out.append(call.arena, '-');
        gap = false;
        try out.append(call.arena, std.ascii.toLower(byte));
    }
    return out.items;
}

fn expectSlug(expected: []const u8, text: []const u8) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: verwalter.Stub = .{ .arena = arena.allocator() };
    var call: verwalter.Call = .{ .arena = arena.allocator(), .host = &stub };
    try std.testing.expectEqualStrings(expected, try slug(&call, .{ .text = text }));
}

test "slug" {
    try expectSlug("rack-7-row-b", "Rack 7, Row B");
    try expectSlug("z-rich-nord-2", "Zürich – 東京 Nord 2");
    try expectSlug("", "– 🦀 –");
}

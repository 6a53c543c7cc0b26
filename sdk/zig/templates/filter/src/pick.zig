const std = @import("std");
const verwalter = @import("verwalter");
const Call = verwalter.Call;
const Error = verwalter.Error;
const Json = verwalter.Json;

pub const Args = struct { value: Json, path: []const u8, default: ?Json };

/// The part of `value` at the dotted path: keys of mappings, positions in lists; the empty path is the value itself.
pub fn pick(call: *Call, args: Args) Error!Json {
    var value = args.value;
    if (args.path.len == 0) return value;
    var steps = std.mem.splitScalar(u8, args.path, '.');
    while (steps.next()) |step| {
        value = try part(call, value, step) orelse return args.default orelse call.fail("nothing at `{s}`", .{args.path});
    }
    return value;
}

fn part(call: *Call, value: Json, step: []const u8) Error!?Json {
    if (try value.mapping(call.arena)) |mapping| return mapping.get(step);
    const list = try value.list(call.arena) orelse return null;
    for (step) |byte| if (!std.ascii.isDigit(byte)) return null;
    const position = std.fmt.parseInt(usize, step, 10) catch return null;
    return if (position < list.len) list[position] else null;
}

fn expectPicked(expected: []const u8, value: []const u8, path: []const u8, default: ?Json) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: verwalter.Stub = .{ .arena = arena.allocator() };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    const shown = if (pick(&call, .{ .value = .{ .text = value }, .path = path, .default = default })) |json| json.text else |_| call.message;
    try std.testing.expectEqualStrings(expected, shown);
}

test "pick" {
    const value =
        \\{"a": {"b": [10, {"c": 1.50}]}, "": {"": 1}, "0": "zero"}
    ;
    try expectPicked("1.50", value, "a.b.1.c", null);
    try expectPicked("1", value, ".", null);
    try expectPicked("\"zero\"", value, "0", null);
    try expectPicked(value, value, "", null);
    try expectPicked("nothing at `a.b.2`", value, "a.b.2", null);
    try expectPicked("nothing at `a.b.-1`", value, "a.b.-1", null);
    try expectPicked("nothing at `a.b.99999999999999999999`", value, "a.b.99999999999999999999", null);
    try expectPicked("null", value, "0.0", .null);
}

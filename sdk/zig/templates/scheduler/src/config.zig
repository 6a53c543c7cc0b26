//! The manifest's `config`, checked.

const verwalter = @import("verwalter");
const Call = verwalter.Call;
const Error = verwalter.Error;
const Json = verwalter.Json;

pub const Config = struct {
    /// The busiest that a peer may be to get another instance: a share above 0 and at most 1.
    max_busy: f64 = 0.9,

    pub fn read(call: *Call, json: Json) Error!Config {
        const mapping = try json.mapping(call.arena) orelse return call.fail("config: must be a mapping", .{});
        var config: Config = .{};
        for (mapping.entries) |entry| {
            if (!std.mem.eql(u8, entry.key, "max_busy")) {
                return call.fail("config: unknown key {s}, expected max_busy", .{entry.key});
            }
        }
        if (mapping.get("max_busy")) |value| {
            const share = value.number() orelse 0;
            if (share <= 0 or share > 1) return call.fail("config: max_busy must be a number above 0 and at most 1", .{});
            config.max_busy = share;
        }
        return config;
    }

    /// What the host asks before it activates the plugin.
    pub fn check(call: *Call, json: Json) Error!void {
        _ = try read(call, json);
    }
};

const std = @import("std");

fn expectRead(expected: []const u8, text: []const u8) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: verwalter.Stub = .{ .arena = arena.allocator() };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    const shown = if (Config.read(&call, .{ .text = text })) |config| try call.print("{d}", .{config.max_busy}) else |_| call.message;
    try std.testing.expectEqualStrings(expected, shown);
}

test "config" {
    try expectRead("0.9", "{}");
    try expectRead("1", "{\"max_busy\": 1}");
    try expectRead("config: max_busy must be a number above 0 and at most 1", "{\"max_busy\": \"1\"}");
    try expectRead("config: max_busy must be a number above 0 and at most 1", "{\"max_busy\": 1e999}");
    try expectRead("config: unknown key a, expected max_busy", "{\"max_busy\": 2, \"b\": 1, \"a\": 1}");
}

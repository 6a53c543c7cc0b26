//! The manifest's `config`, checked.

const std = @import("std");
const verwalter = @import("verwalter");
const Call = verwalter.Call;
const Error = verwalter.Error;
const Json = verwalter.Json;

pub const Config = struct {
    /// The most instances of a role, in ascending order of role.
    most: []const Most = &.{},
    /// Roles that may not vanish.
    protected: []const []const u8 = &.{},

    pub const Most = struct { role: []const u8, instances: u64 };

    pub fn read(call: *Call, json: Json) Error!Config {
        const mapping = try json.mapping(call.arena) orelse return call.fail("config: must be a mapping", .{});
        for (mapping.entries) |entry| {
            if (std.mem.eql(u8, entry.key, "most") or std.mem.eql(u8, entry.key, "protected")) continue;
            return call.fail("config: unknown key {s}, expected most or protected", .{entry.key});
        }
        var config: Config = .{};
        if (mapping.get("most")) |value| {
            config.most = try readMost(call, value) orelse return call.fail("config: most must be a mapping of roles to whole numbers", .{});
        }
        if (mapping.get("protected")) |value| {
            config.protected = try readTexts(call, value) orelse return call.fail("config: protected must be a list of texts", .{});
        }
        return config;
    }

    /// What the host asks before it activates the plugin.
    pub fn check(call: *Call, json: Json) Error!void {
        _ = try read(call, json);
    }
};

fn readMost(call: *Call, json: Json) Error!?[]const Config.Most {
    const mapping = try json.mapping(call.arena) orelse return null;
    const all = try call.arena.alloc(Config.Most, mapping.entries.len);
    for (all, mapping.entries) |*most, entry| {
        const instances = entry.value.whole() orelse return null;
        if (instances < 0) return null;
        most.* = .{ .role = entry.key, .instances = @intCast(instances) };
    }
    return all;
}

fn readTexts(call: *Call, json: Json) Error!?[]const []const u8 {
    const list = try json.list(call.arena) orelse return null;
    const texts = try call.arena.alloc([]const u8, list.len);
    for (texts, list) |*text, item| text.* = try item.string(call.arena) orelse return null;
    return texts;
}

fn expectRead(expected: []const u8, text: []const u8) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: verwalter.Stub = .{ .arena = arena.allocator() };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    const config = Config.read(&call, .{ .text = text }) catch {
        return std.testing.expectEqualStrings(expected, call.message);
    };
    try std.testing.expectEqualStrings(expected, try call.print("{d} {d}", .{ config.most.len, config.protected.len }));
}

test "config" {
    try expectRead("0 0", "{}");
    try expectRead("2 1",
        \\{"most": {"web": 3, "api": 9007199254740991}, "protected": ["db"]}
    );
    try expectRead("config: unknown key extra, expected most or protected",
        \\{"mos": 1, "extra": 2}
    );
    try expectRead("config: most must be a mapping of roles to whole numbers",
        \\{"most": {"web": -1}, "protected": 1}
    );
    try expectRead("config: protected must be a list of texts",
        \\{"protected": ["db", 1]}
    );
}

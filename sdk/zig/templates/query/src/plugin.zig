//! A query plugin: `/v1/query/roles/ROLE` tells on which nodes a role runs.

const std = @import("std");
const verwalter = @import("verwalter");
const Call = verwalter.Call;
const Error = verwalter.Error;
const Json = verwalter.Json;

pub const panic = verwalter.panic;

comptime {
    verwalter.exportQuery(.{
        .about = .{ .name = "sample-query", .version = "0.1.0" },
        .query = query,
    });
}

/// Hosts with the role, and how many instances each has; written as a mapping.
const Nodes = std.json.ArrayHashMap(u32);

fn query(call: *Call, question: verwalter.Question) Error!Json {
    const role = roleOf(question.path) orelse return call.fail("no such path: {s}; ask roles/ROLE", .{question.path});
    const schedule = question.schedule orelse return call.fail("no schedule is in force", .{});
    var nodes: Nodes = .{};
    for (schedule.nodes.entries) |node| {
        const placement = node.value.roles.get(role) orelse continue;
        try nodes.map.put(call.arena, node.key, placement.instances);
    }
    if (nodes.map.count() == 0 and schedule.roles.get(role) == null) return call.fail("no role {s} in the schedule", .{role});
    return verwalter.json.write(call.arena, .{ .role = role, .nodes = nodes });
}

fn roleOf(path: []const u8) ?[]const u8 {
    const prefix = "roles/";
    if (!std.mem.startsWith(u8, path, prefix)) return null;
    const role = path[prefix.len..];
    return if (role.len == 0 or std.mem.findScalar(u8, role, '/') != null) null else role;
}

fn expectAnswer(expected: []const u8, path: []const u8, schedule: []const u8) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: verwalter.Stub = .{ .arena = arena.allocator() };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    const text = try call.print("{{\"v\":1,\"now\":0,\"path\":\"{s}\",\"method\":\"GET\",\"hostname\":\"a\",\"schedule\":{s}}}", .{ path, schedule });
    const question = try (Json{ .text = text }).read(verwalter.Question, call.arena);
    const shown = if (query(&call, question)) |json| json.text else |_| call.message;
    try std.testing.expectEqualStrings(expected, shown);
}

test "query" {
    const schedule =
        \\{"nodes": {"b": {"roles": {"web": {"instances": 1}}}, "a": {"roles": {"web": {"instances": 2}}}}, "roles": {"web": {}, "idle": {}}}
    ;
    try expectAnswer("{\"role\":\"web\",\"nodes\":{\"a\":2,\"b\":1}}", "roles/web", schedule);
    try expectAnswer("{\"role\":\"idle\",\"nodes\":{}}", "roles/idle", schedule);
    try expectAnswer("no role db in the schedule", "roles/db", schedule);
    try expectAnswer("no such path: roles/web/x; ask roles/ROLE", "roles/web/x", schedule);
    try expectAnswer("no such path: roles/; ask roles/ROLE", "roles/", "null");
    try expectAnswer("no schedule is in force", "roles/web", "null");
}

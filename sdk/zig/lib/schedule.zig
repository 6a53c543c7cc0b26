//! Builds a scheduler's answer. What the host would refuse for its form cannot be built: role names are checked, placements are on
//! peers of the input, instances lie within their bounds, no variable stands twice.

const std = @import("std");
const json = @import("json.zig");
const Call = @import("call.zig").Call;
const Error = @import("call.zig").Error;
const Json = json.Json;

/// The most instances of one role on one node.
pub const max_instances = 1_000_000;
/// The most roles of a schedule.
pub const max_roles = 10_000;
/// The most placements of a schedule.
pub const max_placements = 1_000_000;

/// A scheduler's answer, made by `Schedule.answer`.
pub const Answer = struct { json: Json };

/// A schedule that is being made, over the peers of the snapshot.
pub const Schedule = struct {
    call: *Call,
    /// All peers; a peer is its position here.
    hostnames: []const []const u8,
    roles: std.array_hash_map.String(*Role) = .empty,
    placements: usize = 0,
    vars: Vars = .{},
    state: ?Json = null,
    actions: Vars = .{},
    changes: std.ArrayList([]const u8) = .empty,

    /// `hostnames` as `Call.hostnames` tells them.
    pub fn init(call: *Call, hostnames: []const []const u8) Schedule {
        return .{ .call = call, .hostnames = hostnames };
    }

    /// The role `name`, new or begun before. A role without placements is in the schedule too.
    pub fn role(schedule: *Schedule, name: []const u8) Error!*Role {
        if (schedule.roles.get(name)) |begun| return begun;
        if (!isRoleName(name)) return schedule.call.fail("{s} is no role name", .{name});
        if (schedule.roles.count() == max_roles) return schedule.call.fail("more than {d} roles", .{max_roles});
        const new = try schedule.call.arena.create(Role);
        new.* = .{ .schedule = schedule, .name = name };
        try schedule.roles.put(schedule.call.arena, name, new);
        return new;
    }

    /// Sets a variable of every role on every node: the most general level.
    pub fn set(schedule: *Schedule, key: []const u8, value: anytype) Error!void {
        try schedule.vars.set(schedule.call, key, value);
    }

    /// Keeps a value for the next decision, which finds it in its parent.
    pub fn keep(schedule: *Schedule, value: anytype) Error!void {
        schedule.state = try json.write(schedule.call.arena, value);
    }

    /// Answers an operator's action.
    pub fn act(schedule: *Schedule, id: []const u8, value: anytype) Error!void {
        try schedule.actions.set(schedule.call, id, value);
    }

    /// Tells people what moved, one line.
    pub fn change(schedule: *Schedule, comptime fmt: []const u8, args: anytype) Error!void {
        try schedule.changes.append(schedule.call.arena, try schedule.call.print(fmt, args));
    }

    pub fn answer(schedule: *Schedule) Error!Answer {
        var text: std.Io.Writer.Allocating = .init(schedule.call.arena);
        var out: std.json.Stringify = .{ .writer = &text.writer };
        schedule.write(&out) catch return error.OutOfMemory;
        return .{ .json = .{ .text = text.written() } };
    }

    fn write(schedule: *Schedule, out: *std.json.Stringify) !void {
        try out.beginObject();
        try field(out, "v", 1);
        try out.objectField("schedule");
        try out.beginObject();
        try out.objectField("roles");
        try out.beginObject();
        for (schedule.roles.values()) |each| {
            try out.objectField(each.name);
            try out.beginObject();
            try each.vars.write(out);
            try out.objectField("place");
            try out.beginObject();
            for (each.placements.items) |placement| try field(out, schedule.hostnames[placement.peer], placement.instances);
            try out.endObject();
            try out.endObject();
        }
        try out.endObject();
        if (schedule.vars.list.items.len > 0) {
            try out.objectField("vars");
            try out.beginObject();
            try schedule.vars.write(out);
            try out.endObject();
        }
        if (schedule.state) |state| try field(out, "state", state);
        try out.endObject();
        if (schedule.actions.list.items.len > 0) {
            try out.objectField("actions");
            try out.beginObject();
            try schedule.actions.write(out);
            try out.endObject();
        }
        try schedule.writeWhy(out);
        if (schedule.changes.items.len > 0) try field(out, "changes", schedule.changes.items);
        try out.endObject();
    }

    fn writeWhy(schedule: *Schedule, out: *std.json.Stringify) !void {
        var begun = false;
        for (schedule.roles.values()) |each| {
            if (!each.has_reasons) continue;
            if (!begun) {
                try out.objectField("why");
                try out.beginObject();
                begun = true;
            }
            try out.objectField(each.name);
            try out.beginObject();
            for (each.placements.items) |placement| {
                if (placement.why.len > 0) try field(out, schedule.hostnames[placement.peer], placement.why);
            }
            try out.endObject();
        }
        if (begun) try out.endObject();
    }
};

/// One role of a schedule that is being made.
pub const Role = struct {
    schedule: *Schedule,
    name: []const u8,
    vars: Vars = .{},
    placements: std.ArrayList(Placement) = .empty,
    has_reasons: bool = false,

    const Placement = struct { peer: usize, instances: u32, why: []const u8 };

    /// Sets a variable of this role on every node: anything that `json.write` takes. `template`, written `ROLE/VERSION`, names
    /// what the nodes render. Setting a variable again replaces it.
    pub fn set(role: *Role, key: []const u8, value: anytype) Error!void {
        if (std.mem.eql(u8, key, "place")) return role.schedule.call.fail("{s}.place is no variable", .{role.name});
        try role.vars.set(role.schedule.call, key, value);
    }

    /// Places 1 to `max_instances` instances on a peer, each peer once and in ascending order. `why`, where it is not empty, is
    /// what `verwalter why` shows.
    pub fn place(role: *Role, peer: usize, instances: u32, why: []const u8) Error!void {
        const schedule = role.schedule;
        const call = schedule.call;
        if (peer >= schedule.hostnames.len) return call.fail("role {s}: there is no peer {d}", .{ role.name, peer });
        const host = schedule.hostnames[peer];
        if (instances == 0 or instances > max_instances) {
            return call.fail("role {s}: {d} instances on {s}, 1 to {d} may be", .{ role.name, instances, host, max_instances });
        }
        if (role.placements.items.len > 0 and role.placements.items[role.placements.items.len - 1].peer >= peer) {
            return call.fail("role {s}: {s} is placed twice or out of order", .{ role.name, host });
        }
        if (schedule.placements == max_placements) return call.fail("more than {d} placements", .{max_placements});
        schedule.placements += 1;
        role.has_reasons = role.has_reasons or why.len > 0;
        try role.placements.append(call.arena, .{ .peer = peer, .instances = instances, .why = why });
    }
};

/// Variables in the order in which they were set, each once.
const Vars = struct {
    list: std.ArrayList(json.Mapping.Entry) = .empty,

    fn set(vars: *Vars, call: *Call, key: []const u8, value: anytype) Error!void {
        const written = json.write(call.arena, value) catch |err| switch (err) {
            error.InvalidJson => return call.fail("{s} has a number that is not finite or beyond 2^53", .{key}),
            error.OutOfMemory => return err,
        };
        for (vars.list.items) |*entry| {
            if (!std.mem.eql(u8, entry.key, key)) continue;
            entry.value = written;
            return;
        }
        try vars.list.append(call.arena, .{ .key = key, .value = written });
    }

    fn write(vars: Vars, out: *std.json.Stringify) !void {
        for (vars.list.items) |entry| try field(out, entry.key, entry.value);
    }
};

fn field(out: *std.json.Stringify, key: []const u8, value: anytype) !void {
    try out.objectField(key);
    try out.write(value);
}

/// Whether a role may be called so: `[a-z0-9][a-z0-9_.-]*`, 1 to 64 bytes.
pub fn isRoleName(name: []const u8) bool {
    if (name.len == 0 or name.len > 64) return false;
    for (name, 0..) |byte, at| switch (byte) {
        'a'...'z', '0'...'9' => {},
        '_', '.', '-' => if (at == 0) return false,
        else => return false,
    };
    return true;
}

const Stub = @import("host.zig").Stub;

test "an answer" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: Stub = .{ .arena = arena.allocator() };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    var schedule: Schedule = .init(&call, &.{ "alpha", "beta" });
    const idle = try schedule.role("idle");
    try idle.set("a", .{ .b = null });
    try idle.set("a", 0.5);
    const web = try schedule.role("web");
    try web.set("template", "web/v1");
    try web.place(1, 2, "2 \"new\"");
    try schedule.keep(&[_]u8{ 1, 2 });
    try schedule.change("{s} moved", .{"web"});
    try std.testing.expectEqualStrings(
        \\{"v":1,"schedule":{"roles":{"idle":{"a":0.5,"place":{}},"web":{"template":"web/v1","place":{"beta":2}}},"state":"\u0001\u0002"},"why":{"web":{"beta":"2 \"new\""}},"changes":["web moved"]}
    , (try schedule.answer()).json.text);
}

test "what the host would refuse is not built" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: Stub = .{ .arena = arena.allocator() };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    var schedule: Schedule = .init(&call, &.{ "alpha", "beta" });
    try std.testing.expectError(error.Failed, schedule.role("Web"));
    const web = try schedule.role("web");
    try std.testing.expectEqual(web, try schedule.role("web"));
    try std.testing.expectError(error.Failed, web.set("place", 1));
    try std.testing.expectError(error.Failed, web.set("x", std.math.nan(f64)));
    try std.testing.expectError(error.Failed, web.place(2, 1, ""));
    try std.testing.expectError(error.Failed, web.place(0, 0, ""));
    try std.testing.expectError(error.Failed, web.place(0, max_instances + 1, ""));
    try web.place(1, 1, "");
    try std.testing.expectError(error.Failed, web.place(1, 1, ""));
    try std.testing.expectEqualStrings("role web: beta is placed twice or out of order", call.message);
}

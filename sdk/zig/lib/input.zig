//! The documents that the host hands to plugins, typed; `README.md` of the contract tells units and bounds of every field. Whatever
//! an author's own data is stays `Json`: read it into a struct of yours with `Json.read`, or value by value.

const std = @import("std");
const json = @import("json.zig");
const Json = json.Json;

/// A scheduler's input. What the plugin does not read (`About.reads`) is empty.
pub const Input = struct {
    v: u32,
    /// The round's time in ms since the Unix epoch: the only clock.
    now: i64,
    round: u64,
    term: u64,
    current_host: []const u8,
    current_id: []const u8,
    config: Json = .empty_mapping,
    runtime: Json = .empty_mapping,
    /// The schedules that this decision follows: none at first, one as a rule, several after a change of leaders.
    parents: []const Placed = &.{},
    actions: json.Mapping = .{},
    /// By hostname.
    peers: json.MappingOf(Peer) = .{},
    /// One value a peer, in ascending order of hostname; null where there is no sample.
    metrics: json.MappingOf([]const ?f64) = .{},
};

pub const Peer = struct {
    id: []const u8,
    hostname: []const u8,
    name: []const u8,
    /// `IP:PORT`
    addr: ?[]const u8,
    known_since: i64,
    last_report_direct: ?i64,
    /// Since when it answers, ms since the Unix epoch.
    since: i64 = 0,
    /// The digest of the schedule that is in force there; null where it does not say.
    schedule: ?[]const u8 = null,
    /// How many roles could not be brought to what that schedule says; null where it does not say.
    errors: ?i64 = null,
    /// The machine's facts, a mapping.
    machine: Json = .empty_mapping,
};

/// A schedule as it is in force: the canonical form.
pub const Placed = struct {
    nodes: json.MappingOf(Node) = .{},
    /// Each role's variables.
    roles: json.Mapping = .{},
    state: Json = .null,
    vars: json.Mapping = .{},

    pub const Node = struct {
        roles: json.MappingOf(Placement) = .{},
        vars: json.Mapping = .{},
    };

    /// How many instances of `role` there are on all nodes.
    pub fn instances(placed: Placed, role: []const u8) u64 {
        var sum: u64 = 0;
        for (placed.nodes.entries) |node| {
            if (node.value.roles.get(role)) |placement| sum += placement.instances;
        }
        return sum;
    }
};

/// A role on a node.
pub const Placement = struct {
    instances: u32,
    /// All variables, `instances` among them, as they were written.
    vars: Json,

    pub fn jsonParse(arena: std.mem.Allocator, source: anytype, options: std.json.ParseOptions) !Placement {
        _ = try source.peekNextTokenType();
        const start = source.cursor;
        const counted = try std.json.innerParse(struct { instances: u32 }, arena, source, options);
        return .{ .instances = counted.instances, .vars = .{ .text = source.input[start..source.cursor] } };
    }
};

/// A policy's input.
pub const Review = struct {
    v: u32,
    now: i64,
    round: u64,
    term: u64,
    current_host: []const u8,
    current_id: []const u8,
    config: Json = .empty_mapping,
    /// The one in question.
    schedule: Placed,
    /// The one in force; null before the first.
    previous: ?Placed = null,
    diff: Diff,
    runtime: Json = .empty_mapping,
    peers: json.MappingOf(Peer) = .{},
    metrics: json.MappingOf([]const ?f64) = .{},
};

/// What changes from the schedule in force to the one in question. Roles and hosts of which there is nothing to say are left out.
pub const Diff = struct {
    /// Role to hostname to how many instances more.
    added: json.MappingOf(json.MappingOf(u32)) = .{},
    /// Role to hostname to how many instances fewer.
    removed: json.MappingOf(json.MappingOf(u32)) = .{},
    moved: json.MappingOf(u32) = .{},
    /// Role to the hosts with as many instances as before and other variables.
    changed: json.MappingOf([]const []const u8) = .{},
};

/// A question to a query plugin.
pub const Question = struct {
    v: u32,
    now: i64,
    /// What follows `/v1/query/`, decoded.
    path: []const u8,
    method: []const u8,
    /// The parameters of the URL, decoded.
    query: json.MappingOf([]const u8) = .{},
    /// The request's JSON; null where there was none.
    body: Json = .null,
    hostname: []const u8,
    config: Json = .empty_mapping,
    /// The one in force on the node that was asked.
    schedule: ?Placed = null,
    schedule_digest: ?[]const u8 = null,
    since: ?i64 = null,
};

/// What a query plugin knows when it chooses the roles that a node renders.
pub const Render = struct {
    v: u32,
    now: i64,
    hostname: []const u8,
    config: Json = .empty_mapping,
    /// The one to be rendered.
    schedule: Placed,
    /// The one rendered before; null at first and when a render is forced.
    previous: ?Placed = null,
    machine: Json = .empty_mapping,
};

test "a schedule in canonical form" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const text: Json = .{ .text =
        \\{"nodes":{"b":{"roles":{"web":{"instances":2,"port":80.0}},"vars":{"x":1}},"a":{"roles":{"web":{"instances":1}}}},"roles":{"web":{}},"state":[1]}
    };
    const placed = try text.read(Placed, arena.allocator());
    try std.testing.expectEqual(3, placed.instances("web"));
    try std.testing.expectEqual(0, placed.instances("db"));
    try std.testing.expectEqualStrings("{\"instances\":2,\"port\":80.0}", placed.nodes.get("b").?.roles.get("web").?.vars.text);
    try std.testing.expectEqualStrings("[1]", placed.state.text);
}

test "a document with peers and metrics" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const text: Json = .{ .text =
        \\{"v":1,"now":1700000000000,"round":2,"term":1,"current_host":"a","current_id":"01","config":{},"runtime":{"web":1e0},"newer":1,
        \\ "parents":[{"nodes":{},"roles":{}}],"actions":{"7":{"x":1}},"metrics":{"cpu":[null,5e-324]},
        \\ "peers":{"b":{"id":"02","hostname":"b","name":"B","addr":null,"known_since":1,"last_report_direct":null,"machine":{"rack":"r1"}},
        \\          "a":{"id":"01","hostname":"a","name":"A","addr":"192.0.2.1:1","known_since":1,"last_report_direct":2,"machine":{}}}}
    };
    const in = try text.read(Input, arena.allocator());
    try std.testing.expectEqualStrings("a", in.peers.entries[0].key);
    try std.testing.expectEqual(null, in.peers.get("b").?.addr);
    try std.testing.expectEqualSlices(?f64, &.{ null, 5e-324 }, in.metrics.get("cpu").?);
    try std.testing.expectEqualStrings("{\"web\":1e0}", in.runtime.text);
    try std.testing.expectEqualStrings("{\"x\":1}", in.actions.get("7").?.text);
    try std.testing.expectEqual(1, in.parents.len);
}

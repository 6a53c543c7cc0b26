//! A scheduler: it places each role of the runtime metadata on the least busy peers, as evenly as it can, and leaves where it is
//! what stands. `config.zig` and `wish.zig` read, `decide.zig` decides, this file asks and answers.

const std = @import("std");
const verwalter = @import("verwalter");
const Config = @import("config.zig").Config;
const Wish = @import("wish.zig").Wish;
const decide = @import("decide.zig");
const Call = verwalter.Call;
const Error = verwalter.Error;

pub const panic = verwalter.panic;

comptime {
    verwalter.exportScheduler(.{
        .about = .{ .name = "sample-scheduler", .version = "0.1.0", .input = .columns, .reads = &.{.runtime} },
        .schedule = schedule,
        .checkConfig = Config.check,
    });
}

fn schedule(call: *Call, input: verwalter.Input) Error!verwalter.Answer {
    const config: Config = try .read(call, input.config);
    const wishes = try Wish.readAll(call, input.runtime);
    var answer: verwalter.Schedule = .init(call, try call.hostnames());
    if (wishes.len == 0) return answer.answer();

    const ranking: decide.Ranking = try .init(call.arena, try call.requiredColumn("cpu"), config.max_busy);
    for (wishes) |wish| {
        const before = try inForce(call, wish.role, answer.hostnames.len);
        const after = try call.arena.dupe(u32, before);
        const placed = decide.spread(after, wish.instances, ranking);

        const role = try answer.role(wish.role);
        for (wish.vars.entries) |variable| try role.set(variable.key, variable.value);
        if (wish.template) |template| try role.set("template", template);
        for (before, after, 0..) |had, has, peer| {
            if (has > 0) try role.place(peer, has, try reason(call, had, has));
        }

        if (placed < wish.instances) {
            try call.log(.warn, "{s}: {d} placed, {d} missing", .{ wish.role, placed, wish.instances - placed });
        } else {
            try call.log(.info, "{s}: {d} placed", .{ wish.role, placed });
        }
    }
    return answer.answer();
}

/// How many instances of the role each peer has in the schedule in force.
fn inForce(call: *Call, role: []const u8, peers: usize) Error![]const u32 {
    const instances = try call.arena.alloc(u32, peers);
    @memset(instances, 0);
    const column = try call.column(try call.print("placed.{s}", .{role})) orelse return instances;
    for (instances, column) |*n, value| n.* = @trunc(value);
    return instances;
}

fn reason(call: *Call, had: u32, has: u32) Error![]const u8 {
    if (had >= has) return "kept";
    if (had == 0) return "new";
    return call.print("{d} kept, {d} new", .{ had, has - had });
}

test {
    _ = .{ Config, Wish, decide };
}

test "a decision" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: verwalter.Stub = .{
        .arena = arena.allocator(),
        .hostnames = &.{ "alpha", "beta", "gamma" },
        .columns = &.{
            .{ .name = "cpu", .values = &.{ 0.5, 0.1, 0.95 } },
            .{ .name = "placed.web", .values = &.{ 1, 0, 2 } },
        },
    };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    const input: verwalter.Json = .{ .text =
        \\{"v": 1, "now": 0, "round": 1, "term": 1, "current_host": "alpha", "current_id": "", "config": {},
        \\ "runtime": {"web": {"instances": 6, "template": "web/v1", "vars": {"port": 80.0}}}}
    };
    const answer = try schedule(&call, try input.read(verwalter.Input, call.arena));
    try std.testing.expectEqualStrings(
        \\{"v":1,"schedule":{"roles":{"web":{"port":80.0,"template":"web/v1","place":{"alpha":2,"beta":2,"gamma":2}}}},"why":{"web":{"alpha":"1 kept, 1 new","beta":"new","gamma":"kept"}}}
    , answer.json.text);
    try std.testing.expectEqualDeep(&[_][]const u8{"info web: 6 placed"}, stub.lines.items);
}

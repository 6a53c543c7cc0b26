//! A policy: it keeps a schedule to a budget and protected roles alive, and warns of what moves.

const std = @import("std");
const verwalter = @import("verwalter");
const Config = @import("config.zig").Config;
const Call = verwalter.Call;
const Error = verwalter.Error;

pub const panic = verwalter.panic;

comptime {
    verwalter.exportPolicy(.{
        .about = .{ .name = "sample-policy", .version = "0.1.0", .input = .columns, .reads = &.{} },
        .review = review,
        .checkConfig = Config.check,
    });
}

fn review(call: *Call, input: verwalter.Review) Error!verwalter.Verdict {
    const config: Config = try .read(call, input.config);
    const previous = input.previous orelse verwalter.Placed{};
    var verdict: verwalter.Verdict = .init(call);
    for (config.most) |most| {
        const instances = input.schedule.instances(most.role);
        if (instances <= most.instances) continue;
        try verdict.deny("{s}: {d} instances, at most {d} may be", .{ most.role, instances, most.instances });
    }
    for (config.protected) |role| {
        if (previous.instances(role) == 0 or input.schedule.instances(role) > 0) continue;
        try verdict.deny("{s}: protected, and would be gone", .{role});
    }
    for (input.diff.moved.entries) |moved| try verdict.warn("{s}: {d} moved", .{ moved.key, moved.value });
    try call.log(.info, "{s}", .{verdict.word()});
    return verdict;
}

test {
    _ = Config;
}

fn expectVerdict(expected: []const u8, config: []const u8) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: verwalter.Stub = .{ .arena = arena.allocator() };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    const input: verwalter.Json = .{ .text =
        \\{"v": 1, "now": 0, "round": 2, "term": 1, "current_host": "a", "current_id": "",
        \\ "schedule": {"nodes": {"a": {"roles": {"web": {"instances": 3}}}, "b": {"roles": {"web": {"instances": 1}}}}, "roles": {"web": {}}},
        \\ "previous": {"nodes": {"a": {"roles": {"db": {"instances": 1}, "web": {"instances": 2}}}}, "roles": {"db": {}, "web": {}}},
        \\ "diff": {"added": {"web": {"a": 1, "b": 1}}, "removed": {"db": {"a": 1}}, "moved": {"web": 1}, "changed": {}}}
    };
    var review_input = try input.read(verwalter.Review, call.arena);
    review_input.config = .{ .text = config };
    const verdict = try review(&call, review_input);
    const shown = try call.print("{s} {s}", .{ verdict.word(), try std.mem.join(call.arena, "; ", verdict.reasons.items) });
    try std.testing.expectEqualStrings(expected, shown);
    try std.testing.expectEqualStrings("web: 1 moved", verdict.warnings.items[0]);
}

test "a verdict" {
    try expectVerdict("allow ", "{}");
    try expectVerdict("allow ", "{\"most\": {\"web\": 4, \"api\": 0}, \"protected\": [\"web\", \"never\"]}");
    try expectVerdict("deny web: 4 instances, at most 3 may be", "{\"most\": {\"web\": 3}}");
    try expectVerdict("deny db: protected, and would be gone", "{\"protected\": [\"db\"]}");
}

//! What the operators wish: the roles of the runtime metadata, checked.

const std = @import("std");
const verwalter = @import("verwalter");
const Call = verwalter.Call;
const Error = verwalter.Error;
const Json = verwalter.Json;

pub const Wish = struct {
    role: []const u8,
    instances: u32,
    template: ?Json,
    /// Passed on to the nodes as they were written.
    vars: verwalter.json.Mapping,

    const most = 1_000_000;

    /// All wishes, in ascending order of role.
    pub fn readAll(call: *Call, runtime: Json) Error![]const Wish {
        const mapping = try runtime.mapping(call.arena) orelse return call.fail("runtime: must be a mapping", .{});
        const wishes = try call.arena.alloc(Wish, mapping.entries.len);
        for (wishes, mapping.entries) |*wish, entry| wish.* = try read(call, entry.key, entry.value);
        return wishes;
    }

    fn read(call: *Call, role: []const u8, json: Json) Error!Wish {
        if (!verwalter.isRoleName(role)) return call.fail("runtime: {s} is no role name", .{role});
        const mapping = try json.mapping(call.arena) orelse return call.fail("runtime: {s} must be a mapping", .{role});
        const instances = if (mapping.get("instances")) |value| value.whole() orelse -1 else -1;
        if (instances < 0 or instances > most) {
            return call.fail("runtime: {s}.instances must be a whole number from 0 to {d}", .{ role, most });
        }
        const template = mapping.get("template");
        if (template) |value| {
            if (value.kind() != .string) return call.fail("runtime: {s}.template must be a text", .{role});
        }
        const vars = try (mapping.get("vars") orelse Json.empty_mapping).mapping(call.arena) orelse
            return call.fail("runtime: {s}.vars must be a mapping", .{role});
        for ([_][]const u8{ "place", "template" }) |key| {
            if (vars.get(key) != null) return call.fail("runtime: {s}.vars.{s} is reserved", .{ role, key });
        }
        return .{ .role = role, .instances = @intCast(instances), .template = template, .vars = vars };
    }
};

fn expectRead(expected: []const u8, text: []const u8) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: verwalter.Stub = .{ .arena = arena.allocator() };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    const wishes = Wish.readAll(&call, .{ .text = text }) catch {
        return std.testing.expectEqualStrings(expected, call.message);
    };
    var shown: []const u8 = "";
    for (wishes) |wish| shown = try call.print("{s}{s} {d};", .{ shown, wish.role, wish.instances });
    try std.testing.expectEqualStrings(expected, shown);
}

test "wishes" {
    try expectRead("", "{}");
    try expectRead("api 0;web 2;",
        \\{"web": {"instances": 2, "template": "web/v1", "vars": {"port": 80}}, "api": {"instances": 0, "owner": "a"}}
    );
    try expectRead("runtime: Web is no role name",
        \\{"Web": 1}
    );
    try expectRead("runtime: web must be a mapping",
        \\{"web": []}
    );
    try expectRead("runtime: web.instances must be a whole number from 0 to 1000000",
        \\{"web": {"instances": 1.5}}
    );
    try expectRead("runtime: web.template must be a text",
        \\{"web": {"instances": 1, "template": null}}
    );
    try expectRead("runtime: web.vars.place is reserved",
        \\{"web": {"instances": 1, "vars": {"template": 1, "place": 1}}}
    );
}

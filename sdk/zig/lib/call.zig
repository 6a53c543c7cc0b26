//! One call of a plugin: its memory, what it may ask of the host, and how it fails.

const std = @import("std");
const json = @import("json.zig");
const host = @import("host.zig");
const Json = json.Json;

/// Why a call has no answer. `Failed` carries its message in the call; see `Call.fail`.
pub const Error = error{Failed} || json.Error;

pub const Call = struct {
    /// Everything that the call allocates: freed as a whole when the host has the answer.
    arena: std.mem.Allocator,
    host: host.Host,
    /// The error's text, for people, when the call ends with `error.Failed`.
    message: []const u8 = "",

    /// Ends the call with an error that says this: `return call.fail("config: {s} is no rack", .{rack})`.
    pub fn fail(call: *Call, comptime fmt: []const u8, args: anytype) Error {
        call.message = try call.print(fmt, args);
        return error.Failed;
    }

    /// Formats into the call's memory.
    pub fn print(call: *Call, comptime fmt: []const u8, args: anytype) error{OutOfMemory}![]const u8 {
        return std.fmt.allocPrint(call.arena, fmt, args);
    }

    /// Logs one line for people. Lines count against the manifest's `log` limit.
    pub fn log(call: *Call, level: host.Level, comptime fmt: []const u8, args: anytype) error{OutOfMemory}!void {
        call.host.log(level, try call.print(fmt, args));
    }

    /// The hostnames of all peers in ascending order. A peer is its position in this list everywhere else.
    pub fn hostnames(call: *Call) Error![]const []const u8 {
        return try call.attribute("hostname") orelse call.fail("the host tells no hostnames", .{});
    }

    /// One text a peer: `hostname`, `id`, `name`, `addr`, `since`, `schedule`, `errors` or a machine fact by its dotted path, such as `disk.ssd`. A peer
    /// without it, or with a list or mapping there, has "". Null where the host knows no such attribute.
    pub fn attribute(call: *Call, name: []const u8) Error!?[]const []const u8 {
        const needed = call.host.attribute(name, &.{}) orelse return null;
        const bytes = try call.arena.alloc(u8, needed);
        if (call.host.attribute(name, bytes) != needed) return call.fail("attribute {s} changed while it was read", .{name});
        var texts: std.ArrayList([]const u8) = .empty;
        var rest: []const u8 = bytes;
        while (rest.len >= 4) {
            const len = std.mem.readInt(u32, rest[0..4], .little);
            if (len > rest.len - 4) break;
            try texts.append(call.arena, rest[4..][0..len]);
            rest = rest[4 + len ..];
        }
        if (rest.len > 0) return call.fail("attribute {s} is cut short", .{name});
        return texts.items;
    }

    /// One number a peer in the unit of the manifest's rule, NaN where there is no sample; or null where the manifest declares no
    /// such metric. `placed.ROLE` tells how many instances of ROLE each peer has in the schedule in force; null when there is not
    /// exactly one parent.
    pub fn column(call: *Call, name: []const u8) Error!?[]const f64 {
        const len = call.host.column(name, &.{}) orelse return null;
        const values = try call.arena.alloc(f64, len);
        if (call.host.column(name, values) != len) return call.fail("column {s} changed while it was read", .{name});
        return values;
    }

    /// A column without which there is no decision.
    pub fn requiredColumn(call: *Call, name: []const u8) Error![]const f64 {
        return try call.column(name) orelse call.fail("no column {s}: declare it under metrics in the manifest", .{name});
    }
};

test "attributes and columns" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: host.Stub = .{
        .arena = arena.allocator(),
        .hostnames = &.{ "alpha", "beta" },
        .columns = &.{.{ .name = "cpu", .values = &.{ 0.5, std.math.nan(f64) } }},
        .attributes = &.{.{ .name = "rack", .values = &.{ "", "Zürich 1" } }},
    };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    try std.testing.expectEqualDeep(stub.hostnames, try call.hostnames());
    try std.testing.expectEqualStrings("Zürich 1", (try call.attribute("rack")).?[1]);
    try std.testing.expectEqual(null, try call.attribute("row"));
    try std.testing.expectEqual(0.5, (try call.requiredColumn("cpu"))[0]);
    try std.testing.expectEqual(null, try call.column("rps"));
    try std.testing.expectError(error.Failed, call.requiredColumn("rps"));
    try std.testing.expectEqualStrings("no column rps: declare it under metrics in the manifest", call.message);
    try call.log(.err, "{d} left", .{1});
    try std.testing.expectEqualStrings("error 1 left", stub.lines.items[0]);
}

//! The core ABI: what a plugin exports, made of plain functions. Nothing here is compiled into unit tests.

const std = @import("std");
const builtin = @import("builtin");
const json = @import("json.zig");
const input = @import("input.zig");
const filter = @import("filter.zig");
const schedule = @import("schedule.zig");
const verdict = @import("verdict.zig");
const Call = @import("call.zig").Call;
const Error = @import("call.zig").Error;
const Host = @import("host.zig").Host;
const Json = json.Json;

/// What a plugin tells of itself. Without `reads` the host tells a scheduler or policy everything it has, which costs time.
pub const About = struct {
    name: []const u8,
    version: []const u8,
    /// `columns`: peers and metrics are asked for by `Call.hostnames` and `Call.column`. `document`: they stand in the input.
    input: enum { document, columns } = .columns,
    /// What of the input the plugin reads.
    reads: []const enum { runtime, parents, actions, peers, metrics },
};

/// Asked with the manifest's `config` before the plugin is activated; `Call.fail` says what is wrong with it.
pub const CheckConfig = fn (call: *Call, config: Json) Error!void;

pub const Scheduler = struct {
    about: About,
    schedule: fn (call: *Call, in: input.Input) Error!schedule.Answer,
    checkConfig: ?CheckConfig = null,
};

pub const Policy = struct {
    about: About,
    review: fn (call: *Call, in: input.Review) Error!verdict.Verdict,
    checkConfig: ?CheckConfig = null,
};

pub const Query = struct {
    about: struct { name: []const u8, version: []const u8 },
    /// The answer may be any JSON value; `json.write` makes one.
    query: fn (call: *Call, in: input.Question) Error!Json,
    /// Null leaves the roles to the schedule.
    renderRoles: ?fn (call: *Call, in: input.Render) Error!?Json = null,
    checkConfig: ?CheckConfig = null,
};

pub fn exportScheduler(comptime plugin: Scheduler) void {
    exportAs("vw_schedule", struct {
        fn answer(call: *Call, argument: []const u8) Error!Json {
            return (try plugin.schedule(call, try document(call, input.Input, argument))).json;
        }
    }.answer);
    exportDescribe("scheduler", plugin.about);
    exportCheckConfig(plugin.checkConfig);
}

pub fn exportPolicy(comptime plugin: Policy) void {
    exportAs("vw_review", struct {
        fn answer(call: *Call, argument: []const u8) Error!Json {
            return (try plugin.review(call, try document(call, input.Review, argument))).write(call.arena);
        }
    }.answer);
    exportDescribe("policy", plugin.about);
    exportCheckConfig(plugin.checkConfig);
}

pub fn exportQuery(comptime plugin: Query) void {
    exportAs("vw_query", struct {
        fn answer(call: *Call, argument: []const u8) Error!Json {
            return plugin.query(call, try document(call, input.Question, argument));
        }
    }.answer);
    exportAs("vw_render_roles", struct {
        fn answer(call: *Call, argument: []const u8) Error!Json {
            const renderRoles = plugin.renderRoles orelse return .null;
            return try renderRoles(call, try document(call, input.Render, argument)) orelse .null;
        }
    }.answer);
    exportDescribe("query", plugin.about);
    exportCheckConfig(plugin.checkConfig);
}

/// `filters` has a field for each filter: its name in templates and its function, `fn (call: *Call, args: A) Error!R`. The fields
/// of the struct A are the filter's arguments (see `filter.read`), R is anything that `json.write` takes.
pub fn exportFilters(comptime about: anytype, comptime filters: anytype) void {
    exportAs("vw_filters", struct {
        fn answer(call: *Call, _: []const u8) Error!Json {
            return json.write(call.arena, std.meta.fieldNames(@TypeOf(filters)));
        }
    }.answer);
    exportAs("vw_apply", struct {
        fn answer(call: *Call, argument: []const u8) Error!Json {
            return filter.apply(call, filters, try document(call, filter.Application, argument));
        }
    }.answer);
    exportDescribe("filter", about);
}

fn exportDescribe(comptime kind: []const u8, comptime about: anytype) void {
    exportAs("vw_describe", struct {
        fn answer(call: *Call, _: []const u8) Error!Json {
            const text = try std.json.Stringify.valueAlloc(call.arena, about, .{});
            // `about` has at least one field, so its object goes on after the kind.
            return .{ .text = try call.print("{{\"kind\":\"" ++ kind ++ "\",{s}", .{text[1..]}) };
        }
    }.answer);
}

fn exportCheckConfig(comptime check: ?CheckConfig) void {
    const checkConfig = check orelse return;
    exportAs("vw_check_config", struct {
        fn answer(call: *Call, argument: []const u8) Error!Json {
            try checkConfig(call, try document(call, Json, argument));
            return .{ .text = "" };
        }
    }.answer);
}

fn document(call: *Call, comptime T: type, argument: []const u8) Error!T {
    const whole: Json = .{ .text = argument };
    const read = whole.read(T, call.arena) catch |err| switch (err) {
        error.InvalidJson => return call.fail("the input is not as this SDK knows it, contract version 1", .{}),
        error.OutOfMemory => return err,
    };
    if (@hasField(T, "v") and read.v != 1) return call.fail("the input is of contract version {d}, this plugin speaks 1", .{read.v});
    return read;
}

fn exportAs(comptime name: []const u8, comptime answer: fn (call: *Call, argument: []const u8) Error!Json) void {
    // Natively, in unit tests, there is no host to export anything to.
    if (!builtin.cpu.arch.isWasm()) return;
    const entry = struct {
        fn entry(argument: ?[*]const u8, len: usize) callconv(.c) u64 {
            var arena: std.heap.ArenaAllocator = .init(gpa);
            defer arena.deinit();
            var call: Call = .{ .arena = arena.allocator(), .host = .{} };
            const bytes: []const u8 = if (argument) |start| start[0..len] else "";
            return if (answer(&call, bytes)) |ok| pack(0, ok.text) else |err| pack(1, switch (err) {
                error.Failed => call.message,
                error.InvalidJson => "a JSON value is not what the plugin reads it as, or has a number that cannot be written",
                error.OutOfMemory => "out of memory",
            });
        }
    }.entry;
    @export(&entry, .{ .name = name });
}

/// The answer is handed over with its status byte; the host frees it with `vw_free`.
fn pack(status: u8, text: []const u8) u64 {
    const bytes = gpa.alloc(u8, 1 + text.len) catch @panic("no memory for the answer");
    bytes[0] = status;
    @memcpy(bytes[1..], text);
    return @as(u64, bytes.len) << 32 | @intFromPtr(bytes.ptr);
}

const gpa = std.heap.wasm_allocator;

fn alloc(len: usize) callconv(.c) ?[*]u8 {
    // The host asks for no bytes too, and checks the address: Zig's own for an empty slice lies outside the memory.
    if (len == 0) return null;
    const bytes = gpa.alloc(u8, len) catch return null;
    return bytes.ptr;
}

fn free(start: ?[*]u8, len: usize) callconv(.c) void {
    if (start) |bytes| gpa.free(bytes[0..len]);
}

fn version1() callconv(.c) void {}

comptime {
    if (builtin.cpu.arch.isWasm()) {
        @export(&alloc, .{ .name = "vw_alloc" });
        @export(&free, .{ .name = "vw_free" });
        @export(&version1, .{ .name = "vw_abi_1" });
    }
}

/// A plugin's root file says `pub const panic = verwalter.panic;` and the log tells what was wrong before the call ends: an index
/// out of bounds, an overflow (where the optimization mode checks them).
pub const panic = std.debug.FullPanic(struct {
    fn panic(message: []const u8, _: ?usize) noreturn {
        if (builtin.cpu.arch.isWasm()) {
            const there: Host = .{};
            there.log(.err, message);
            @trap();
        }
        std.debug.defaultPanic(message, @returnAddress());
    }
}.panic);

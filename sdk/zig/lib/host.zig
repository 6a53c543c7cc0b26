//! What a plugin may ask of the host during a call: a metric's column, an attribute of all peers, a line in the log. On the node
//! these are the imports of the core ABI; in unit tests `Stub` answers.

const std = @import("std");
const builtin = @import("builtin");

pub const Host = if (builtin.cpu.arch.isWasm()) Imports else *Stub;

pub const Level = enum(u8) { trace, debug, info, warn, err };

/// The real thing. Only what a plugin calls becomes an import of its module.
const Imports = struct {
    const env = struct {
        extern "verwalter" fn column(name: [*]const u8, name_len: usize, out: [*]f64, out_cap: usize) i32;
        extern "verwalter" fn attribute(name: [*]const u8, name_len: usize, out: [*]u8, out_cap: usize) i32;
        extern "verwalter" fn log(level: i32, text: [*]const u8, len: usize) void;
    };

    /// Writes as many values as `out` takes; returns how many there are, or null where there is no such column.
    pub fn column(_: Imports, name: []const u8, out: []f64) ?usize {
        return count(env.column(name.ptr, name.len, out.ptr, out.len));
    }

    /// Writes for each peer the length of its text (`u32`, little-endian) and the text. Returns how many bytes that takes, and
    /// writes nothing if `out` has fewer; null where there is no such attribute.
    pub fn attribute(_: Imports, name: []const u8, out: []u8) ?usize {
        return count(env.attribute(name.ptr, name.len, out.ptr, out.len));
    }

    pub fn log(_: Imports, level: Level, text: []const u8) void {
        env.log(@backingInt(level), text.ptr, text.len);
    }

    fn count(answer: i32) ?usize {
        return if (answer < 0) null else @intCast(answer);
    }
};

/// A host for unit tests: it tells what it was given and keeps what was logged.
pub const Stub = struct {
    /// In ascending order, as the host would tell them.
    hostnames: []const []const u8 = &.{},
    columns: []const Column = &.{},
    attributes: []const Attribute = &.{},
    /// What was logged: `LEVEL TEXT` each. Allocated by `arena`.
    lines: std.ArrayList([]const u8) = .empty,
    arena: std.mem.Allocator,

    pub const Column = struct { name: []const u8, values: []const f64 };
    pub const Attribute = struct { name: []const u8, values: []const []const u8 };

    pub fn column(stub: *Stub, name: []const u8, out: []f64) ?usize {
        for (stub.columns) |known| {
            if (!std.mem.eql(u8, known.name, name)) continue;
            const written = @min(out.len, known.values.len);
            @memcpy(out[0..written], known.values[0..written]);
            return known.values.len;
        }
        return null;
    }

    pub fn attribute(stub: *Stub, name: []const u8, out: []u8) ?usize {
        const values = stub.find(name) orelse return null;
        var needed: usize = 0;
        for (values) |text| needed += 4 + text.len;
        if (needed > out.len) return needed;
        var rest = out;
        for (values) |text| {
            std.mem.writeInt(u32, rest[0..4], @intCast(text.len), .little);
            @memcpy(rest[4..][0..text.len], text);
            rest = rest[4 + text.len ..];
        }
        return needed;
    }

    pub fn log(stub: *Stub, level: Level, text: []const u8) void {
        const name = if (level == .err) "error" else @tagName(level);
        const line = std.mem.concat(stub.arena, u8, &.{ name, " ", text }) catch @panic("a test ran out of memory");
        stub.lines.append(stub.arena, line) catch @panic("a test ran out of memory");
    }

    fn find(stub: *Stub, name: []const u8) ?[]const []const u8 {
        if (std.mem.eql(u8, name, "hostname")) return stub.hostnames;
        for (stub.attributes) |known| {
            if (std.mem.eql(u8, known.name, name)) return known.values;
        }
        return null;
    }
};

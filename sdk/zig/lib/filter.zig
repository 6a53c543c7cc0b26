//! Calls of filters: arguments by position and by name, checked against a struct of the author's.

const std = @import("std");
const json = @import("json.zig");
const Call = @import("call.zig").Call;
const Error = @import("call.zig").Error;
const Json = json.Json;

/// What the host asks: a filter's name and its arguments. Named arguments are one mapping at the end of `args`.
pub const Application = struct { name: []const u8, args: []const Json };

/// Calls the filter of that name; see `exportFilters`.
pub fn apply(call: *Call, comptime filters: anytype, application: Application) Error!Json {
    inline for (comptime std.meta.fieldNames(@TypeOf(filters))) |name| {
        if (std.mem.eql(u8, name, application.name)) return applyOne(call, name, @field(filters, name), application.args);
    }
    return call.fail("there is no filter {s}", .{application.name});
}

fn applyOne(call: *Call, comptime name: []const u8, comptime filter: anytype, args: []const Json) Error!Json {
    const Args = @typeInfo(@TypeOf(filter)).@"fn".param_types[1].?;
    const result = apply: {
        const arguments = read(Args, call, args) catch |err| break :apply err;
        const value = filter(call, arguments) catch |err| break :apply err;
        break :apply json.write(call.arena, value);
    };
    return result catch |err| switch (err) {
        error.Failed => call.fail(name ++ ": {s}", .{call.message}),
        else => err,
    };
}

/// Reads arguments into the struct `Args`: its fields are the arguments in their order, their types say what is expected, and
/// those with a default value may be left out.
///
///   `[]const u8`   a text
///   `i64`, `u64`   a whole number, or a text of one; `u64` only from 0
///   `Json`         any value
///   `?T`           a T; null where the argument is left out
pub fn read(comptime Args: type, call: *Call, args: []const Json) Error!Args {
    const names = comptime std.meta.fieldNames(Args);
    const list = comptime join(names);
    var by_position = args;
    var by_name: json.Mapping = .{};
    if (args.len > 1) if (try args[args.len - 1].mapping(call.arena)) |named| {
        by_position = args[0 .. args.len - 1];
        by_name = named;
    };
    if (by_position.len > names.len) {
        return call.fail("takes at most {d} arguments ({s}), got {d}", .{ names.len, list, by_position.len });
    }
    for (by_name.entries) |named| {
        const at = for (names, 0..) |name, at| {
            if (std.mem.eql(u8, name, named.key)) break at;
        } else return call.fail("there is no argument `{s}`; it takes {s}", .{ named.key, list });
        if (at < by_position.len) {
            return call.fail("argument {d} (`{s}`) is given twice, by position and by name", .{ at + 1, named.key });
        }
    }
    var result: Args = undefined;
    const fields = @typeInfo(Args).@"struct";
    inline for (fields.field_names, fields.field_types, fields.field_attrs, 0..) |name, T, attributes, at| {
        const given = if (at < by_position.len) by_position[at] else by_name.get(name);
        const label = std.fmt.comptimePrint("argument {d} (`{s}`)", .{ at + 1, name });
        if (given) |value| {
            @field(result, name) = try argument(T, call, label, value);
        } else if (@typeInfo(T) == .optional) {
            @field(result, name) = null;
        } else if (comptime attributes.defaultValue(T)) |default| {
            @field(result, name) = default;
        } else {
            return call.fail(label ++ " is missing: expected {s}", .{expected(T)});
        }
    }
    return result;
}

fn argument(comptime T: type, call: *Call, comptime label: []const u8, value: Json) Error!T {
    switch (T) {
        Json => return value,
        []const u8 => if (try value.string(call.arena)) |text| return text,
        i64, u64 => if (try wholeNumber(call, value)) |n| {
            if (T == i64 or n >= 0) return @intCast(n);
            return call.fail(label ++ ": expected a whole number of at least 0, got {s}", .{try describe(call, value)});
        },
        else => if (@typeInfo(T) == .optional) {
            return try argument(@typeInfo(T).optional.child, call, label, value);
        } else @compileError("a filter's argument cannot be a " ++ @typeName(T)),
    }
    return call.fail(label ++ ": expected {s}, got {s}", .{ expected(T), try describe(call, value) });
}

fn expected(comptime T: type) []const u8 {
    return switch (T) {
        []const u8 => "a text",
        i64, u64 => "a whole number",
        else => "a value",
    };
}

fn wholeNumber(call: *Call, value: Json) Error!?i64 {
    const text = try value.string(call.arena) orelse return value.whole();
    const digits = if (std.mem.startsWith(u8, text, "-")) text[1..] else text;
    if (digits.len == 0) return null;
    for (digits) |byte| if (!std.ascii.isDigit(byte)) return null;
    // More digits than an i64 takes are as good as its bound.
    return std.fmt.parseInt(i64, text, 10) catch if (digits.len < text.len) std.math.minInt(i64) else std.math.maxInt(i64);
}

/// How a value that was not expected is named in an error.
fn describe(call: *Call, value: Json) Error![]const u8 {
    switch (value.kind()) {
        .null, .bool => return value.text,
        .number => return call.print("the number {s}", .{value.text}),
        .string => {
            const text = (try value.string(call.arena)).?;
            var characters = std.unicode.Utf8View.initUnchecked(text).iterator();
            const first = characters.peek(40);
            return call.print("the text \"{s}\"{s}", .{ first, if (first.len < text.len) "…" else "" });
        },
        .list => return call.print("a list of {d}", .{(try value.list(call.arena)).?.len}),
        .mapping => return call.print("a mapping of {d}", .{(try value.mapping(call.arena)).?.entries.len}),
    }
}

fn join(comptime names: []const []const u8) []const u8 {
    comptime var list: []const u8 = "";
    inline for (names, 0..) |name, at| list = list ++ (if (at > 0) ", " else "") ++ name;
    return list;
}

const Stub = @import("host.zig").Stub;

fn expectRead(comptime expected_error: []const u8, args: []const u8) !void {
    const Args = struct { text: []const u8, length: u64, end: []const u8 = "…", rest: ?Json };
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    var stub: Stub = .{ .arena = arena.allocator() };
    var call: Call = .{ .arena = arena.allocator(), .host = &stub };
    const list = (try (Json{ .text = args }).list(call.arena)).?;
    const got = read(Args, &call, list) catch {
        return std.testing.expectEqualStrings(expected_error, call.message);
    };
    const shown = try call.print("{s} {d} {s} {s}", .{ got.text, got.length, got.end, if (got.rest) |rest| rest.text else "-" });
    try std.testing.expectEqualStrings(expected_error, shown);
}

test "arguments" {
    try expectRead("a 3 … -",
        \\["a", 3]
    );
    try expectRead("a 3 . 1.0",
        \\["a", {"rest": 1.0, "end": ".", "length": "3"}]
    );
    try expectRead("a 9223372036854775807 . null",
        \\["a", "99999999999999999999", ".", null]
    );
    try expectRead("takes at most 4 arguments (text, length, end, rest), got 5",
        \\[1, 2, 3, 4, 5]
    );
    try expectRead("there is no argument `x`; it takes text, length, end, rest",
        \\["a", {"x": 1}]
    );
    try expectRead("argument 1 (`text`) is given twice, by position and by name",
        \\["a", {"text": 1}]
    );
    try expectRead("argument 2 (`length`) is missing: expected a whole number",
        \\["a"]
    );
    try expectRead("argument 1 (`text`): expected a text, got a mapping of 1",
        \\[{"a": [1]}]
    );
    try expectRead("argument 1 (`text`): expected a text, got a list of 2",
        \\[[1, 2]]
    );
    try expectRead("argument 2 (`length`): expected a whole number of at least 0, got the text \"-1\"",
        \\["a", "-1"]
    );
    try expectRead("argument 2 (`length`): expected a whole number, got the number 1.5",
        \\["a", 1.5]
    );
    const fits = comptime std.mem.asBytes(&@as([40][2]u8, @splat("ü".*)));
    try expectRead("argument 2 (`length`): expected a whole number, got the text \"" ++ fits ++ "\"…", "[\"a\", \"" ++ fits ++ "ü\"]");
}

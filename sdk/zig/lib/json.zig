//! JSON values as they were written. A plugin that passes a value on passes on its very text, so that nothing is lost on the
//! way: no digit of a number, no escape of a text. Reading goes through `std.json.Scanner`.

const std = @import("std");
const Allocator = std.mem.Allocator;

/// The largest whole number that every JSON reader keeps exactly: 2^53 - 1.
pub const max_whole: i64 = (1 << 53) - 1;

pub const Error = error{ InvalidJson, OutOfMemory };

/// One JSON value: its text without white space around it. As a field of a struct that `std.json` parses it takes any value,
/// and `std.json.Stringify` writes it out unchanged.
pub const Json = struct {
    text: []const u8,

    pub const Kind = enum { null, bool, number, string, list, mapping };

    pub const @"null": Json = .{ .text = "null" };
    pub const empty_mapping: Json = .{ .text = "{}" };

    /// Checks that `text` is one JSON value and takes it over; the value points into `text`.
    pub fn parse(arena: Allocator, text: []const u8) Error!Json {
        return readAs(Json, arena, text);
    }

    pub fn kind(value: Json) Kind {
        return switch (value.text[0]) {
            'n' => .null,
            't', 'f' => .bool,
            '"' => .string,
            '[' => .list,
            '{' => .mapping,
            else => .number,
        };
    }

    /// The value as a `T`, as `std.json` reads it; keys that `T` does not have are ignored.
    /// Fails with `error.InvalidJson` where it is no `T`.
    pub fn read(value: Json, comptime T: type, arena: Allocator) Error!T {
        return readAs(T, arena, value.text);
    }

    /// The text without quotes and escapes, or null where the value is no text.
    pub fn string(value: Json, arena: Allocator) Error!?[]const u8 {
        if (value.kind() != .string) return null;
        return try value.read([]const u8, arena);
    }

    /// The number, or null where the value is none. One beyond the range of a double is infinite.
    pub fn number(value: Json) ?f64 {
        if (value.kind() != .number) return null;
        return std.fmt.parseFloat(f64, value.text) catch null;
    }

    /// The number where it is whole, however it is written, and lies within ±(2^53 - 1); otherwise null.
    pub fn whole(value: Json) ?i64 {
        const n = value.number() orelse return null;
        if (@abs(n) > max_whole or @trunc(n) != n) return null;
        return @trunc(n);
    }

    /// The items of a list, or null where the value is none.
    pub fn list(value: Json, arena: Allocator) Error!?[]const Json {
        if (value.kind() != .list) return null;
        return try value.read([]const Json, arena);
    }

    /// The entries of a mapping, or null where the value is none.
    pub fn mapping(value: Json, arena: Allocator) Error!?Mapping {
        if (value.kind() != .mapping) return null;
        return try value.read(Mapping, arena);
    }

    pub fn jsonParse(_: Allocator, source: anytype, _: std.json.ParseOptions) !Json {
        switch (try source.peekNextTokenType()) {
            .object_end, .array_end, .end_of_document => return error.UnexpectedToken,
            else => {},
        }
        const start = source.cursor;
        try source.skipValue();
        return .{ .text = source.input[start..source.cursor] };
    }

    pub fn jsonStringify(value: Json, out: anytype) !void {
        try out.beginWriteRaw();
        try out.writer.writeAll(value.text);
        out.endWriteRaw();
    }
};

/// What a JSON object has, by key.
pub fn MappingOf(comptime T: type) type {
    return struct {
        /// In ascending order (of bytes) of key, whatever the order was in the text; each key once.
        entries: []const Entry = &.{},

        pub const Entry = struct { key: []const u8, value: T };

        /// The value of `key`, or null where there is no such key. O(log entries).
        pub fn get(mapping: @This(), key: []const u8) ?T {
            const at = std.sort.binarySearch(Entry, mapping.entries, key, compare) orelse return null;
            return mapping.entries[at].value;
        }

        pub fn jsonParse(arena: Allocator, source: anytype, options: std.json.ParseOptions) !@This() {
            if (.object_begin != try source.next()) return error.UnexpectedToken;
            var entries: std.ArrayList(Entry) = .empty;
            while (true) {
                const key = switch (try source.nextAlloc(arena, options.allocate.?)) {
                    inline .string, .allocated_string => |key| key,
                    else => break, // `}`: the scanner admits nothing else.
                };
                try entries.append(arena, .{ .key = key, .value = try std.json.innerParse(T, arena, source, options) });
            }
            // The host writes keys in order, so this is rarely needed; of the sorts this is the smallest.
            if (!std.sort.isSorted(Entry, entries.items, {}, lessThan)) std.sort.heap(Entry, entries.items, {}, lessThan);
            for (entries.items[@min(1, entries.items.len)..], 0..) |entry, before| {
                if (std.mem.eql(u8, entries.items[before].key, entry.key)) return error.DuplicateField;
            }
            return .{ .entries = entries.items };
        }

        fn lessThan(_: void, a: Entry, b: Entry) bool {
            return std.mem.lessThan(u8, a.key, b.key);
        }

        fn compare(key: []const u8, entry: Entry) std.math.Order {
            return std.mem.order(u8, key, entry.key);
        }
    };
}

/// A JSON object of any values.
pub const Mapping = MappingOf(Json);

/// `value` as JSON text, by `std.json.Stringify`. Fails with `error.InvalidJson` for what JSON or the host would not take: NaN,
/// infinities and whole numbers beyond ±2^53. A `Json` is passed on as it is.
pub fn write(arena: Allocator, value: anytype) Error!Json {
    if (!writable(value)) return error.InvalidJson;
    return .{ .text = try std.json.Stringify.valueAlloc(arena, value, .{}) };
}

/// Whether all numbers in `value` may be written. `std.json` alone would write NaN as a text.
fn writable(value: anytype) bool {
    const T = @TypeOf(value);
    // Such a type, `Json` among them, writes itself.
    if (std.meta.hasFn(T, "jsonStringify")) return true;
    switch (@typeInfo(T)) {
        .float, .comptime_float => return std.math.isFinite(@as(f64, value)),
        .int, .comptime_int => return -max_whole - 1 <= value and value <= max_whole + 1,
        .optional => return if (value) |some| writable(some) else true,
        .array => for (value) |item| {
            if (!writable(item)) return false;
        },
        .pointer => |pointer| switch (pointer.size) {
            .one => return writable(value.*),
            .slice => if (pointer.child != u8) for (value) |item| {
                if (!writable(item)) return false;
            },
            else => {},
        },
        .@"struct" => |info| inline for (info.field_names) |name| {
            if (!writable(@field(value, name))) return false;
        },
        .@"union" => |info| if (info.tag_type != null) switch (value) {
            inline else => |payload| return writable(payload),
        },
        else => {},
    }
    return true;
}

fn readAs(comptime T: type, arena: Allocator, text: []const u8) Error!T {
    return std.json.parseFromSliceLeaky(T, arena, text, .{ .ignore_unknown_fields = true }) catch |err| fromStd(err);
}

fn fromStd(err: anyerror) Error {
    return if (err == error.OutOfMemory) error.OutOfMemory else error.InvalidJson;
}

const testing = std.testing;

test "values stay as they were written" {
    var arena: std.heap.ArenaAllocator = .init(testing.allocator);
    defer arena.deinit();
    const text =
        \\{ "z": 1.50e+2, "a": [ 9007199254740993, "\u00fc\/" ], "": null }
    ;
    const value: Json = try .parse(arena.allocator(), text);
    const mapping = (try value.mapping(arena.allocator())).?;
    try testing.expectEqual(3, mapping.entries.len);
    try testing.expectEqualStrings("", mapping.entries[0].key);
    try testing.expectEqualStrings("1.50e+2", mapping.get("z").?.text);
    try testing.expectEqualStrings("[ 9007199254740993, \"\\u00fc\\/\" ]", mapping.get("a").?.text);
    try testing.expectEqualStrings("ü/", (try (try mapping.get("a").?.list(arena.allocator())).?[1].string(arena.allocator())).?);
    try testing.expectEqual(null, mapping.get("b"));
    const out = try std.json.Stringify.valueAlloc(arena.allocator(), .{ .kept = mapping.get("z").? }, .{});
    try testing.expectEqualStrings("{\"kept\":1.50e+2}", out);
}

test "numbers" {
    try testing.expectEqual(5e-324, (Json{ .text = "5e-324" }).number());
    try testing.expectEqual(100, (Json{ .text = "1e2" }).whole());
    try testing.expectEqual(max_whole, (Json{ .text = "9007199254740991" }).whole());
    try testing.expectEqual(null, (Json{ .text = "9007199254740992" }).whole());
    try testing.expectEqual(null, (Json{ .text = "0.5" }).whole());
    try testing.expectEqual(null, (Json{ .text = "1e999" }).whole());
    try testing.expectEqual(null, (Json{ .text = "\"1\"" }).whole());
}

test "what is no JSON is an error" {
    var arena: std.heap.ArenaAllocator = .init(testing.allocator);
    defer arena.deinit();
    for ([_][]const u8{ "", " ", "nul", "[1,]", "{\"a\":}", "1 2", "\"", "{\"a\" 1}", "]", "\"\\ud800\"" }) |text| {
        try testing.expectError(error.InvalidJson, Json.parse(arena.allocator(), text));
    }
    try testing.expectError(error.InvalidJson, (Json{ .text = "{\"a\":1,\"\\u0061\":2}" }).mapping(arena.allocator()));
}

test "numbers that the host refuses are not written" {
    var arena: std.heap.ArenaAllocator = .init(testing.allocator);
    defer arena.deinit();
    try testing.expectError(error.InvalidJson, write(arena.allocator(), std.math.nan(f64)));
    try testing.expectError(error.InvalidJson, write(arena.allocator(), .{ .a = std.math.inf(f64) }));
    try testing.expectError(error.InvalidJson, write(arena.allocator(), @as(i64, 1 << 54)));
    try testing.expectEqualStrings("{\"a\":[1,0.5]}", (try write(arena.allocator(), .{ .a = .{ 1, 0.5 } })).text);
}

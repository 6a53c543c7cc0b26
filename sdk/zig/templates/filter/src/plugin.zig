//! Filters for templates: `slug`, `truncate` and `pick`. Each is a function and a struct of its arguments.

const verwalter = @import("verwalter");
const slug = @import("slug.zig");
const truncate = @import("truncate.zig");
const pick = @import("pick.zig");

pub const panic = verwalter.panic;

comptime {
    verwalter.exportFilters(.{ .name = "sample-filter", .version = "0.1.0" }, .{
        .slug = slug.slug,
        .truncate = truncate.truncate,
        .pick = pick.pick,
    });
}

test {
    _ = .{ slug, truncate, pick };
}

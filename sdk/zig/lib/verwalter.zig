//! The Zig SDK for verwalter's plugins: small and typed. A plugin's root file exports one kind of plugin,
//!
//!     const verwalter = @import("verwalter");
//!     pub const panic = verwalter.panic;
//!     comptime {
//!         verwalter.exportScheduler(.{
//!             .about = .{ .name = "mine", .version = "0.1.0", .reads = &.{.runtime} },
//!             .schedule = schedule,
//!         });
//!     }
//!
//! and its functions are plain ones: they get a `Call`, which allocates, logs, tells columns and fails, and a typed input, and
//! build their answer. In unit tests a `Stub` stands for the host.

pub const exportScheduler = abi.exportScheduler;
pub const exportPolicy = abi.exportPolicy;
pub const exportFilters = abi.exportFilters;
pub const exportQuery = abi.exportQuery;
pub const panic = abi.panic;

pub const Call = @import("call.zig").Call;
pub const Error = @import("call.zig").Error;
pub const Stub = @import("host.zig").Stub;
pub const Json = json.Json;

pub const Input = input.Input;
pub const Review = input.Review;
pub const Question = input.Question;
pub const Render = input.Render;
pub const Placed = input.Placed;
pub const Placement = input.Placement;
pub const Peer = input.Peer;

pub const Schedule = schedule.Schedule;
pub const Role = schedule.Role;
pub const Answer = schedule.Answer;
pub const isRoleName = schedule.isRoleName;
pub const Verdict = verdict.Verdict;

pub const json = @import("json.zig");
pub const filter = @import("filter.zig");

const abi = @import("abi.zig");
const input = @import("input.zig");
const schedule = @import("schedule.zig");
const verdict = @import("verdict.zig");

test {
    _ = .{ json, filter, input, schedule, verdict, abi, @import("call.zig") };
}

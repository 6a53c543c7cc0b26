//! The closed lists of what modules may import, by who defines it: names only, so that telling what a file is needs no engine.

/// `verwalter.log` and the like: the core ABI's module name.
pub(super) const CORE_MODULE: &str = "verwalter";
/// The core ABI's imports.
pub(super) const CORE_IMPORTS: [&str; 3] = ["column", "attribute", "log"];

/// The module's name in imports of verwalter 0.13.
pub(super) const PREDECESSOR_MODULE: &str = "env";
/// Its maths helpers.
pub(super) const MATHS_IMPORTS: [&str; 8] = ["pow", "fmod", "exp2", "exp2f", "ldexp", "ldexpf", "log10", "log10f"];
/// Its way to say why it panics. With the maths helpers, all that it may import.
pub(super) const PANIC_IMPORT: &str = "log_panic";

/// WASI preview 1.
pub(super) const WASI_MODULE: &str = "wasi_snapshot_preview1";
/// The closed list: what Go's runtime and wasi-libc ask for without being asked to open a file.
pub(super) const WASI_IMPORTS: [&str; 18] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_close",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_read",
    "fd_seek",
    "fd_write",
    "poll_oneoff",
    "proc_exit",
    "random_get",
    "sched_yield",
];

//! What reading and rendering a template directory may use. Data only.

use std::time::Duration;

/// Caps on one template directory and on one render of it. All on by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderLimits {
    /// Directory entries, whether they are templates or not.
    pub entries: usize,
    /// Directories below each other.
    pub directory_depth: usize,
    /// One template or render file, in bytes.
    pub source_file_bytes: u64,
    /// All templates and render files together, in bytes.
    pub source_bytes: u64,
    /// One rendered file, in bytes.
    pub file_bytes: usize,
    /// All rendered files of a role together, in bytes.
    pub role_bytes: usize,
    /// Blocks and partials within each other while rendering.
    pub depth: u32,
    /// Helper calls, partials and turns of `each` in one render of a role.
    pub steps: u64,
    /// Wall time of one render of a role, filters included. A backstop: `steps` is the same on every machine, this is not.
    pub time: Duration,
}

impl Default for RenderLimits {
    fn default() -> RenderLimits {
        RenderLimits {
            // Arbitrary, far above what a person writes by hand.
            entries: 2_000,
            directory_depth: 8,
            source_file_bytes: 1 << 20,
            source_bytes: 16 << 20,
            // A role's files are held in memory, thrice while they are swapped in (former, rendered, compared).
            file_bytes: 16 << 20,
            role_bytes: 64 << 20,
            // Templates nest to about 10; a partial that walks a tree of data deeper. The stack of `stack` holds four times as much.
            depth: 200,
            // About 5 s of the cheapest steps.
            steps: 10_000_000,
            time: Duration::from_secs(30),
        }
    }
}

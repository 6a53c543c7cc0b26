//! Why the host ended a call. It names no engine, so that what checks a guest's numbers is tested and fuzzed without one.

/// Why the host ended a call. Travels through the guest as an error and is read again on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    #[error("it ran past its deadline")]
    Deadline,
    #[error("it asked for {asked} bytes of memory in all")]
    Memory { asked: usize },
    #[error("it asked for a table of {asked} elements")]
    Table { asked: usize },
    #[error("it logged more than its limit")]
    Log,
    #[error("it passed a pointer or length outside its memory")]
    Bounds,
    #[error("it passed a text that is no UTF-8")]
    Text,
    #[error("its answer has {bytes} bytes")]
    Output { bytes: u32 },
    #[error("its answer begins with byte {0}; 0 means done, 1 refused")]
    Tag(u8),
    #[error("its answer is empty; it must begin with byte 0 (done) or 1 (refused)")]
    Empty,
    #[error("its answer has no end within the output limit")]
    Long,
    #[error("its answer is JSON that has no end within its memory")]
    Unended,
    #[error("what it points at as its answer is no JSON (line {line}, column {column})")]
    Junk { line: usize, column: usize },
    #[error("it exited with status {0} instead of answering")]
    Exit(u32),
}

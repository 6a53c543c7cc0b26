//! Runs a piece of work on a stack that is large enough for it, and turns its panic into a value. It never runs two pieces at once.
//!
//! Why: the template library recurses with the template, and what recursion costs depends on the build; threads of an async runtime have
//! 2 MiB. And the library has met templates that made it panic: a template must not take the daemon with it.

use std::thread;

/// The deepest templates that the default limits let pass need less than a quarter of it in a debug build (measured), and far less in a
/// release build. Only pages that are used cost memory.
const STACK_BYTES: usize = 16 << 20;

/// Runs `work` and waits for it. An error says why there is no result.
pub(super) fn run<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, &'static str> {
    thread::scope(|scope| {
        let spawned = thread::Builder::new().name("render".to_owned()).stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let Ok(handle) = spawned else {
            return Err("no thread could be started: raise the limit on the daemon's tasks or memory");
        };
        handle
            .join()
            .map_err(|_| "the template library stopped at a defect of its own: see the log, and change the template that was edited last")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_or_the_reason_why_there_is_none() {
        assert_eq!(run(|| 1), Ok(1));
        let err = run(|| -> u8 { panic!("on purpose") }).expect_err("it panicked");
        assert!(err.contains("defect"), "{err}");
    }

    #[test]
    fn the_stack_is_roomy() {
        fn down(depth: u64) -> u64 {
            let room = std::hint::black_box([depth; 512]);
            if depth == 0 { 0 } else { room[0] + down(depth - 1) }
        }
        // 700 frames of 4 KiB, more in a debug build: more than a thread has by default.
        assert_eq!(run(|| down(700)), Ok(245_350));
    }
}

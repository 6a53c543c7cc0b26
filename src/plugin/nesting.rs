//! How deep the parts of a file are nested, and whether components within it call each other. It never looks into functions.
//!
//! A text that one inner component hands to another is copied by the engine itself, for the fuel of a few instructions and without a
//! look at the clock: a loop of such calls escaped both limits by a factor of thirty. What calls across components is a function
//! that an inner component lifts or lowers; toolchains nest components for their types only.

use wasmparser::{CanonicalFunction, Parser, Payload};

/// Components and modules within each other: toolchains need three levels.
const MAX_DEPTH: usize = 16;

/// A file that is put together in a way that is not run. Its author is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NestingError {
    /// The reader's memory grows with each level.
    #[error("its components are nested deeper than {MAX_DEPTH} levels, which is fixed: link them into one")]
    Deep,
    /// Components that call each other.
    #[error("components within it call each other, and what they hand over escapes fuel and clock: link them into one component")]
    Composed,
}

/// Looks at the outlines of a file. What cannot be read at all is for others to report.
pub(super) fn check(wasm: &[u8]) -> Result<(), NestingError> {
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(wasm) {
        let Ok(payload) = payload else { return Ok(()) };
        match payload {
            Payload::Version { .. } => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(NestingError::Deep);
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentCanonicalSection(section) if depth > 1 => {
                for function in section {
                    let Ok(function) = function else { return Ok(()) };
                    if matches!(function, CanonicalFunction::Lift { .. } | CanonicalFunction::Lower { .. }) {
                        return Err(NestingError::Composed);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wat: &str, expect: Result<(), NestingError>) {
        assert_eq!(super::check(&wat::parse_str(wat).unwrap()), expect, "{wat}");
    }

    #[test]
    fn depth_and_calls_between_components() {
        let nested = |levels: usize| format!("{}{}", "(component ".repeat(levels), ")".repeat(levels));
        check(&nested(MAX_DEPTH), Ok(()));
        check(&nested(MAX_DEPTH + 1), Err(NestingError::Deep));
        // Side by side is not within each other.
        check(&format!("(component {})", "(component)".repeat(100)), Ok(()));
        let lift = r#"(core module $m (func (export "f"))) (core instance $i (instantiate $m)) (func (canon lift (core func $i "f")))"#;
        check(&format!("(component {lift})"), Ok(()));
        check(&format!("(component (component {lift}))"), Err(NestingError::Composed));
        let lower = r#"(import "f" (func $f)) (core func (canon lower (func $f)))"#;
        check(&format!("(component (component {lower}))"), Err(NestingError::Composed));
        // What toolchains nest: names and types of what they export.
        check(r#"(component (component (import "f" (func $f)) (export "g" (func $f))))"#, Ok(()));
        assert_eq!(super::check(b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f"), Ok(()));
    }
}

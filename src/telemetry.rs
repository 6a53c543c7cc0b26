//! Log lines on standard error, for people or as JSON, and errors with their causes in one line.

use std::error::Error;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::settings::LogFormat;

/// The environment variable that chooses what is logged, as in `RUST_LOG=verwalter=debug`.
pub const FILTER_VARIABLE: &str = "RUST_LOG";

/// Starts logging. A second call changes nothing. `default` is the filter without [`FILTER_VARIABLE`].
pub fn init(format: LogFormat, default: &str) {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    // A reader that went away (`2>&1 | head`) must not end the daemon: telling of a failed line would itself fail, and panic.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    // Failing means that logging has begun already: a test, or an embedding program.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
}

/// An error and its causes in one line, outermost first.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

//! Log lines on standard error, for people or as JSON, and errors with their causes in one line.

use std::error::Error;
use std::fmt;
use std::io::IsTerminal;

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use verwalter_core::plain::plain;

use crate::config::settings::LogFormat;

/// The environment variable that chooses what is logged, as in `RUST_LOG=verwalter=debug`.
pub const FILTER_VARIABLE: &str = "RUST_LOG";

/// Starts logging. A second call changes nothing. `default` is the filter without [`FILTER_VARIABLE`].
pub fn init(format: LogFormat, default: &str) {
    let given = std::env::var_os(FILTER_VARIABLE).map(|given| given.to_string_lossy().into_owned());
    let (filter, wrong) = match given.as_deref().map(filter) {
        None => (EnvFilter::new(default), None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(wrong)) => (EnvFilter::new(default), Some(wrong)),
    };
    // A reader that went away (`2>&1 | head`) must not end the daemon: telling of a failed line would itself fail, and panic.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    // Failing means that logging has begun already: a test, or an embedding program.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).fmt_fields(debug_fn(field).delimited(" ")).try_init(),
    };
    if let Some(error) = wrong {
        tracing::error!(%error, "RUST_LOG cannot be read and is left aside: write it as in `info,verwalter=debug`");
    }
}

/// The filter that somebody wrote. A misspelt level is a target that nobody has: errors are told whatever it says, unless it turns them off.
fn filter(given: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(format!("error,{given}"))
}

/// One field of a line for people. Whatever stands in it came from anywhere, a plugin's words among them: it can neither steer the
/// terminal nor begin another line.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = plain(&format!("{value:?}"), usize::MAX);
    match field.name() {
        "message" => writer.write_str(&value),
        name if writer.has_ansi_escapes() => write!(writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{value}"),
        name => write!(writer, "{name}={value}"),
    }
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

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{Layer, Registry};

    use super::*;

    #[test]
    fn errors_are_told_whatever_is_misspelt() {
        let check = |given: &str, expect: Option<(bool, bool)>| {
            let told = filter(given).ok().map(|filter| {
                let subscriber = Registry::default().with(tracing_subscriber::layer::Identity::new().with_filter(filter));
                tracing::subscriber::with_default(subscriber, || {
                    (tracing::enabled!(tracing::Level::ERROR), tracing::enabled!(tracing::Level::INFO))
                })
            });
            assert_eq!(told, expect, "{given}");
        };
        check("", Some((true, false)));
        check("info", Some((true, true)));
        check("infoo", Some((true, false)));
        check("verwalter=info", Some((true, true)));
        check("verwalterr=info", Some((true, false)));
        check("off", Some((false, false)));
        check("foo=bar=baz", None);
    }
}

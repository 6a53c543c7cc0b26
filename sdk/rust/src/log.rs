//! Lines for people: they appear in the host's log and in the status, under the plugin's log limit.
//!
//! A line never decides anything: a host may drop it.

use std::fmt;
use std::sync::OnceLock;

use crate::host::Host;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the author.
    Trace = 0,
    /// For the author.
    Debug = 1,
    /// A person may want to know.
    Info = 2,
    /// Degraded.
    Warn = 3,
    /// Needs a person.
    Error = 4,
}

static HOST: OnceLock<&'static dyn Host> = OnceLock::new();

/// Says where lines go, and that a panic's message goes there too: a trap alone would not tell it. The first call counts.
pub(crate) fn connect(host: &'static dyn Host) {
    if HOST.set(host).is_ok() {
        #[cfg(target_arch = "wasm32")]
        std::panic::set_hook(Box::new(|panic| write(Level::Error, format_args!("{panic}"))));
    }
}

/// Writes one line. In native tests it goes to standard error.
pub fn write(level: Level, text: impl fmt::Display) {
    match HOST.get() {
        Some(host) => host.log(level, &text.to_string()),
        None => eprintln!("{level:?}: {text}"),
    }
}

/// Writes a line for the author.
pub fn trace(text: impl fmt::Display) {
    write(Level::Trace, text);
}

/// Writes a line for the author.
pub fn debug(text: impl fmt::Display) {
    write(Level::Debug, text);
}

/// Writes a line that a person may want to know.
pub fn info(text: impl fmt::Display) {
    write(Level::Info, text);
}

/// Writes a line about something degraded.
pub fn warn(text: impl fmt::Display) {
    write(Level::Warn, text);
}

/// Writes a line about something that needs a person.
pub fn error(text: impl fmt::Display) {
    write(Level::Error, text);
}

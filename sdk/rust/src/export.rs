//! From an author's functions to what the host calls: the macros, and what they expand to.
//!
//! The macros connect; they decide nothing. Natively they only check the functions' types.

#[cfg(all(target_arch = "wasm32", not(feature = "core-abi")))]
mod component;
#[cfg(all(target_arch = "wasm32", feature = "core-abi"))]
#[doc(hidden)]
pub mod core_abi;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::args::RawArgs;
use crate::host::Host;
use crate::input::Input;
use crate::json;

/// Exports a scheduler.
///
/// ```
/// # use verwalter_plugin::{Answer, Error, Input, Schedule};
/// # #[derive(serde::Deserialize)]
/// # struct Config {}
/// # fn schedule(input: &Input<'_>) -> Result<Answer, Error> { Ok(Answer::new(Schedule::new(input)?)) }
/// # fn check_config(_: &Config) -> Result<(), Error> { Ok(()) }
/// verwalter_plugin::scheduler! {
///     schedule: schedule,
///     check_config: check_config, // optional; takes a reference to any type that serde reads
///     input: columns,             // optional: `document` (the default) or `columns`
///     reads: [runtime, parents],  // optional: what is left out is left out of the document
/// }
/// # fn main() {}
/// ```
///
/// `scheduler!(path::to::schedule)` is the short form. A crate exports one scheduler; `schedule` is
/// `fn(&Input<'_>) -> Result<Answer, E>` with any `E` that can be displayed.
#[macro_export]
macro_rules! scheduler {
    ($schedule:path) => {
        $crate::scheduler! { schedule: $schedule }
    };
    (
        schedule: $schedule:path
        $(, check_config: $check:path)?
        $(, input: $input:ident)?
        $(, reads: [$($reads:ident),* $(,)?])?
        $(,)?
    ) => {
        struct VerwalterPlugin;

        impl $crate::export::Described for VerwalterPlugin {
            fn describe() -> ::std::string::String {
                $crate::export::Description::new("scheduler", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
                    $(.input(stringify!($input)))?
                    $(.reads(&[$(stringify!($reads)),*]))?
                    .to_json()
            }

            $(fn check_config(config: &str) -> ::std::result::Result<(), ::std::string::String> {
                $crate::export::check_config($check, config)
            })?
        }

        impl $crate::export::Scheduler for VerwalterPlugin {
            fn schedule(host: &'static dyn $crate::host::Host, input: &str) -> ::std::result::Result<::std::string::String, ::std::string::String> {
                $crate::export::schedule($schedule, host, input)
            }
        }

        $crate::__export_scheduler!(VerwalterPlugin);
    };
}

/// Exports filters.
///
/// ```
/// # use verwalter_plugin::{ArgsError, RawArgs};
/// fn upper(args: RawArgs<'_>) -> Result<String, ArgsError> {
///     Ok(args.read(&["text"])?.text(0)?.to_uppercase())
/// }
///
/// verwalter_plugin::filters! { "upper" => upper }
/// # fn main() {}
/// ```
///
/// A filter is `fn(RawArgs<'_>) -> Result<T, E>` with any `T` that serialises and any `E` that can be displayed. A text renders
/// without quotes. A crate exports filters once.
#[macro_export]
macro_rules! filters {
    ($($name:literal => $filter:path),* $(,)?) => {
        struct VerwalterPlugin;

        impl $crate::export::Described for VerwalterPlugin {
            fn describe() -> ::std::string::String {
                $crate::export::Description::new("filter", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")).to_json()
            }
        }

        impl $crate::export::Filters for VerwalterPlugin {
            const NAMES: &'static [&'static str] = &[$($name),*];

            fn apply(name: &str, args: &str) -> ::std::result::Result<::std::string::String, ::std::string::String> {
                match name {
                    $($name => $crate::export::filter($name, $filter, args),)*
                    _ => $crate::export::no_filter(name, Self::NAMES),
                }
            }
        }

        $crate::__export_filters!(VerwalterPlugin);
    };
}

/// Natively there is nothing to export: the functions' types are checked and the plugin's type is used.
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_scheduler {
    ($plugin:ident) => {
        const _: () = $crate::export::is_scheduler::<$plugin>();
    };
}

/// As above, for filters.
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_filters {
    ($plugin:ident) => {
        const _: () = $crate::export::is_filters::<$plugin>();
    };
}

/// What every plugin says of itself.
pub trait Described {
    /// The JSON of `describe`.
    fn describe() -> String;

    /// Whether `config`, the JSON of the manifest's mapping, will do.
    fn check_config(_config: &str) -> Result<(), String> {
        Ok(())
    }
}

/// What a scheduler exports.
pub trait Scheduler: Described {
    /// Input document to answer.
    fn schedule(host: &'static dyn Host, input: &str) -> Result<String, String>;
}

/// What a filter plugin exports.
pub trait Filters: Described {
    /// The filters' names.
    const NAMES: &'static [&'static str];

    /// Calls one of them.
    fn apply(name: &str, args: &str) -> Result<String, String>;
}

#[doc(hidden)]
pub const fn is_scheduler<P: Scheduler>() {}

#[doc(hidden)]
pub const fn is_filters<P: Filters>() {}

/// What `describe` answers.
#[derive(Debug, Serialize)]
pub struct Description {
    name: &'static str,
    version: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reads: Option<&'static [&'static str]>,
}

impl Description {
    /// A description without optional parts.
    pub const fn new(kind: &'static str, name: &'static str, version: &'static str) -> Description {
        Description { name, version, kind, input: None, reads: None }
    }

    /// How it wants peers and metrics: `document` or `columns`; the host checks it.
    pub const fn input(self, input: &'static str) -> Description {
        Description { input: Some(input), ..self }
    }

    /// The parts of the document that it reads; the host checks them.
    pub const fn reads(self, reads: &'static [&'static str]) -> Description {
        Description { reads: Some(reads), ..self }
    }

    /// Its JSON.
    pub fn to_json(&self) -> String {
        json::to_string(self).expect("made of texts")
    }
}

/// Runs one decision: what the host calls, and what a test of a whole document calls too (with a [`Stub`](crate::host::Stub)).
pub fn schedule<E: fmt::Display>(decide: impl Fn(&Input<'_>) -> Result<Answer, E>, host: &dyn Host, input: &str) -> Result<String, String> {
    let input = Input::read(input, host).map_err(|err| err.to_string())?;
    let answer = decide(&input).map_err(|err| err.to_string())?;
    Ok(answer.to_json(&input))
}

/// Reads a configuration as `T` and asks `check`.
pub fn check_config<T: for<'de> Deserialize<'de>, E: fmt::Display>(
    check: impl Fn(&T) -> Result<(), E>,
    config: &str,
) -> Result<(), String> {
    let config: T = serde_json::from_str(config).map_err(|err| format!("config: {err}"))?;
    check(&config).map_err(|err| err.to_string())
}

/// Runs one filter.
pub fn filter<T: Serialize, E: fmt::Display>(
    name: &str,
    filter: impl Fn(RawArgs<'_>) -> Result<T, E>,
    args: &str,
) -> Result<String, String> {
    let value = filter(RawArgs::new(args)).map_err(|err| format!("{name}: {err}"))?;
    json::to_string(&value).map_err(|err| format!("{name}: the result: {err}"))
}

/// The answer to a name that is none of `names`.
pub fn no_filter(name: &str, names: &[&str]) -> Result<String, String> {
    Err(format!("there is no filter `{}`; this plugin has {}", name.escape_debug(), names.join(", ")))
}

/// Connects the log, once the host has called.
#[doc(hidden)]
pub fn connect(host: &'static dyn Host) {
    crate::log::connect(host);
}

//! One macro a kind of plugin. A crate exports one plugin, so one of them stands in it, once.

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
/// `scheduler!(path::to::schedule)` is the short form; `schedule` is `fn(&Input<'_>) -> Result<Answer, E>` with any `E` that can be
/// displayed.
#[macro_export]
macro_rules! scheduler {
    ($schedule:path) => {
        $crate::scheduler! { schedule: $schedule }
    };
    (schedule: $schedule:path $(, $($rest:tt)*)?) => {
        $crate::__described! { "scheduler" $(, $($rest)*)? }

        impl $crate::export::Scheduler for VerwalterPlugin {
            fn schedule(host: &'static dyn $crate::host::Host, input: &str) -> ::std::result::Result<::std::string::String, ::std::string::String> {
                $crate::export::schedule($schedule, host, input)
            }
        }

        $crate::__export!(scheduler VerwalterPlugin);
    };
}

/// Exports a policy.
///
/// ```
/// use verwalter_plugin::{Error, Review, Verdict};
///
/// /// Nothing may be lost altogether.
/// fn review(review: &Review<'_>) -> Result<Verdict, Error> {
///     let mut verdict = Verdict::allow();
///     if review.previous().is_some() && review.schedule().placements().is_empty() {
///         verdict.deny("nothing would run any more");
///     }
///     Ok(verdict)
/// }
///
/// verwalter_plugin::policy! {
///     review: review,
///     // check_config: …, as for a scheduler
///     input: columns, // optional: `document` (the default) or `columns`
///     reads: [],      // optional: of runtime, peers, metrics
/// }
/// # fn main() {}
/// ```
///
/// `policy!(path::to::review)` is the short form; `review` is `fn(&Review<'_>) -> Result<Verdict, E>` with any `E` that can be displayed.
#[macro_export]
macro_rules! policy {
    ($review:path) => {
        $crate::policy! { review: $review }
    };
    (review: $review:path $(, $($rest:tt)*)?) => {
        $crate::__described! { "policy" $(, $($rest)*)? }

        impl $crate::export::Policy for VerwalterPlugin {
            fn review(host: &'static dyn $crate::host::Host, input: &str) -> ::std::result::Result<::std::string::String, ::std::string::String> {
                $crate::export::review($review, host, input)
            }
        }

        $crate::__export!(policy VerwalterPlugin);
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
/// without quotes.
#[macro_export]
macro_rules! filters {
    ($($name:literal => $filter:path),* $(,)?) => {
        $crate::__described! { "filter" }

        impl $crate::export::Filters for VerwalterPlugin {
            const NAMES: &'static [&'static str] = &[$($name),*];

            fn apply(name: &str, args: &str) -> ::std::result::Result<::std::string::String, ::std::string::String> {
                match name {
                    $($name => $crate::export::filter($name, $filter, args),)*
                    _ => $crate::export::no_filter(name, Self::NAMES),
                }
            }
        }

        $crate::__export!(filters VerwalterPlugin);
    };
}

/// Exports a query plugin.
///
/// ```
/// use verwalter_plugin::{Error, Question, Render, Roles};
///
/// /// How many instances each role has.
/// fn query(question: &Question<'_>) -> Result<serde_json::Value, Error> {
///     let schedule = question.schedule().ok_or("no schedule is in force")?;
///     Ok(serde_json::json!(schedule.totals()?))
/// }
/// # fn render_roles(_: &Render<'_>) -> Result<Option<Roles>, Error> { Ok(None) }
///
/// verwalter_plugin::query! {
///     query: query,
///     render_roles: render_roles, // optional; `None` leaves the choice to the schedule
///     // check_config: …, as for a scheduler
/// }
/// # fn main() {}
/// ```
///
/// `query!(path::to::query)` is the short form. `query` is `fn(&Question<'_>) -> Result<T, E>` with any `T` that serialises,
/// `render_roles` is `fn(&Render<'_>) -> Result<Option<Roles>, E>`; `E` is anything that can be displayed.
#[macro_export]
macro_rules! query {
    ($query:path) => {
        $crate::query! { query: $query }
    };
    (query: $query:path $(, render_roles: $render_roles:path)? $(, check_config: $check:path)? $(,)?) => {
        $crate::__described! { "query" $(, check_config: $check)? }

        impl $crate::export::Query for VerwalterPlugin {
            fn query(input: &str) -> ::std::result::Result<::std::string::String, ::std::string::String> {
                $crate::export::query($query, input)
            }

            $(fn render_roles(input: &str) -> ::std::result::Result<::std::string::String, ::std::string::String> {
                $crate::export::render_roles($render_roles, input)
            })?
        }

        $crate::__export!(query VerwalterPlugin);
    };
}

/// The plugin's type, and what it says of itself.
#[doc(hidden)]
#[macro_export]
macro_rules! __described {
    (
        $kind:literal
        $(, check_config: $check:path)?
        $(, input: $input:ident)?
        $(, reads: [$($reads:ident),* $(,)?])?
        $(,)?
    ) => {
        struct VerwalterPlugin;

        impl $crate::export::Described for VerwalterPlugin {
            fn describe() -> ::std::string::String {
                $crate::export::Description::new($kind, env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
                    $(.input(stringify!($input)))?
                    $(.reads(&[$(stringify!($reads)),*]))?
                    .to_json()
            }

            $(fn check_config(config: &str) -> ::std::result::Result<(), ::std::string::String> {
                $crate::export::check_config($check, config)
            })?
        }
    };
}

/// Natively there is nothing to export: the functions' types are checked and the plugin's type is used.
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (scheduler $plugin:ident) => {
        const _: () = $crate::export::is_scheduler::<$plugin>();
    };
    (policy $plugin:ident) => {
        const _: () = $crate::export::is_policy::<$plugin>();
    };
    (filters $plugin:ident) => {
        const _: () = $crate::export::is_filters::<$plugin>();
    };
    (query $plugin:ident) => {
        const _: () = $crate::export::is_query::<$plugin>();
    };
}

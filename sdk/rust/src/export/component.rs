//! The component ABI: bindings are generated in the author's crate, for the one world that it exports.
//!
//! The text below is `sdk/wit/plugin.wit` (a test keeps it equal) and four worlds that add the optional exports.

/// Generates the bindings of one world.
#[doc(hidden)]
#[macro_export]
macro_rules! __generate {
    ($world:literal) => {
        $crate::wit_bindgen::generate!({
            world: $world,
            path: [],
            runtime_path: "::verwalter_plugin::wit_bindgen::rt",
            generate_unused_types: false,
            inline: r#"/// The contract between verwalter and its plugins, version 1.
///
/// Documents travel as JSON text (UTF-8); `sdk/README.md` lists every field with its type, unit and bounds. Documents carry
/// `"v": 1` and grow by new keys only: a reader ignores keys that it does not know. Every text that a plugin returns counts
/// against its output limit, every text that it logs against its log limit.
///
/// A plugin is one instance for one decision (a filter: for one render of one role). It has no clock, no randomness, no files and
/// no threads; the same input gives the same bytes on every node.
///
/// Two further exports are optional, at the root of the world, and are looked up by name:
///
///   `describe: func() -> string`
///       JSON: `{"name", "version", "kind", "input": "document" | "columns", "reads": [...]}`.
///   `check-config: func(config: string) -> result<_, string>`
///       Asked with the manifest's `config` (JSON, one mapping) before the plugin is activated. An error keeps the old plugin.
package verwalter:plugin@1.0.0;

/// This round's peers and metrics as columns. Every list has one value a peer, in ascending order of hostname.
/// Each call costs 1,000 fuel and 1 more for each byte moved.
interface snapshot {
  /// The hostnames, each once, in ascending order of bytes; 1 to 253 bytes each.
  hostnames: func() -> list<string>;

  /// `hostname`, `id`, `name`, `addr`, `since`, `schedule`, `errors`, or a machine fact by its dotted path, such as `rack` or `disk.ssd`.
  /// Numbers and booleans as text; "" where a peer has no such attribute or it is a list or mapping.
  attribute: func(name: string) -> list<string>;

  /// The names that `column` knows: the aliases that the manifest's `metrics` declare, in ascending order.
  metrics: func() -> list<string>;

  /// One number a peer in the unit that the manifest's rule gives (seconds, bytes, ratios); NaN where there is no sample.
  /// `age_ms`: milliseconds since each peer's figures were taken. `placed.ROLE`: how many instances of ROLE the schedule in force has on each peer, 0 where none; absent when there is not
  /// exactly one parent.
  column: func(metric: string) -> option<list<f64>>;

  /// The last values of one peer, oldest first, at most 30; of a rule with `take: series` its samples, at most 120. Empty for an unknown
  /// metric or peer.
  /// `peer` is a position in `hostnames`.
  series: func(metric: string, peer: u32) -> list<f64>;
}

/// Lines for people.
interface log {
  /// Writes one line. Levels: 0 trace, 1 debug, 2 info, 3 warn, 4 and above error. A call that logs more
  /// bytes than its log limit is ended.
  write: func(level: u8, text: string);
}

/// What a scheduler exports.
interface scheduling {
  /// Input document to answer, both JSON. An error keeps the previous schedule in force and shows its text in the status.
  schedule: func(input: string) -> result<string, string>;
}

/// What a policy exports.
interface reviewing {
  /// Review document (the schedule in question, the one in force, what changes) to verdict, `{"v": 1, "verdict": "allow" | "deny", …}`,
  /// both JSON. An error counts as the manifest's `on-failure` says.
  review: func(input: string) -> result<string, string>;
}

/// What a filter exports.
interface filtering {
  /// The names that templates may use: each `[A-Za-z][A-Za-z0-9_]*`, at most 64 bytes, each once.
  filters: func() -> list<string>;

  /// Calls the filter `name`. `args` is a JSON array of the positional arguments; named arguments follow as one object at its end.
  /// The result is JSON; a JSON string renders without its quotes. An error fails the render of the role and shows its text.
  apply: func(name: string, args: string) -> result<string, string>;
}

/// What a query plugin exports.
interface querying {
  /// Answers `/v1/query/PATH`: request document to response document, both JSON. The response may be any JSON value.
  query: func(input: string) -> result<string, string>;

  /// Overrides which roles a node renders: render document to role documents, both JSON; `null` leaves them to the schedule.
  render-roles: func(input: string) -> result<string, string>;
}

/// Decides where what runs.
world scheduler {
  import snapshot;
  import log;
  export scheduling;
}

/// Allows or denies a schedule.
world policy {
  import snapshot;
  import log;
  export reviewing;
}

/// Helpers for templates.
world filter {
  import log;
  export filtering;
}

/// Answers questions.
world query {
  import snapshot;
  import log;
  export querying;
}

/// A scheduler that also says what it is.
world described-scheduler {
  include scheduler;
  export describe: func() -> string;
  export check-config: func(config: string) -> result<_, string>;
}

/// A policy that also says what it is.
world described-policy {
  include policy;
  export describe: func() -> string;
  export check-config: func(config: string) -> result<_, string>;
}

/// Filters that also say what they are.
world described-filter {
  include filter;
  export describe: func() -> string;
  export check-config: func(config: string) -> result<_, string>;
}

/// A query plugin that also says what it is.
world described-query {
  include query;
  export describe: func() -> string;
  export check-config: func(config: string) -> result<_, string>;
}
"#,
        });
    };
}

/// Exports a plugin's component.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (scheduler $plugin:ident) => {
        $crate::__component! { $plugin, "described-scheduler", snapshot,
            impl exports::verwalter::plugin::scheduling::Guest for Plugin {
                fn schedule(input: String) -> Result<String, String> {
                    $crate::export::connect(&Imports);
                    <Plugin as $crate::export::Scheduler>::schedule(&Imports, &input)
                }
            }
        }
    };
    (policy $plugin:ident) => {
        $crate::__component! { $plugin, "described-policy", snapshot,
            impl exports::verwalter::plugin::reviewing::Guest for Plugin {
                fn review(input: String) -> Result<String, String> {
                    $crate::export::connect(&Imports);
                    <Plugin as $crate::export::Policy>::review(&Imports, &input)
                }
            }
        }
    };
    (filters $plugin:ident) => {
        $crate::__component! { $plugin, "described-filter", log,
            impl exports::verwalter::plugin::filtering::Guest for Plugin {
                fn filters() -> Vec<String> {
                    <Plugin as $crate::export::Filters>::NAMES.iter().map(|name| (*name).to_owned()).collect()
                }

                fn apply(name: String, args: String) -> Result<String, String> {
                    $crate::export::connect(&Imports);
                    <Plugin as $crate::export::Filters>::apply(&name, &args)
                }
            }
        }
    };
    (query $plugin:ident) => {
        $crate::__component! { $plugin, "described-query", log,
            impl exports::verwalter::plugin::querying::Guest for Plugin {
                fn query(input: String) -> Result<String, String> {
                    $crate::export::connect(&Imports);
                    <Plugin as $crate::export::Query>::query(&input)
                }

                fn render_roles(input: String) -> Result<String, String> {
                    $crate::export::connect(&Imports);
                    <Plugin as $crate::export::Query>::render_roles(&input)
                }
            }
        }
    };
}

/// The component of one world: its bindings, its imports, what the kind exports, and what every plugin exports.
#[doc(hidden)]
#[macro_export]
macro_rules! __component {
    ($plugin:ident, $world:literal, $imports:ident, $exports:item) => {
        mod verwalter_component {
            use super::$plugin as Plugin;

            $crate::__generate!($world);
            $crate::__imports!($imports);

            $exports

            impl Guest for Plugin {
                fn describe() -> String {
                    <Plugin as $crate::export::Described>::describe()
                }

                fn check_config(config: String) -> Result<(), String> {
                    $crate::export::connect(&Imports);
                    <Plugin as $crate::export::Described>::check_config(&config)
                }
            }

            export!(Plugin);
        }
    };
}

/// The host's imports: with columns (`snapshot`), or without, where the kind has none.
#[doc(hidden)]
#[macro_export]
macro_rules! __imports {
    (snapshot) => {
        struct Imports;

        impl $crate::host::Host for Imports {
            fn hostnames(&self) -> $crate::host::Labels {
                $crate::host::Labels::leak(verwalter::plugin::snapshot::hostnames())
            }

            fn attribute(&self, name: &str) -> $crate::host::Labels {
                $crate::host::Labels::leak(verwalter::plugin::snapshot::attribute(name))
            }

            fn column(&self, name: &str) -> Option<Vec<f64>> {
                verwalter::plugin::snapshot::column(name)
            }

            fn log(&self, level: $crate::Level, text: &str) {
                verwalter::plugin::log::write(level as u8, text);
            }
        }
    };
    (log) => {
        struct Imports;

        impl $crate::host::Host for Imports {
            fn hostnames(&self) -> $crate::host::Labels {
                $crate::host::Labels::default()
            }

            fn attribute(&self, _: &str) -> $crate::host::Labels {
                $crate::host::Labels::default()
            }

            fn column(&self, _: &str) -> Option<Vec<f64>> {
                None
            }

            fn log(&self, level: $crate::Level, text: &str) {
                verwalter::plugin::log::write(level as u8, text);
            }
        }
    };
}

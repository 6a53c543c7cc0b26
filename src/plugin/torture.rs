//! The torture kit: hostile plugins that an operator runs against the limits of a manifest, and what must stop each of them.
//! They go through the same activation and the same calls as any plugin; nothing of them is kept.
//!
//! | module | owns |
//! |---|---|
//! | `frame` | plugins as text, around the few instructions that matter |
//! | `runaway`, `space`, `answers`, `hostcalls`, `files`, `filters` | the guests, by what they attack |
//! | `cluster` | the synthetic snapshot that they see |
//! | `resident` | how much memory this process has |
//! | [`kit`] | running them and judging what became of them |

mod answers;
mod cluster;
mod files;
mod filters;
mod frame;
mod hostcalls;
pub mod kit;
mod resident;
mod runaway;
mod space;

use verwalter_core::ports::{FailureCause, Kind};

use super::inspect::Abi;
use super::limits::{Limit, Limits, SPECS, spec};
use super::pipeline::Step;

/// One hostile plugin.
pub struct Guest {
    name: &'static str,
    tries: &'static str,
    kind: Kind,
    abi: Abi,
    walls: &'static [Wall],
    lowered: &'static [(Limit, u64)],
    calls: u32,
    make: Box<dyn Fn(&Limits) -> Plugin>,
}

/// What there is of a plugin.
enum Plugin {
    /// WebAssembly text.
    Text(String),
    /// A file's bytes, whatever they are.
    Bytes(Vec<u8>),
    /// A file of so many bytes, all zero, of which nothing lies on disk.
    Sparse(u64),
}

/// What must stop a guest. The first wall that it meets is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wall {
    /// A limit, during activation or in a call; the message must name it and the line that raises it.
    Limit(Limit),
    /// A step of the activation, with these words.
    Step(Step, &'static str),
    /// The end of a call, with these words.
    Call(FailureCause, &'static str),
    /// Nothing: what it does harms itself only, and its answer is sound.
    Harmless,
}

/// What became of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// It did not get through its activation.
    Refused(Step, String),
    /// Its call failed.
    Failed(FailureCause, String),
    /// It answered, and the answer was taken.
    Answered,
}

impl End {
    fn message(&self) -> &str {
        match self {
            End::Refused(_, message) | End::Failed(_, message) => message,
            End::Answered => "its answer is sound",
        }
    }
}

impl Guest {
    fn new(name: &'static str, tries: &'static str, abi: Abi, walls: &'static [Wall], make: impl Fn(&Limits) -> Plugin + 'static) -> Guest {
        Guest { name, tries, kind: Kind::Scheduler, abi, walls, lowered: &[], calls: 2, make: Box::new(make) }
    }

    /// A core module of the text that `make` gives.
    fn core(name: &'static str, tries: &'static str, walls: &'static [Wall], make: impl Fn(&Limits) -> String + 'static) -> Guest {
        Guest::new(name, tries, Abi::Core, walls, move |limits| Plugin::Text(make(limits)))
    }

    /// A component of the text that `make` gives.
    fn component(name: &'static str, tries: &'static str, walls: &'static [Wall], make: impl Fn(&Limits) -> String + 'static) -> Guest {
        Guest::new(name, tries, Abi::Component, walls, move |limits| Plugin::Text(make(limits)))
    }

    /// The plugin under the operator's `limits`, translated.
    fn plugin(&self, limits: &Limits) -> Result<Plugin, wat::Error> {
        Ok(match (self.make)(limits) {
            Plugin::Text(text) => Plugin::Bytes(wat::parse_str(&text)?),
            other => other,
        })
    }

    /// The same guest as a filter plugin.
    fn filter(mut self) -> Guest {
        self.kind = Kind::Filter;
        self
    }

    /// The same guest, called so often (schedulers: each time in a fresh instance). Otherwise twice: nothing may be left of a call.
    fn called(mut self, calls: u32) -> Guest {
        self.calls = calls;
        self
    }

    /// The same guest under limits that are at most these, so that the kit does not take minutes.
    fn lowered(mut self, limits: &'static [(Limit, u64)]) -> Guest {
        self.lowered = limits;
        self
    }

    /// The limits that it runs under where an operator's are `limits`.
    fn limits(&self, limits: &Limits) -> Limits {
        let mut limits = *limits;
        for (limit, most) in self.lowered {
            let value = limits.get(*limit).min(*most);
            limits.set(*limit, value).expect("the lesser of two values within the bounds is within them");
        }
        limits
    }

    /// Whether `end` is what must become of it.
    fn expects(&self, end: &End, limits: &Limits) -> bool {
        let defaults = Limits::of(self.kind);
        let stops = |wall: &Wall| match (wall, end) {
            (Wall::Harmless, End::Answered) => true,
            // Its size is fixed, and an operator may allow more than that.
            (Wall::Limit(limit), End::Answered) => limits.get(*limit) > defaults.get(*limit),
            (Wall::Limit(limit), End::Refused(..) | End::Failed(..)) => names(end.message(), *limit, limits),
            (Wall::Step(step, words), End::Refused(at, message)) => step == at && message.contains(words),
            (Wall::Call(cause, words), End::Failed(by, message)) => cause == by && message.contains(words),
            (Wall::Harmless | Wall::Step(..) | Wall::Call(..), _) => false,
        };
        // An operator's tighter limit may be met first.
        let mut tighter = SPECS.iter().map(|spec| spec.limit).filter(|limit| limits.get(*limit) < defaults.get(*limit));
        self.walls.iter().any(stops) || *end != End::Answered && tighter.any(|limit| names(end.message(), limit, limits))
    }
}

/// Whether a message gives the line that raises the limit, or says that nothing does: what every limit's message promises.
fn names(message: &str, limit: Limit, limits: &Limits) -> bool {
    let line = format!("raise it with `limits: {{ {}: ", spec(limit).key);
    let highest = limits.get(limit) == spec(limit).greatest;
    if highest { message.contains(&limits.raise_hint(limit)) } else { message.contains(&line) }
}

/// All guests, in the order in which they run.
fn guests() -> Vec<Guest> {
    [runaway::guests(), space::guests(), answers::guests(), hostcalls::guests(), files::guests(), filters::guests()]
        .into_iter()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_guest_is_a_text_under_the_default_and_the_least_limits() {
        let guests = guests();
        assert!(guests.len() > 100, "{}", guests.len());
        let names: BTreeSet<_> = guests.iter().map(|guest| guest.name).collect();
        assert_eq!(names.len(), guests.len(), "each has a name of its own");
        for guest in &guests {
            let defaults = Limits::of(guest.kind);
            let mut all = vec![guest.limits(&defaults)];
            // Answers as long as the greatest limits allow are not held in memory here.
            let mut least = defaults;
            for spec in &SPECS {
                least.set(spec.limit, spec.least).unwrap();
            }
            all.push(guest.limits(&least));
            for limits in all {
                if let Err(err) = guest.plugin(&limits) {
                    panic!("{}: {err}", guest.name);
                }
            }
        }
    }

    #[test]
    fn guests_are_held_by_what_must_hold_them() {
        let guests = guests();
        let guest = |name: &str| guests.iter().find(|guest| guest.name == name).unwrap();
        let limits = |limit, value| {
            let mut limits = Limits::of(Kind::Scheduler);
            limits.set(limit, value).unwrap();
            limits
        };
        let (plain, tight) = (Limits::of(Kind::Scheduler), limits(Limit::Fuel, 100_000));
        let fuel = |limits: &Limits| End::Failed(FailureCause::Fuel, format!("used up its fuel; {}", limits.raise_hint(Limit::Fuel)));
        let trap = |message: &str| End::Failed(FailureCause::Trap, message.to_owned());
        let check = |name, end: &End, limits: &Limits, held| assert_eq!(guest(name).expects(end, limits), held, "{name}: {end:?}");
        check("loop", &fuel(&plain), &plain, true);
        check("loop", &End::Failed(FailureCause::Fuel, "used up its fuel".to_owned()), &plain, false);
        check("loop", &End::Answered, &plain, false);
        check("trap", &trap("wasm `unreachable` instruction"), &plain, true);
        check("trap", &trap("integer divide by zero"), &plain, false);
        check("trap-in-start", &trap("wasm `unreachable` instruction"), &plain, false);
        check("trap-in-start", &End::Refused(Step::Describe, "`unreachable`".to_owned()), &plain, true);
        check("alloc-null", &End::Answered, &plain, true);
        check("alloc-null", &trap("wasm `unreachable` instruction"), &plain, false);
        // Limits of the operator's own: a tighter one stops it first, a wider one lets it.
        check("answer-utf8", &fuel(&tight), &tight, true);
        check("answer-utf8", &fuel(&plain), &plain, false);
        check("json-values", &End::Answered, &plain, false);
        check("json-values", &End::Answered, &limits(Limit::JsonValues, 100_000_000), true);
        // At the greatest there is no line that raises it.
        let most = limits(Limit::Memory, 1 << 30);
        check("grow", &End::Failed(FailureCause::Memory, most.raise_hint(Limit::Memory)), &most, true);
    }
}

//! How the builds in force fare from round to round: after three bad rounds in a row one is to be set aside, after a good one it has
//! proven itself. It only counts; who carries that out is elsewhere.

use std::collections::BTreeMap;

use verwalter_core::names::PluginName;

use verwalter_core::ports::BuildId;

/// Bad rounds in a row after which a build is set aside: one may be chance, two a coincidence.
pub(super) const BAD_ROUNDS: u32 = 3;

/// Most rounds from one time to the next that a build which fails and stays is spoken of: ten minutes of the usual rounds.
const LONGEST_PATIENCE: u32 = 60;

/// How a build did in one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fared {
    /// What it answered could be used.
    Well,
    /// It failed by its own fault: why.
    Badly(String),
    /// Nothing to be learnt of it.
    Neither,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// Its first good round.
    Proven,
    /// Set it aside, for this reason.
    SetAside(String),
}

/// The counts of all plugins.
#[derive(Debug, Default)]
pub(super) struct Health {
    builds: BTreeMap<PluginName, Count>,
}

#[derive(Debug)]
struct Count {
    build: BuildId,
    bad_rounds: u32,
    /// So many of them are too many.
    patience: u32,
    proven: bool,
}

impl Count {
    fn of(build: BuildId) -> Count {
        Count { build, bad_rounds: 0, patience: BAD_ROUNDS, proven: false }
    }
}

impl Health {
    /// Takes note of one round of one build.
    pub(super) fn note(&mut self, name: &PluginName, build: BuildId, fared: Fared) -> Option<Sign> {
        let count = self.builds.entry(name.clone()).or_insert(Count::of(build));
        if count.build != build {
            *count = Count::of(build);
        }
        match fared {
            Fared::Neither => None,
            Fared::Well => {
                (count.bad_rounds, count.patience) = (0, BAD_ROUNDS);
                let first = !std::mem::replace(&mut count.proven, true);
                first.then_some(Sign::Proven)
            }
            Fared::Badly(reason) => {
                count.bad_rounds += 1;
                if count.bad_rounds < count.patience {
                    return None;
                }
                // If it stays for want of a better one, it has as many rounds again: others are tried, and the log is told, ever more
                // rarely.
                count.patience += count.patience.min(LONGEST_PATIENCE);
                Some(Sign::SetAside(format!("{} bad rounds in a row, the last: {reason}", count.bad_rounds)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use verwalter_core::digest::Digest;

    use super::*;

    #[test]
    fn three_in_a_row() {
        let build = |byte: u8| BuildId { wasm: Digest::of(&[byte]), manifest: Digest::of(b"") };
        let (mut health, name) = (Health::default(), PluginName::new("spread").unwrap());
        let mut check = |byte: u8, fared: Fared, expect: Option<&str>| {
            let sign = health.note(&name, build(byte), fared).map(|sign| match sign {
                Sign::Proven => "proven".to_owned(),
                Sign::SetAside(reason) => reason,
            });
            assert_eq!(sign.as_deref(), expect);
        };
        let bad = || Fared::Badly("trapped".to_owned());
        let aside = Some("3 bad rounds in a row, the last: trapped");
        check(1, bad(), None);
        check(1, bad(), None);
        check(1, Fared::Neither, None);
        check(1, Fared::Well, Some("proven"));
        check(1, Fared::Well, None);
        check(1, bad(), None);
        check(1, bad(), None);
        // Another build begins anew.
        check(2, bad(), None);
        check(2, bad(), None);
        check(2, Fared::Neither, None);
        check(2, bad(), aside);
        check(2, bad(), None);
        check(2, bad(), None);
        check(2, bad(), Some("6 bad rounds in a row, the last: trapped"));
        check(2, bad(), None);
        check(2, Fared::Well, Some("proven"));
        check(2, bad(), None);
        check(2, bad(), None);
        check(2, bad(), aside);
    }
}

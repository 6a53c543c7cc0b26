//! What a plugin is checked and measured on: the inputs of its cases, and made-up ones where its kind allows.

use std::collections::BTreeSet;

use verwalter_core::ports::Kind;
use verwalter_core::schedule::Schedule;

use super::case::Case;
use super::cluster::NOW;
use super::golden::Golden;
use super::input::{Asked, Proposed, Scene};
use super::outcome::Answer;
use super::placements::Placements;
use super::property::Input;
use super::question::Question;
use super::random::Random;
use super::scenes::Scenes;
use crate::plugin::Loaded;

/// Sizes of the clusters in which properties are checked, in peers.
pub const SIZES: [usize; 5] = [1, 3, 10, 100, 1_000];

/// The inputs of cases, but for those that are asked under another manifest and those that end in a failure on purpose.
pub fn of_cases(asked: &[(Case, Golden)]) -> Vec<Input> {
    let usable = asked.iter().filter(|(case, golden)| {
        let is_input = !matches!(case.question, Question::CheckConfig(_));
        let fails_on_purpose = case.expected.as_ref().is_some_and(|expected| expected.get("failure").is_some());
        is_input && case.manifest.is_none() && !(fails_on_purpose && matches!(golden.outcome.answer, Answer::Failure(..)))
    });
    usable.map(|(case, _)| Input { label: format!("case {}", case.name), question: case.question.clone() }).collect()
}

/// Made-up inputs for a cluster of `size` peers. Filters know no cluster and have none.
pub struct MadeUp {
    kind: Kind,
    scenes: Scenes,
    roles: Vec<String>,
    questions: Vec<(String, Asked)>,
}

impl MadeUp {
    /// Made up after the cases: their metadata, their roles, their questions.
    pub fn new(plugin: &Loaded, asked: &[(Case, Golden)]) -> MadeUp {
        let questions = asked.iter().filter_map(|(case, _)| match &case.question {
            Question::Query(asked) if asked.schedule.is_some() => Some((case.name.clone(), (**asked).clone())),
            _ => None,
        });
        let schedules = asked.iter().filter_map(|(case, _)| match &case.question {
            Question::Review(proposed) => Some(&proposed.schedule),
            Question::Query(asked) => asked.schedule.as_ref().map(|(schedule, _)| schedule),
            Question::RenderRoles(rendered) => Some(&rendered.schedule),
            Question::Schedule(_) | Question::Apply(_) | Question::CheckConfig(_) => None,
        });
        let roles: BTreeSet<String> = schedules.flat_map(Schedule::roles).map(ToString::to_string).collect();
        let roles = if roles.is_empty() { ["db", "web"].map(str::to_owned).to_vec() } else { roles.into_iter().take(MOST_ROLES).collect() };
        MadeUp { kind: plugin.kind(), scenes: Scenes::new(plugin, base(asked)), roles, questions: questions.collect() }
    }

    /// The rounds.
    pub fn scenes(&self) -> &Scenes {
        &self.scenes
    }

    /// What is asked in a cluster of `size` peers.
    pub fn inputs(&self, size: usize) -> Vec<Input> {
        let label = format!("made-up cluster of {size} peer{}", if size == 1 { "" } else { "s" });
        match self.kind {
            Kind::Scheduler => vec![Input { label, question: Question::Schedule(self.scenes.first(size as u64, size).into()) }],
            Kind::Policy => vec![Input { label, question: Question::Review(self.proposed(size).into()) }],
            Kind::Query => self.questions.iter().map(|(case, asked)| self.question(&label, case, asked, size)).collect(),
            Kind::Filter => Vec::new(),
        }
    }

    fn proposed(&self, size: usize) -> Proposed {
        let mut random = Random::new(size as u64);
        let scene = self.scenes.first(size as u64, size);
        let peers = scene.known.snapshot.peers().clone();
        let before = Placements::new(&mut random, &peers, &self.roles);
        let after = before.later(&mut random, &peers);
        Proposed::new(scene.following(before.schedule()), after.schedule())
    }

    fn question(&self, label: &str, case: &str, asked: &Asked, size: usize) -> Input {
        let peers = self.scenes.first(size as u64, size).known.snapshot.peers().clone();
        let schedule = Placements::new(&mut Random::new(size as u64), &peers, &self.roles).schedule();
        let asked = Asked { schedule: Some((schedule, NOW)), ..asked.clone() };
        Input { label: format!("case {case} with the schedule of a {label}"), question: Question::Query(asked.into()) }
    }
}

/// Roles of made-up schedules: cases may name thousands, of which nothing is learnt.
const MOST_ROLES: usize = 10;

/// The scene that made-up ones are made after: the first that places something and follows nothing, or else the first that decides.
fn base(asked: &[(Case, Golden)]) -> Option<&Scene> {
    let scenes = || {
        asked.iter().filter(|(case, _)| case.manifest.is_none()).filter_map(|(case, golden)| match &case.question {
            Question::Schedule(scene) => Some((&**scene, golden.outcome.schedule.as_ref()?)),
            Question::Review(proposed) => Some((&proposed.scene, &proposed.schedule)),
            _ => None,
        })
    };
    let placing = scenes().find(|(scene, schedule)| scene.known.parents.is_empty() && schedule.totals().instances > 0);
    placing.or_else(|| scenes().next()).map(|(scene, _)| scene)
}

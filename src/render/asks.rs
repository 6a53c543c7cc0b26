//! What render files ask of a node that it may not grant, as far as that stands in them whatever is rendered. It looks at texts only.

use std::path::Path;

use verwalter_apply::command::Permits;
use verwalter_apply::role::Program;
use verwalter_apply::{ApplyError, Roots};
use verwalter_core::names::RoleName;

use super::file::{How, Line, ProbePattern, RenderFile, StepPattern};
use super::substitute::Values;
use super::{Problem, TemplateSet};

impl TemplateSet {
    /// What a node with these roots and permits refuses when it deploys a role of this name: destinations elsewhere, and programs of which
    /// no permit has the name. Whether a program is there, or a link to one that is listed, only its machine knows.
    pub fn asks_beyond(&self, roots: &Roots, permits: &Permits) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.files().iter().flat_map(|file| self.beyond(file, roots, permits)).collect();
        problems.sort();
        // Commands that stand for several steps may share their line.
        problems.dedup();
        problems
    }

    fn beyond(&self, file: &RenderFile, roots: &Roots, permits: &Permits) -> Vec<Problem> {
        // A schedule may give the template to roles of other names; most have its own.
        let Ok(role) = RoleName::new(self.reference().role().as_str()) else { return Vec::new() };
        let values = Values { role: role.as_str(), node: Some("NODE") };
        let told = |line, message| Problem { file: file.name.clone(), line, message };
        let places = file.places.iter().filter_map(|place| {
            let How::Copy { dest } = &place.how else { return None };
            // What is put in decides where it lies, where a root begins as it does.
            let above = Path::new(dest.beginning()).parent().filter(|_| !dest.is_constant());
            let is_open = above.is_some_and(|above| roots.writes.iter().any(|root| root.starts_with(above)));
            match roots.place_for(&role, &dest.fill(values).ok()?) {
                Err(refused @ ApplyError::Outside { .. }) if !is_open => Some(told(place.line, refused.to_string())),
                _ => None,
            }
        });
        let commands = commands(file).filter_map(|line| Some(told(line.line, refused(&line.program, permits)?)));
        places.chain(commands).collect()
    }
}

/// Every command of a render file.
fn commands(file: &RenderFile) -> impl Iterator<Item = &Line> {
    let steps = file.duties.actions.iter().chain(&file.duties.on_remove).flat_map(|step| match step {
        StepPattern::Run(line) => std::slice::from_ref(line),
        StepPattern::IfChanged { commands, .. } => commands,
        StepPattern::PeekLog { .. } => &[],
    });
    let probes = file.duties.health.iter().filter_map(|health| match &health.probe {
        ProbePattern::Command(line) => Some(line),
        ProbePattern::Http { .. } => None,
    });
    let checks = file.places.iter().filter_map(|place| place.attributes.check.as_ref());
    steps.chain(probes).chain(checks)
}

/// Why a program may not run.
fn refused(program: &Program, permits: &Permits) -> Option<String> {
    let (name, as_root) = match program {
        Program::Named(name) => (name.as_str(), false),
        Program::Root(name) => (name.as_str(), true),
        Program::Shell => ("sh", false),
    };
    let file_name = |path: &Path| path.file_name().map(ToOwned::to_owned);
    let is_listed = permits.programs().iter().any(|listed| file_name(listed) == file_name(Path::new(name)));
    if as_root && !permits.root() {
        return Some(format!("`{name}` needs root, which this node gives to no command: set `commands.root: true` in a sandbox file"));
    }
    (!is_listed).then(|| {
        format!(
            "`{name}` is not allowed, unless it is a link to a program that is: list its path under `commands.programs` in a sandbox file"
        )
    })
}

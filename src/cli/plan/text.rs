//! A plan as text: what changes, as `git diff` tells it, what would run, and what to do next. It adds nothing that the plan does not say.

use std::fmt::Write as _;

use verwalter_apply::diff::{Fate, Style, escape};

use verwalter_core::names::RoleName;

use crate::deploy::plan::{Command, Moment, Plan, Question, RolePlan, RoleState};
use crate::http::client::{DEFAULT_NODE, NodeUrl};

/// What was asked for.
pub(super) struct About<'a> {
    /// The only role that is shown.
    pub(super) role: Option<&'a RoleName>,
    /// The roles that are not shown, though something would be done to them.
    pub(super) others: Vec<RoleName>,
    /// Which node was asked.
    pub(super) node: &'a NodeUrl,
}

/// All of it.
pub(super) fn plan(plan: &Plan, about: &About<'_>, style: Style) -> String {
    let mut out = String::new();
    for role in plan.roles.iter().filter(|role| role.state != RoleState::Unchanged || role.interrupted) {
        self::role(&mut out, role, style);
        out.push('\n');
    }
    for node in &plan.elsewhere.nodes {
        heading(&mut out, &format!("node {}, compared with the schedule in force", node.node), style);
        for role in &node.roles {
            self::role(&mut out, role, style);
        }
        out.push('\n');
    }
    let _ = writeln!(out, "{}", summary(plan, about.role));
    let (others, more) = (plan.elsewhere.nodes.len(), plan.elsewhere.left_out);
    if others + more > 0 {
        let unseen = if more > 0 { format!(", of which {more} are not shown") } else { String::new() };
        let _ = writeln!(out, "It would change {} besides{unseen}.", plural(others + more, "other node", "other nodes"));
    }
    let _ = writeln!(out, "{}", next_step(plan, about));
    out
}

fn next_step(plan: &Plan, about: &About<'_>) -> String {
    /// As many as a line has room for.
    const NAMED: usize = 5;
    let digest = plan.digest;
    let others = about.others.len();
    if others == 0 && !plan.roles.iter().any(|role| role.state.acts()) {
        return digest.to_string();
    }
    if !plan.in_force {
        return format!("{digest} is what it will be once that schedule is in force, if nothing else has changed by then.");
    }
    let default = about.node.to_string() == DEFAULT_NODE;
    let node = if default { String::new() } else { format!(" --node {}", about.node) };
    let order = format!("verwalter apply{node} --plan {digest}");
    if others == 0 {
        return format!("To do exactly this: {order}");
    }
    let mut names = about.others.iter().take(NAMED).map(RoleName::as_str).collect::<Vec<_>>().join(", ");
    if others > NAMED {
        names.push_str(", …");
    }
    format!("The whole plan, with {} ({names}), is applied by: {order}", plural(others, "other role", "other roles"))
}

fn role(out: &mut String, role: &RolePlan, style: Style) {
    let template = role.template.as_deref().map(|template| format!(" ({template})")).unwrap_or_default();
    let becomes = match role.state {
        RoleState::Unchanged => "stays as it is",
        RoleState::Changed => "would be deployed",
        RoleState::Leaves => "would leave this node",
        RoleState::Refused => "is refused",
        RoleState::Failed => "cannot be deployed",
    };
    heading(out, &format!("role {}{template} {becomes}", role.role), style);
    if let Some(error) = &role.error {
        let _ = writeln!(out, "  {}", escape(error));
    }
    if role.interrupted {
        let _ = writeln!(out, "  what a crash left of it is undone first: what is in place then may differ from this");
    }
    for file in &role.files {
        out.push_str(&file.text(style));
    }
    for path in &role.kept {
        let _ = writeln!(out, "  {} was edited: it stays, and belongs to the role no longer", escape(&path.display().to_string()));
    }
    if role.remembers && role.files.is_empty() && role.commands.is_empty() {
        let _ = writeln!(
            out,
            "  nothing in place changes, but what is remembered of it: health checks, what is done when it leaves, or which files are its own"
        );
    }
    if !role.commands.is_empty() {
        let _ = writeln!(out, "  would run:");
    }
    for command in &role.commands {
        self::command(out, command);
    }
    if !role.health.is_empty() {
        let _ = writeln!(out, "  would have to be seen:");
    }
    for question in &role.health {
        self::question(out, question);
    }
}

fn heading(out: &mut String, text: &str, style: Style) {
    let (begin, end) = if style == (Style::Terminal { colour: true }) { ("\x1b[1;33m", "\x1b[m") } else { ("", "") };
    let _ = writeln!(out, "{begin}{text}{end}");
}

fn command(out: &mut String, command: &Command) {
    let root = if command.root { "as root: " } else { "" };
    let when = match command.when {
        Moment::Check => {
            let file = command.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
            format!("check of {}", escape(&file))
        }
        Moment::After => "once all files are in place".to_owned(),
        Moment::IfChanged => {
            let directories: Vec<String> = command.directories.iter().map(|directory| directory.display().to_string()).collect();
            format!("if an earlier command changes something below {}", escape(&directories.join(", ")))
        }
        Moment::Removed => "once its files are gone".to_owned(),
    };
    let _ = writeln!(out, "    {root}{}    # {}, {when}", words(&command.argv), escape(&command.source));
}

fn question(out: &mut String, question: &Question) {
    let mut what = match (&question.argv, &question.url) {
        (Some(argv), _) => words(argv),
        (None, Some(url)) => escape(url).into_owned(),
        (None, None) => String::new(),
    };
    if let Some(status) = question.status {
        let _ = write!(what, " with status {status}");
    }
    if let Some(text) = &question.contains {
        let _ = write!(what, " containing `{}`", escape(text));
    }
    let times = if question.successes == 1 { String::new() } else { format!(", {} times in a row", question.successes) };
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of an hour at most")]
    let seconds = question.within_ms as f64 / 1000.0;
    let _ = writeln!(out, "    {what}    # {}, within {seconds} s{times}", escape(&question.source));
}

/// As one would write them for a shell.
fn words(argv: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=:,./@%{} ".contains(c);
    let word = |word: &String| {
        let bare = !word.is_empty() && word.chars().all(plain) && (!word.contains(' ') || (word.starts_with("{{") && word.ends_with("}}")));
        if bare { word.clone() } else { format!("'{}'", escape(word).replace('\'', r"'\''")) }
    };
    argv.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn summary(plan: &Plan, only: Option<&RoleName>) -> String {
    let count = |fate| plan.roles.iter().flat_map(|role| &role.files).filter(|file| file.fate == fate).count();
    let in_state = |state| plan.roles.iter().filter(|role| role.state == state).count();
    let roles = plan.roles.len();
    let (refused, failed) = (in_state(RoleState::Refused), in_state(RoleState::Failed));
    let commands: usize = plan.roles.iter().map(|role| role.commands.len()).sum();
    if in_state(RoleState::Unchanged) == roles {
        if let Some(role) = only {
            return format!("Nothing to do for role {role} on {}.", plan.node);
        }
        return format!("Nothing to do on {}: {} as the schedule wants.", plan.node, plural(roles, "role is", "roles are"));
    }
    let mut text = format!(
        "Plan for {}: {} would be deployed, {} would leave; {} created, {} changed, {} removed; {}.",
        plan.node,
        plural(in_state(RoleState::Changed), "role", "roles"),
        in_state(RoleState::Leaves),
        plural(count(Fate::Created), "file", "files"),
        count(Fate::Changed),
        count(Fate::Removed),
        plural(commands, "command", "commands"),
    );
    if refused + failed > 0 {
        let _ = write!(text, " {} cannot be deployed.", plural(refused + failed, "role", "roles"));
    }
    text
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

//! `verwalter role list`: the roles of which a node remembers something, as a table, or one role with its files.

use clap::Args;
use verwalter_collect::clock::unix_now;
use verwalter_core::ids::UnixMillis;
use verwalter_core::names::RoleName;
use verwalter_core::plain::plain;

use super::reading::{Detail, Pending, Roles, State, Summary};
use crate::cli::metrics::table::{Align, lines};
use crate::cli::node::{self, NodeArgs};
use crate::cli::print;
use crate::exit::Exit;
use crate::status::since;

const HEAD: [(&str, Align); 7] = [
    ("ROLE", Align::Left),
    ("FILES", Align::Right),
    ("ADOPTED", Align::Right),
    ("SINCE", Align::Left),
    ("SCHEDULE", Align::Left),
    ("TEMPLATE", Align::Left),
    ("ATTEMPT", Align::Right),
];
/// Digits of a digest that are shown, as in the other commands and the log.
const DIGITS: usize = 12;
/// Longest name, path or reason that is shown, in characters: a path has at most 4096 bytes.
const TEXT_CHARS: usize = 4_200;

/// The options of `role list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// One role, with its files [default: a table of all]
    #[arg(value_parser = RoleName::new)]
    role: Option<RoleName>,
    /// Print the node's own JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Prints the list.
pub(super) fn run(args: &ListArgs) -> anyhow::Result<Exit> {
    let node = &args.node.node;
    let path = args.role.as_ref().map_or("/v1/roles".to_owned(), |role| format!("/v1/roles/{role}"));
    if args.json {
        print(node::get_text(node, &path)?.trim_end())?;
        return Ok(Exit::Done);
    }
    let text = match &args.role {
        Some(_) => page(&node::get::<Detail>(node, &path)?, unix_now()),
        None => table(&node::get::<Roles>(node, &path)?, unix_now()),
    };
    print(text.trim_end())?;
    Ok(Exit::Done)
}

fn table(all: &Roles, now: UnixMillis) -> String {
    if all.roles.is_empty() {
        return "nothing is remembered of any role: none was deployed here yet".to_owned();
    }
    let rows: Vec<[String; HEAD.len()]> = all.roles.iter().map(|role| row(role, now)).collect();
    let mut lines = lines(HEAD, &rows).into_iter();
    let mut text: Vec<String> = lines.next().into_iter().collect();
    for (role, line) in all.roles.iter().zip(lines) {
        text.push(line);
        text.extend(notes(&role.state, now).into_iter().map(|note| format!("  {note}")));
    }
    text.join("\n")
}

fn row(role: &Summary, now: UnixMillis) -> [String; HEAD.len()] {
    let Summary { state, files, adopted } = role;
    [
        shown(&state.name),
        files.to_string(),
        adopted.to_string(),
        ago(state.since, now),
        state.schedule.as_deref().map_or("-".to_owned(), short),
        state.template.as_deref().map_or("-".to_owned(), shown),
        state.attempt.map_or("-".to_owned(), |attempt| attempt.to_string()),
    ]
}

fn page(role: &Detail, now: UnixMillis) -> String {
    let Detail { state, files } = role;
    let mut text = String::new();
    let mut add = |title: &str, told: &str| text.push_str(&format!("{title:<10}  {told}\n"));
    add("role", &shown(&state.name));
    add("since", &ago(state.since, now));
    add("schedule", &state.schedule.as_deref().map_or("-".to_owned(), shown));
    add("template", &state.template.as_deref().map_or("-".to_owned(), shown));
    add("deployment", &state.deployment.as_deref().map_or("-".to_owned(), shown));
    add("attempt", &state.attempt.map_or("-".to_owned(), |attempt| attempt.to_string()));
    for note in notes(state, now) {
        add("", &note);
    }
    if files.is_empty() {
        add("files", "none");
    }
    for (index, file) in files.iter().enumerate() {
        let adopted = if file.adopted { "  adopted" } else { "" };
        add(if index == 0 { "files" } else { "" }, &format!("{}{adopted}", shown(&file.path)));
    }
    text
}

/// What is not as it should be.
fn notes(state: &State, now: UnixMillis) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(Pending { since, schedule, attempt }) = &state.pending {
        let schedule = schedule.as_deref().map_or("-".to_owned(), short);
        let attempt = attempt.map_or("-".to_owned(), |attempt| attempt.to_string());
        notes.push(format!("begun {} and neither committed nor undone: schedule {schedule}, attempt {attempt}", ago(*since, now)));
    }
    notes.extend(state.error.as_deref().map(shown));
    notes
}

fn ago(at: Option<u64>, now: UnixMillis) -> String {
    at.map_or("-".to_owned(), |at| since(UnixMillis(at), now))
}

fn short(digest: &str) -> String {
    digest.strip_prefix("sha256:").unwrap_or(digest).chars().take(DIGITS).flat_map(char::escape_debug).collect()
}

fn shown(text: &str) -> String {
    plain(text, TEXT_CHARS)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn web() -> Value {
        json!({
            "name": "web", "since": 940_000, "schedule": "sha256:00112233445566778899", "template": "web/v1", "deployment": "d1", "attempt": 2,
            "pending": { "since": 990_000, "schedule": "sha256:ffeeddccbbaa99887766", "attempt": 1 },
        })
    }

    fn with(mut role: Value, more: Value) -> Value {
        let (Value::Object(all), Value::Object(more)) = (&mut role, more) else { panic!("objects") };
        all.extend(more);
        role
    }

    #[test]
    fn all_roles() {
        let broken = json!({ "name": "odd\u{1b}", "files": 0, "adopted": 0, "error": "it is\ndamaged" });
        let roles = json!({ "roles": [with(web(), json!({ "files": 12, "adopted": 1 })), broken] });
        let text = table(&serde_json::from_value(roles).expect("it is lenient"), NOW);
        let expect = "\
ROLE       FILES  ADOPTED  SINCE     SCHEDULE      TEMPLATE  ATTEMPT
web           12        1  60 s ago  001122334455  web/v1          2
  begun 10 s ago and neither committed nor undone: schedule ffeeddccbbaa, attempt 1
odd\\u{1b}      0        0  -         -             -               -
  it is\\ndamaged";
        assert_eq!(text, expect);
        assert!(table(&Roles::default(), NOW).starts_with("nothing is remembered"));
    }

    #[test]
    fn one_role() {
        let files = json!([{ "path": "/out/a", "adopted": true }, { "path": "/out/\u{7}" }]);
        let text = page(&serde_json::from_value(with(web(), json!({ "files": files }))).expect("it is lenient"), NOW);
        let expect = "\
role        web
since       60 s ago
schedule    sha256:00112233445566778899
template    web/v1
deployment  d1
attempt     2
            begun 10 s ago and neither committed nor undone: schedule ffeeddccbbaa, attempt 1
files       /out/a  adopted
            /out/\\u{7}
";
        assert_eq!(text, expect);
        let text = page(&serde_json::from_value(json!({})).expect("it is lenient"), NOW);
        assert!(text.ends_with("files       none\n"), "{text}");
    }
}

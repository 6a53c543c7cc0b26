//! Long texts for people: coloured and paged where they go to a terminal, as `git diff` does, plain everywhere else. It changes no text.

use std::io::{IsTerminal, Write, stdout};
use std::process::{Command, Stdio};

use verwalter_apply::diff::Style;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set or it is a dumb one
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Shows the text that `make` gives for a style.
pub(super) fn show(colour: Colour, no_pager: bool, make: &dyn Fn(Style) -> String) -> anyhow::Result<()> {
    let terminal = stdout().is_terminal();
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let text = make(style(colour, terminal, env("NO_COLOR").is_some(), env("TERM").as_deref()));
    match pager(terminal && !no_pager, &env).filter(|pager| paged(pager, &text)) {
        Some(_) => Ok(()),
        None => super::print(text.trim_end_matches('\n')),
    }
}

fn style(colour: Colour, terminal: bool, no_color: bool, term: Option<&str>) -> Style {
    let wanted = match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => terminal && !no_color && term.is_some_and(|term| term != "dumb"),
    };
    // For programs, lines are what they are; for eyes, what a terminal would obey is shown.
    if wanted || terminal { Style::Terminal { colour: wanted } } else { Style::Raw }
}

/// The line for the shell, if there is to be one.
fn pager(wanted: bool, env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let line = env("VERWALTER_PAGER").or_else(|| env("PAGER")).unwrap_or_else(|| "less".to_owned());
    Some(line).filter(|line| wanted && line != "cat")
}

/// Whether a pager took the text. One that ended before the end of it took what it wanted.
fn paged(pager: &str, text: &str) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // As git: colours as they are, no paging of what fits on the screen, which stays there.
        command.env("LESS", "FRX");
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(text.as_bytes());
    }
    // What the shell ends with where there is no such program.
    child.wait().is_ok_and(|status| status.code() != Some(127))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals() {
        let plain = Style::Terminal { colour: false };
        let coloured = Style::Terminal { colour: true };
        assert_eq!(style(Colour::Auto, true, false, Some("xterm")), coloured);
        assert_eq!(style(Colour::Auto, true, true, Some("xterm")), plain);
        assert_eq!(style(Colour::Auto, true, false, Some("dumb")), plain);
        assert_eq!(style(Colour::Auto, true, false, None), plain);
        assert_eq!(style(Colour::Auto, false, false, Some("xterm")), Style::Raw);
        assert_eq!(style(Colour::Always, false, true, None), coloured);
        assert_eq!(style(Colour::Never, true, false, Some("xterm")), plain);
        assert_eq!(style(Colour::Never, false, false, None), Style::Raw);
    }

    #[test]
    fn the_pager_is_the_operators() {
        let env = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(pager(true, &env(&[])).as_deref(), Some("less"));
        assert_eq!(pager(true, &env(&[("PAGER", "more")])).as_deref(), Some("more"));
        assert_eq!(pager(true, &env(&[("PAGER", "more"), ("VERWALTER_PAGER", "most")])).as_deref(), Some("most"));
        assert_eq!(pager(true, &env(&[("PAGER", "cat")])), None);
        assert_eq!(pager(false, &env(&[])), None);
    }
}

//! How a control group is called: as cantal calls it, so that rules mean the same with either agent.

use std::path::{Component, Path};

/// Endings of systemd's units that tell nothing.
const ENDINGS: [&str; 3] = [".slice", ".scope", ".service"];
/// Units that are no services.
const NO_SERVICES: [&str; 2] = [".mount", ".swap"];
/// People's sessions, below the root.
const SESSIONS: &str = "user";

/// The name of the group at `path` below the root of its hierarchy: the components without the endings of systemd's units, joined by dots.
/// `None`: the root, or a path that is not text.
pub(super) fn name(path: &Path) -> Option<String> {
    let mut name = String::new();
    for component in path.components() {
        let Component::Normal(component) = component else { return None };
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(bare(component.to_str()?));
    }
    Some(name).filter(|name| !name.is_empty())
}

/// Whether a group called `component`, `depth` levels below the root (1: directly), and all below it are left out: mounts, swap, sessions.
pub(super) fn is_skipped(component: &str, depth: usize) -> bool {
    NO_SERVICES.iter().any(|ending| component.ends_with(ending)) || (depth == 1 && bare(component) == SESSIONS)
}

fn bare(component: &str) -> &str {
    ENDINGS.iter().find_map(|ending| component.strip_suffix(ending)).filter(|bare| !bare.is_empty()).unwrap_or(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cantals() {
        let check = |path: &str, expect: Option<&str>| assert_eq!(name(Path::new(path)).as_deref(), expect, "{path}");
        check("system.slice/nginx.service", Some("system.nginx"));
        check("lithos/blog.web.0", Some("lithos.blog.web.0"));
        check("machine.slice/a.scope/b", Some("machine.a.b"));
        check(".slice/x", Some(".slice.x"));
        check("", None);
        check("../a", None);
        check("/a", None);
    }

    #[test]
    fn sessions_mounts_and_swap_are_left_out() {
        let check = |component, depth, expect| assert_eq!(is_skipped(component, depth), expect, "{component} {depth}");
        check("user.slice", 1, true);
        check("user", 1, true);
        check("user.slice", 2, false);
        check("users.slice", 1, false);
        check("boot.mount", 2, true);
        check("dev-sda2.swap", 1, true);
        check("nginx.service", 2, false);
    }
}

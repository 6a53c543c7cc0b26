//! Secrets of a role on a running node: in its files, where they belong, and in nothing else that the node writes or says.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{page, render_file, site};
use crate::support::{Site, run_to_end};

const FIRST: &str = "it's \"hunter22\"";
const SECOND: &str = "correct horse";

fn secret(site: &Site, value: &str) {
    site.write("etc/secrets/.new", format!("{value}\n"));
    fs::set_permissions(site.path("etc/secrets/.new"), Permissions::from_mode(0o600)).expect("changed");
    fs::rename(site.path("etc/secrets/.new"), site.path("etc/secrets/db-password")).expect("on one file system");
}

/// Every file below a directory.
fn files(dir: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            files(&entry, found);
        } else if entry.is_file() {
            found.push((entry.display().to_string(), fs::read(&entry).expect("readable")));
        }
    }
}

fn holds(bytes: &[u8], value: &str) -> bool {
    let forms = [value.to_owned(), value.replace('\'', r"'\''"), value.replace('"', "\\\"")];
    forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form.as_bytes()))
}

#[test]
fn they_are_in_the_roles_files_and_nowhere_else() {
    // What commands print is masked, whatever they print; a text that a command is given is a file of the node, closed to others.
    let site = site("- !Sh 'cat HERE/out/page; cat {{ files.page }} >/dev/null; ! grep -q horse HERE/out/page'\n");
    secret(&site, FIRST);
    let template = "listen {{ listen }}\npassword {{ shell (secret \"db-password\") }}\nuser {{ quote (secret \"db-password\") }}\n";
    site.write("etc/templates/web/v1/page.hbs", template);
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    let text = |password: &str, user: &str| format!("listen 8080\npassword {password}\nuser {user}\n");
    let first = text(r#"'it'\''s "hunter22"'"#, r#""it's \"hunter22\"""#);
    assert_eq!(site.read("out/page"), Some(first.clone()));
    // A changed secret is a changed file; this one's command fails, and says what it saw.
    secret(&site, SECOND);
    let error = node.error("role web");
    assert!(error.contains("web.render.yaml:4: ") && error.contains("‹secret db-password›"), "{error}");
    assert_eq!(site.read("out/page"), Some(first));
    let shown = [
        run_to_end(["log", "--role", "web", "-n", "9", "--log-dir", &site.path("log").to_string_lossy()]).out,
        ["/v1/status", "/v1/schedule", "/v1/scheduler_input", "/v1/plugins", "/v1/peers", "/metrics"]
            .map(|path| node.get(path).body)
            .concat(),
    ];
    assert!(shown[0].contains("+password '‹secret db-password›'") && shown[0].contains("+user \"‹secret db-password›\""), "{}", shown[0]);
    for value in [FIRST, SECOND] {
        for text in &shown {
            assert!(!holds(text.as_bytes(), value), "{text}");
        }
    }
    node.stop();
    let mut found = Vec::new();
    for dir in ["out", "var", "log"] {
        files(&site.path(dir), &mut found);
    }
    found.push(("what the node said".to_owned(), node.transcript().into_bytes()));
    let web = site.path("out/page").display().to_string();
    for (path, bytes) in &found {
        let given = path.contains("/var/roles/web.files/");
        let mode = fs::metadata(path).map_or(0, |meta| meta.permissions().mode() & 0o077);
        assert!(!given || mode == 0, "{path} is open to others");
        if *path != web && !given {
            assert!(!holds(bytes, FIRST) && !holds(bytes, SECOND), "{path}: {}", String::from_utf8_lossy(bytes));
        }
    }
    assert!(found.len() > 10, "{found:?}");
}

#[test]
fn a_secret_that_is_not_there_or_open_to_others_is_told() {
    let site = site("");
    site.write("etc/templates/web/v1/page.hbs", "listen {{ listen }} {{ secret \"db-password\" }}\n");
    let checked = run_to_end(["check", "--quiet", "--config-dir", &site.path("etc").to_string_lossy()]);
    assert!(
        checked.status == Some(0) && checked.err.contains("templates/web/v1: prints the secret db-password, which is not in secrets/ here"),
        "{checked:?}"
    );
    let mut node = site.run(&[]);
    let error = node.error("role web");
    assert!(error.contains("page.hbs:1: `secret` finds no secret `db-password` on this node: write it to secrets/db-password"), "{error}");
    secret(&site, FIRST);
    node.healthy();
    assert_eq!(site.read("out/page"), Some(format!("listen 8080 {FIRST}\n")));
    fs::set_permissions(site.path("etc/secrets/db-password"), Permissions::from_mode(0o644)).expect("changed");
    let error = node.error("config");
    assert!(error.contains("secrets/db-password: is open to others (mode 0644)"), "{error}");
    assert_eq!(site.read("out/page"), Some(format!("listen 8080 {FIRST}\n")), "the former value stays in force");
    let checked = run_to_end(["check", "--quiet", "--config-dir", &site.path("etc").to_string_lossy()]);
    assert_eq!(checked.status, Some(1));
    assert!(checked.err.contains("is open to others (mode 0644)") && !checked.err.contains("hunter22"), "{checked:?}");
    site.write("etc/templates/web/v1/page.hbs", "listen {{ listen }}\n");
    fs::remove_file(site.path("etc/secrets/db-password")).expect("it is there");
    node.healthy();
    page(&site, &mut node, 8080);
    render_file(&site, "");
    node.stop();
}

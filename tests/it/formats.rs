//! `format:` of render files: what is broken is never put in place, and what real programs take is not refused.

mod real;

use crate::support::{Node, Site};

/// A site whose role `web` has two files, the second one checked for `format`.
fn site(format: &str, template: &str) -> Site {
    let site = Site::prepared();
    site.write("etc/templates/web/v1/second.hbs", template);
    site.write(
        "etc/templates/web/v1/web.render.yaml",
        format!(
            "templates: {{conf: nginx.conf.hbs, second: second.hbs}}\ncommands:\n\
             - !Copy {{ src: \"{{{{ files.conf }}}}\", dest: \"nginx/{{{{ role }}}}.conf\" }}\n\
             - !Copy {{ src: \"{{{{ files.second }}}}\", dest: second, format: {format} }}\n"
        ),
    );
    site
}

fn running(site: &Site) -> Node {
    let mut node = site.run(&["--hostname", "alpha"]);
    node.ready();
    node.healthy();
    node
}

/// The second file of two renders to `broken`: both stay as they were until the template is mended.
fn breaks_and_heals(format: &str, good: &str, broken: &str, told: &str) {
    let site = site(format, good);
    let mut node = running(&site);
    let files = || (site.read("out/nginx/web.conf"), site.read("out/second"));
    let before = files();
    assert!(before.0.is_some() && before.1.as_deref() == Some(good), "{before:?}");
    // What breaks comes first: were they changed in the other order, the first file would be rightly written in between.
    site.write("etc/templates/web/v1/second.hbs", broken);
    let error = node.error("role web");
    assert_eq!(error, format!("role web: template second.hbs: its output for second is not valid {format}: {told}; nothing was changed"));
    site.edit("etc/templates/web/v1/nginx.conf.hbs", "listen {{ listen }};", "listen {{ listen }} backlog=9;");
    // The error stays: what shows that the changed template was rendered is an attempt that failed.
    let attempts = |status: &serde_json::Value| status["deployment"]["roles"]["web"]["attempts"].as_u64();
    let first = node.status("how often it was tried", attempts);
    node.status("it is tried again", |status| (attempts(status)? > first).then_some(()));
    assert_eq!(files(), before, "nothing of the role was touched");
    let status = node.get("/v1/status").json();
    assert_eq!((&status["failed_roles"], &status["num_errors"]), (&serde_json::json!(["web"]), &1.into()), "{status:#}");
    assert_eq!(status["deployment"]["roles"]["motd"]["state"], "rendered", "the other role goes on");
    let mended = format!("{good}\n");
    site.write("etc/templates/web/v1/second.hbs", &mended);
    node.healthy();
    let after = files();
    assert!(after.0.is_some_and(|conf| conf.contains("backlog=9")) && after.1 == Some(mended), "both are new");
    node.stop();
}

#[test]
fn a_file_that_renders_to_broken_yaml() {
    breaks_and_heals(
        "yaml",
        "a: 1\nb: [2]\n",
        "a: 1\nb: 1\na: 2\n",
        "line 3, column 1: the key `a` stands twice in one mapping: remove one",
    );
}

#[test]
fn a_file_that_renders_to_broken_nginx() {
    let told = "line 3: a `}` where the `;` of the directive `server` in line 2 should be: end the directive with `;`";
    breaks_and_heals("nginx", "upstream a {\n  server b;\n}\n", "upstream a {\n  server b\n}\n", told);
}

#[test]
fn a_format_that_is_none_is_told_before_anything_is_rendered() {
    let site = site("yaml", "a: 1\n");
    let mut node = running(&site);
    let before = site.read("out/second");
    site.edit("etc/templates/web/v1/web.render.yaml", "format: yaml", "format: yml");
    let told = "web.render.yaml:4: `yml` is no format: write one of `yaml`, `json`, `toml`, `ini`, `systemd`, `nginx`";
    assert_eq!(node.error("role web"), format!("template web/v1: {told}"));
    assert_eq!(site.read("out/second"), before);
    site.edit("etc/templates/web/v1/web.render.yaml", "format: yml", "format: yaml");
    node.healthy();
    node.stop();
}

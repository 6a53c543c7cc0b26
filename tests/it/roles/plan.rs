//! `verwalter plan` and `verwalter apply` on a running node: what is told is what is done, and nothing is done by telling it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use serde_json::Value;

use super::{page, site, told};
use crate::support::{Ended, Node, Site, run_to_end};

fn plan(node: &mut Node, args: &[&str]) -> Ended {
    let url = format!("http://{}", node.addr());
    run_to_end(["plan", "--node", &url].iter().chain(args))
}

fn json(node: &mut Node, args: &[&str]) -> Value {
    let ended = plan(node, &[&["--json"], args].concat());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).expect("JSON")
}

fn role<'a>(plan: &'a Value, name: &str) -> &'a Value {
    plan["roles"].as_array().expect("a list").iter().find(|role| role["role"] == name).expect("it is planned")
}

fn apply(node: &mut Node, digest: &str) -> Ended {
    let url = format!("http://{}", node.addr());
    run_to_end(["apply", "--node", &url, "--plan", digest])
}

fn digest(plan: &Value) -> String {
    plan["digest"].as_str().expect("a digest").to_owned()
}

/// What stands in the output directory and when each was written.
fn standing(site: &Site) -> Vec<(String, u64, i64)> {
    let entries = fs::read_dir(site.path("out")).expect("a directory").map(|entry| entry.expect("an entry"));
    let mut found: Vec<_> = entries
        .map(|entry| {
            let meta = entry.metadata().expect("it is there");
            (entry.file_name().to_string_lossy().into_owned(), meta.ino(), meta.ctime_nsec())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn what_drifted_is_shown_and_put_right_by_its_digest() {
    let site = site("- !Sh 'echo {{ role }} >>HERE/told'\n");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    let nothing = plan(&mut node, &[]);
    assert_eq!(nothing.status, Some(0), "{nothing:?}");
    assert!(
        nothing.out.starts_with("Nothing to do on ") && nothing.out.contains(": 2 roles are as the schedule wants.\nsha256:"),
        "{nothing:?}"
    );
    assert_eq!(plan(&mut node, &["--exit-code"]).status, Some(0));
    fs::write(site.path("out/page"), "listen 9999\nby hand\n").expect("written");
    let before = standing(&site);
    let shown = plan(&mut node, &[]);
    let path = site.path("out/page").display().to_string();
    for part in [
        "role web (web/v1) would be deployed\n",
        &format!("diff --git a{path} b{path}\n"),
        "-listen 9999\n-by hand\n+listen 8080\n",
        "  would run:\n    sh -exc 'echo web >>",
        "# web.render.yaml:4, once all files are in place\n",
        "1 role would be deployed, 0 would leave; 0 files created, 1 changed, 0 removed; 1 command.\n",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    assert_eq!(plan(&mut node, &["--exit-code"]).status, Some(8));
    assert_eq!(before, standing(&site), "nothing is done by telling it");
    let planned = json(&mut node, &[]);
    let order = format!("verwalter apply --node http://{} --plan {}\n", node.addr(), digest(&planned));
    assert!(shown.out.ends_with(&format!("To do exactly this: {order}")), "{}", shown.out);
    assert_eq!(role(&planned, "motd")["state"], "unchanged");
    assert_eq!(role(&planned, "web")["commands"][0]["when"], "after");
    assert_eq!(json(&mut node, &["--role", "web"])["roles"].as_array().map(Vec::len), Some(1));
    // Another one than was shown is not applied.
    fs::write(site.path("out/page"), "listen 7777\n").expect("written");
    let refused = apply(&mut node, &digest(&planned));
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(refused.err.contains("it is another plan by now, and nothing was done: look at it again with `verwalter plan`"), "{refused:?}");
    assert_eq!(site.read("out/page").as_deref(), Some("listen 7777\n"));
    let planned = json(&mut node, &[]);
    let applied = apply(&mut node, &digest(&planned));
    assert_eq!(applied.status, Some(0), "{applied:?}");
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\n"));
    assert_eq!(told(&site), ["web", "web"]);
    let idle = digest(&json(&mut node, &[]));
    let again = apply(&mut node, &idle);
    assert!(again.out.contains("there was nothing to do"), "{again:?}");
    assert_eq!(told(&site), ["web", "web"]);
    node.stop();
}

#[test]
fn of_one_role_no_more_is_promised_than_is_shown() {
    let site = site("");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    fs::write(site.path("out/motd"), "by hand\n").expect("written");
    let order = format!("verwalter apply --node http://{} --plan {}\n", node.addr(), digest(&json(&mut node, &[])));
    let others = format!("The whole plan, with 1 other role (motd), is applied by: {order}");
    let web = plan(&mut node, &["--role", "web", "--exit-code"]);
    assert_eq!(web.status, Some(0), "{web:?}");
    assert!(web.out.starts_with("Nothing to do for role web on ") && web.out.ends_with(&others), "{web:?}");
    let motd = plan(&mut node, &["--role", "motd", "--exit-code"]);
    assert_eq!(motd.status, Some(8), "{motd:?}");
    assert!(motd.out.ends_with(&format!("To do exactly this: {order}")), "{motd:?}");
    fs::write(site.path("out/page"), "by hand\n").expect("written");
    let order = format!("verwalter apply --node http://{} --plan {}\n", node.addr(), digest(&json(&mut node, &[])));
    let web = plan(&mut node, &["--role", "web", "--exit-code"]);
    assert_eq!(web.status, Some(8), "{web:?}");
    let others = format!("The whole plan, with 1 other role (motd), is applied by: {order}");
    assert!(web.out.contains("-by hand\n") && web.out.ends_with(&others), "{web:?}");
    node.stop();
}

#[test]
fn a_schedule_and_a_candidate_are_planned_before_they_are_in_force() {
    let site = site("- !Sh 'echo {{ role }} >>HERE/told'\n");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    let plugin = site.path("etc/plugins/spread.wasm").display().to_string();
    let candidate = json(&mut node, &["--plugin", &plugin]);
    assert!(candidate["roles"].as_array().expect("a list").iter().all(|role| role["state"] == "unchanged"), "{candidate}");
    let schedule = node.get("/v1/schedule").body;
    let given = site.path("given.json").display().to_string();
    fs::write(&given, schedule.replace("8080", "8081")).expect("written");
    let before = standing(&site);
    let planned = json(&mut node, &["--schedule", &given]);
    assert_eq!((&planned["in-force"], &role(&planned, "web")["state"]), (&false.into(), &"changed".into()), "{planned}");
    let shown = plan(&mut node, &["--schedule", &given]);
    assert!(shown.out.contains("-listen 8080\n+listen 8081\n"), "{}", shown.out);
    assert!(shown.out.contains(" is what it will be once that schedule is in force"), "{}", shown.out);
    // The schedule alone does as well; without a role that is here, its files would go.
    let mut alone: Value = serde_json::from_str(&schedule).expect("JSON");
    let mut alone = alone["data"].take();
    for node in alone["nodes"].as_object_mut().expect("nodes").values_mut() {
        node["roles"].as_object_mut().expect("roles").remove("web");
    }
    fs::write(&given, alone.to_string()).expect("written");
    let planned = json(&mut node, &["--schedule", &given]);
    assert_eq!(role(&planned, "web")["state"], "leaves");
    assert_eq!(role(&planned, "web")["files"][0]["fate"], "removed");
    assert_eq!(before, standing(&site));
    let refused = apply(&mut node, &digest(&planned));
    let told = "(a plan of another schedule applies only once that is in force)";
    assert!(refused.err.contains(told), "what is not in force is not applied: {refused:?}");
    fs::write(&given, "{\n  \"nodes\": [\n").expect("written");
    let broken = plan(&mut node, &["--schedule", &given]);
    assert!(broken.status == Some(1) && broken.err.contains("given.json is no JSON"), "{broken:?}");
    fs::write(&given, "{\"nodes\": 1}").expect("written");
    let broken = plan(&mut node, &["--schedule", &given]);
    assert!(broken.status == Some(1) && broken.err.contains("given.json is no schedule: `nodes`: "), "{broken:?}");
    // What is something else would place nothing, and remove everything.
    for other in ["{\"foo\":1}", "{\"schedule\":{}}", &node.get("/v1/scheduler_input").body] {
        fs::write(&given, other).expect("written");
        let refused = plan(&mut node, &["--schedule", &given]);
        let told = "given.json is no schedule: it has neither `roles` nor `nodes`; give what `verwalter schedule` or /v1/schedule printed";
        assert!(refused.status == Some(1) && refused.err.contains(told), "{refused:?}");
    }
    node.stop();
}

#[test]
fn other_nodes_are_compared_with_the_schedule_in_force() {
    let site = site("");
    let mut node = site.run(&["--hostname", "alpha"]);
    node.ready();
    node.healthy();
    let mut schedule: Value = serde_json::from_str::<Value>(&node.get("/v1/schedule").body).expect("JSON")["data"].take();
    let own = schedule["nodes"]["alpha"].clone();
    schedule["nodes"]["beta"] = own;
    let given = site.path("given.json").display().to_string();
    fs::write(&given, schedule.to_string()).expect("written");
    let shown = plan(&mut node, &["--schedule", &given, "--role", "web"]);
    for part in [
        "node beta, compared with the schedule in force\nrole web (web/v1) would be deployed\ndiff --git a/page b/page\nnew file mode 100644\n",
        "+listen 8080\n",
        "It would change 1 other node besides.\n",
    ] {
        assert!(shown.out.contains(part), "{part}: {shown:?}");
    }
    node.stop();
}

#[test]
fn secrets_are_no_part_of_what_is_shown() {
    let site = site("");
    site.write("etc/secrets/.new", "hunter22\n");
    fs::set_permissions(site.path("etc/secrets/.new"), Permissions::from_mode(0o600)).expect("changed");
    fs::rename(site.path("etc/secrets/.new"), site.path("etc/secrets/db")).expect("on one file system");
    site.write("etc/templates/web/v1/page.hbs", "listen {{ listen }}\npassword {{ secret \"db\" }}\n");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    site.write("out/page", "password former99\n");
    let shown = plan(&mut node, &[]);
    assert!(shown.out.contains("-password ‹secret db›\n+listen 8080\n+password ‹secret db›\n"), "{}", shown.out);
    let planned = json(&mut node, &[]);
    for text in [&shown.out, &planned.to_string()] {
        assert!(!text.contains("hunter22") && !text.contains("former99"), "{text}");
    }
    assert_eq!(apply(&mut node, &digest(&planned)).status, Some(0));
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\npassword hunter22\n"));
    // Nor is what others may not read for themselves: the API asks nobody who they are.
    site.write("etc/templates/web/v1/page.hbs", "listen {{ listen }}\n");
    page(&site, &mut node, 8080);
    node.healthy();
    site.write("out/page", "listen 8080\nfor my eyes\n");
    fs::set_permissions(site.path("out/page"), Permissions::from_mode(0o600)).expect("changed");
    let shown = plan(&mut node, &[]);
    assert!(shown.out.contains("old mode 100600\nnew mode 100644\n") && shown.out.contains("\n-‹not shown"), "{}", shown.out);
    assert!(!shown.out.contains("my eyes") && !json(&mut node, &[]).to_string().contains("my eyes"));
    fs::set_permissions(site.path("out/page"), Permissions::from_mode(0o644)).expect("changed");
    assert!(plan(&mut node, &[]).out.contains("-for my eyes\n"));
    node.stop();
}

#[test]
fn by_order_only() {
    let site = site("- !Sh 'echo {{ role }} >>HERE/told'\n");
    let settings = site.read("etc/verwalter.yaml").expect("it is there");
    site.write("etc/verwalter.yaml", format!("{settings}\ndeploy: {{ mode: manual }}\n"));
    let mut node = site.run(&[]);
    node.ready();
    let planned = json(&mut node, &[]);
    assert_eq!(role(&planned, "web")["files"][0]["fate"], "created");
    assert!(!site.path("out/page").exists());
    let applied = apply(&mut node, &digest(&planned));
    assert_eq!(applied.status, Some(0), "{applied:?}");
    page(&site, &mut node, 8080);
    super::listen(&site, 8080, 8081);
    node.status("it waits for an order", |status| status["deployment"]["roles"]["web"]["waiting"].is_object().then_some(()));
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\n"));
    let planned = json(&mut node, &[]);
    assert_eq!(apply(&mut node, &digest(&planned)).status, Some(0));
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8081\n"));
    assert_eq!(told(&site), ["web", "web"]);
    node.stop();
}

#[test]
fn what_is_remembered_waits_for_an_order_and_adopted_files_too() {
    let site = site("");
    let settings = site.read("etc/verwalter.yaml").expect("it is there");
    site.write("etc/verwalter.yaml", format!("{settings}\ndeploy: {{ mode: manual }}\n"));
    let mut node = site.run(&[]);
    node.ready();
    let first = digest(&json(&mut node, &[]));
    assert_eq!(apply(&mut node, &first).status, Some(0));
    // No file changes, no command would run: what is done when it leaves does.
    super::render_file(&site, "on-remove:\n- !Sh 'echo gone >>HERE/told'\n");
    node.status("it waits for an order", |status| status["deployment"]["roles"]["web"]["waiting"].is_object().then_some(()));
    let planned = json(&mut node, &["--role", "web"]);
    assert_eq!((&role(&planned, "web")["state"], &role(&planned, "web")["remembers"]), (&"changed".into(), &true.into()), "{planned}");
    let applied = apply(&mut node, &digest(&planned));
    assert!(applied.out.contains("deployed web"), "{applied:?}");
    assert!(plan(&mut node, &[]).out.starts_with("Nothing to do"));
    // What is adopted and not produced goes on an order, too.
    site.write("out/foreign", "x");
    let url = format!("http://{}", node.addr());
    let adopted = run_to_end(["role", "adopt", "--node", &url, "web", "foreign"]);
    assert_eq!(adopted.status, Some(0), "{adopted:?}");
    node.status("it waits for an order", |status| status["deployment"]["roles"]["web"]["waiting"].is_object().then_some(()));
    assert!(site.path("out/foreign").exists());
    let planned = json(&mut node, &[]);
    assert_eq!(apply(&mut node, &digest(&planned)).status, Some(0));
    assert!(!site.path("out/foreign").exists());
    fs::rename(site.path("etc/runtime/web.yaml"), site.path("web.kept")).expect("it is there");
    node.status("its leaving waits", |status| status["deployment"]["roles"]["web"]["waiting"].is_object().then_some(()));
    let planned = json(&mut node, &[]);
    assert_eq!(role(&planned, "web")["state"], "leaves");
    assert_eq!(apply(&mut node, &digest(&planned)).status, Some(0));
    assert_eq!(told(&site), ["gone"]);
    node.stop();
}

#[test]
fn a_schedule_that_is_given_does_not_guess_secrets() {
    let site = site("");
    site.write("etc/secrets/.new", "hunter22\n");
    fs::set_permissions(site.path("etc/secrets/.new"), Permissions::from_mode(0o600)).expect("changed");
    fs::rename(site.path("etc/secrets/.new"), site.path("etc/secrets/db")).expect("on one file system");
    site.write("etc/templates/web/v1/page.hbs", "listen {{ listen }} {{ json names }}\n{{ secret \"db\" }}\n");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    let given = site.path("given.json").display().to_string();
    fs::write(&given, node.get("/v1/schedule").body.replace("www.example.org", "hunter22 hunter23")).expect("written");
    let shown = plan(&mut node, &["--schedule", &given]);
    assert!(shown.out.contains("hunter22 hunter23") && shown.out.contains("‹secret db›"), "a guess looks like any other: {shown:?}");
    fs::write(&given, "null").expect("written");
    let nothing = plan(&mut node, &["--schedule", &given]);
    assert!(nothing.status == Some(1) && nothing.err.contains("given.json is no schedule"), "{nothing:?}");
    node.stop();
}

#[test]
fn terminals_get_colours_and_a_pager() {
    let site = site("");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    fs::write(site.path("out/page"), "listen 9999\n").expect("written");
    let line = format!("{} plan --node http://{}", env!("CARGO_BIN_EXE_verwalter"), node.addr());
    let on_terminal = |line: &str| {
        let mut command = Command::new("script");
        command.args(["-qec", line, "/dev/null"]).env("TERM", "xterm").env("PAGER", "sed 's/^/paged: /'").env_remove("NO_COLOR");
        let output = command.output().expect("script is there");
        String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
    };
    let paged = on_terminal(&line);
    assert!(
        paged.contains("paged: \u{1b}[31m-listen 9999\u{1b}[m\n") && paged.contains("paged: \u{1b}[32m+listen 8080\u{1b}[m\n"),
        "{paged:?}"
    );
    let plain = on_terminal(&format!("{line} --no-pager --color never"));
    assert!(plain.contains("\n-listen 9999\n+listen 8080\n") && !plain.contains('\u{1b}'), "{plain:?}");
    node.stop();
}

//! A role as a whole on a running node: its files, what is done once they are in place, what becomes of it when that fails, and when it leaves.

mod ending;
mod faults;
mod log;
mod nginx;
mod ownership;
mod plan;
mod secrets;
mod waits;

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustix::process::Signal;

use crate::support::{Node, Site, eventually, program, run_to_end};

/// A site whose role `web` has one file and these lines after its copy. Commands may run the shell.
fn site(lines: &str) -> Site {
    let site = Site::prepared();
    site.write("etc/sandbox/local.yaml", "commands: { programs: [/bin/sh] }\n");
    site.write("etc/templates/web/v1/page.hbs", "listen {{ listen }}\n");
    render_file(&site, lines);
    site
}

fn render_file(site: &Site, lines: &str) {
    let copy = "- !Copy { src: '{{ files.page }}', dest: 'page' }\n";
    let here = site.path("").display().to_string();
    let text = format!("templates: {{ page: page.hbs }}\ncommands:\n{copy}{}", lines.replace("HERE", here.trim_end_matches('/')));
    site.write("staged", text);
    fs::rename(site.path("staged"), site.path("etc/templates/web/v1/web.render.yaml")).expect("on one file system");
}

fn listen(site: &Site, from: u32, to: u32) {
    site.edit("etc/runtime/web.yaml", &format!("listen: {from}"), &format!("listen: {to}"));
}

/// Waits until the file says so.
fn page(site: &Site, node: &mut Node, port: u32) {
    node.eventually("the file follows", |_| (site.read("out/page")? == format!("listen {port}\n")).then_some(()));
}

fn told(site: &Site) -> Vec<String> {
    site.read("told").unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn commands_run_where_something_changed_and_only_then() {
    let site = site("- !Sh 'echo {{ role }} $VERWALTER_ROLE $(cat HERE/out/page) >>HERE/told'\n- !PeekLog 'own/web.log'\n");
    let sandbox = format!("log-dirs: {{ own: {} }}\ncommands: {{ programs: [/bin/sh] }}\n", site.path("").display());
    site.write("etc/sandbox/local.yaml", sandbox);
    site.write("web.log", "twelve bytes");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    assert_eq!(told(&site), ["web web listen 8080"]);
    listen(&site, 8080, 8081);
    page(&site, &mut node, 8081);
    node.healthy();
    eventually("it is told", || (told(&site).len() == 2).then_some(()));
    // A variable that no template of the role prints makes a new schedule and nothing else.
    let schedule = |node: &mut Node| node.get("/v1/status").json()["schedule_id"].clone();
    let before = schedule(&mut node);
    site.edit("etc/runtime/web.yaml", "names: [example.org, www.example.org]", "names: [example.com]");
    node.status("it is deployed", |status| {
        let deployed = status["deployment"]["schedule"] == status["schedule_id"];
        (status["schedule_id"] != before && deployed).then_some(())
    });
    node.stop();
    // Nor does a restart do anything.
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    node.stop();
    assert_eq!(told(&site), ["web web listen 8080", "web web listen 8081"]);
    let log = run_to_end(["log", "--log-dir", &site.path("log").to_string_lossy()]);
    assert_eq!(log.out.matches(" web RoleFinish ").count(), 2, "{}", log.out);
    let raw = run_to_end(["log", "--json", "--log-dir", &site.path("log").to_string_lossy()]);
    let lines: Vec<serde_json::Value> = raw.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let external: Vec<_> = lines.iter().filter(|line| line[3] == "ExternalLog").map(|line| line[2]["fields"].clone()).collect();
    assert_eq!(external, [serde_json::json!(["own/web.log", 12]), serde_json::json!(["own/web.log", 12])]);
}

#[test]
fn a_program_that_the_node_does_not_permit_is_not_run() {
    let site = site("- !Cmd [touch, HERE/touched]\n");
    let mut node = site.run(&[]);
    let error = node.error("role web");
    assert!(error.starts_with("role web: web.render.yaml:4: `touch ") && error.contains("/touch under `commands.programs`"), "{error}");
    assert!(error.ends_with("; nothing was changed"), "{error}");
    assert!(!site.path("touched").exists() && !site.path("out/page").exists(), "it is found out before anything is done");
    assert!(site.read("out/motd").is_some(), "the other role goes on");
    site.write("etc/sandbox/local.yaml", "commands: { programs: [/usr/bin/touch] }\n");
    node.healthy();
    assert!(site.path("touched").exists() && site.path("out/page").exists());
    node.stop();
}

#[test]
fn a_reload_that_fails_brings_files_and_services_back() {
    let reload = "- !Sh 'cat HERE/out/page >>HERE/told; ! grep -q 8081 HERE/out/page'\n";
    let site = site(reload);
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    listen(&site, 8080, 8081);
    let error = node.error("role web");
    assert!(error.contains("web.render.yaml:4: ") && error.contains("the former files are back"), "{error}");
    let told = told(&site);
    assert_eq!(told[..3], ["listen 8080", "listen 8081", "listen 8080"], "it was told last of what is in force");
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\n"));
    let log = run_to_end(["log", "--role", "web", "--log-dir", &site.path("log").to_string_lossy()]);
    assert_eq!(log.status, Some(0), "{log:?}");
    for part in ["-listen 8080", "+listen 8081", "undoing: ", "result: undone: role web: "] {
        assert!(log.out.contains(part), "{part}: {}", log.out);
    }
    listen(&site, 8081, 8082);
    page(&site, &mut node, 8082);
    node.healthy();
    node.stop();
}

#[test]
fn a_check_refuses_a_file_before_anything_changes() {
    let site = site("");
    let copy = "templates: { page: page.hbs }\ncommands:\n- !Copy { src: '{{ files.page }}', dest: page, check: [sh, -c, 'grep -q 80.0 $0', '{{ staged }}'] }\n";
    site.write("etc/templates/web/v1/web.render.yaml", copy);
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    listen(&site, 8080, 8081);
    let error = node.error("role web");
    assert!(error.starts_with("role web: page was refused: web.render.yaml:3: ") && error.ends_with("; nothing was changed"), "{error}");
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\n"));
    listen(&site, 8081, 8090);
    page(&site, &mut node, 8090);
    node.healthy();
    node.stop();
}

#[test]
fn health_is_waited_for_and_what_is_not_well_goes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("it has one"));
    let site = site(&format!("health:\n- {{ http: '{url}', within: 400ms, every: 20ms, timeout: 100ms }}\n"));
    // It takes connections and never answers.
    let mut node = site.run(&[]);
    let error = node.error("role web");
    assert!(error.contains("web.render.yaml:5") && error.contains("the former files are back"), "{error}");
    assert!(!site.path("out/page").exists());
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    node.healthy();
    page(&site, &mut node, 8080);
    node.stop();
}

#[test]
fn health_is_in_what_an_answer_says() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("it has one"));
    let answer = Arc::new(Mutex::new("202 Accepted\r\nContent-Length: 8\r\n\r\nstarting"));
    let answers = answer.clone();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = write!(stream, "HTTP/1.1 {}", *answers.lock().expect("nobody panicked"));
        }
    });
    let answers = |with| *answer.lock().expect("nobody panicked") = with;
    let site =
        site(&format!("health:\n- {{ http: '{url}', within: 400ms, every: 20ms, status: 200, contains: 'ready as {{{{ role }}}}' }}\n"));
    let mut node = site.run(&[]);
    let error = node.error("role web");
    assert!(error.contains("status 202, not 200") && error.contains("the former files are back"), "{error}");
    answers("200 OK\r\nContent-Length: 8\r\n\r\nstarting");
    let lacks = r#"status 200, but its answer does not contain "ready as web""#;
    node.status(lacks, |status| status["errors"]["role web"].as_str().filter(|error| error.contains(lacks)).map(drop));
    assert!(!site.path("out/page").exists());
    answers("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nready a\r\n5\r\ns web\r\n0\r\n\r\n");
    node.healthy();
    page(&site, &mut node, 8080);
    node.stop();
}

#[test]
fn a_node_that_can_deploy_nothing_is_not_ready() {
    let site = site("");
    site.write("var/roles", "no directory");
    let mut node = site.run(&[]);
    node.error("render-roles");
    let reply = node.get("/readyz");
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.body.contains("nothing can be deployed"), "{reply:?}");
    fs::remove_file(site.path("var/roles")).expect("it is there");
    // Whatever is changed ends the wait.
    listen(&site, 8080, 8081);
    node.ready();
    node.healthy();
    page(&site, &mut node, 8081);
    node.stop();
}

#[test]
fn a_log_that_cannot_be_written_is_told_of_once() {
    let site = site("");
    site.write("log/web", "no directory");
    let mut node = site.run(&[]);
    node.ready();
    page(&site, &mut node, 8080);
    assert!(node.error("deployment log").contains("log/web"));
    node.stop();
    let transcript = node.transcript();
    assert_eq!(transcript.matches("deployment log").count(), 1, "{transcript}");
}

#[test]
fn a_role_that_leaves_takes_its_files_along_and_says_farewell() {
    let site = site("on-remove:\n- !Sh 'echo gone >>HERE/told'\n");
    site.write("out/own", "by hand");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    assert!(site.path("out/page").exists());
    fs::rename(site.path("etc/runtime/web.yaml"), site.path("web.kept")).expect("it is there");
    node.eventually("its file goes", |_| (!site.path("out/page").exists()).then_some(()));
    eventually("it says farewell", || (told(&site) == ["gone"]).then_some(()));
    node.healthy();
    assert!(site.read("out/motd").is_some() && site.read("out/own").as_deref() == Some("by hand"));
    eventually("nothing is remembered of it", || (!site.path("var/roles/web.json").exists()).then_some(()));
    fs::rename(site.path("web.kept"), site.path("etc/runtime/web.yaml")).expect("it is there");
    page(&site, &mut node, 8080);
    node.stop();
}

#[test]
fn two_roles_do_not_write_one_file() {
    let site = site("");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    let both = "templates: { page: page.hbs }\ncommands:\n- !Copy { src: '{{ files.page }}', dest: 'motd' }\n";
    site.write("etc/templates/web/v1/web.render.yaml", both);
    let error = node.error("role web");
    assert!(error.contains("out/motd belongs to the role motd: change one destination"), "{error}");
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\n"));
    // Nor by another path to it.
    std::os::unix::fs::symlink(".", site.path("out/link")).expect("linked");
    let motd = site.read("out/motd");
    site.write("etc/templates/web/v1/web.render.yaml", both.replace("'motd'", "'link/motd'"));
    let told = "out/link/motd belongs to the role motd: change one destination";
    node.status(told, |status| status["errors"]["role web"].as_str().filter(|error| error.contains(told)).map(drop));
    assert_eq!(site.read("out/motd"), motd);
    node.stop();
}

#[test]
fn relative_directories_are_the_same_for_the_children() {
    let site = site("- !Sh 'cp {{ files.page }} HERE/argument; pwd >HERE/cwd'\n");
    site.edit("etc/verwalter.yaml", "output-dir: ../out\n", "");
    let mut command = crate::support::program();
    command.current_dir(site.path("")).args(["run", "--config-dir", "etc", "--storage-dir", "var", "--log-dir", "log"]);
    command.args(["--listen", "127.0.0.1:0", "--override-machine-id", "00112233445566778899aabbccddeeff"]);
    let mut node = Node::start(command);
    node.ready();
    node.healthy();
    for file in ["argument", "var/output/page"] {
        assert_eq!(site.read(file).as_deref(), Some("listen 8080\n"), "{file}");
    }
    assert_eq!(site.read("cwd").as_deref(), Some("/\n"));
    node.stop();
}

#[test]
fn a_stop_does_not_wait_for_a_command_that_hangs() {
    let hangs = "cat HERE/out/page >>HERE/told; if grep -q 8081 HERE/out/page && [ -e HERE/gate ]; then read x <HERE/gate; fi";
    // Far beyond what the end of a test waits for.
    let site = site(&format!("- !Cmd {{ command: [sh, -c, '{hangs}'], timeout: 5m }}\n"));
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    assert!(Command::new("mkfifo").arg(site.path("gate")).status().expect("it runs").success());
    listen(&site, 8080, 8081);
    node.eventually("the command runs", |_| (told(&site).len() == 2).then_some(()));
    let known = node.get("/v1/roles/web").json();
    assert!(known["attempt"] == 1 && known["pending"]["attempt"] == 1, "who looks does not wait for it: {known}");
    node.stop();
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\n"), "what was before is in force");
    assert_eq!(told(&site), ["listen 8080", "listen 8081", "listen 8080"], "and that was told");
    fs::remove_file(site.path("gate")).expect("it is there");
    let mut node = site.run(&[]);
    page(&site, &mut node, 8081);
    node.healthy();
    node.stop();
    assert_eq!(told(&site)[3..], ["listen 8081"], "nothing was left to be undone");
}

#[test]
fn a_log_is_followed_until_nobody_reads_it() {
    let site = Site::prepared();
    let mut node = site.run(&[]);
    node.ready();
    node.stop();
    for role in [&[][..], &["--role", "web"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = program();
        command.args(["log", "--follow", "--log-dir"]).arg(site.path("log")).args(role).stdout(writer);
        // The reader is gone: the first line finds nobody.
        drop(reader);
        let mut follower = command.spawn().expect("the program starts");
        let status = eventually("it ends", || follower.try_wait().expect("it can be waited for"));
        assert_eq!(status.code(), Some(0), "{role:?}");
    }
}

#[test]
fn what_cannot_be_rendered_is_in_the_log() {
    let site = site("");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    site.write("etc/templates/web/v1/page.hbs", "{{ gone }}\n");
    node.error("role web");
    node.stop();
    let log = run_to_end(["log", "--role", "web", "--log-dir", &site.path("log").to_string_lossy()]);
    let result = log.out.lines().find(|line| line.starts_with("result: undone: ")).unwrap_or_default();
    assert!(result.contains("page.hbs") && result.contains("gone"), "{}", log.out);
}

/// Killed while a command runs, so that the new file is in place and nothing is committed.
#[test]
fn a_daemon_that_is_killed_in_the_midst_undoes_at_the_next_start() {
    let site =
        site("- !Sh 'cat HERE/out/page >>HERE/told; if grep -q 8081 HERE/out/page && [ -e HERE/gate ]; then read x <HERE/gate; fi'\n");
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    assert!(Command::new("mkfifo").arg(site.path("gate")).status().expect("it runs").success());
    listen(&site, 8080, 8081);
    node.eventually("the command runs", |_| (told(&site).len() == 2).then_some(()));
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8081\n"));
    node.signal(Signal::KILL);
    node.end();
    fs::remove_file(site.path("gate")).expect("it is there");
    // Until it is deployed anew, it is what it was: the templates cannot be read now.
    let good = site.read("etc/templates/web/v1/page.hbs").expect("it is there");
    site.write("etc/templates/web/v1/page.hbs", "{{ gone }}\n");
    let mut node = site.run(&[]);
    node.error("role web");
    assert_eq!(site.read("out/page").as_deref(), Some("listen 8080\n"), "undone");
    assert_eq!(told(&site), ["listen 8080", "listen 8081", "listen 8080"], "and told");
    site.write("etc/templates/web/v1/page.hbs", good);
    page(&site, &mut node, 8081);
    node.healthy();
    node.stop();
    assert!(!site.path("out/.vw-staging/web").exists());
}

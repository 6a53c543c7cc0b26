//! A real nginx behind a role: its templates are checked by itself, and requests go on while its configuration changes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use crate::support::{Node, Site, eventually};

/// Status and body of an answer over its socket: no port is needed.
fn ask(socket: &Path) -> Option<(String, String)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_owned(), body.trim().to_owned()))
}

const CONFIG: &str = "\
daemon off; worker_processes 1; pid HERE/nginx.pid; error_log HERE/error.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path HERE/n1; proxy_temp_path HERE/n2; fastcgi_temp_path HERE/n3; uwsgi_temp_path HERE/n4; scgi_temp_path HERE/n5;
    server { listen unix:HERE/sock; location / { return 200 {{ quote answer }}; } {{ default extra \"\" }} }
}
";

#[test]
fn requests_go_on_through_fifty_changes() {
    let installed = Command::new("nginx").arg("-v").output().is_ok_and(|output| output.status.success());
    if !installed {
        let _ = writeln!(std::io::stderr(), "left out: a real nginx: `nginx` is not installed here");
        return;
    }
    let site = Site::prepared();
    let here = site.path("").display().to_string();
    let (here, socket) = (here.trim_end_matches('/'), site.path("sock"));
    let conf = CONFIG.replace("HERE", here);
    let program = Command::new("sh").args(["-c", "command -v nginx"]).output().expect("it runs").stdout;
    let program = String::from_utf8(program).expect("a path");
    site.write("etc/sandbox/local.yaml", format!("commands: {{ programs: [{}] }}\n", program.trim()));
    site.write("etc/templates/web/v1/nginx.conf.hbs", &conf);
    site.write(
        "etc/templates/web/v1/web.render.yaml",
        format!(
            "templates: {{ conf: nginx.conf.hbs }}\ncommands:\n\
             - !Copy {{ src: '{{{{ files.conf }}}}', dest: nginx.conf, format: nginx, check: [nginx, -t, -c, '{{{{ staged }}}}'] }}\n\
             - !Cmd [nginx, -c, '{here}/out/nginx.conf', -s, reload]\n"
        ),
    );
    site.edit("etc/runtime/web.yaml", "vars:\n", "vars:\n  answer: zero\n");
    // What a supervisor would do before the first deployment.
    fs::create_dir_all(site.path("out")).expect("made");
    let first = conf.replace("{{ quote answer }}", "first").replace("{{ default extra \"\" }}", "");
    site.write("out/nginx.conf", first);
    let mut command = Command::new("nginx");
    command.arg("-c").arg(site.path("out/nginx.conf"));
    let mut server = Node::start(command);
    eventually("it serves", || ask(&socket));
    let mut node = site.run(&[]);
    node.ready();
    node.healthy();
    eventually("it serves what was rendered", || (ask(&socket)?.1 == "zero").then_some(()));
    let mut requests = 0;
    let mut now = "zero".to_owned();
    for change in 1..=50 {
        let next = format!("answer-{change}");
        site.edit("etc/runtime/web.yaml", &format!("answer: {now}\n"), &format!("answer: {next}\n"));
        // Every one of them is answered, by the one configuration or the other.
        eventually("it follows", || {
            let (status, answer) = ask(&socket).unwrap_or_else(|| panic!("change {change}, request {requests}: no answer"));
            requests += 1;
            assert!(status.contains(" 200 "), "change {change}, request {requests}: {status}");
            // Workers that are on their way out still answer; none answers anything else.
            assert!(["first", "zero"].contains(&&*answer) || answer.starts_with("answer-"), "change {change}: {answer}");
            (answer == next).then_some(())
        });
        now = next;
    }
    assert!(requests >= 50, "{requests}");
    // What nginx itself refuses is never in place.
    let before = site.read("out/nginx.conf");
    site.edit("etc/runtime/web.yaml", "vars:\n", "vars:\n  extra: 'no_such_directive on;'\n");
    let error = node.error("role web");
    assert!(error.contains("no_such_directive") && error.ends_with("; nothing was changed"), "{error}");
    assert_eq!(site.read("out/nginx.conf"), before);
    eventually("it serves the last good one", || (ask(&socket)?.1 == now).then_some(()));
    node.stop();
    server.signal(rustix::process::Signal::TERM);
    server.end();
}

//! The pack `nginx`: servers of other roles' placements, read by nginx alone and then with everything else.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use super::bench::{Bench, ask, usable};
use crate::support::{Node, eventually};

/// What a machine's own configuration comes to.
const MAIN: &str = "pid /dev/null;\nerror_log stderr;\nevents { }\nhttp {\n    include conf.d/*.conf;\n}\n";

/// What was made, served by a real nginx, with sockets in place of ports.
fn serves(conf: &str) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let here = dir.path().display();
    let mut conf = conf.replace("listen [::]:8080;", "").replace("listen 127.0.0.1:8081;", &format!("listen unix:{here}/health;"));
    for (port, socket) in [("listen 8080;", "listen unix:HERE/web;"), ("server 127.0.0.11:8000 ", "server unix:HERE/shop ")] {
        conf = conf.replace(port, &socket.replace("HERE", &here.to_string()));
    }
    // Only one of the shop's servers is up: the others are passed over.
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {here}/{kind};\n")).concat();
    let main =
        format!("daemon off; pid {here}/pid; error_log {here}/log;\nevents {{ }}\nhttp {{\naccess_log off;\n{temporary}{conf}\n}}\n");
    std::fs::write(dir.path().join("nginx.conf"), main).expect("written");
    let shop = UnixListener::bind(dir.path().join("shop")).expect("bound");
    if rustix::process::geteuid().is_root() {
        // nginx' workers are somebody else then.
        let open = |path: &Path| std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("set");
        open(dir.path());
        open(&dir.path().join("shop"));
    }
    std::thread::spawn(move || {
        for mut stream in shop.incoming().flatten() {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap_or_default();
            let asked = String::from_utf8_lossy(&bytes[..read]).into_owned();
            let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{asked}", asked.len());
        }
    });
    let mut command = Command::new("nginx");
    command.arg("-c").arg(dir.path().join("nginx.conf"));
    let mut server = Node::start(command);
    let health = eventually("it serves", || ask(&dir.path().join("health"), "127.0.0.1", "/edge"));
    assert!(health.0.contains(" 204 "), "{health:?}");
    let web = |host: &str| ask(&dir.path().join("web"), host, "/page").expect("an answer");
    assert!(web("later.example").0.contains(" 503 "), "no backend yet");
    for host in ["shop.example", "eu.shop.example"] {
        let (status, asked) = web(host);
        assert!(status.contains(" 200 ") && asked.contains(&format!("Host: {host}\r\n")), "{host}: {status}: {asked}");
    }
    server.signal(rustix::process::Signal::TERM);
    server.end();
}

#[test]
fn nginx_reads_it_before_and_after_it_takes_its_place() {
    let real = usable("nginx", &["-t", "-q"]);
    let mut bench = Bench::begin("nginx", if real { &["nginx"] } else { &[] }, |site| site.write("root/etc/nginx/nginx.conf", MAIN));
    bench.settled();
    let conf = "etc/nginx/conf.d/edge.conf";
    assert!(bench.read(conf).expect("made").contains("upstream edge-shop {\n    server 127.0.0.11:8000 weight=1 "), "one node");
    assert!(bench.told().contains(&"systemctl reload-or-restart nginx.service".to_owned()));
    bench.join();
    bench.is_as_expected();
    if real {
        serves(&bench.read(conf).expect("made"));
    }
    let part = "does not fit";
    for hostile in ["\"80; } server { listen 81\"", "\"80\\n\"", "'80 default_server'", "'#'", "80000000"] {
        bench.refuses_of("edge", "shop", "port: 8000", &format!("port: {hostile}"), part);
    }
    for hostile in ["\"x; return 200\"", "\"~.\"", "'$host'", "\"a b\"", "'\"'", "\"a\\nb\""] {
        bench.refuses("edge", "later.example", hostile, part);
    }
    bench.refuses("edge", "n1: 127.0.0.11", "n1: \"unix:/run/docker.sock\"", part);
    bench.refuses("edge", "    later:", "    \"later {} server { #\":", part);
    bench.refuses("edge", "backend: later", "backend: latter", "finds no role `latter`");
    if real {
        // Sound words that nginx refuses, alone: nothing was changed.
        bench.refuses("edge", "later.example", "a*.example", part);
        bench.refuses("edge", "n1: 127.0.0.11", "n1: no-such-host.invalid", "; nothing was changed");
        // At odds with a file of somebody else: the former files return before nginx reads any.
        bench.write("root/etc/nginx/conf.d/other.conf", "upstream edge-newer { server 127.0.0.1:1; }\n");
        bench.edit("edge", "    shop: {", "    newer: {");
        let error = bench.node.error("role edge");
        assert!(error.contains("duplicate upstream \"edge-newer\"") && error.contains("the former files are back"), "{error}");
        bench.eventually_reads(conf, "upstream edge-shop {");
        bench.remove("root/etc/nginx/conf.d/other.conf");
        bench.eventually_reads(conf, "upstream edge-newer {");
        bench.settled();
    } else {
        let _ = writeln!(std::io::stderr(), "left out: what nginx itself refuses");
    }
    bench.follows("shop", ("port: 8000", "port: 8001"), conf, "server [::1]:8001 weight=1 ");
    assert!(bench.told().contains(&"systemctl reload-or-restart nginx.service".to_owned()));
    bench.leave("edge", conf);
    assert!(bench.told().contains(&"systemctl reload nginx.service".to_owned()));
    assert!(bench.read("etc/nginx/conf.d/edge.conf.check").is_none());
    bench.stop();
}

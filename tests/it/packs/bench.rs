//! A node with a pack on it, and two others on which its scheduler may place. Nothing of the machine is touched: paths lead below the site.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use super::{files, pack};
use crate::agents::{Member, sees};
use crate::support::{Node, Site, eventually, get, program};

/// Plays systemctl: units are files below `units`, what it was told is a line each in `told`, and units named in `refused` do not start.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "systemctl $*" >>HERE/told
verb=$1
shift
for last; do :; done
case $verb in
list-units) cd HERE/units && for unit in $last; do [ ! -e "$unit" ] || echo "$unit loaded active running It is described"; done ;;
is-active) [ -e "HERE/units/$last" ] ;;
start | restart | reload-or-restart) ! grep -qxF "$last" HERE/refused && : >"HERE/units/$last" ;;
reload) [ -e "HERE/units/$last" ] ;;
stop) rm -f "HERE/units/$last" ;;
esac
"#;

/// Plays a program that checks: it says no while there is a file `refused-by-NAME`.
const CHECKER: &str = "#!/bin/sh\necho \"NAME $*\" >>HERE/told\n[ ! -e HERE/refused-by-NAME ]\n";

/// One pack on one node.
pub(crate) struct Bench {
    pack: &'static str,
    member: Member,
    /// The test's `/` before the node ran.
    before: BTreeMap<String, String>,
    /// The others, once they joined.
    others: Vec<(Member, Node)>,
    /// The node that has the pack.
    pub(crate) node: Node,
}

/// Whether a program is there and can do what the pack wants of it.
pub(crate) fn usable(program: &str, probe: &[&str]) -> bool {
    let usable = Command::new(program).args(probe).output().is_ok_and(|output| output.status.success());
    if !usable {
        let _ = writeln!(std::io::stderr(), "left out: a real program: `{program}` is not installed here, or cannot be used");
    }
    usable
}

/// Asks for a path of a host over a socket; gives status line and body.
pub(crate) fn ask(socket: &Path, host: &str, path: &str) -> Option<(String, String)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_owned(), body.to_owned()))
}

impl Bench {
    /// Installs a pack with its example and starts a node on it, alone. Programs that are not `real` are played.
    pub(crate) fn start(pack: &'static str, real: &[&str]) -> Bench {
        Bench::begin(pack, real, |_| ())
    }

    /// The same, with something prepared before the node runs.
    pub(crate) fn begin(pack: &'static str, real: &[&str], prepare: impl FnOnce(&Site)) -> Bench {
        let member = Member::new(1, "{listen: '127.0.0.1:0'}");
        let here = member.site.path("").display().to_string();
        let here = here.trim_end_matches('/').to_owned();
        install(pack, &member, &here, real);
        prepare(&member.site);
        let before = files(&member.site.path("root"));
        let node = member.start(program(), "127.0.0.1:0");
        Bench { pack, member, before, others: Vec::new(), node }
    }

    /// Two more nodes, seen by the scheduler.
    pub(crate) fn join(&mut self) {
        let seed = self.node.status("its agent has an address", |status| status["agent"]["address"].as_str().map(str::to_owned));
        for number in [2, 3] {
            let member = Member::new(number, &format!("{{listen: '127.0.0.1:0', seeds: ['{seed}']}}"));
            empty(&member, "etc/runtime");
            let node = member.start(program(), "127.0.0.1:0");
            self.others.push((member, node));
        }
        sees(&mut self.node, &["n2", "n3"]);
        let addr = self.node.addr();
        // What is known of them comes bit by bit, and so do placements.
        let wanted: u64 = files(&pack(self.pack).join("example/runtime")).values().map(|text| instances(text)).sum();
        self.node.eventually("all instances have a place", |_| {
            let schedule = get(addr, "/v1/schedule").json();
            let nodes = schedule["data"]["nodes"].as_object()?;
            let roles = nodes.values().filter_map(|node| node["roles"].as_object()).flat_map(|roles| roles.values());
            (roles.filter_map(|role| role["instances"].as_u64()).sum::<u64>() == wanted).then_some(())
        });
        self.settled();
    }

    /// Waits until what is in force is deployed, all of it.
    pub(crate) fn settled(&mut self) {
        self.node.status("it is deployed", |status| {
            let deployed = status["deployment"]["schedule"] == status["schedule_id"] && !status["schedule_id"].is_null();
            (deployed && status["num_errors"] == 0).then_some(())
        });
    }

    /// The files that came to the test's `/` or changed there, but for backups, and what programs of the pack keep until a boot.
    pub(crate) fn made(&self) -> BTreeMap<String, String> {
        let mut made = files(&self.member.site.path("root"));
        made.retain(|path, text| self.before.get(path) != Some(text) && !path.starts_with("run/") && !path.ends_with('~'));
        made
    }

    /// A file of it.
    pub(crate) fn read(&self, below: &str) -> Option<String> {
        self.member.site.read(&format!("root/{below}"))
    }

    /// Writes a file of the site.
    pub(crate) fn write(&self, below: &str, content: &str) {
        self.member.site.write(below, content);
    }

    /// Removes a file of the site.
    pub(crate) fn remove(&self, below: &str) {
        fs::remove_file(self.member.site.path(below)).expect("it is there");
    }

    /// What the played programs were told, and forgets it.
    pub(crate) fn told(&self) -> Vec<String> {
        let told = self.member.site.read("told").unwrap_or_default();
        self.write("told", "");
        told.lines().map(str::to_owned).collect()
    }

    /// Where the site lies, without a slash at the end.
    pub(crate) fn here(&self) -> String {
        self.member.site.path("").display().to_string().trim_end_matches('/').to_owned()
    }

    /// Waits until a played program was told this.
    pub(crate) fn eventually_told(&mut self, line: &str) {
        let site = &self.member.site;
        self.node.eventually(line, |_| site.read("told")?.lines().any(|told| told == line).then_some(()));
    }

    /// Waits until a file of the test's `/` is as `look` wants it.
    pub(crate) fn eventually_made(&mut self, file: &str, look: impl Fn(&str) -> bool) {
        let site = &self.member.site;
        self.node.eventually(file, |_| site.read(&format!("root/{file}")).is_some_and(|text| look(&text)).then_some(()));
    }

    /// Waits until a file has this text.
    pub(crate) fn eventually_reads(&mut self, file: &str, has: &str) {
        self.eventually_made(file, |text| text.contains(has));
    }

    /// Changes the one place `from` of a role's example, as an operator does.
    pub(crate) fn edit(&self, role: &str, from: &str, to: &str) {
        self.member.site.edit(&format!("etc/runtime/{role}.yaml"), from, to);
    }

    /// Changes it and waits until a file says so.
    pub(crate) fn follows(&mut self, role: &str, (from, to): (&str, &str), file: &str, has: &str) {
        self.edit(role, from, to);
        self.eventually_reads(file, has);
        self.settled();
    }

    /// Takes a role off the node: a scheduler places what `runtime/` has.
    pub(crate) fn leave(&mut self, role: &str, file: &str) {
        self.remove(&format!("etc/runtime/{role}.yaml"));
        let path = self.member.site.path("root").join(file);
        eventually("its file goes", || (!path.exists()).then_some(()));
        self.settled();
    }

    /// An edit that the role refuses with `part`; nothing changes, and it is taken back.
    pub(crate) fn refuses(&mut self, role: &str, from: &str, to: &str, part: &str) {
        self.refuses_of(role, role, from, to, part);
    }

    /// The same with an edit of another role's variables, which it looks up.
    pub(crate) fn refuses_of(&mut self, role: &str, edited: &str, from: &str, to: &str, part: &str) {
        let before = self.made();
        self.edit(edited, from, to);
        let error = self.node.error(&format!("role {role}"));
        assert!(error.contains(part), "{to}: {error}");
        // It is tried again and again: what is seen may be in the midst of that.
        eventually("all is as before", || (self.made() == before).then_some(()));
        self.edit(edited, to, from);
        self.settled();
    }

    /// Compares what was made with what the pack's `expected` has, or writes that anew.
    pub(crate) fn is_as_expected(&self) {
        let expected = pack(self.pack).join("expected");
        let made = self.made();
        if std::env::var_os("VERWALTER_UPDATE_PACKS").is_some() {
            let _ = fs::remove_dir_all(&expected);
            for (below, text) in &made {
                let path = expected.join(below);
                fs::create_dir_all(path.parent().expect("it lies below")).expect("made");
                fs::write(path, text).expect("written");
            }
            return;
        }
        let golden = files(&expected);
        assert_eq!(made.keys().collect::<Vec<_>>(), golden.keys().collect::<Vec<_>>(), "{}: other files", self.pack);
        for (below, text) in &golden {
            assert_eq!(&made[below], text, "{}: {below}", self.pack);
        }
    }

    /// Ends all nodes.
    pub(crate) fn stop(mut self) {
        self.node.stop();
        for (_, node) in &mut self.others {
            node.stop();
        }
    }
}

/// How many an example wants in the cluster.
fn instances(runtime: &str) -> u64 {
    let count = runtime.lines().find_map(|line| line.strip_prefix("instances: ")).expect("every example says so");
    count.parse().expect("a number")
}

fn empty(member: &Member, below: &str) {
    for entry in fs::read_dir(member.site.path(below)).expect("the demo has it") {
        fs::remove_file(entry.expect("it can be read").path()).expect("it is a file");
    }
}

/// Does what the README tells.
fn install(name: &str, member: &Member, here: &str, real: &[&str]) {
    let (site, dir) = (&member.site, pack(name));
    let health = listener();
    let local = |text: &str| {
        let mut text = text.replace("/etc/", &format!("{here}/root/etc/")).replace("/run/", &format!("{here}/root/run/"));
        for port in [8081, 8405] {
            text = text.replace(&format!("http://127.0.0.1:{port}/"), &format!("http://{health}/"));
        }
        if rustix::process::geteuid().is_root() { text } else { text.replace("!RootCommand", "!Cmd") }
    };
    // Where a pack's only role leaves, nothing is placed any more: that is meant.
    let manifest = site.read("etc/plugins/spread.yaml").expect("the demo has a scheduler");
    site.write("etc/plugins/spread.yaml", format!("{manifest}guards: {{ allow-empty: true }}\n"));
    empty(member, "etc/runtime");
    for (file, text) in files(&dir.join("example/runtime")) {
        site.write(&format!("etc/runtime/{file}"), text);
    }
    for (file, text) in files(&dir.join("v1")) {
        let text = if file.ends_with(".render.yaml") { local(&text) } else { text };
        site.write(&format!("etc/templates/{name}/v1/{file}"), text);
    }
    // What proxies lead to is somebody else's.
    site.write("etc/templates/backend/v1/nothing.render.yaml", "{}\n");
    let mut sandbox = local(&fs::read_to_string(dir.join("sandbox.yaml")).expect("every pack has one"));
    let (programs, rest) = sandbox.split_once("programs: [").and_then(|(_, rest)| rest.split_once(']')).expect("it lists programs");
    let (programs, _) = (programs.to_owned(), rest);
    for path in programs.split(", ") {
        let program = path.rsplit('/').next().expect("a path");
        if real.contains(&program) {
            continue;
        }
        let own = dir.join(program);
        let text = match fs::read_to_string(&own) {
            Ok(text) => local(&text),
            Err(_) if program == "systemctl" => SYSTEMCTL.replace("HERE", here),
            Err(_) => CHECKER.replace("NAME", program).replace("HERE", here),
        };
        script(member, program, &text);
        sandbox = sandbox.replace(path, &format!("{here}/bin/{program}"));
    }
    // The scripts of packs call it, too.
    script(member, "systemctl", &SYSTEMCTL.replace("HERE", here));
    let writes = sandbox.split_once("writes: [").and_then(|(_, rest)| rest.split_once(']')).expect("it lists directories").0;
    for path in writes.split(", ") {
        fs::create_dir_all(path).expect("made");
    }
    site.write("etc/sandbox/pack.yaml", &sandbox);
    let environment = format!("commands: {{ environment: {{ PATH: '{here}/bin:/usr/sbin:/usr/bin:/sbin:/bin' }} }}\n");
    site.write("etc/sandbox/test.yaml", environment);
    for dir in ["units", "root/run", "root/etc"] {
        fs::create_dir_all(site.path(dir)).expect("made");
    }
    for file in ["told", "refused"] {
        site.write(file, "");
    }
}

fn script(member: &Member, name: &str, text: &str) {
    let below = format!("bin/{name}");
    member.site.write(&below, text);
    fs::set_permissions(member.site.path(&below), fs::Permissions::from_mode(0o755)).expect("the mode can be set");
}

/// Answers for services that are played: they are well.
fn listener() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("it has one").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    addr
}

//! The pack `lithos`: files that lithos takes, by the rules that [`rules`] has, and the signal on which it reads them.

mod rules;

use std::fs;
use std::process::Command;

use self::rules::Sandbox;
use super::bench::{Bench, usable};
use super::{files, pack};
use crate::support::{Node, Site, eventually};

const BLOG: &str = "etc/lithos/processes/blog.yaml";

/// Plays lithos_tree: has a pid file, and writes a line on each SIGQUIT.
const TREE: &str = "trap 'echo QUIT >>HERE/told' QUIT; exec 3<>HERE/gate; echo $$ >HERE/root/run/lithos/master.pid; \
    while :; do read x <&3 || :; done";

fn tree(site: &Site) -> Node {
    let here = site.path("").display().to_string();
    fs::create_dir_all(site.path("root/run/lithos")).expect("made");
    assert!(Command::new("mkfifo").arg(site.path("gate")).status().expect("it runs").success());
    // What runs in the background of a shell ignores the signal from the start; no shell can trap it then.
    let mut command = Command::new("env");
    command.args(["--default-signal=QUIT", "sh", "-c", &TREE.replace("HERE", here.trim_end_matches('/'))]);
    let node = Node::start(command);
    eventually("it runs", || site.read("root/run/lithos/master.pid").filter(|pid| pid.ends_with('\n')));
    node
}

#[test]
fn each_role_is_a_sandbox_whose_file_lithos_takes() {
    let mut lithos = None;
    let real = usable("pkill", &["--version"]);
    let mut bench = Bench::begin("lithos", if real { &["pkill"] } else { &[] }, |site| lithos = Some(tree(site)));
    let mut lithos = lithos.expect("it was started");
    let here = bench.here();
    let signal = if real { "QUIT".to_owned() } else { format!("pkill -QUIT -F {here}/root/run/lithos/master.pid") };
    bench.settled();
    bench.eventually_told(&signal);
    let told = bench.told();
    let check = format!("lithos_check --sandbox blog --alternate-config {here}/root/etc/lithos/processes/.vw-staging/blog/0/blog.yaml");
    assert!(told.contains(&check), "{check}: {told:?}");
    bench.join();
    bench.is_as_expected();
    for (role, text) in bench.made().iter().filter_map(|(path, text)| Some((path.strip_prefix("etc/lithos/processes/")?, text))) {
        let sandbox = Sandbox::read(&fs::read_to_string(pack("lithos").join("example/sandboxes").join(role)).expect("it has one"));
        assert_eq!(sandbox.mistakes(text), [""; 0], "{role}: {text}");
    }
    // Any text is a value of one variable and nothing more.
    for hostile in ["\"x\\nother:\\n  image: evil\"", "\"} \\\\\\\"\"", "'- !x &a *a #'", "'yes'", "0x10", "null_"] {
        let (from, to) = ("site: \"it's the \\\"blog\\\"\"", format!("site: {hostile}"));
        let before = bench.read(BLOG);
        bench.edit("blog", from, &to);
        bench.eventually_made(BLOG, |text| Some(text) != before.as_deref());
        bench.settled();
        let text = bench.read(BLOG).expect("it is there");
        assert_eq!(Sandbox::default().children(&text), ["mailer", "manage", "web"], "{text}");
        bench.edit("blog", &to, from);
        bench.eventually_made(BLOG, |text| Some(text) == before.as_deref());
        bench.settled();
    }
    let part = "does not fit";
    for hostile in ["/blog", "blog/../../etc", "\"blog\\n  kind: Command\"", "''", "'blog x'", ".."] {
        bench.refuses("blog", "image: blog.3f9a1c02", &format!("image: {hostile}"), part);
    }
    for hostile in ["config/web.yaml", "/config/../web.yaml", "\"/config\\n/web.yaml\""] {
        bench.refuses("blog", "config: /config/web.yaml", &format!("config: {hostile}"), part);
    }
    bench.refuses("blog", "    mailer:", "    'mail er':", part);
    bench.refuses("shop", "10.64.0.12]", "'10.64.0.12/8']", part);
    // lithos' own word.
    bench.write("refused-by-lithos_check", "");
    bench.edit("blog", "port: 8000", "port: 8001");
    let error = bench.node.error("role blog");
    assert!(error.contains("blog.yaml was refused") && error.ends_with("; nothing was changed"), "{error}");
    bench.remove("refused-by-lithos_check");
    bench.eventually_reads(BLOG, "port: \"8001\"");
    bench.settled();
    bench.told();
    bench.leave("blog", BLOG);
    bench.eventually_told(&signal);
    assert!(bench.read("etc/lithos/processes/shop.yaml").is_some());
    bench.stop();
    lithos.signal(rustix::process::Signal::TERM);
    lithos.end();
}

#[test]
fn the_rules_refuse_what_lithos_refuses() {
    let sandbox = Sandbox::read("image-dir-levels: 1\nallow-tcp-ports: [8000-8099]\n");
    let check = |text: &str, part: &str| {
        let mistakes = sandbox.mistakes(text);
        assert!(mistakes.len() == 1 && mistakes[0].contains(part), "{text}: {mistakes:?}, not {part}");
    };
    check("- web\n", "is no mapping");
    check("web: { config: /a }\n", "`image` is missing");
    check("web: { image: a }\n", "`config` is missing");
    check("web: { image: a/b, config: /a }\n", "1 plain part");
    check("web: { image: .., config: /a }\n", "1 plain part");
    check("web: { image: a, config: a }\n", "is not absolute");
    check("web: { image: a, config: /a, kind: Timer }\n", "`kind`");
    check("web: { image: a, config: /a, kind: Command, instances: 2 }\n", "of daemons only");
    check("web: { image: a, config: /a, instances: -1 }\n", "`instances`");
    check("web: { image: a, config: /a, variables: { a: [1] } }\n", "is no scalar");
    check("web: { image: a, config: /a, user: 0 }\n", "`user` is not known");
    check("web: { image: a, config: /a, ip-addresses: [10.0.0.1] }\n", "no bridged network");
    assert_eq!(sandbox.mistakes("web: { image: a, config: /a, instances: 0, variables: { port: 8000 } }\n"), [""; 0]);
}

/// The image's configurations ask for what the role gives, and nothing else; their kinds are the same.
#[test]
fn the_example_image_fits_the_example_role() {
    let processes = fs::read_to_string(pack("lithos").join("expected").join(BLOG)).expect("it is there");
    let sandbox = fs::read_to_string(pack("lithos").join("example/sandboxes/blog.yaml")).expect("it is there");
    let containers = files(&pack("lithos").join("example/image/blog"));
    assert_eq!(Sandbox::read(&sandbox).unfit(&processes, &containers), [""; 0]);
    let other = containers.iter().map(|(path, text)| (path.clone(), text.replace("kind: Daemon", "kind: Command"))).collect();
    assert_eq!(Sandbox::read(&sandbox).unfit(&processes, &other).len(), 2);
    let ports = sandbox.replace("8000-8099", "80");
    assert!(Sandbox::read(&ports).unfit(&processes, &containers)[0].contains("port"));
}

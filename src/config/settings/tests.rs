//! Tests of `verwalter.yaml`: defaults, mistakes with their places, and the way back.

use super::*;

fn loaded(text: Option<&str>) -> (Settings, Vec<String>) {
    let dir = tempfile::tempdir().expect("temporary directory");
    if let Some(text) = text {
        std::fs::write(dir.path().join(SETTINGS_FILE), text).expect("written");
    }
    let mut report = Report::default();
    let mut settings = load(dir.path(), &mut report);
    let root = format!("{}/", dir.path().display());
    // The directory is another one in each run.
    settings.output_dir = settings.output_dir.map(|dir| dir.to_string_lossy().replace(&root, "CONF/").into());
    (settings, report.errors.iter().map(|err| err.to_string().replace(&root, "")).collect())
}

fn sound(text: &str, expect: impl FnOnce(&mut Settings)) {
    let mut expected = Settings::default();
    expect(&mut expected);
    assert_eq!(loaded(Some(text)), (expected, vec![]), "{text}");
}

fn refused(text: &str, expect: &[&str]) {
    let (settings, errors) = loaded(Some(text));
    assert_eq!(errors, expect, "{text}");
    assert_eq!(settings, Settings::default());
}

#[test]
fn what_is_not_written_has_its_default() {
    assert_eq!(loaded(None), (Settings::default(), vec![]));
    sound("", |_| ());
    sound("listen: '[::1]:80'\nhostname: alpha", |s| {
        s.listen = SocketAddr::new("::1".parse().expect("address"), 80);
        s.hostname = Hostname::new("alpha").ok();
    });
    sound("round-interval: 1s\nhttp: {body: 8KiB}\nlog-format: json", |s| {
        s.round_interval = Duration::from_secs(1);
        s.http.body = ByteSize::new(8192);
        s.log_format = LogFormat::Json;
    });
    sound("output-dir: out", |s| s.output_dir = Some("CONF/out".into()));
    sound("output-dir: /srv", |s| s.output_dir = Some("/srv".into()));
}

#[test]
fn mistakes_are_named() {
    refused("listn: x", &["verwalter.yaml:1:1: `listn`: unknown key: did you mean `listen`?"]);
    refused(
        "listen: 8379",
        &["verwalter.yaml:1:9: `listen`: `8379` is no ADDRESS:PORT: write an address and a port, as in `10.0.0.1:8379` or `[::1]:8379`"],
    );
    refused(
        "agent: {advertise: web1}",
        &[
            "verwalter.yaml:1:20: `agent.advertise`: `web1` is no ADDRESS:PORT: write an address and a port, as in `10.0.0.1:8379` or `[::1]:8379`",
        ],
    );
    refused(
        "hostname: Alpha_1",
        &["verwalter.yaml:1:11: `hostname`: hostname `Alpha_1` may hold lower-case letters, digits, `-` and `.` only (RFC 1123)"],
    );
    refused(
        "round-interval: 10",
        &["verwalter.yaml:1:17: `round-interval`: write a whole number and a unit: ms, s, m or h, as in `250ms`"],
    );
    refused("http:\n  bdy: 1MiB", &["verwalter.yaml:2:3: `http.bdy`: unknown key: did you mean `body`?"]);
}

#[test]
fn all_semantic_mistakes_are_reported_at_once() {
    refused(
        "round-interval: 1ms\ncollect-interval: 2h\nname: ''\nhttp:\n  connections: 0\n  body: 1GiB\n",
        &[
            "verwalter.yaml:1:1: `round-interval`: 1ms is out of range: write 100ms to 1h",
            "verwalter.yaml:2:1: `collect-interval`: 2h is out of range: write 100ms to 1m",
            "verwalter.yaml:6:3: `http.body`: 1GiB is out of range: write 1KiB to 64MiB",
            "verwalter.yaml:5:3: `http.connections`: 0 is out of range: write 1 to 65536",
            "verwalter.yaml:3:1: `name`: must be of 1 to 253 printable characters",
        ],
    );
}

#[test]
fn the_effective_settings_can_be_written_back() {
    let text = "peers: agent\nagent: {seeds: ['h:1'], key-file: /k, advertise: '10.0.0.1:5'}\nlisten: 10.0.0.1:80\nhostname: '10'\nname: 'a: \"b'\nround-interval: 90s\noutput-dir: /o\nlog-format: json\nhttp: {timeout: 1500ms}\n";
    let (settings, errors) = loaded(Some(text));
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(loaded(Some(&settings.to_string())), (settings, vec![]));
    assert_eq!(loaded(Some(&Settings::default().to_string())), (Settings::default(), vec![]));
}

#[test]
fn agents() {
    let text = "peers: cantal\nmetrics: prometheus\ncantal: {address: '10.0.0.1:22682'}\nprometheus: {url: 'http://prom:9090', token-file: token, interval: 10s}\n";
    let (settings, errors) = loaded(Some(text));
    assert_eq!(errors, Vec::<String>::new());
    let agents = &settings.agents;
    assert_eq!((agents.peers, agents.metrics), (PeersFrom::Cantal, MetricsFrom::Prometheus));
    assert_eq!((agents.cantal.address.to_string().as_str(), agents.cantal.scan_interval), ("10.0.0.1:22682", Duration::from_secs(2)));
    let prometheus = agents.prometheus.as_ref().expect("a server");
    assert_eq!((prometheus.url.to_string().as_str(), prometheus.peer_label.as_str()), ("http://prom:9090", "instance"));
    assert_eq!((prometheus.interval, prometheus.scrape_interval), (Duration::from_secs(10), Duration::from_secs(15)));
    refused("peers: canttal", &["verwalter.yaml:1:8: `peers`: `canttal` is not known here: did you mean `cantal`?"]);
    refused("metrics: prometheus", &["verwalter.yaml:1:1: `metrics`: no server is named: add `prometheus: { url: http://HOST:9090 }`"]);
    refused(
        "prometheus: {url: 'http://p:9090', user: a}",
        &["verwalter.yaml:1:1: `prometheus`: write `user` and `password-file`, or `token-file`, or none of them"],
    );
    refused("cantal: {scan-interval: 1ms}", &["verwalter.yaml:1:10: `cantal.scan-interval`: 1ms is out of range: write 100ms to 5m"]);
}

#[test]
fn the_built_in_agent() {
    let text = "peers: auto\nagent: {listen: '0.0.0.0:22683', advertise: '10.0.0.1:0', cluster: eu, seeds: ['a.example:1', '[::1]:22683'], key-file: keys}\n";
    let (settings, errors) = loaded(Some(text));
    assert_eq!(errors, Vec::<String>::new());
    let agent = &settings.agents.builtin;
    assert_eq!(settings.agents.peers, PeersFrom::Auto);
    assert_eq!((agent.cluster.as_str(), agent.seeds.len()), ("eu", 2));
    assert!(agent.key_file.as_ref().is_some_and(|file| file.ends_with("keys") && file.is_absolute()));
    refused(
        "agent:\n  seeds: ['10.0.0.1', 'a b:1', ':1', 'a:0', '::1:22683']\n  cluster: 'a b'\n  advertise: '[::]:1'\n",
        &[
            "verwalter.yaml:4:3: `agent.advertise`: nobody reaches [::]:1: write the address that the other nodes know this machine by",
            "verwalter.yaml:3:3: `agent.cluster`: a cluster's name has 1 to 48 letters, digits, `.`, `_` or `-`",
            "verwalter.yaml:2:3: `agent.seeds`: `10.0.0.1` is no HOST:PORT: write one, as in `10.0.0.1:22683`",
            "verwalter.yaml:2:3: `agent.seeds`: `a b:1` is no HOST:PORT: write one, as in `10.0.0.1:22683`",
            "verwalter.yaml:2:3: `agent.seeds`: `:1` is no HOST:PORT: write one, as in `10.0.0.1:22683`",
            "verwalter.yaml:2:3: `agent.seeds`: `a:0` is no HOST:PORT: write one, as in `10.0.0.1:22683`",
            "verwalter.yaml:2:3: `agent.seeds`: `::1:22683` is no HOST:PORT: write one, as in `10.0.0.1:22683`",
        ],
    );
}

#[test]
fn when_roles_are_deployed() {
    let text = "deploy:\n  mode: manual\n  wait: {min: 2s, max: 10s}\n  splay: 30s\n  interval: 5m\n";
    let (settings, errors) = loaded(Some(text));
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(loaded(Some(&settings.to_string())), (settings.clone(), vec![]));
    let deploying::Deploying { mode, pace } = settings.deploy;
    assert_eq!(mode, deploying::DeployMode::Manual);
    assert_eq!((pace.wait.min(), pace.wait.max()), (Duration::from_secs(2), Duration::from_secs(10)));
    assert_eq!((pace.splay, pace.interval), (Duration::from_secs(30), Duration::from_secs(300)));
    let max = |text: &str| loaded(Some(text)).0.deploy.pace.wait.max();
    assert_eq!(max("deploy: {wait: {min: 2s}}"), Duration::from_secs(8), "four times the least");
    assert_eq!(max("deploy: {wait: {min: 6h}}"), Duration::from_secs(24 * 3600));
    refused("deploy: {mode: manuel}", &["verwalter.yaml:1:16: `deploy.mode`: `manuel` is not known here: did you mean `manual`?"]);
    refused("deploy: {splai: 1s}", &["verwalter.yaml:1:10: `deploy.splai`: unknown key: did you mean `splay`?"]);
    refused("deploy: {wait: {mim: 1s}}", &["verwalter.yaml:1:17: `deploy.wait.mim`: unknown key: did you mean `min`?"]);
    refused("deploy: {wait: {max: 1s}}", &["verwalter.yaml:1:17: `deploy.wait`: the key `min` is missing: add it"]);
    refused("deploy: {wait: 2s}", &["verwalter.yaml:1:16: `deploy.wait`: a mapping is expected here, as `key: value`"]);
    refused(
        "deploy: {interval: 5}",
        &["verwalter.yaml:1:20: `deploy.interval`: write a whole number and a unit: ms, s, m or h, as in `250ms`"],
    );
    refused(
        "deploy:\n  wait: {min: 7h, max: 25h}\n  splay: 25h\n  interval: 48h\n",
        &[
            "verwalter.yaml:2:10: `deploy.wait.min`: 7h is out of range: write 0s to 6h",
            "verwalter.yaml:2:19: `deploy.wait.max`: 25h is out of range: write 0s to 24h",
            "verwalter.yaml:3:3: `deploy.splay`: 25h is out of range: write 0s to 24h",
            "verwalter.yaml:4:3: `deploy.interval`: 48h is out of range: write 0s to 24h",
        ],
    );
    refused(
        "deploy: {wait: {min: 10s, max: 5s}}",
        &["verwalter.yaml:1:27: `deploy.wait.max`: 5s is less than `min`, 10s: write that or more, or leave it out for 4 times as much"],
    );
}

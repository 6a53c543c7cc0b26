//! A real Prometheus server that scrapes the daemon's own `/metrics`, asked by the same daemon. Without the server it says so.

use std::io::Write as _;
use std::process::Command;

use crate::support::{Node, Site, get};

const CONFIG: &str = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n  - job_name: verwalter\n    \
    file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]\n";

/// The server, ready, and its address.
fn server(site: &Site) -> Option<(Node, String)> {
    if Command::new("prometheus").arg("--version").output().is_err() {
        let _ = writeln!(std::io::stderr(), "left out: a real server: `prometheus` is not installed here");
        return None;
    }
    site.write("prometheus/prometheus.yml", CONFIG);
    site.write("prometheus/targets.json", "[]");
    let mut command = Command::new("prometheus");
    command.arg("--config.file").arg(site.path("prometheus/prometheus.yml"));
    command.arg("--storage.tsdb.path").arg(site.path("prometheus/data")).arg("--web.listen-address=127.0.0.1:0");
    let mut server = Node::start(command);
    let addr = server.eventually("the server is ready", |server| {
        let listening = server.err.iter().find(|line| line.contains("\"Listening on\""))?;
        let addr = listening.rsplit("address=").next()?.trim().to_owned();
        server.err.iter().any(|line| line.contains("Server is ready")).then_some(addr)
    });
    Some((server, addr))
}

#[test]
fn the_daemons_own_metrics_come_back_as_columns() {
    let site = Site::prepared();
    let Some((_server, addr)) = server(&site) else { return };
    let settings = site.read("etc/verwalter.yaml").expect("the site has settings");
    // A server that is asked more often than it scrapes tells nothing new.
    site.write("etc/verwalter.yaml", format!("{settings}prometheus: {{url: 'http://{addr}', interval: 1s, scrape-interval: 1s}}\n"));
    let manifest = site.read("etc/plugins/spread.yaml").expect("the site has a scheduler");
    let columns = "  rounds: {metric: verwalter_rounds_total, take: rate, window: 1m, source: prometheus}\n  \
        resident: {metric: verwalter_process_resident_memory_bytes, source: prometheus}\n  \
        changes: {metric: verwalter_rounds_total, labels: {outcome: changed}, take: last, source: prometheus}\n";
    assert!(manifest.contains("\nmetrics:\n"), "{manifest}");
    site.write("etc/plugins/spread.yaml", manifest.replace("\nmetrics:\n", &format!("\nmetrics:\n{columns}")));
    let mut node = site.run(&[]);
    let target = node.addr();
    site.write("prometheus/targets.json", format!(r#"[{{"targets": ["{target}"]}}]"#));
    node.eventually("all three columns have numbers", |_| {
        let input = get(target, "/v1/scheduler_input").json();
        let number = |name: &str| input["metrics"][name][0].as_f64();
        let (rounds, resident, changes) = (number("rounds")?, number("resident")?, number("changes")?);
        assert!(resident > 1e6 && resident < 1e12, "bytes: {resident}");
        (rounds > 0.1 && changes >= 1.0).then_some(())
    });
    let input = node.get("/v1/status").json();
    assert_eq!(input["sources"]["unmatched"], serde_json::json!([]));
    node.healthy();
    node.stop();
}

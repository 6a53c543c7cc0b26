//! Two fixture machines two seconds apart, one that writes garbage, and the real one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;

fn roots(machine: &str) -> Roots {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/proc").join(machine);
    Roots { proc: root.join("proc"), sys: root.join("sys"), fs: root }
}

fn reader(roots: Roots) -> Reader {
    Reader { ticks_per_second: 100, ..Reader::new(roots) }
}

/// The samples by `metric` or `metric label-value`.
fn by_name(reading: &Reading) -> BTreeMap<String, (SampleKind, f64)> {
    let name = |sample: &Sample| match sample.labels.iter().find(|(key, _)| ["device", "interface", "protocol"].contains(&key.as_str())) {
        Some((_, value)) => format!("{} {value}", sample.labels["metric"]),
        None => sample.labels["metric"].clone(),
    };
    reading.samples.iter().map(|sample| (name(sample), (sample.kind, sample.value))).collect()
}

#[test]
fn every_source_gives_its_figures_in_seconds_and_bytes() {
    let reading = reader(roots("earlier")).read();
    assert!(reading.notes.is_empty(), "{:?}", reading.notes);
    assert_eq!(reading.left_out, 0);
    let samples = by_name(&reading);
    let check = |name: &str, kind, value| assert_eq!(samples.get(name), Some(&(kind, value)), "{name}");
    let counter = |name, value| check(name, SampleKind::Counter, value);
    let gauge = |name, value| check(name, SampleKind::Gauge, value);
    counter("cpu.user", 100.0);
    counter("cpu.nice", 2.0);
    counter("cpu.system", 30.0);
    counter("cpu.idle", 800.0);
    counter("cpu.iowait", 5.0);
    counter("cpu.irq", 0.0);
    counter("cpu.softirq", 1.0);
    counter("cpu.steal", 0.5);
    counter("cpu.guest", 10.0);
    counter("cpu.guest_nice", 0.0);
    gauge("cpu.count", 2.0);
    gauge("load_avg_1min", 0.32);
    gauge("load_avg_5min", 1.99);
    gauge("load_avg_15min", 0.66);
    gauge("proc_runnable", 2.0);
    gauge("proc_total", 86.0);
    gauge("uptime", 2000.5);
    gauge("memory.MemTotal", 2_097_152_000.0);
    gauge("memory.MemAvailable", 1_048_576_000.0);
    gauge("memory.Active(anon)", 119_939_072.0);
    gauge("memory.FutureField", 7_168.0);
    gauge("memory.HugePages_Total", 3.0);
    counter("disk.read.ops nvme0n1", 1000.0);
    counter("disk.read.merges nvme0n1", 10.0);
    counter("disk.read.bytes nvme0n1", 10_240_000.0);
    counter("disk.read.time nvme0n1", 1.5);
    counter("disk.write.ops nvme0n1", 2000.0);
    counter("disk.write.merges nvme0n1", 20.0);
    counter("disk.write.bytes nvme0n1", 20_480_000.0);
    counter("disk.write.time nvme0n1", 2.5);
    gauge("disk.in_progress nvme0n1", 3.0);
    counter("disk.time nvme0n1", 3.0);
    counter("disk.weighted_time nvme0n1", 4.0);
    counter("net.interface.rx.bytes eth0", 141_832_355.0);
    counter("net.interface.rx.packets eth0", 8_878.0);
    counter("net.interface.rx.errors eth0", 1.0);
    counter("net.interface.rx.drops eth0", 2.0);
    counter("net.interface.tx.bytes eth0", 620_265.0);
    counter("net.interface.tx.packets eth0", 5_355.0);
    counter("net.interface.tx.errors eth0", 3.0);
    counter("net.interface.tx.drops eth0", 4.0);
    counter("net.interface.rx.bytes enp0s31f6.100", 5_000_000_000_000.0);
    gauge("pressure.cpu.some.avg10", 0.125);
    counter("pressure.cpu.some.total", 5.0);
    counter("pressure.memory.some.total", 0.25);
    counter("pressure.memory.full.total", 0.125);
    gauge("pressure.io.some.avg10", 0.0669);
    gauge("pressure.io.full.avg10", 0.0027);
    counter("pressure.io.full.total", 1286.709505);
    counter("net.TcpExt.ListenOverflows", 22.0);
    counter("net.TcpExt.TCPTimeouts", 503.0);
    counter("net.IpExt.InOctets", 2_672_794_149.0);
    counter("net.Ip.OutNoRoutes", 3.0);
    counter("net.Tcp.RetransSegs", 445.0);
    gauge("net.Tcp.CurrEstab", 17.0);
    counter("net.Udp.RcvbufErrors", 6.0);
    counter("net.Ip6.InOctets", 512.0);
    counter("net.Udp6.InDatagrams", 31.0);
    gauge("net.sockets tcp", 4.0);
    gauge("net.sockets tcp6", 8.0);
    gauge("net.sockets udp6", 1.0);
    gauge("net.sockets.orphaned tcp", 3.0);
    gauge("net.sockets.time_wait tcp", 2061.0);
    gauge("net.sockets.memory udp", rustix::param::page_size() as f64);
    gauge("cgroup.memory.current", 31_457_280.0);
    gauge("cgroup.pids.current", 12.0);
    counter("cgroup.cpu.usage", 2.5);
    counter("cgroup.cpu.user", 2.0);
    counter("cgroup.cpu.system", 0.5);
    assert!(samples["fs.available"].1 <= samples["fs.free"].1 && samples["fs.free"].1 <= samples["fs.size"].1);
    assert!(!samples.contains_key("cgroup.memory.max"), "`max` is no number");
    for name in ["net.TcpExt.FutureField", "net.Tcp.RtoMax", "net.UdpLite6.InDatagrams", "pressure.cpu.full.avg10"] {
        assert!(!samples.contains_key(name), "{name}");
    }
}

#[test]
fn no_figure_of_the_machine_can_be_an_applications() {
    let reading = reader(roots("earlier")).read();
    let open: Vec<_> = reading.samples.iter().map(|sample| &sample.labels["metric"]).filter(|metric| !is_reserved(metric)).collect();
    assert!(reading.samples.len() > 100 && open.is_empty(), "{open:?}");
}

#[test]
fn whole_disks_only_and_no_loopback() {
    let reading = reader(roots("earlier")).read();
    let labels = |metric: &str, label: &str| -> Vec<String> {
        let of_metric = reading.samples.iter().filter(|sample| sample.labels["metric"] == metric);
        of_metric.map(|sample| sample.labels[label].clone()).collect()
    };
    assert_eq!(labels("disk.read.bytes", "device"), ["nvme0n1", "sda", "dm-1", "dm-10"]);
    assert_eq!(labels("disk.read.bytes", "layer"), ["physical", "physical", "stacked", "stacked"]);
    assert_eq!(labels("net.interface.rx.bytes", "interface"), ["enp0s31f6.100", "eth0"]);
}

#[test]
fn the_busy_share_needs_two_readings_and_forgets_across_a_gap() {
    let mut reader = reader(roots("earlier"));
    let mut busy_at = |machine: &str| {
        reader.roots = roots(machine);
        by_name(&reader.read()).get("cpu.busy").map(|(_, busy)| *busy)
    };
    assert_eq!(busy_at("earlier"), None);
    assert_eq!(busy_at("later"), Some(0.625));
    assert_eq!(busy_at("later"), None, "no time passed");
    assert_eq!(busy_at("earlier"), None, "time went back");
    assert_eq!(busy_at("garbage"), None);
    assert_eq!(busy_at("later"), None, "what was before the gap is old");
}

#[test]
fn garbage_gives_one_note_a_source_and_only_once() {
    let roots = roots("garbage");
    let mut reader = reader(roots.clone());
    let reading = reader.read();
    let noted: Vec<_> = reading.notes.iter().map(|note| note.path().to_owned()).collect();
    let cgroup = ["memory.current", "cpu.stat"].map(|file| format!("sys/fs/cgroup/own/{file}"));
    let pressure = ["cpu", "memory", "io"].map(|resource| format!("proc/pressure/{resource}"));
    let net = ["netstat", "snmp", "snmp6", "sockstat", "sockstat6"].map(|file| format!("proc/net/{file}"));
    let expect = ["proc/stat", "proc/loadavg", "proc/uptime", "proc/meminfo"].map(str::to_owned).into_iter();
    let expect = expect
        .chain(cgroup)
        .chain(pressure)
        .chain(net)
        .chain(["proc/diskstats", "proc/net/dev"].map(str::to_owned))
        .map(|path| roots.fs.join(path))
        .collect::<Vec<_>>();
    assert_eq!(noted, expect);
    assert_eq!(by_name(&reading).into_keys().collect::<Vec<_>>(), ["fs.available", "fs.free", "fs.size"]);
    assert!(reader.read().notes.is_empty(), "each is noted once");
}

#[test]
fn notes_name_the_file_and_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("source");
    let check = |expect: &str| {
        let message =
            source::read_text(&path).and_then(|_| Err::<(), _>(source::malformed(&path, "not a number"))).unwrap_err().to_string();
        assert_eq!(message, expect.replace("PATH", &path.display().to_string()));
    };
    check("cannot read PATH, its figures are left out");
    fs::write(&path, "x").unwrap();
    check("PATH is not understood, its figures are left out: not a number");
    fs::File::create(&path).unwrap().set_len(source::MAX_SOURCE_BYTES).unwrap();
    check("PATH is not understood, its figures are left out: not a number");
    fs::File::create(&path).unwrap().set_len(source::MAX_SOURCE_BYTES + 1).unwrap();
    check("PATH is longer than 4194304 bytes, its figures are left out");
}

#[test]
fn a_flood_of_interfaces_is_cut_after_the_essential_figures() {
    let directory = tempfile::tempdir().unwrap();
    let roots = Roots { proc: directory.path().to_owned(), sys: directory.path().to_owned(), fs: directory.path().to_owned() };
    fs::create_dir(roots.proc.join("net")).unwrap();
    fs::write(roots.proc.join("uptime"), "7.5 1.0\n").unwrap();
    let zeros = "0 ".repeat(16);
    let interfaces: String = (0..MAX_SERIES).map(|i| format!("veth{i}: {zeros}\n")).collect();
    fs::write(roots.proc.join("net/dev"), format!("\n\n{interfaces}{}: {zeros}\n", "x".repeat(MAX_LABEL_BYTES + 1))).unwrap();
    let reading = reader(roots).read();
    assert_eq!(reading.samples.len(), MAX_SERIES);
    // The uptime and three figures of the file system came first.
    assert_eq!(reading.left_out, (MAX_SERIES + 1) * 8 - (MAX_SERIES - 4));
    assert_eq!(by_name(&reading)["uptime"].1, 7.5);
}

#[test]
fn this_machine_has_figures() {
    let samples = by_name(&Reader::new(Roots::default()).read());
    for name in ["cpu.count", "cpu.idle", "memory.MemTotal", "memory.MemAvailable", "uptime", "proc_total", "fs.size"] {
        assert!(samples.get(name).is_some_and(|(_, value)| *value > 0.0), "{name}: {:?}", samples.get(name));
    }
}

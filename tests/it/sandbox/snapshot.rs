//! What plugins see of the cluster through the imports: every bit of every column, in both ABIs.

use std::sync::Arc;

use verwalter_core::metrics::Column;
use verwalter_core::ports::LogLevel;
use verwalter_core::schedule::Schedule;

use super::guest::{component_with, data, importing, placing, reading_component, reading_core};
use super::world::{SCHEDULER, Sandbox, cluster, decide, manifest, measured};

const MEASURING: &str = "kind: scheduler\ninput: columns\nmetrics:\n  load: { metric: load.1, take: last }\n";

/// Finite, negative zero, subnormal.
const ODD: [f64; 3] = [0.1, -0.0, f64::from_bits(1)];

fn hex(values: &[f64]) -> String {
    values.iter().flat_map(|value| value.to_le_bytes()).map(|byte| format!("{byte:02x}")).collect()
}

/// What the guest read of a cluster whose `load` is `column`.
fn read(sandbox: &Sandbox, wasm: &[u8], column: Column, parents: &[Schedule]) -> String {
    let plugin = sandbox.load(wasm, MEASURING).unwrap();
    decide(&plugin, &measured(&manifest(MEASURING), column), parents).unwrap().admitted.log
}

#[test]
fn columns_arrive_bit_by_bit() {
    let sandbox = Sandbox::new();
    let column = Column::with_series(Arc::new(ODD.to_vec()), vec![Arc::from([1.5, 2.5]), Arc::from([]), Arc::from([])]);
    assert_eq!(read(&sandbox, &reading_core("column", "load"), column.clone(), &[]), hex(&ODD));
    assert_eq!(read(&sandbox, &reading_component("load"), column, &[]), format!("{}/{}", hex(&ODD), hex(&[1.5, 2.5])));
}

#[test]
fn every_nan_is_the_same() {
    let sandbox = Sandbox::new();
    let nans = [f64::NAN, -f64::NAN, f64::from_bits(0x7ff0_dead_beef_0001)];
    let expect = "000000000000f87f".repeat(3);
    let mut series = nans.map(|nan| Arc::from([nan])).to_vec();
    series.swap(0, 2);
    let column = Column::with_series(Arc::new(nans.to_vec()), series);
    assert_eq!(read(&sandbox, &reading_core("column", "load"), column.clone(), &[]), expect);
    assert_eq!(read(&sandbox, &reading_component("load"), column, &[]), format!("{expect}/000000000000f87f"));
}

#[test]
fn columns_without_samples_and_columns_that_nobody_declared() {
    let sandbox = Sandbox::new();
    let unmeasured = |wasm: &[u8]| decide(&sandbox.load(wasm, MEASURING).unwrap(), &cluster(Default::default()), &[]).unwrap().admitted.log;
    assert_eq!(unmeasured(&reading_core("column", "load")), "000000000000f87f".repeat(3));
    assert_eq!(unmeasured(&reading_component("load")), format!("{}/", "000000000000f87f".repeat(3)));
    assert_eq!(unmeasured(&reading_core("column", "disk")), "-");
    assert_eq!(unmeasured(&reading_component("disk")), "-/");
}

#[test]
fn placements_of_the_parent_are_a_column() {
    let sandbox = Sandbox::new();
    let parent = decide(&sandbox.load(&placing(3), SCHEDULER).unwrap(), &cluster(Default::default()), &[]).unwrap().admitted.schedule;
    let read = |wasm: &[u8], parents: &[Schedule]| read(&sandbox, wasm, Column::new(ODD.to_vec()), parents);
    let one = std::slice::from_ref(&parent);
    assert_eq!(read(&reading_core("column", "placed.web"), one), hex(&[3.0, 0.0, 0.0]));
    assert_eq!(read(&reading_component("placed.web"), one), format!("{}/", hex(&[3.0, 0.0, 0.0])));
    assert_eq!(read(&reading_core("column", "placed.db"), one), hex(&[0.0, 0.0, 0.0]));
    assert_eq!(read(&reading_core("column", "placed.web"), &[]), "-");
    assert_eq!(read(&reading_core("column", "placed.web"), &[parent.clone(), parent.clone()]), "-");
}

#[test]
fn attributes_arrive_packed() {
    let sandbox = Sandbox::new();
    let packed = |texts: &[&str]| -> String {
        let bytes = texts.iter().flat_map(|text| [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat());
        bytes.map(|byte| format!("{byte:02x}")).collect()
    };
    let read = |name| read(&sandbox, &reading_core("attribute", name), Column::new(ODD.to_vec()), &[]);
    assert_eq!(read("hostname"), packed(&["alpha", "beta", "gamma"]));
    assert_eq!(read("rack"), packed(&["r1", "r2", "r3"]));
    assert_eq!(read("floor"), packed(&["", "", ""]));
}

#[test]
fn log_lines_arrive_with_their_levels() {
    use LogLevel::{Debug, Error, Info, Trace, Warn};
    let sandbox = Sandbox::new();
    let lines = |wasm: &[u8]| -> Vec<(LogLevel, String)> {
        let decided = decide(&sandbox.load(wasm, SCHEDULER).unwrap(), &cluster(Default::default()), &[]).unwrap();
        decided.log.into_iter().map(|line| (line.level, line.text)).collect()
    };
    let expect: Vec<_> = [Trace, Debug, Info, Warn, Error, Error].map(|level| (level, "näh".to_owned())).to_vec();

    let import = r#"(import "verwalter" "log" (func $log (param i32 i32 i32))) (data (i32.const 512) "n\c3\a4h")"#;
    let calls = |function: &str| -> String {
        [0, 1, 2, 3, 4, 200].map(|level| format!("(call {function} (i32.const {level}) (i32.const 512) (i32.const 4))")).concat()
    };
    assert_eq!(lines(&importing(import, &calls("$log"))), expect);
    assert_eq!(lines(&component_with("", &data(512, "näh".as_bytes()), &calls("$write"))), expect);

    // The list of hostnames: a line for each, in its order.
    let write = |index: u32| {
        format!(
            "(call $write (i32.const 2) (i32.load offset={} (i32.load (i32.const 4096))) (i32.load offset={} (i32.load (i32.const 4096))))",
            index * 8,
            index * 8 + 4
        )
    };
    let hostnames = component_with("", "", &format!("(call $hostnames (i32.const 4096)) {}", (0..3).map(write).collect::<String>()));
    assert_eq!(lines(&hostnames), ["alpha", "beta", "gamma"].map(|name| (Info, name.to_owned())));
}

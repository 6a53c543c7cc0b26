//! The torture kit as an operator runs it: every hostile guest is held by what must hold it, and takes no more memory than its limits say.

use serde_json::Value;

use crate::support::run_to_end;

/// Runs the kit under `manifest`; its rows and its summary.
fn torture(manifest: &str, more: &[&str]) -> (Option<i32>, Vec<Value>, Value) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.yaml");
    std::fs::write(&path, manifest).unwrap();
    let ended = run_to_end([&["plugin", "torture", "--json", "--manifest", path.to_str().unwrap()], more].concat());
    let mut lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap_or_else(|| panic!("{ended:#?}"))["summary"].take();
    (ended.status, lines.into_iter().map(|mut line| line["guest"].take()).collect(), summary)
}

#[test]
fn every_guest_is_held() {
    // Less of what takes time; everything else as it is without a word in a manifest.
    let (status, rows, summary) = torture("kind: scheduler\nlimits: { fuel: 100M, time: 1s }\n", &[]);
    assert!(rows.len() > 140, "{}", rows.len());
    for row in &rows {
        let held = row["expected"] == true && row["sound_after"] == true;
        assert!(held, "{row:#}");
        let (grew, may) = (row["grew_bytes"].as_u64(), row["may_grow_bytes"].as_u64().unwrap());
        assert!(grew.is_none_or(|grew| grew <= may), "{row:#}");
        let message = row["message"].as_str().unwrap();
        assert!(message.len() <= 1_500 && !message.contains('\n'), "what a guest says is short, and one line: {row:#}");
    }
    assert_eq!((status, &summary["not_held"]), (Some(0), &serde_json::json!([])), "{summary}");
    // A pool's warm slots stay; nothing adds up over the guests.
    assert!(summary["grew_bytes"].as_u64().is_none_or(|grew| grew <= 128 << 20), "{summary}");
}

#[test]
fn an_operators_own_limits_are_met() {
    let check = |manifest: &str, only: &str, by: &str, message: &str| {
        let (status, rows, _) = torture(manifest, &["--only", only]);
        assert_eq!((status, rows.len()), (Some(0), 1), "{rows:#?}");
        assert_eq!(rows[0]["stopped_by"], by, "{rows:#?}");
        assert!(rows[0]["message"].as_str().unwrap().starts_with(message), "{message}: {rows:#?}");
    };
    check(
        "kind: scheduler\nlimits: { memory: 1MiB }\n",
        "grow",
        "memory",
        "asked for 1114112 bytes of memory, more than its limit of 1MiB;",
    );
    check("kind: policy\nlimits: { memory: 1MiB }\n", "grow", "memory", "asked for 1114112 bytes of memory, more than its limit of 1MiB;");
    check(
        "kind: filter\nlimits: { memory: 1MiB }\n",
        "grow",
        "memory",
        "asked for 67174400 bytes of memory, more than its limit of 64MiB;",
    );
    check("kind: filter\nlimits: { filters: 7 }\n", "names-too-many", "describe", "it offers 8 filters, more than its limit of 7;");
    // Another limit than the guest is about, because it is tighter than the default.
    check("kind: scheduler\nlimits: { fuel: 100K }\n", "answer-utf8", "refused", "the answer is no UTF-8");
    check("kind: scheduler\nlimits: { output: 1KiB }\n", "json-deep", "output", "its answer has ");
}

#[test]
fn a_guest_that_nobody_knows() {
    let ended = run_to_end(["plugin", "torture", "--only", "mercy"]);
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    assert!(ended.err.starts_with("verwalter: no guest is called `mercy`: the names are those that"), "{ended:#?}");
}

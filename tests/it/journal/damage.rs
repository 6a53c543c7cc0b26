//! What `verwalter verify` says of journals that were tampered with, of builds that are gone, and of answers that are not what came of it.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use verwalter::journal::{Call, Outcome, Record};
use verwalter_core::ports::{Cost, FailureCause, RawOutput};

use super::{ALL, Turn, append, put, records, run_until, scheduler, site, verify};
use crate::support::Site;

/// Three rounds or more of a scheduler that places one instance, then two.
fn recorded() -> Site {
    let site = site(ALL);
    put(&site, "spread", scheduler(&[('1', Turn::Places(1))], &Turn::Places(2)), "kind: scheduler\n");
    run_until(&site, 3);
    site
}

/// The journal's only segment.
fn segment(site: &Site) -> PathBuf {
    let files: Vec<PathBuf> = fs::read_dir(site.path("var/journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[test]
fn a_byte_that_was_changed() {
    let site = recorded();
    let count = records(&site).len();
    let path = segment(&site);
    let good = fs::read(&path).unwrap();
    // The first record's header and payload, the middle, the last payload.
    for at in [0, 9, 200, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(&path, bad).unwrap();
        let (lines, told) = verify(&site, &[], 1);
        assert!(lines.len() < count && lines.iter().all(|line| line.contains("same bytes, same fuel (")), "{at}: {lines:#?}");
        assert!(told.contains(&format!("verwalter: the journal {} cannot be read at byte ", path.display())), "{at}: {told}");
        assert!(told.ends_with(", 1 damaged places in the journal\n"), "{at}: {told}");
    }
    // What is torn at its end is what a crash leaves: no damage.
    fs::write(&path, &good[..good.len() - 1]).unwrap();
    let (lines, told) = verify(&site, &[], 0);
    assert_eq!(lines.len(), count - 1, "{told}");
}

#[test]
fn a_build_that_is_gone() {
    let site = recorded();
    let count = records(&site).len();
    for entry in fs::read_dir(site.path("var/plugins")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            fs::remove_file(path).unwrap();
        }
    }
    let (lines, told) = verify(&site, &[], 1);
    assert_eq!(lines.len(), count);
    assert!(lines.iter().all(|line| line.contains("not compared: the build sha256:") && line.contains("--plugins-dir")), "{lines:#?}");
    assert!(told.ends_with(&format!(": 0 calls gave the same bytes for the same fuel, 0 differ, {count} not compared\n")), "{told}");
    // By its digest, whatever it is called.
    let aside = site.path("aside");
    fs::create_dir(&aside).unwrap();
    fs::rename(site.path("etc/plugins/spread.wasm"), aside.join("old.wasm")).unwrap();
    site.write("aside/other.wasm", b"garbage");
    let (lines, _) = verify(&site, &["--plugins-dir", aside.to_str().unwrap()], 0);
    assert!(lines.iter().all(|line| line.contains("same bytes, same fuel (")), "{lines:#?}");
}

/// Appends the newest record as `forge` makes it; verifying it must end so and say so.
fn forged(site: &Site, forge: impl FnOnce(&mut Record), status: i32, told: &str) {
    // The last one that was not forged.
    let (_, mut record) = records(site).into_iter().find(|(_, record)| record.about.round.0 == 2).unwrap();
    forge(&mut record);
    append(site, &record);
    let (lines, summary) = verify(site, &["--last", "1"], status);
    assert!(lines.len() == 1 && lines[0].contains(told), "{told}: {lines:#?}\n{summary}");
    let (objects, _) = verify(site, &["--last", "1", "--json"], status);
    let object: Value = serde_json::from_str(&objects[0]).unwrap();
    let word = match told.split(':').next().unwrap() {
        "DIFFERS" => "differs",
        "not compared" => "skipped",
        "same bytes, fuel not compared" => "same-bytes",
        _ => "same",
    };
    assert_eq!(object["calls"][0]["verified"], word, "{object:#}");
}

/// The scheduler's call with another answer, or another fuel.
fn answered(call: &Call, answer: Option<&str>, fuel: u64) -> Call {
    let output = answer.map_or_else(|| call.answer().unwrap().to_vec(), |answer| answer.as_bytes().to_vec());
    call.clone().answered(RawOutput(output), &Cost { fuel, ..Cost::default() })
}

#[test]
fn a_record_that_says_something_else() {
    let site = recorded();
    let fuel = |record: &Record| record.about.scheduler.as_ref().unwrap().cost.unwrap().fuel;
    let call = |record: &mut Record, change: &dyn Fn(&Call) -> Call| {
        let changed = change(record.about.scheduler.as_ref().unwrap());
        record.about.scheduler = Some(changed);
    };
    forged(&site, |_| (), 0, "same bytes, same fuel (");
    let other = r#"{"v":1,"schedule":{"roles":{"web":{"place":{"alpha":9}}}}}"#;
    let answer = |record: &mut Record| {
        let fuel = fuel(record);
        call(record, &|call| answered(call, Some(other), fuel));
    };
    forged(&site, answer, 1, "DIFFERS: the answers part at byte 52 of 58 and 58: then `");
    let dearer = |record: &mut Record| {
        let fuel = fuel(record) + 1;
        call(record, &|call| answered(call, None, fuel));
    };
    forged(&site, dearer, 1, "DIFFERS: the same bytes, but fuel ");
    let elsewhere = |record: &mut Record| {
        dearer(record);
        record.about.program = "verwalter 0.19.0, wasmtime 1".to_owned();
    };
    forged(&site, elsewhere, 0, "same bytes, fuel not compared: fuel ");
    let same_elsewhere = |record: &mut Record| record.about.program = "verwalter 0.19.0, wasmtime 1".to_owned();
    forged(&site, same_elsewhere, 0, "same bytes, same fuel (");
    forged(&site, |record| record.runtime = "{}".into(), 1, "DIFFERS: the input document is another one");
    let failed = |record: &mut Record| {
        let (document, _) = record.document().unwrap();
        call(record, &|call| Call::new(call.plugin.clone(), call.manifest.clone(), call.config.clone(), call.reads.clone(), &document));
        record.about.outcome = Outcome::Failed { cause: Some(FailureCause::Trap), message: "trapped".to_owned() };
    };
    forged(&site, failed, 1, "DIFFERS: it gave no answer then, and answers now");
}

#[test]
fn a_manifest_that_says_something_else() {
    let site = recorded();
    let manifest =
        |text: &'static str| move |record: &mut Record| record.about.scheduler.iter_mut().for_each(|call| call.manifest = text.to_owned());
    let little = "kind: scheduler\nlimits: { output: 1KiB, input: 1KiB }\n";
    forged(&site, manifest(little), 1, "DIFFERS: it answered then, and fails now (input): its input has ");
    forged(&site, manifest("kind: policy\n"), 1, "not compared: its recorded manifest says `kind: policy`");
    forged(&site, manifest("kind: ["), 1, "not compared: recorded manifest:1:");
    forged(&site, manifest("kind: scheduler\nlimits: { fuel: 3M }\n"), 0, "same bytes, same fuel (");
}

#[test]
fn an_error_in_other_words() {
    let site = site("");
    put(&site, "spread", scheduler(&[('2', Turn::Complains("no room"))], &Turn::Places(2)), "kind: scheduler\n");
    run_until(&site, 3);
    let reword = |record: &mut Record| {
        let Outcome::Failed { message, .. } = &mut record.about.outcome else { panic!("{:?}", record.about) };
        *message = message.replace("no room", "no time");
    };
    forged(&site, |_| (), 0, "same bytes, same fuel (");
    forged(&site, reword, 1, "DIFFERS: it answered another error then (");
}

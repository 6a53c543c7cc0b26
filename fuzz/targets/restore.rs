//! A stored or fetched schedule: taken only under its own digest, and only when it is in canonical form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use verwalter_core::admit::restore;
use verwalter_core::digest::Digest;
use verwalter_fuzz::MAX_MESSAGE_BYTES;
use verwalter_fuzz::admitted::{admit_checked, check_altered, check_schedule};
use verwalter_fuzz::tables::{WIDE, table};

fuzz_target!(|text: &str| {
    check_altered(text, Digest::of(b"another"));
    match restore(text, Digest::of(text.as_bytes()), WIDE) {
        Ok(schedule) => {
            assert_eq!(schedule.canonical(), text);
            check_schedule(&schedule);
            let value: serde_json::Value = serde_json::from_str(text).expect("canonical text is JSON");
            let hostnames: Vec<&str> = value["nodes"].as_object().expect("always there").keys().map(String::as_str).collect();
            let answer = format!(r#"{{"v":1,"schedule":{text}}}"#);
            let admitted = admit_checked(answer.as_bytes(), &table(&hostnames), WIDE).expect("its nodes are known");
            assert_eq!(admitted.schedule.digest(), schedule.digest());
        }
        Err(err) => assert!(err.to_string().len() <= MAX_MESSAGE_BYTES, "{} bytes", err.to_string().len()),
    }
});

//! Whole documents in, whole answers out: what the host would see.

use verwalter_plugin::export;
use verwalter_plugin::host::Stub;

fn document(runtime: &str) -> String {
    let head = r#""v":1,"now":1700000000000,"round":1,"term":1,"current_host":"a","current_id":"01","config":{}"#;
    format!(r#"{{{head},"runtime":{runtime}}}"#)
}

#[track_caller]
fn check(host: &Stub, runtime: &str, expect: Result<&str, &str>) {
    let got = export::schedule(super::schedule, host, &document(runtime));
    assert_eq!(got.as_deref().map_err(String::as_str), expect);
}

#[test]
fn a_first_round() {
    let host = Stub::new(["a", "b", "c"]).with_column("cpu", &[0.5, 0.1, 0.3]);
    check(
        &host,
        r#"{"web":{"instances":2,"template":"web/v1","vars":{"port":80}}}"#,
        Ok(
            r#"{"v":1,"schedule":{"roles":{"web":{"port":80,"template":"web/v1","place":{"b":1,"c":1}}}},"why":{"web":{"b":"new","c":"new"}}}"#,
        ),
    );
}

#[test]
fn what_stands_stays_though_others_are_less_busy() {
    let host = Stub::new(["a", "b"])
        .with_column("cpu", &[0.9, 0.1])
        .with_column("placed.web", &[1.0, 0.0]);
    check(
        &host,
        r#"{"web":{"instances":1}}"#,
        Ok(r#"{"v":1,"schedule":{"roles":{"web":{"place":{"a":1}}}},"why":{"web":{"a":"kept"}}}"#),
    );
}

#[test]
fn without_roles_nothing_needs_to_be_measured() {
    check(
        &Stub::new(["a"]),
        "{}",
        Ok(r#"{"v":1,"schedule":{"roles":{}}}"#),
    );
    check(
        &Stub::new(["a"]),
        r#"{"web":{"instances":1}}"#,
        Err("no column cpu: declare it under metrics in the manifest"),
    );
}

//! The builder takes what the host admits and refuses the rest.

use verwalter_core::admit::{Admitted, admit};
use verwalter_core::ids::NodeId;
use verwalter_core::json::strict::JsonLimits;
use verwalter_core::names::Hostname;
use verwalter_core::peers::{Peer, PeerTable};
use verwalter_core::ports::RawOutput;

use super::*;
use crate::answer::Answer;
use crate::host::Stub;

const DOCUMENT: &str = r#"{"v":1,"now":1,"round":1,"term":1,"current_host":"a","current_id":"x"}"#;
const NAMES: [&str; 3] = ["a", "b", "c"];

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn role(name: &str) -> RoleName {
    RoleName::new(name).expect("a role's name")
}

/// What the host makes of the answer.
fn admitted(answer: &Answer, input: &Input<'_>) -> Admitted {
    let peer = |name: &str| Peer::named(NodeId::from_bytes([name.as_bytes()[0]; 16]), Hostname::new(name).expect("a hostname"));
    let (known, _) = PeerTable::new(NAMES.map(peer).to_vec());
    let output = RawOutput(answer.to_json(input).into_bytes());
    admit(&output, &known, JsonLimits { depth: 64, values: 10_000 }).expect("what the builder makes is admitted")
}

fn check(build: impl Fn(&mut Schedule) -> Result<(), Error>, expect: &str) {
    let host = Stub::new(NAMES);
    let input = Input::read(DOCUMENT, &host).expect("a document");
    let mut schedule = Schedule::new(&input).expect("few peers");
    let got = match build(&mut schedule) {
        Ok(()) => admitted(&Answer::new(schedule), &input).schedule.canonical().to_string(),
        Err(err) => err.to_string(),
    };
    assert_eq!(got, expect);
}

#[test]
fn placements() {
    check(|_| Ok(()), r#"{"nodes":{},"roles":{}}"#);
    check(
        |schedule| {
            schedule.role(role("idle"));
            schedule.role(role("web")).set("template", "web/v1")?.place(0, one())?;
            Ok(())
        },
        r#"{"nodes":{"a":{"roles":{"web":{"instances":1}}}},"roles":{"idle":{},"web":{"template":"web/v1"}}}"#,
    );
    // Any order, and the last one for a peer stands.
    check(
        |schedule| {
            let mut web = schedule.role(role("web"));
            for (peer, n) in [(2, 1), (0, 2), (2, 3)] {
                web.place(peer, NonZeroU32::new(n).expect("not zero"))?;
            }
            Ok(())
        },
        r#"{"nodes":{"a":{"roles":{"web":{"instances":2}}},"c":{"roles":{"web":{"instances":3}}}},"roles":{"web":{}}}"#,
    );
}

#[test]
fn variables_of_every_level() {
    check(
        |schedule| {
            schedule.set("dc", "x")?.set_on(1, "zone", &2)?.state(&[1])?;
            let mut web = schedule.role(role("web"));
            web.set("a", &true)?.set("b\"", &())?;
            web.place(1, one())?.set("port", &80)?.why("\"free\"\n").set("at", &1.5)?;
            Ok(())
        },
        r#"{"nodes":{"b":{"roles":{"web":{"at":1.5,"instances":1,"port":80}},"vars":{"zone":2}}},"roles":{"web":{"a":true,"b\"":null}},"state":[1],"vars":{"dc":"x"}}"#,
    );
}

#[test]
fn what_the_builder_refuses() {
    check(|schedule| schedule.role(role("web")).place(3, one()).map(|_| ()), "role `web`: there is no peer 3, the input has 3");
    check(
        |schedule| schedule.role(role("web")).place(0, NonZeroU32::MAX).map(|_| ()),
        "role `web`: 4294967295 instances on one node, at most 1000000 may be",
    );
    check(|schedule| schedule.set_on(9, "x", &1).map(|_| ()), "role `(any)`: there is no peer 9, the input has 3");
    check(
        |schedule| schedule.role(role("web")).set("place", &1).map(|_| ()),
        "the variable `place` is the contract's own: use the method that sets it",
    );
    check(
        |schedule| schedule.role(role("web")).place(0, one())?.set("instances", &1).map(|_| ()),
        "the variable `instances` is the contract's own: use the method that sets it",
    );
    check(
        |schedule| schedule.role(role("web")).place(0, one())?.set("x", &1)?.set("x", &1).map(|_| ()),
        "the variable `x` is set twice on one placement",
    );
    check(
        |schedule| schedule.set("load", &f64::NAN).map(|_| ()),
        "the value of `load`: NaN is no JSON number; leave the key out or write null",
    );
    check(
        |schedule| schedule.set("id", &u64::MAX).map(|_| ()),
        "the value of `id`: 18446744073709551615 is beyond ±2^53; write it as a string",
    );
}

#[test]
fn what_is_said_beside_the_schedule() {
    let host = Stub::new(NAMES);
    let input = Input::read(DOCUMENT, &host).expect("a document");
    let mut schedule = Schedule::new(&input).expect("few peers");
    let mut web = schedule.role(role("web"));
    web.place(1, one()).expect("a peer").why_fmt(format_args!("free {} %", 93));
    web.place(0, one()).expect("a peer");
    schedule.role(role("db")).place(0, one()).expect("a peer");
    let mut answer = Answer::new(schedule);
    answer.change("web: +1 on b").change("x").log("one").log("two");
    answer.action("button", &serde_json::json!({"done": true})).expect("JSON");
    let admitted = admitted(&answer, &input);
    let why = admitted.why.read().expect("texts");
    assert_eq!(why.len(), 1);
    assert_eq!(why["web"].clone().into_iter().collect::<Vec<_>>(), [("b".to_owned(), "free 93 %".to_owned())]);
    assert_eq!(admitted.changes, ["web: +1 on b", "x"]);
    assert_eq!(admitted.log, "one\ntwo");
    assert_eq!(admitted.actions["button"]["done"], true);
}

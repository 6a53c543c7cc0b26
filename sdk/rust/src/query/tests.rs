//! Documents of query plugins are read as the host writes them, and every choice of roles is one that the host accepts.

use verwalter_core::json::strict::JsonLimits;
use verwalter_core::names::{RoleName, TemplateRef};
use verwalter_core::ports::RawOutput;
use verwalter_core::roles::read_override;

use super::*;

const SCHEDULE: &str = r#"{"nodes":{"a":{"roles":{"web":{"instances":2}}}},"roles":{"web":{}}}"#;

fn question(body: &str, schedule: &str, digest: &str, since: &str) -> String {
    format!(
        r#"{{"v":1,"now":7,"path":"a/\"b\"","method":"POST","query":{{"q\n":"1"}},"body":{body},"hostname":"a","config":{{"x":1}},"schedule":{schedule},"schedule_digest":{digest},"since":{since}}}"#
    )
}

#[test]
fn questions() {
    let text = question(r#"{"n":[1]}"#, SCHEDULE, "\"sha256:00\"", "5");
    let asked = Question::read(&text).expect("a document");
    assert_eq!((asked.now_ms(), asked.path(), asked.method(), asked.hostname()), (7, "a/\"b\"", "POST", "a"));
    assert_eq!(asked.parameters()["q\n"], "1");
    assert_eq!(asked.body::<BTreeMap<String, Vec<u32>>>().expect("numbers").expect("there")["n"], [1]);
    assert_eq!(asked.config::<BTreeMap<String, u32>>().expect("numbers")["x"], 1);
    assert_eq!(asked.schedule().expect("there").totals().expect("numbers")["web"], 2);
    assert_eq!((asked.schedule_digest(), asked.since_ms()), (Some("sha256:00"), Some(5)));

    let text = question("null", "null", "null", "null");
    let asked = Question::read(&text).expect("a document");
    assert!(asked.schedule().is_none() && asked.body::<u32>().expect("none").is_none());
    assert_eq!((asked.schedule_digest(), asked.since_ms()), (None, None));
}

#[test]
fn what_is_no_question() {
    for (text, expect) in [
        ("{}", "the input document: missing field `v`"),
        (&question("1", "null", "null", "null").replace("\"v\":1", "\"v\":2"), "the input document: version 2 is not spoken here, only 1"),
        (r#"{"v":1,"now":7,"path":1}"#, "the input document: invalid type: integer `1`, expected a text"),
    ] {
        let err = Question::read(text).expect_err("refused").to_string();
        assert!(err.starts_with(expect), "{text}: {err}");
    }
}

#[test]
fn renders() {
    let text = format!(r#"{{"v":1,"now":7,"hostname":"a","config":{{}},"schedule":{SCHEDULE},"previous":null,"machine":{{"rack":"r1"}}}}"#);
    let render = Render::read(&text).expect("a document");
    assert_eq!((render.now_ms(), render.hostname()), (7, "a"));
    assert_eq!(render.machine::<BTreeMap<String, String>>().expect("texts")["rack"], "r1");
    assert_eq!(render.schedule().on_node("a").count(), 1);
    assert!(render.previous().is_none());
    assert_eq!(render.config::<BTreeMap<String, u32>>().expect("none").len(), 0);
}

fn role(name: &str) -> RoleName {
    RoleName::new(name).expect("a role's name")
}

#[test]
fn roles_to_render() {
    let template = TemplateRef::new("web/v1").expect("a template");
    let mut roles = Roles::new();
    roles.render(role("web"), &template).expect("few").set("gone", &1).expect("a number");
    roles.render(role("web"), &template).expect("few").set("a\"", &[1.5]).expect("numbers");
    roles.render(role("db"), &template).expect("few");
    roles.all([role("x"), role("web")]).expect("few");
    assert_eq!(
        roles.render(role("x"), &template).expect("few").set("template", &1).expect_err("reserved").to_string(),
        "the variable `template` is the contract's own: use the method that sets it"
    );
    let output = RawOutput(roles.to_json().into_bytes());
    let read = read_override(&output, JsonLimits { depth: 8, values: 100 }).expect("accepted").expect("a choice");
    assert_eq!(
        serde_json::to_string(&read.roles).expect("JSON"),
        r#"{"db":{"template":"web/v1"},"web":{"a\"":[1.5],"template":"web/v1"},"x":{"template":"web/v1"}}"#
    );
    assert_eq!(read.all_roles, Some(vec![role("x"), role("web")]));
}

#[test]
fn the_number_of_roles_is_bounded() {
    let template = TemplateRef::new("web/v1").expect("a template");
    let names = || (0..10_000).map(|n| role(&format!("r{n}")));
    let mut roles = Roles::new();
    for name in names() {
        roles.render(name, &template).expect("not too many");
    }
    roles.render(role("r0"), &template).expect("there already");
    assert_eq!(roles.render(role("x"), &template).expect_err("one more").to_string(), "more than 10000 roles to render");
    roles.all(names()).expect("not too many");
    assert!(roles.all(names().chain([role("x")])).is_err());
}

//! What policies and query plugins answer, and JSON that is passed on as it stands: a verdict, the roles to render, any other text.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use verwalter_core::accept::{MAX_ROLES_PER_NODE, NodeFacts, accept_override};
use verwalter_core::admit::MAX_ROLES;
use verwalter_core::json::canonical;
use verwalter_core::json::strict::{JsonLimits, read_value};
use verwalter_core::json::text::JsonText;
use verwalter_core::names::{Hostname, RoleName, TemplateRef};
use verwalter_core::ports::RawOutput;
use verwalter_core::review::{MAX_REMARK_CHARS, MAX_REMARKS, Ruling, Verdict, read_verdict};
use verwalter_core::roles::{RoleOverride, read_override};
use verwalter_fuzz::MAX_MESSAGE_BYTES;
use verwalter_fuzz::tables::{LIMITS, TIGHT, WIDE};

fuzz_target!(|data: &[u8]| {
    check_verdict(data);
    check_override(data);
    check_text(data);
});

/// What `read` takes of these bytes under the widest budget; a refusal is short, and a tighter budget changes nothing of what it takes.
fn bounded<T: PartialEq + std::fmt::Debug, E: std::fmt::Display>(read: impl Fn(JsonLimits) -> Result<T, E>) -> Option<T> {
    let read = |limits| read(limits).map_err(|err| assert!(err.to_string().len() <= MAX_MESSAGE_BYTES, "a long refusal")).ok();
    let widest = read(WIDE);
    for limits in [TIGHT, LIMITS] {
        let found = read(limits);
        assert!(found.is_none() || found == widest, "{limits:?} changes what is read");
    }
    widest
}

/// A verdict in other words than the core's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lenient {
    v: u32,
    verdict: String,
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    log: String,
}

fn check_verdict(data: &[u8]) {
    let read = |data: &[u8], limits| read_verdict(&RawOutput(data.to_vec()), limits);
    let verdict = bounded(|limits| read(data, limits));
    assert_eq!(verdict, lenient_verdict(data), "both readers agree");
    let Some(verdict) = verdict else { return };
    let Verdict { ruling, reasons, warnings, log } = &verdict;
    let ruling = ruling.to_string();
    let again = json!({ "log": log, "warnings": warnings, "verdict": ruling, "reasons": reasons, "v": 1 }).to_string();
    assert_eq!(read(again.as_bytes(), WIDE).as_ref(), Ok(&verdict), "written again, it says the same");
    let shown = serde_json::to_value(&verdict).expect("texts are JSON");
    assert_eq!(shown, json!({ "ruling": ruling, "reasons": reasons, "warnings": warnings, "log": log }));
}

fn lenient_verdict(data: &[u8]) -> Option<Verdict> {
    // The derived reader takes a list of the fields too.
    if data.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let Lenient { v, verdict, reasons, warnings, log } = serde_json::from_slice(data).ok()?;
    let ruling = match verdict.as_str() {
        "allow" => Ruling::Allow,
        "deny" if !reasons.is_empty() => Ruling::Deny,
        _ => return None,
    };
    let short = |remark: &String| remark.chars().count() <= MAX_REMARK_CHARS && !remark.trim().is_empty();
    let few = |remarks: &Vec<String>| remarks.len() <= MAX_REMARKS && remarks.iter().all(short);
    (v == 1 && few(&reasons) && few(&warnings)).then_some(Verdict { ruling, reasons, warnings, log })
}

fn check_override(data: &[u8]) {
    let read = |data: &[u8], limits| read_override(&RawOutput(data.to_vec()), limits);
    let Some(found) = bounded(|limits| read(data, limits)) else { return };
    let plain: Value = serde_json::from_slice(data).expect("what was taken is JSON");
    let Some(chosen) = found else {
        assert_eq!(plain, Value::Null);
        return;
    };
    let RoleOverride { roles, all_roles } = &chosen;
    let listed = all_roles.iter().flatten().chain(roles.keys());
    listed.for_each(|role| drop(RoleName::new(role.as_str()).expect("a role's name is one")));
    assert!(roles.len() <= MAX_ROLES && all_roles.as_ref().is_none_or(|all| all.len() <= MAX_ROLES));
    let to_render: Map<String, Value> = roles.iter().map(|(role, vars)| (role.to_string(), Value::Object(vars.clone()))).collect();
    let mut again = json!({ "v": 1, "to_render": to_render });
    if let Some(all) = all_roles {
        again["all_roles"] = all.iter().map(RoleName::as_str).collect();
    }
    assert_eq!(canonical::to_string(&again), serde_json_canonicalizer::to_string(&plain).expect("finite numbers and texts"));
    assert_eq!(read(again.to_string().as_bytes(), WIDE).as_ref(), Ok(&Some(chosen.clone())), "written again, it says the same");
    check_accepted(roles, &chosen);
}

/// Each role is rendered or refused by name, with the variables that the plugin chose and nothing of theirs replaced but `role`.
fn check_accepted(roles: &BTreeMap<RoleName, Map<String, Value>>, chosen: &RoleOverride) {
    let hostname = Hostname::new("alpha").expect("valid");
    let templates = BTreeSet::from([TemplateRef::new("web/v1").expect("valid")]);
    let machine = Map::from_iter([("cores".to_owned(), Value::from(2))]);
    let accepted = accept_override(chosen, &NodeFacts { hostname: &hostname, templates: &templates, machine: &machine });
    let told: BTreeSet<&RoleName> =
        accepted.roles.iter().map(|plan| &plan.role).chain(accepted.refused.iter().map(|refusal| refusal.role())).collect();
    assert!(told.into_iter().eq(roles.keys()), "every role is either rendered or refused");
    assert_eq!(accepted.roles.len() + accepted.refused.len(), roles.len());
    assert!(accepted.roles.len() <= MAX_ROLES_PER_NODE);
    for plan in &accepted.roles {
        let mut expect = Map::from_iter([("node".to_owned(), Value::from("alpha")), ("machine".to_owned(), machine.clone().into())]);
        expect.extend(roles[&plan.role].clone());
        expect.insert("role".to_owned(), Value::from(plan.role.as_str()));
        assert_eq!(plan.vars, expect);
        assert_eq!(plan.vars["template"], plan.template.to_string());
        assert!(templates.contains(&plan.template));
    }
    for refusal in &accepted.refused {
        assert!(refusal.to_string().len() <= MAX_MESSAGE_BYTES);
    }
}

fn check_text(data: &[u8]) {
    let text = bounded(|limits| JsonText::read(data, limits));
    let strict = std::str::from_utf8(data).ok().and_then(|text| read_value(text, WIDE).ok());
    assert_eq!(text.is_some(), strict.is_some());
    let (Some(text), Some(value)) = (text, strict) else { return };
    let text = text.as_str();
    assert_eq!(JsonText::read(text.as_bytes(), WIDE).as_ref().map(JsonText::as_str), Ok(text), "read again, it stays");
    let plain: Value = serde_json::from_slice(data).expect("what was taken is JSON");
    assert_eq!(canonical::to_string(&value), serde_json_canonicalizer::to_string(&plain).expect("finite numbers and texts"));
    // As it is copied: neither side of it leaks into the document around it.
    let document: Value = serde_json::from_str(&format!(r#"{{"a":{text},"b":1}}"#)).expect("the document is JSON");
    assert_eq!(document, json!({ "a": plain, "b": 1 }));
}

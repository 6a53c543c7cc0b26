//! Keeps to a budget: no role above its number of instances, and none of the protected ones gone. Reports what moves.

mod budget;

use std::collections::BTreeMap;

use verwalter_plugin::{Error, Review, Verdict, log};

use budget::Budget;

fn review(review: &Review<'_>) -> Result<Verdict, Error> {
    let budget = Budget::read(&review.input().config()?)?;
    let now = review.schedule().totals()?;
    let before = match review.previous() {
        Some(previous) => previous.totals()?,
        None => BTreeMap::new(),
    };
    let mut verdict = Verdict::allow();
    for (role, most) in &budget.most {
        let instances = now.get(role.as_str()).copied().unwrap_or(0);
        if instances > *most {
            verdict.deny(format!(
                "{role}: {instances} instances, at most {most} may be"
            ));
        }
    }
    for role in budget.protected.iter().map(String::as_str) {
        if before.contains_key(role) && !now.contains_key(role) {
            verdict.deny(format!("{role}: protected, and would be gone"));
        }
    }
    for (role, instances) in review.diff().moved() {
        verdict.warn(format!("{role}: {instances} moved"));
    }
    log::info(if verdict.denies() { "deny" } else { "allow" });
    Ok(verdict)
}

verwalter_plugin::policy! {
    review: review,
    check_config: budget::check,
    input: columns,
    reads: [],
}

#[cfg(test)]
mod tests {
    use verwalter_plugin::export;
    use verwalter_plugin::host::Stub;

    const ONE: &str = r#"{"nodes":{"a":{"roles":{"web":{"instances":1}}}},"roles":{"web":{}}}"#;
    const NONE: &str = r#"{"nodes":{},"roles":{"web":{}}}"#;

    #[track_caller]
    fn check(config: &str, schedule: &str, previous: &str, moved: &str, expect: &str) {
        let head =
            r#""v":1,"now":1700000000000,"round":1,"term":1,"current_host":"a","current_id":"01""#;
        let diff = format!(r#"{{"added":{{}},"removed":{{}},"moved":{moved},"changed":{{}}}}"#);
        let document = format!(
            r#"{{{head},"config":{config},"schedule":{schedule},"previous":{previous},"diff":{diff}}}"#
        );
        let got =
            export::review(super::review, &Stub::default(), &document).unwrap_or_else(|err| err);
        assert_eq!(got, expect);
    }

    #[test]
    fn within_the_budget() {
        check(
            r#"{"most":{"web":1},"protected":["web"]}"#,
            ONE,
            ONE,
            "{}",
            r#"{"v":1,"verdict":"allow"}"#,
        );
        check(
            "{}",
            NONE,
            ONE,
            r#"{"web":1}"#,
            r#"{"v":1,"verdict":"allow","warnings":["web: 1 moved"]}"#,
        );
        check(
            r#"{"protected":["web"]}"#,
            NONE,
            "null",
            "{}",
            r#"{"v":1,"verdict":"allow"}"#,
        );
    }

    #[test]
    fn beyond_it() {
        let reason = "web: 1 instances, at most 0 may be";
        check(
            r#"{"most":{"web":0}}"#,
            ONE,
            "null",
            "{}",
            &format!(r#"{{"v":1,"verdict":"deny","reasons":["{reason}"]}}"#),
        );
        let reason = "web: protected, and would be gone";
        check(
            r#"{"protected":["web"]}"#,
            NONE,
            ONE,
            "{}",
            &format!(r#"{{"v":1,"verdict":"deny","reasons":["{reason}"]}}"#),
        );
    }
}

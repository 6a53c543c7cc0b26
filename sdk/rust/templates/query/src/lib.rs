//! Answers `/v1/query/PATH`: `roles/ROLE` tells which nodes have instances of a role, and how many.

use serde_json::{Map, Value, json};
use verwalter_plugin::{Error, Question};

fn query(question: &Question<'_>) -> Result<Value, Error> {
    let path = question.path();
    let role = match path.strip_prefix("roles/") {
        Some(role) if !role.is_empty() && !role.contains('/') => role,
        _ => return Err(Error::own(format!("no such path: {path}; ask roles/ROLE"))),
    };
    let schedule = question.schedule().ok_or("no schedule is in force")?;
    if !schedule.has_role(role)? {
        return Err(Error::own(format!("no role {role} in the schedule")));
    }
    let mut nodes = Map::new();
    for placed in schedule.of_role(role) {
        nodes.insert(placed.hostname().to_owned(), placed.instances()?.into());
    }
    Ok(json!({ "role": role, "nodes": nodes }))
}

// Which roles a node renders is left to the schedule; `render_roles: NAME` would choose them here.
verwalter_plugin::query! { query: query }

#[cfg(test)]
mod tests {
    use verwalter_plugin::export;

    const SCHEDULE: &str = r#"{"nodes":{"a":{"roles":{"web":{"instances":2}}},"b":{"roles":{"web":{}}}},"roles":{"idle":{},"web":{}}}"#;

    #[track_caller]
    fn check(path: &str, schedule: &str, expect: Result<&str, &str>) {
        let rest = r#""method":"GET","query":{},"body":null,"hostname":"a","config":{},"schedule_digest":null,"since":null"#;
        let document = format!(
            r#"{{"v":1,"now":1700000000000,"path":"{path}","schedule":{schedule},{rest}}}"#
        );
        let got = export::query(super::query, &document);
        assert_eq!(got.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn where_a_role_runs() {
        check(
            "roles/web",
            SCHEDULE,
            Ok(r#"{"nodes":{"a":2,"b":1},"role":"web"}"#),
        );
        check("roles/idle", SCHEDULE, Ok(r#"{"nodes":{},"role":"idle"}"#));
    }

    #[test]
    fn what_cannot_be_answered() {
        check("roles/db", SCHEDULE, Err("no role db in the schedule"));
        check("roles/web", "null", Err("no schedule is in force"));
        for path in ["", "roles", "roles/", "roles/web/x"] {
            check(
                path,
                "null",
                Err(&format!("no such path: {path}; ask roles/ROLE")),
            );
        }
    }
}

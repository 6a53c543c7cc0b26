//! The two input documents of a query plugin: a question over HTTP, and which roles a node renders. Both speak of the schedule in force.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::text::{Text, member};
use crate::ids::UnixMillis;
use crate::json::canonical::{write_map, write_string};
use crate::json::text::JsonText;
use crate::names::Hostname;
use crate::schedule::Schedule;

/// A question.
#[derive(Debug)]
pub struct QueryInput<'a> {
    /// When it was asked.
    pub now: UnixMillis,
    /// What follows `/v1/query/`, decoded.
    pub path: &'a str,
    /// The HTTP method.
    pub method: &'a str,
    /// The parameters of the URL, decoded; of one that stands twice, the one that the caller chose.
    pub query: &'a BTreeMap<String, String>,
    /// The request's body, when it has one.
    pub body: Option<&'a JsonText>,
    /// The node that was asked.
    pub hostname: &'a Hostname,
    /// The plugin's configuration, JSON text.
    pub config: &'a str,
    /// The schedule in force on that node, and since when.
    pub schedule: Option<(&'a Schedule, UnixMillis)>,
}

/// The question's JSON text: `v, now, path, method, query, body, hostname, config, schedule, schedule_digest, since`; the last three
/// are null before there is a schedule, `body` where there was none.
pub fn query_document(input: &QueryInput<'_>) -> String {
    let body = input.body.map_or("null", JsonText::as_str);
    let schedule = input.schedule.map_or("null", |(schedule, _)| schedule.canonical());
    let mut text = Text::new(input.path.len() + body.len() + input.config.len() + schedule.len());
    text.number("now", input.now.0);
    text.string("path", input.path);
    text.string("method", input.method);
    text.object("query", input.query, |(name, value), out| {
        member(name, out);
        write_string(value, out);
    });
    text.json("body", body);
    text.string("hostname", input.hostname.as_str());
    text.json("config", input.config);
    text.json("schedule", schedule);
    match input.schedule {
        Some((schedule, since)) => {
            text.string("schedule_digest", &schedule.digest().to_string());
            text.number("since", since.0);
        }
        None => {
            text.json("schedule_digest", "null");
            text.json("since", "null");
        }
    }
    text.finish()
}

/// What a node asks before it renders.
#[derive(Debug)]
pub struct RolesInput<'a> {
    /// When it asks.
    pub now: UnixMillis,
    /// Which node.
    pub hostname: &'a Hostname,
    /// The plugin's configuration, JSON text.
    pub config: &'a str,
    /// The schedule to be rendered.
    pub schedule: &'a Schedule,
    /// The schedule that was rendered before; none at first, and when a render is forced.
    pub previous: Option<&'a Schedule>,
    /// Facts about the machine.
    pub machine: &'a Map<String, Value>,
}

/// Its JSON text: `v, now, hostname, config, schedule, previous, machine`.
pub fn roles_document(input: &RolesInput<'_>) -> String {
    let previous = input.previous.map_or("null", Schedule::canonical);
    let mut text = Text::new(input.config.len() + input.schedule.canonical().len() + previous.len());
    text.number("now", input.now.0);
    text.string("hostname", input.hostname.as_str());
    text.json("config", input.config);
    text.json("schedule", input.schedule.canonical());
    text.json("previous", previous);
    write_map(input.machine, text.value("machine"));
    text.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admit::tests::schedule;
    use crate::json::strict::JsonLimits;
    use crate::peers::tests::peer;

    fn check_query(query: &[(&str, &str)], body: Option<&str>, schedule: Option<&Schedule>, expect: &str) {
        let limits = JsonLimits { depth: 8, values: 100 };
        let body = body.map(|body| JsonText::read(body.as_bytes(), limits).expect("sound JSON"));
        let input = QueryInput {
            now: UnixMillis(7),
            path: "a/\"b\"",
            method: "GET",
            query: &query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            body: body.as_ref(),
            hostname: &peer("alpha", 1).hostname,
            config: r#"{"x":1}"#,
            schedule: schedule.map(|schedule| (schedule, UnixMillis(5))),
        };
        let text = query_document(&input);
        serde_json::from_str::<Value>(&text).expect("the document is JSON");
        assert_eq!(text, expect);
    }

    #[test]
    fn questions() {
        check_query(
            &[],
            None,
            None,
            r#"{"v":1,"now":7,"path":"a/\"b\"","method":"GET","query":{},"body":null,"hostname":"alpha","config":{"x":1},"schedule":null,"schedule_digest":null,"since":null}"#,
        );
        let empty = schedule("{}");
        let digest = empty.digest();
        check_query(
            &[("q\n", "1"), ("r", "\"")],
            Some(" [1] "),
            Some(&empty),
            &format!(
                "{}{}\"schedule\":{{\"nodes\":{{}},\"roles\":{{}}}},\"schedule_digest\":\"{digest}\",\"since\":5}}",
                r#"{"v":1,"now":7,"path":"a/\"b\"","method":"GET","query":{"q\n":"1","r":"\""},"#,
                r#""body":[1],"hostname":"alpha","config":{"x":1},"#
            ),
        );
    }

    #[test]
    fn roles_to_render() {
        let (new, old) = (schedule(r#"{"state":1}"#), schedule("{}"));
        let machine = Map::from_iter([("cpus".to_owned(), Value::from(2))]);
        let mut input = RolesInput {
            now: UnixMillis(7),
            hostname: &peer("alpha", 1).hostname,
            config: "{}",
            schedule: &new,
            previous: None,
            machine: &machine,
        };
        let fixed = r#"{"v":1,"now":7,"hostname":"alpha","config":{},"schedule":{"nodes":{},"roles":{},"state":1},"previous":"#;
        assert_eq!(roles_document(&input), format!("{fixed}null,\"machine\":{{\"cpus\":2}}}}"));
        input.previous = Some(&old);
        assert_eq!(roles_document(&input), format!("{fixed}{},\"machine\":{{\"cpus\":2}}}}", old.canonical()));
    }
}

//! Talking to a running node: where it is, what it shows, what it is ordered. It never starts one.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::client::{self, Answer, NodeUrl};
use verwalter_core::plain::plain;

/// Longest text of a node that is printed as an error, in characters.
const SHOWN_CHARS: usize = 4_000;

/// Which node.
#[derive(Debug, Clone, Args)]
pub struct NodeArgs {
    /// The running node
    #[arg(long, value_name = "URL", env = "VERWALTER_NODE", default_value = client::DEFAULT_NODE)]
    pub node: NodeUrl,
}

/// What the node shows at `path`, as it sent it.
pub(super) fn get_text(node: &NodeUrl, path: &str) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime for the request")?;
    runtime.block_on(fetch(node, path))
}

/// The same, for a command that waits for other things, too.
pub(super) async fn fetch(node: &NodeUrl, path: &str) -> anyhow::Result<String> {
    let body = success(node, path, client::get(node, path).await?)?;
    String::from_utf8(body).map_err(|_| anyhow::anyhow!("{node}{path} is no text: is it a verwalter that listens there?"))
}

/// What the node shows at `path`.
pub(super) fn get<T: DeserializeOwned>(node: &NodeUrl, path: &str) -> anyhow::Result<T> {
    read(node, path, &get_text(node, path)?)
}

/// What [`get_text`] gave, understood.
pub(super) fn read<T: DeserializeOwned>(node: &NodeUrl, path: &str, text: &str) -> anyhow::Result<T> {
    serde_json::from_str(text).with_context(|| format!("{node}{path} cannot be read: has the node another version than this program?"))
}

/// Gives an order; the answer as the node sent it.
pub(super) fn order_text(node: &NodeUrl, path: &str, body: String) -> anyhow::Result<String> {
    order_text_within(client::ANSWER_WAIT, node, path, body)
}

/// The same for an order that takes its time.
pub(super) fn order_text_within(wait: Duration, node: &NodeUrl, path: &str, body: String) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime for the request")?;
    let answer = runtime.block_on(client::post_within(wait, node, path, body))?;
    let body = success(node, path, answer)?;
    String::from_utf8(body).map_err(|_| anyhow::anyhow!("{node}{path} is no text: is it a verwalter that listens there?"))
}

/// Gives an order; the node's own words on what came of it.
pub(super) fn order(node: &NodeUrl, path: &str, body: &Value) -> anyhow::Result<String> {
    let body: Value = serde_json::from_str(&order_text(node, path, body.to_string())?).unwrap_or_default();
    let message = body.get("message").and_then(Value::as_str).unwrap_or("it is done");
    Ok(plain(message, SHOWN_CHARS))
}

/// The body of a good answer; of another one, why it is none.
fn success(node: &NodeUrl, path: &str, answer: Answer) -> anyhow::Result<Vec<u8>> {
    if answer.is_success() {
        return Ok(answer.body);
    }
    match answer.refusal() {
        Some(refusal) => anyhow::bail!("{}", plain(&refusal.message, SHOWN_CHARS)),
        None => anyhow::bail!("{node}{path} answered with status {}: is it a verwalter that listens there?", answer.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_means() {
        let node: NodeUrl = client::DEFAULT_NODE.parse().expect("an address");
        let check = |status: u16, body: &str, expect: Result<&str, &str>| {
            let answer = Answer { status, body: body.into() };
            let result = success(&node, "/v1/x", answer).map_err(|err| err.to_string());
            assert_eq!(result.as_deref().map_err(String::as_str), expect.map(str::as_bytes), "{status} {body}");
        };
        check(200, "{}", Ok("{}"));
        check(404, r#"{"error":{"code":"not-found","message":"there is\nno plugin"}}"#, Err("there is\\nno plugin"));
        let stranger = "http://127.0.0.1:8379/v1/x answered with status 502: is it a verwalter that listens there?";
        check(502, "<html>", Err(stranger));
        check(502, r#"{"error":"bad gateway"}"#, Err(stranger));
    }
}

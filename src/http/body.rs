//! A request's body, under its cap and within its time. What an order says in it is data: nothing is done here.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;
use serde::Deserialize;
use verwalter_core::plain::plain;

use super::error::HttpError;

/// How long a body may take to arrive: what may be sent here is small and comes with the head, or soon after it.
const WAIT: Duration = Duration::from_secs(10);

/// The whole body, at most `cap` bytes of it.
pub(super) async fn whole(body: Body, cap: usize) -> Result<Bytes, HttpError> {
    match tokio::time::timeout(WAIT, to_bytes(body, cap)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // A client that broke off does not read this either.
        Ok(Err(_)) => {
            let message = format!("the body is larger than {cap} bytes (`http: {{ body: … }}` in verwalter.yaml), or broke off");
            Err(HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", message))
        }
        Err(_) => Err(HttpError::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", "the body did not arrive in time")),
    }
}

/// What an order says: a JSON object of at most `cap` bytes.
pub(super) async fn order<T: for<'de> Deserialize<'de>>(body: Body, cap: usize) -> Result<T, HttpError> {
    read_order(&whole(body, cap).await?)
}

/// The same of a body that has arrived.
pub(super) fn read_order<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, HttpError> {
    let refuse = |what: &str| {
        let hint = if serde_json::from_str::<T>("{}").is_ok() { "; send `{}` if there is nothing to say" } else { "" };
        let message = format!("the body is no such order: {}{hint}", plain(what, 300));
        HttpError::new(StatusCode::BAD_REQUEST, "bad-order", message)
    };
    // An array would be read as an object's values in their order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(refuse("it is no JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|err| refuse(&err.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it is there is asked")]
    struct Needed {
        plan: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it is there is asked")]
    struct Optional {
        digest: Option<String>,
    }

    async fn refusal<T: for<'de> Deserialize<'de> + std::fmt::Debug>(text: &'static str) -> String {
        order::<T>(Body::from(text), 100).await.expect_err(text).message
    }

    #[tokio::test]
    async fn an_empty_order_is_advised_where_it_would_do() {
        let hint = "; send `{}` if there is nothing to say";
        assert!(refusal::<Optional>("").await.ends_with(hint));
        assert!(refusal::<Optional>(r#"{"digset":"x"}"#).await.ends_with(hint));
        let needed = refusal::<Needed>("{}").await;
        assert!(needed.contains("missing field `plan`") && !needed.contains("send"), "{needed}");
    }
}

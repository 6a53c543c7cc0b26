//! A request's body, under its cap and within its time. It reads nothing out of the bytes.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;

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

//! `/v1/plugins/NAME/shadow`: how a plugin that only runs beside the active one would have decided. Where that comes from is the
//! caller's business.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;
use verwalter_core::names::PluginName;

use super::error::HttpError;
use super::routes::{document, no_text};
use verwalter_core::plain::plain;

/// Looks up what a plugin's shadow runs came to: counters and the last differences. `None` when it is not in shadow mode.
pub type Look = Arc<dyn Fn(&PluginName) -> Option<Value> + Send + Sync>;

/// The path, to be merged into the node's router below its guard.
pub fn routes<S>(look: Look) -> Router<S> {
    Router::new()
        .route("/v1/plugins/{name}/shadow", get(shadow))
        .route("/v1/plugins/{name}/shadow.pretty", get(shadow))
        .method_not_allowed_fallback(super::routes::method)
        .with_state(look)
}

async fn shadow(State(look): State<Look>, name: Result<Path<String>, PathRejection>, uri: Uri) -> Result<Response, HttpError> {
    let Path(name) = name.map_err(no_text)?;
    let found = PluginName::new(&name).ok().and_then(|name| look(&name));
    let found = found.ok_or_else(|| {
        let message = format!(
            "plugin `{}` runs in no shadow: set `mode: shadow` in its manifest to compare it with the active one",
            plain(&name, 100)
        );
        HttpError::new(StatusCode::NOT_FOUND, "no-shadow", message)
    })?;
    Ok(document(&uri, &found))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn only_shadows_are_shown() {
        let look: Look = Arc::new(|name| (name.as_str() == "next").then(|| json!({ "rounds": 3 })));
        let router: Router = routes(look);
        let check = async |method: &str, path: &str, status: u16, body: &str| {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
            let response = router.clone().oneshot(request).await.expect("it answers");
            assert_eq!(response.status().as_u16(), status, "{path}");
            let bytes = to_bytes(response.into_body(), 10_000).await.expect("a short body");
            assert!(String::from_utf8_lossy(&bytes).contains(body), "{path}: {bytes:?}");
        };
        check("GET", "/v1/plugins/next/shadow", 200, r#"{"rounds":3}"#).await;
        check("GET", "/v1/plugins/next/shadow.pretty", 200, "{\n  \"rounds\": 3\n}\n").await;
        check("GET", "/v1/plugins/spread/shadow", 404, "no-shadow").await;
        check("GET", "/v1/plugins/No%0aName/shadow", 404, "`No\\\\nName`").await;
        check("POST", "/v1/plugins/next/shadow", 405, "use GET").await;
    }
}

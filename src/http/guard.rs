//! What a request must be before any handler sees it: for this host, and small; and, when it changes something, from no other
//! site's page.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::HttpError;
use crate::status::View;
use verwalter_core::plain::plain;

/// The names under which this node may be asked.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    names: Arc<[String]>,
    bound: Option<IpAddr>,
}

impl Hosts {
    pub(super) fn new(view: &View, bound: Option<SocketAddr>) -> Hosts {
        let names = ["localhost", view.hostname.as_str(), &view.name.to_lowercase()].map(str::to_owned);
        Hosts { names: Arc::new(names), bound: bound.map(|addr| addr.ip()) }
    }

    /// A name is this node's; an address is loopback or the one that is bound, and with a wildcard any: no attacker's page can
    /// make a browser send an address in place of its own name.
    fn allow(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match address {
            Ok(address) => address.is_loopback() || self.bound.is_some_and(|bound| bound == address || bound.is_unspecified()),
            Err(_) => self.names.contains(&name),
        }
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) => name,
        _ => host,
    }
}

/// What the guard knows.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    pub(super) hosts: Hosts,
    pub(super) body_bytes: u64,
}

/// Refuses foreign hosts and large bodies.
pub(super) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.refuse(request.uri(), request.headers()) {
        Some(error) => {
            let mut response = error.into_response();
            // Whatever body still comes is not read.
            response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            response
        }
        None => next.run(request).await,
    }
}

impl Guard {
    fn refuse(&self, target: &Uri, headers: &HeaderMap) -> Option<HttpError> {
        let mut named = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
        let host = named.next().unwrap_or_default();
        if named.next().is_some() {
            return Some(HttpError::new(StatusCode::BAD_REQUEST, "several-hosts", "the request has more than one Host header: send one"));
        }
        // A target in absolute form names a host too, which proxies prefer over the header.
        let names = [Some(host), target.authority().map(Authority::as_str)];
        if let Some(host) = names.into_iter().flatten().find(|host| !self.hosts.allow(host)) {
            let shown: String = host.chars().take(100).collect();
            let message = format!("this node does not answer for the host `{shown}`: ask by its address, its hostname or localhost");
            return Some(HttpError::new(StatusCode::MISDIRECTED_REQUEST, "foreign-host", message));
        }
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        // A schedule is larger than any order.
        let cap = if target.path() == "/v1/plan" { self.body_bytes.max(super::plan::BODY_BYTES) } else { self.body_bytes };
        if length.is_some_and(|length| length > cap) {
            let message = format!("the body is larger than {cap} bytes (`http: {{ body: … }}` in verwalter.yaml)");
            return Some(HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", message));
        }
        None
    }
}

/// Refuses a request to change something that another site's page may have made a browser send. Such a page can send a POST
/// without asking, as long as its type is one of a form's: so JSON is demanded, and an origin, when there is one, must be this
/// very host and port.
pub(super) async fn check_change(request: Request, next: Next) -> Response {
    match refuse_change(request.headers()) {
        Some(error) => {
            let mut response = error.into_response();
            response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            response
        }
        None => next.run(request).await,
    }
}

fn refuse_change(headers: &HeaderMap) -> Option<HttpError> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_own = |origin: &str| {
        let named = origin.split_once("://").map(|(_, named)| named);
        !host.is_empty() && named.is_some_and(|named| named.eq_ignore_ascii_case(host))
    };
    let origins = headers.get_all(header::ORIGIN).iter().map(|origin| origin.to_str().unwrap_or_default());
    if let Some(origin) = origins.into_iter().find(|origin| !is_own(origin)) {
        let message = format!("a page of `{}` may not change this node: use `verwalter …` or curl", plain(origin, 100));
        return Some(HttpError::new(StatusCode::FORBIDDEN, "foreign-origin", message));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|text| text.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let message = "send JSON with the header `Content-Type: application/json`";
        return Some(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "json-only", message));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_change_something() {
        let check = |host: &str, origin: Option<&str>, content_type: &str, expect: Option<&str>| {
            let mut headers = HeaderMap::new();
            let value = |text: &str| header::HeaderValue::from_bytes(text.as_bytes()).expect("a header's value");
            headers.insert(header::HOST, value(host));
            headers.insert(header::CONTENT_TYPE, value(content_type));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, value(origin));
            }
            let code = refuse_change(&headers).map(|error| error.code);
            assert_eq!(code, expect, "{host} {origin:?} {content_type}");
        };
        let (json, foreign) = ("application/json", Some("foreign-origin"));
        check("alpha:8379", None, json, None);
        check("alpha:8379", None, "Application/JSON; charset=utf-8", None);
        check("alpha:8379", Some("http://alpha:8379"), json, None);
        check("alpha:8379", Some("http://ALPHA:8379"), json, None);
        check("alpha:8379", Some("http://evil.example"), json, foreign);
        check("localhost:8379", Some("http://localhost:3000"), json, foreign);
        check("alpha:8379", Some("http://alpha"), json, foreign);
        check("alpha:8379", Some("http://alpha:8379.evil.example"), json, foreign);
        check("alpha:8379", Some("http://evil.example/http://alpha:8379"), json, foreign);
        check("alpha:8379", Some("null"), json, foreign);
        check("alpha:8379", Some(""), json, foreign);
        check("alpha:8379", Some("\u{e9}"), json, foreign);
        check("", Some("http://"), json, foreign);
        for form in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/plain; application/json"] {
            check("alpha:8379", None, form, Some("json-only"));
        }
    }

    #[test]
    fn one_own_origin_does_not_excuse_another() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, header::HeaderValue::from_static("alpha"));
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        headers.append(header::ORIGIN, header::HeaderValue::from_static("http://alpha"));
        assert!(refuse_change(&headers).is_none());
        headers.append(header::ORIGIN, header::HeaderValue::from_static("http://evil.example"));
        assert_eq!(refuse_change(&headers).map(|error| error.code), Some("foreign-origin"));
    }

    #[test]
    fn hosts() {
        let names = ["localhost", "alpha", "alpha.example.org"].map(str::to_owned);
        let loopback = Hosts { names: Arc::new(names.clone()), bound: Some("127.0.0.1".parse().unwrap()) };
        let wildcard = Hosts { names: Arc::new(names), bound: Some("::".parse().unwrap()) };
        for host in ["localhost", "localhost:8379", "127.0.0.1:1", "[::1]:8379", "::1", "Alpha:8379", "alpha.example.org"] {
            assert!(loopback.allow(host), "{host}");
        }
        for host in ["", "evil.example", "evil.example:8379", "10.0.0.1", "localhost.evil.example", "alpha.", "alpha:8379x", ":"] {
            assert!(!loopback.allow(host), "{host}");
        }
        assert!(wildcard.allow("10.0.0.1:8379") && !wildcard.allow("evil.example"));
    }
}

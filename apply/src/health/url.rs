//! URLs of health checks: `http` only. It looks nothing up.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The longest URL, in bytes. Arbitrary, as browsers have it or more.
const MAX_BYTES: usize = 2048;

/// A URL in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) host: Host,
    pub(super) port: u16,
    /// Host and port as they were written, for the `Host` header.
    pub(super) authority: String,
    /// Path and query; begins with a slash.
    pub(super) path: String,
}

/// Where a URL points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Address(IpAddr),
    /// This machine, by a name that needs no name server.
    Localhost,
    Name(String),
}

impl Url {
    /// An error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Url, &'static str> {
        if text.len() > MAX_BYTES {
            return Err("has a URL longer than 2048 bytes: shorten it");
        }
        if text.chars().any(|c| c.is_ascii_control() || c == ' ' || !c.is_ascii()) {
            return Err("has a URL with a blank, a control character or one outside ASCII: escape it, as in %20");
        }
        let scheme = text.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        let rest = match &scheme {
            Some((scheme, rest)) if scheme == "http" => *rest,
            Some((scheme, _)) if scheme == "https" => {
                return Err("speaks https, which health checks do not: use http on this machine, or a command such as curl");
            }
            _ => return Err("has a URL that does not begin with `http://`: write the whole URL"),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err("has a URL with a user or password: remove it");
        }
        let (host, port) = split_port(authority)?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Url { host: parse_host(host)?, port, authority: authority.to_owned(), path: format!("{slash}{path}") })
    }

    /// Its addresses, unless its host has to be looked up.
    pub(super) fn addresses(&self) -> Option<Vec<SocketAddr>> {
        match &self.host {
            Host::Address(address) => Some(vec![SocketAddr::new(*address, self.port)]),
            Host::Localhost => {
                Some(vec![SocketAddr::from(([127, 0, 0, 1], self.port)), SocketAddr::from((Ipv6Addr::LOCALHOST, self.port))])
            }
            Host::Name(_) => None,
        }
    }
}

fn split_port(authority: &str) -> Result<(&str, u16), &'static str> {
    if authority.starts_with('[') != authority.contains(']') || (authority.matches(':').count() > 1 && !authority.starts_with('[')) {
        return Err("has a URL with a broken IPv6 address: put it in brackets, as in http://[::1]:8080/");
    }
    let end_of_address = authority.rfind(']').map_or(0, |at| at + 1);
    let Some(colon) = authority[end_of_address..].find(':') else { return Ok((authority, 80)) };
    let (host, port) = authority.split_at(end_of_address + colon);
    match port[1..].parse() {
        // A number is read with a plus sign too.
        Ok(number @ 1..) if port[1..].starts_with(|c: char| c.is_ascii_digit()) => Ok((host, number)),
        _ => Err("has a URL whose port is no number from 1 to 65535: correct it"),
    }
}

fn parse_host(host: &str) -> Result<Host, &'static str> {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let address = address.parse::<Ipv6Addr>().map_err(|_| "has a URL with a broken IPv6 address: correct it")?;
        return Ok(Host::Address(address.into()));
    }
    if let Ok(address) = host.parse() {
        return Ok(Host::Address(IpAddr::V4(address)));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if host.is_empty() || host.len() > 253 || !host.chars().all(is_name) {
        return Err("has a URL without a host name or address after `http://`: write one");
    }
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(Host::Localhost);
    }
    Ok(Host::Name(host.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<(&str, u16, &str), &str>) {
        match (Url::parse(text), expect) {
            (Ok(url), Ok((host, port, path))) => {
                let shown = match &url.host {
                    Host::Address(address) => address.to_string(),
                    Host::Localhost => "localhost".to_owned(),
                    Host::Name(name) => name.clone(),
                };
                assert_eq!((shown.as_str(), url.port, url.path.as_str()), (host, port, path), "{text}");
            }
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{text}: {reason}"),
            (url, _) => panic!("{text}: {url:?}, not {expect:?}"),
        }
    }

    #[test]
    fn urls() {
        check("http://127.0.0.1", Ok(("127.0.0.1", 80, "/")));
        check("HTTP://LOCALHOST:8080/a/b?c=d#e", Ok(("localhost", 8080, "/a/b?c=d")));
        check("http://web-1.example:81?x", Ok(("web-1.example", 81, "/?x")));
        check("http://[::1]:8080/", Ok(("::1", 8080, "/")));
        check("http://[::1]", Ok(("::1", 80, "/")));
        check("https://web/", Err("use http on this machine"));
        check("ftp://web/", Err("does not begin with"));
        check("web/", Err("does not begin with"));
        check("http://", Err("without a host"));
        check("http:///a", Err("without a host"));
        check("http://a b/", Err("escape it"));
        check("http://a/\r\nX: y", Err("escape it"));
        check("http://é/", Err("escape it"));
        check("http://user:pass@web/", Err("user or password"));
        check("http://web:0/", Err("port"));
        check("http://web:/", Err("port"));
        check("http://web:65536/", Err("port"));
        check("http://web:+80/", Err("port"));
        check("http://[::1/", Err("brackets"));
        check("http://::1]/", Err("brackets"));
        check("http://[::1]x/", Err("without a host"));
        check("http://[::x]/", Err("IPv6"));
        check("http://::1/", Err("brackets"));
        check("http://a\\b/", Err("without a host"));
        check(&format!("http://{}/", "a".repeat(300)), Err("without a host"));
        check(&format!("http://a/{}", "a".repeat(3000)), Err("longer than"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_accepted_makes_one_line_of_a_request(rest in "[a-z0-9\\[\\]:@/?#%. \\r\\né-]{0,24}") {
            if let Ok(url) = Url::parse(&format!("http://{rest}")) {
                proptest::prop_assert!(url.path.starts_with('/') && !url.authority.is_empty() && url.port > 0);
                let sent = format!("{}{}", url.path, url.authority);
                proptest::prop_assert!(sent.bytes().all(|byte| byte.is_ascii_graphic()), "{}", sent);
            }
        }
    }

    #[test]
    fn localhost_needs_no_name_server() {
        let url = Url::parse("http://localhost:81/").expect("fine");
        let shown: Vec<_> = url.addresses().expect("known").iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["127.0.0.1:81", "[::1]:81"]);
        assert_eq!(Url::parse("http://web/").expect("fine").addresses(), None);
    }
}

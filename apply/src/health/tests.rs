//! Checks that say what cannot be.

use super::*;

fn http(url: &str) -> Health {
    Health {
        what: "web.render.yaml:9".into(),
        probe: Probe::Http { url: url.into(), expect_status: DEFAULT_STATUS, contains: None },
        within: DEFAULT_WITHIN,
        every: DEFAULT_EVERY,
        successes: 1,
        timeout: DEFAULT_TIMEOUT,
    }
}

fn check(change: impl FnOnce(&mut Health), expect: Option<&str>) {
    let mut health = http("http://127.0.0.1/");
    change(&mut health);
    assert_eq!(health.check().err().map(|(key, _)| key), expect, "{health:?}");
}

#[test]
fn checks_have_bounds() {
    check(|_| {}, None);
    check(|health| health.within = Duration::ZERO, Some("within"));
    check(|health| health.within = Duration::from_secs(3601), Some("within"));
    check(|health| health.every = Duration::from_millis(9), Some("every"));
    check(|health| health.every = Duration::MAX, Some("every"));
    check(|health| health.timeout = Duration::MAX, None);
    check(|health| health.timeout = Duration::ZERO, Some("timeout"));
    check(|health| health.successes = 0, Some("successes"));
    check(|health| health.successes = u32::MAX, Some("successes"));
    check(|health| health.successes = 30, None);
    check(|health| health.successes = 31, Some("within"));
    check(|health| health.probe = http("https://web/").probe, Some("url"));
    let probe = |expect_status, contains: Option<&str>| Probe::Http {
        url: "http://web/".into(),
        expect_status,
        contains: contains.map(str::to_owned),
    };
    check(|health| health.probe = probe(200..=599, Some("ok")), None);
    check(|health| health.probe = probe(100..=299, None), Some("expect-status"));
    check(|health| health.probe = probe(200..=600, None), Some("expect-status"));
    #[expect(clippy::reversed_empty_ranges, reason = "that is the mistake")]
    check(|health| health.probe = probe(300..=200, None), Some("expect-status"));
    check(|health| health.probe = probe(200..=200, Some("")), Some("contains"));
    check(|health| health.probe = probe(200..=200, Some(&"x".repeat(2000))), Some("contains"));
}

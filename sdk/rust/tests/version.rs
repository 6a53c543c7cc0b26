//! What the orders of versions promise, for any texts.

use std::cmp::Ordering;

use proptest::prelude::*;
use verwalter_plugin::version::{Semver, natural, newest};

#[track_caller]
fn rising(versions: &[&str], compare: impl Fn(&str, &str) -> Ordering) {
    for (a, lesser) in versions.iter().enumerate() {
        for (b, greater) in versions.iter().enumerate() {
            assert_eq!(compare(lesser, greater), a.cmp(&b), "{lesser} and {greater}");
        }
    }
}

#[test]
fn natural_order() {
    rising(
        &["", "1~~", "1~~a", "1~", "1", "1a", "1.0~rc1", "1.0", "1.0a", "1.0+b", "1.0.1", "1.9", "1.10", "2", "a", "web-v9", "web-v10"],
        natural,
    );
    for (a, b) in [("1.0", "1.00"), ("007", "7"), ("a", "a0"), ("", "0")] {
        assert_eq!(natural(a, b), Ordering::Equal, "{a} and {b}");
    }
    rising(&["9", "99999999999999999999999999999998", "99999999999999999999999999999999"], natural);
}

#[test]
fn the_newest() {
    assert_eq!(newest([]), None);
    assert_eq!(newest(["v9", "v10", "v1"]), Some("v10"));
    assert_eq!(newest(["1.00", "1.0"]), newest(["1.0", "1.00"]));
}

fn semver(text: &str) -> Semver<'_> {
    Semver::parse(text).unwrap_or_else(|| panic!("{text} is a version"))
}

#[test]
fn semantic_versions() {
    // The standard's own example, paragraph 11.
    let example = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "2.0.0",
        "2.1.0",
        "2.1.1",
    ];
    rising(&example, |a, b| semver(a).cmp(&semver(b)));
    assert_eq!(semver("v1"), semver("1.0.0+build.5"));
    assert_eq!((semver("1.2-x.y").numbers(), semver("1.2-x.y").pre_release()), ([1, 2, 0], Some("x.y")));
    for bad in
        ["", "v", "1.", ".1", "1.2.3.4", "1.x", "-1", "+1", "1-", "1+", "1-a..b", "1-é", "1.+1", "99999999999999999999", " 1", "1+a+b"]
    {
        assert!(Semver::parse(bad).is_none(), "{bad}");
    }
}

const TEXT: &str = "[0-2a~.+é-]{0,6}";

proptest! {
    #[test]
    fn natural_order_is_one(a in TEXT, b in TEXT, c in TEXT) {
        prop_assert_eq!(natural(&a, &a), Ordering::Equal);
        prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
        if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
            prop_assert!(natural(&a, &c).is_le());
        }
    }

    #[test]
    fn numbers_count_by_value(text in "[a-z.~-]{0,4}", a in any::<u64>(), b in any::<u64>()) {
        prop_assert_eq!(natural(&format!("{text}{a}"), &format!("{text}{b}")), a.cmp(&b));
        let order = natural(&format!("{text}{a}~x"), &format!("{text}{a}"));
        prop_assert_eq!(order, Ordering::Less);
    }

    #[test]
    fn releases_are_in_the_same_order_by_both(a in any::<[u32; 3]>(), b in any::<[u32; 3]>()) {
        let text = |n: [u32; 3]| format!("{}.{}.{}", n[0], n[1], n[2]);
        let (left, right) = (text(a), text(b));
        prop_assert_eq!(natural(&left, &right), a.cmp(&b));
        prop_assert_eq!(semver(&left).cmp(&semver(&right)), a.cmp(&b));
    }

    #[test]
    fn semver_order_is_one(texts in proptest::collection::vec("[01](\\.[01])?(-[01a](\\.[0a])?)?", 3)) {
        let versions: Vec<Semver<'_>> = texts.iter().map(|text| semver(text)).collect();
        prop_assert_eq!(versions[0].cmp(&versions[1]), versions[1].cmp(&versions[0]).reverse());
        if versions[0] <= versions[1] && versions[1] <= versions[2] {
            prop_assert!(versions[0] <= versions[2]);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,20}") {
        let _ = Semver::parse(&text);
        prop_assert_eq!(natural(&text, &text), Ordering::Equal);
    }
}

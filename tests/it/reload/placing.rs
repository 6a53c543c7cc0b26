//! Several plugins beside each other: one scheduler, names of filters that no two offer, catalogs that outlive a reload.

use serde_json::json;

use super::{Site, instances, placing_guest};
use crate::sandbox::guest::{FILTER_COMPONENT, FILTER_CORE, translate};
use crate::sandbox::world::SCHEDULER;

#[test]
fn of_two_schedulers_the_former_stays() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.reload();
    site.put_scheduler("pack", 2);
    site.reload();
    site.check("spread", "active×1");
    let conflict = "failed×1 place: 2 scheduler plugins are active (pack, spread): set `mode: off` in the manifest of all but one";
    site.check("pack", conflict);
    assert_eq!(site.decides(), "1");
    // A new build of the former is still the former.
    site.put("spread.wasm", placing_guest(3));
    site.reload();
    site.check("pack", conflict);
    assert_eq!(site.decides(), "3");
    // The conflict goes with what caused it, though the file of the other did not change.
    site.put("spread.yaml", "kind: scheduler\nmode: off\n");
    site.reload();
    site.check("spread", "off");
    assert_eq!(site.line("pack"), "active×1");
    assert_eq!(site.decides(), "2");
}

#[test]
fn of_two_new_schedulers_neither_decides() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.put_scheduler("pack", 2);
    site.reload();
    for name in ["spread", "pack"] {
        site.check(name, "failed×1 place: 2 scheduler plugins are active (pack, spread)");
    }
    assert!(site.decides().starts_with("2 scheduler plugins are active (pack, spread)"), "{}", site.decides());
    site.remove("pack.wasm");
    site.remove("pack.yaml");
    site.reload();
    assert_eq!((site.line("spread").as_str(), site.decides().as_str()), ("active×1", "1"));
}

#[test]
fn why_nothing_decides_is_told() {
    let mut site = Site::new();
    site.put("spread.wasm", b"garbage");
    site.put("spread.yaml", SCHEDULER);
    site.reload();
    site.check("spread", "failed×0 inspect: it is no webassembly");
    assert!(site.decides().contains("(spread: inspect: it is no WebAssembly"), "{}", site.decides());
}

#[test]
fn filters_of_several_plugins_are_one_set() {
    let mut site = Site::new();
    site.put("first.wasm", translate(FILTER_CORE));
    site.put("first.yaml", "kind: filter\n");
    site.put("second.wasm", translate(FILTER_COMPONENT));
    site.put("second.yaml", "kind: filter\n");
    site.reload();
    let filters = site.catalog.filters();
    assert_eq!(filters.names(), ["boom", "c_boom", "c_count", "c_echo", "c_refuse", "count", "echo", "junk", "refuse"]);
    assert_eq!(site.catalog.filter_builds().len(), 2);
    let mut session = filters.open();
    // Each plugin has an instance of its own, and the failure of one is its own.
    assert_eq!(session.apply("count", &json!([])), Ok(json!(1)));
    assert_eq!(session.apply("c_count", &json!([])), Ok(json!(1)));
    assert!(session.apply("boom", &json!([])).is_err());
    assert_eq!(session.apply("c_count", &json!([1])), Ok(json!(2)));
    let unknown = session.apply("netmask", &json!([])).unwrap_err();
    assert_eq!(unknown.to_string(), "no plugin in force offers the filter `netmask`");
}

#[test]
fn a_filter_belongs_to_the_first_that_offers_it() {
    let mut site = Site::new();
    for name in ["first", "second"] {
        site.put(&format!("{name}.wasm"), translate(FILTER_CORE));
        site.put(&format!("{name}.yaml"), "kind: filter\n");
    }
    site.reload();
    assert_eq!(site.line("first"), "active×1");
    site.check("second", "active×1 place: the filter `");
    assert!(site.line("second").ends_with("is offered by plugin first already: rename one of them"), "{}", site.line("second"));
    site.remove("first.wasm");
    site.remove("first.yaml");
    site.reload();
    assert_eq!(site.line("second"), "active×1");
}

#[test]
fn a_catalog_that_is_held_does_not_change() {
    let mut site = Site::new();
    site.put_scheduler("spread", 1);
    site.put("tools.wasm", translate(FILTER_CORE));
    site.put("tools.yaml", "kind: filter\n");
    site.reload();
    let held = site.catalog.clone();
    let mut session = held.filters().open();
    assert_eq!(session.apply("count", &json!([])), Ok(json!(1)));
    site.put("spread.wasm", placing_guest(2));
    site.remove("tools.wasm");
    site.remove("tools.yaml");
    site.reload();
    assert_eq!((instances(&held).as_str(), site.decides().as_str()), ("1", "2"));
    assert_eq!(session.apply("count", &json!([1])), Ok(json!(2)));
    assert!(site.catalog.filters().names().is_empty());
}

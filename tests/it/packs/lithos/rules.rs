//! What lithos 0.19 wants of `processes/NAME.yaml`, and what a container's configuration wants of an entry there. A reader of its own,
//! since no lithos is at hand; it touches no file.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The keys of an entry.
const KEYS: [&str; 7] = ["kind", "image", "config", "instances", "variables", "ip-addresses", "extra-secrets-namespaces"];

/// What of `sandboxes/NAME.yaml` the entries depend on.
#[derive(Debug, Default)]
pub(super) struct Sandbox {
    levels: u64,
    ports: Vec<(u64, u64)>,
    network: Option<(u32, u32)>,
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

/// An IPv4 address as a number.
fn address(text: &str) -> Option<u32> {
    text.parse::<std::net::Ipv4Addr>().ok().map(u32::from)
}

impl Sandbox {
    /// Reads a sandbox file.
    pub(super) fn read(text: &str) -> Sandbox {
        let value = yaml(text);
        let ranges = value["allow-tcp-ports"].as_array().cloned().unwrap_or_default();
        let range = |range: &Value| {
            let text = range.as_str().map_or_else(|| range.to_string(), str::to_owned);
            let (from, to) = text.split_once('-').unwrap_or((&text, &text));
            (from.parse().expect("a port"), to.parse().expect("a port"))
        };
        let network = value["bridged-network"]["network"].as_str().map(|network| {
            let (base, bits) = network.split_once('/').expect("a network has a length");
            let mask = u32::MAX.checked_shl(32 - bits.parse::<u32>().expect("a number")).unwrap_or(0);
            (address(base).expect("an address"), mask)
        });
        Sandbox { levels: value["image-dir-levels"].as_u64().unwrap_or(1), ports: ranges.iter().map(range).collect(), network }
    }

    /// The names in a processes file.
    pub(super) fn children(&self, text: &str) -> Vec<String> {
        yaml(text).as_object().expect("a mapping").keys().cloned().collect()
    }

    /// What is wrong with a processes file.
    pub(super) fn mistakes(&self, text: &str) -> Vec<String> {
        let value = yaml(text);
        let Some(children) = value.as_object() else { return vec!["the file is no mapping".to_owned()] };
        children.iter().flat_map(|(name, child)| self.child(name, child)).collect()
    }

    fn child(&self, name: &str, child: &Value) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut mistake = |text: String| mistakes.push(format!("{name}: {text}"));
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            mistake("is no name".to_owned());
        }
        let Some(child) = child.as_object() else {
            mistake("is no mapping".to_owned());
            return mistakes;
        };
        for key in child.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            mistake(format!("`{key}` is not known"));
        }
        let kind = child.get("kind").map_or(Some("Daemon"), Value::as_str).filter(|kind| ["Daemon", "Command"].contains(kind));
        if kind.is_none() {
            mistake("`kind` is neither Daemon nor Command".to_owned());
        }
        match child.get("image").and_then(Value::as_str) {
            None => mistake("`image` is missing".to_owned()),
            Some(image) => {
                let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
                if image.split('/').count() as u64 != self.levels.max(1) || !image.split('/').all(plain) {
                    mistake(format!("`image` has not {} plain parts", self.levels).replace("1 plain parts", "1 plain part"));
                }
            }
        }
        match child.get("config").and_then(Value::as_str) {
            None => mistake("`config` is missing".to_owned()),
            Some(config) if !config.starts_with('/') || config.split('/').any(|part| part == "..") => {
                mistake("`config` is not absolute".to_owned());
            }
            Some(_) => {}
        }
        let instances = match child.get("instances") {
            None => 1,
            Some(_) if kind == Some("Command") => {
                mistake("`instances` is of daemons only".to_owned());
                1
            }
            Some(count) => count.as_u64().unwrap_or_else(|| {
                mistake("`instances` is no number from 0".to_owned());
                1
            }),
        };
        let empty = Map::new();
        for (key, value) in child.get("variables").and_then(Value::as_object).unwrap_or(&empty) {
            if !(value.is_string() || value.is_number() || value.is_boolean()) {
                mistake(format!("the variable `{key}` is no scalar"));
            }
        }
        let addresses = child.get("ip-addresses").and_then(Value::as_array).cloned().unwrap_or_default();
        match self.network {
            None if !addresses.is_empty() => mistake("`ip-addresses`: the sandbox has no bridged network".to_owned()),
            Some(_) if addresses.len() as u64 != instances => mistake(format!("`ip-addresses` are not {instances}")),
            Some((base, mask)) => {
                for text in addresses.iter().filter(|text| {
                    let number = text.as_str().and_then(address);
                    number.is_none_or(|number| number & mask != base & mask)
                }) {
                    mistake(format!("{text} is not in the network"));
                }
            }
            None => {}
        }
        let namespaces = child.get("extra-secrets-namespaces").and_then(Value::as_array).cloned().unwrap_or_default();
        if !namespaces.iter().all(Value::is_string) {
            mistake("`extra-secrets-namespaces` are no texts".to_owned());
        }
        mistakes
    }

    /// What does not fit between a processes file and the configurations that it names, by path within the image.
    pub(super) fn unfit(&self, processes: &str, containers: &BTreeMap<String, String>) -> Vec<String> {
        let mut unfit = Vec::new();
        // lithos' own tags are of no interest but to `declared`.
        let tags = regex::Regex::new(": ![A-Za-z]+").expect("valid");
        for (name, child) in yaml(processes).as_object().expect("a mapping") {
            let path = child["config"].as_str().expect("checked").trim_start_matches('/');
            let Some(text) = containers.get(path) else {
                unfit.push(format!("{name}: the image has no {path}"));
                continue;
            };
            let types = declared(text);
            let container = yaml(&tags.replace_all(text, ": "));
            let (wants, has) = (container["kind"].as_str().unwrap_or("Daemon"), child["kind"].as_str().unwrap_or("Daemon"));
            if wants != has && wants != "CommandOrDaemon" {
                unfit.push(format!("{name}: is a {has}, and {path} is for a {wants}"));
            }
            for (variable, kind) in types {
                match child["variables"][&variable].as_str() {
                    None => unfit.push(format!("{name}: the variable `{variable}` is missing")),
                    Some(text) if kind == "TcpPort" => {
                        let port = text.parse::<u64>().ok();
                        if !port.is_some_and(|port| self.ports.iter().any(|(from, to)| (*from..=*to).contains(&port))) {
                            unfit.push(format!("{name}: `{variable}` is no port that the sandbox allows"));
                        }
                    }
                    Some(text) => {
                        let choices = container["variables"][&variable].as_array().cloned().unwrap_or_default();
                        if kind.starts_with("Choice") && !choices.iter().any(|choice| choice == text) {
                            unfit.push(format!("{name}: `{variable}` is none of its choices"));
                        }
                    }
                }
            }
        }
        unfit
    }
}

/// The variables that a container's configuration declares, with their tags.
fn declared(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().skip_while(|line| *line != "variables:").skip(1);
    let lines = lines.take_while(|line| line.starts_with(' '));
    lines.filter_map(|line| line.trim().split_once(": !")).map(|(name, tag)| (name.to_owned(), tag.to_owned())).collect()
}

//! The manifest's `config`.

use serde_json::{Map, Value};
use verwalter_plugin::Error;

/// What the operator may set.
#[derive(Debug, PartialEq)]
pub struct Config {
    /// The busiest that a peer may be to get another instance: a share, above 0 and at most 1.
    pub max_busy: f64,
}

impl Config {
    /// Reads and checks it.
    pub fn read(config: &Map<String, Value>) -> Result<Config, Error> {
        if let Some(key) = config.keys().find(|key| *key != "max_busy") {
            return Err(Error::own(format!(
                "config: unknown key {key}, expected max_busy"
            )));
        }
        let max_busy = config.get("max_busy").map_or(Some(0.9), Value::as_f64);
        match max_busy.filter(|share| *share > 0.0 && *share <= 1.0) {
            Some(max_busy) => Ok(Config { max_busy }),
            None => Err(Error::own(
                "config: max_busy must be a number above 0 and at most 1",
            )),
        }
    }
}

/// Refuses a configuration before the plugin is activated.
pub fn check(config: &Map<String, Value>) -> Result<(), Error> {
    Config::read(config).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(config: Value, expect: Result<f64, &str>) {
        let got = Config::read(config.as_object().unwrap())
            .map(|config| config.max_busy)
            .map_err(|err| err.to_string());
        assert_eq!(got, expect.map_err(str::to_owned), "{config}");
    }

    #[test]
    fn configurations() {
        let range = Err("config: max_busy must be a number above 0 and at most 1");
        check(serde_json::json!({}), Ok(0.9));
        check(serde_json::json!({"max_busy": 1}), Ok(1.0));
        check(serde_json::json!({"max_busy": 0}), range);
        check(serde_json::json!({"max_busy": 1.1}), range);
        check(serde_json::json!({"max_busy": null}), range);
        check(
            serde_json::json!({"max_busy": 2, "b": 1, "a": 1}),
            Err("config: unknown key a, expected max_busy"),
        );
    }
}

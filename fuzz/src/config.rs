//! The host's readers of text that operators write, taken by path: the host itself would bring the engine, which takes minutes to
//! build and is not what is fuzzed here.

#[rustfmt::skip]
#[path = "../../src/config/data.rs"]
pub mod data;
#[rustfmt::skip]
#[path = "../../src/config/file.rs"]
pub mod file;
#[rustfmt::skip]
#[path = "../../src/config/suggest.rs"]
pub mod suggest;
#[rustfmt::skip]
#[path = "../../src/config/units.rs"]
pub mod units;
#[rustfmt::skip]
#[path = "../../src/config/yaml.rs"]
pub mod yaml;

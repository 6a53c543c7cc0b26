//! The host's readers of text that operators write, taken by path: the host itself would bring the engine, which takes minutes to
//! build and is not what is fuzzed here.

#[rustfmt::skip]
#[path = "../../src/config/data.rs"]
pub mod data;
#[expect(dead_code, reason = "who reads secrets looks at the whole of what was opened")]
#[rustfmt::skip]
#[path = "../../src/config/file.rs"]
pub mod file;
#[rustfmt::skip]
#[path = "../../src/config/mistakes.rs"]
pub mod mistakes;
#[rustfmt::skip]
#[path = "../../src/config/suggest.rs"]
pub mod suggest;
#[rustfmt::skip]
#[path = "../../src/config/units.rs"]
pub mod units;
#[rustfmt::skip]
#[path = "../../src/config/yaml.rs"]
pub mod yaml;

//! Plugins that look for words in their input and do what stands beside the first one that is there. Nothing here runs them.

use crate::support::core_plugin;

/// What a guest does.
pub(super) enum Act<'a> {
    Trap,
    Loop,
    /// A first byte, which says whether it worked, and a text.
    Answer(u8, &'a str),
    /// So many of `web` on `alpha`.
    Place(u32),
}

/// Whether `$size` bytes at `$word` stand anywhere in the `$len` bytes at `$ptr`, which are more.
const HAS: &str = r#"
    (func $has (param $ptr i32) (param $len i32) (param $word i32) (param $size i32) (result i32)
        (local $end i32) (local $i i32)
        (local.set $end (i32.sub (i32.add (local.get $ptr) (local.get $len)) (local.get $size)))
        (loop $next
            (local.set $i (i32.const 0))
            (block $differs
                (loop $same
                    (br_if $differs (i32.ne
                        (i32.load8_u (i32.add (local.get $ptr) (local.get $i)))
                        (i32.load8_u (i32.add (local.get $word) (local.get $i)))))
                    (br_if $same (i32.lt_u
                        (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                        (local.get $size))))
                (return (i32.const 1)))
            (br_if $next (i32.le_u
                (local.tee $ptr (i32.add (local.get $ptr) (i32.const 1)))
                (local.get $end))))
        (i32.const 0))"#;

/// Where the guests' texts lie; their input comes above 64 KiB.
struct Texts {
    data: String,
    next: usize,
}

impl Texts {
    fn put(&mut self, bytes: &[u8]) -> usize {
        let at = self.next;
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        self.data.push_str(&format!("(data (i32.const {at}) \"{escaped}\")"));
        self.next += bytes.len();
        at
    }

    fn answer(&mut self, first: u8, text: &str) -> String {
        let at = self.put(&[&[first], text.as_bytes()].concat());
        format!("(return (i64.const {}))", (text.len() as u64 + 1) << 32 | at as u64)
    }

    fn act(&mut self, act: &Act<'_>) -> String {
        match act {
            Act::Trap => "unreachable".to_owned(),
            Act::Loop => "(loop $for_ever (br $for_ever))".to_owned(),
            Act::Answer(first, text) => self.answer(*first, text),
            Act::Place(instances) => self.answer(0, &placing(*instances)),
        }
    }
}

fn placing(instances: u32) -> String {
    let place = if instances == 0 { String::new() } else { format!(r#""alpha":{instances}"#) };
    format!(r#"{{"v":1,"schedule":{{"roles":{{"web":{{"place":{{{place}}}}}}}}}}}"#)
}

/// A plugin that exports `function` and further `items`.
fn guest(items: &str, function: &str, usual: &Act<'_>, words: &[(&str, Act<'_>)]) -> Vec<u8> {
    let mut texts = Texts { data: String::new(), next: 1024 };
    let mut body = String::new();
    for (word, act) in words {
        let (at, act) = (texts.put(word.as_bytes()), texts.act(act));
        let size = word.len();
        assert!(size > 0, "every input has the empty word");
        body.push_str(&format!("(if (call $has (local.get $ptr) (local.get $len) (i32.const {at}) (i32.const {size})) (then {act}))"));
    }
    body.push_str(&texts.act(usual));
    let data = texts.data;
    core_plugin(&format!(
        r#"{items} {data} {HAS} (func (export "{function}") (param $ptr i32) (param $len i32) (result i64) {body} (i64.const 0))"#
    ))
}

/// A scheduler that places so many of `web` on `alpha`.
pub(super) fn scheduler(instances: u32, words: &[(&str, Act<'_>)]) -> Vec<u8> {
    guest("", "vw_schedule", &Act::Place(instances), words)
}

/// A policy that allows; `mark` tells its builds apart.
pub(super) fn policy(mark: u32, words: &[(&str, Act<'_>)]) -> Vec<u8> {
    guest(&format!("(global i32 (i32.const {mark}))"), "vw_review", &Act::Answer(0, r#"{"v":1,"verdict":"allow"}"#), words)
}

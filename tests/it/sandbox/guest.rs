//! Guests made of text: a frame from `tests/it/guests/` or the torture kit around the few instructions that a scenario is about. Nothing here runs them.

const SCHEDULER_CORE: &str = include_str!("../../../src/plugin/torture/scheduler_core.wat");
pub(crate) const SCHEDULER_COMPONENT: &str = include_str!("../../../src/plugin/torture/scheduler_component.wat");
const COLUMNS_CORE: &str = include_str!("../guests/columns_core.wat");
const COLUMNS_COMPONENT: &str = include_str!("../guests/columns_component.wat");
pub(crate) const FILTER_CORE: &str = include_str!("../guests/filter_core.wat");
pub(crate) const FILTER_COMPONENT: &str = include_str!("../guests/filter_component.wat");

/// An answer that is sound and says nothing.
const SOUND: &str = r#"{"v":1,"schedule":{}}"#;

pub(crate) fn translate(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|err| panic!("{err}\n{wat}"))
}

/// What a core scheduler is put together from. The default one answers soundly.
pub(crate) struct Core<'a> {
    pub(crate) imports: &'a str,
    /// Body of `vw_alloc`.
    pub(crate) alloc: &'a str,
    pub(crate) items: &'a str,
    /// Body of `vw_schedule`.
    pub(crate) body: &'a str,
}

impl Default for Core<'_> {
    fn default() -> Self {
        Core { imports: "", alloc: "(i32.const 32768)", items: "", body: "" }
    }
}

impl Core<'_> {
    pub(crate) fn build(&self) -> Vec<u8> {
        let (sound, answer) = answer(&[b"\0", SOUND.as_bytes()].concat());
        let items = format!("{sound} {}", self.items);
        // The last instruction is the answer; a body that returns before or never is followed by it all the same.
        let body = format!("{} {answer}", self.body);
        let wat = SCHEDULER_CORE.replace("(;IMPORTS;)", self.imports).replace("(;ALLOC;)", self.alloc);
        translate(&wat.replace("(;ITEMS;)", &items).replace("(;BODY;)", &body))
    }
}

/// A core scheduler that runs `body` before it answers.
pub(crate) fn core(body: &str) -> Vec<u8> {
    Core { body, ..Core::default() }.build()
}

/// The same with further items.
pub(crate) fn core_with(items: &str, body: &str) -> Vec<u8> {
    Core { items, body, ..Core::default() }.build()
}

/// A core scheduler that answers these bytes, the first of which says whether it worked.
pub(crate) fn answering(bytes: &[u8]) -> Vec<u8> {
    let (items, answer) = answer_at(2048, bytes);
    core_with(&items, &format!("(return {answer})"))
}

/// A core scheduler that puts `instances` of the role `web` on the node `alpha`.
pub(crate) fn placing(instances: u32) -> Vec<u8> {
    answering(format!("\0{{\"v\":1,\"schedule\":{{\"roles\":{{\"web\":{{\"place\":{{\"alpha\":{instances}}}}}}}}}}}").as_bytes())
}

/// A core scheduler with these imports.
pub(crate) fn importing(imports: &str, body: &str) -> Vec<u8> {
    Core { imports, body, ..Core::default() }.build()
}

/// A component scheduler that runs `body` before it answers.
pub(crate) fn component(body: &str) -> Vec<u8> {
    component_with("", "", body)
}

/// The same with imports of the component and items of its module.
pub(crate) fn component_with(imports: &str, items: &str, body: &str) -> Vec<u8> {
    translate(&component_text(imports, items, body))
}

/// The text of [`component_with`].
pub(crate) fn component_text(imports: &str, items: &str, body: &str) -> String {
    let items = format!("{} {items}", data(16384, &component_result(SOUND)));
    let body = format!("{body} (i32.const 16384)");
    SCHEDULER_COMPONENT.replace("(;IMPORTS;)", imports).replace("(;ITEMS;)", &items).replace("(;BODY;)", &body)
}

/// `ok(text)` as it lies in memory at 16384, its text behind it.
fn component_result(text: &str) -> Vec<u8> {
    let len = u32::try_from(text.len()).unwrap();
    [&0_u32.to_le_bytes(), &(16384_u32 + 12).to_le_bytes(), &len.to_le_bytes(), text.as_bytes()].concat()
}

/// A core scheduler whose log is what `function` (`column` or `attribute`) gave for `name`, in hexadecimal; `-` for nothing.
pub(crate) fn reading_core(function: &str, name: &str) -> Vec<u8> {
    let (size, cap) = if function == "column" { ("8", "100") } else { ("1", "1000") };
    translate(&named(COLUMNS_CORE, name).replace("@FUNCTION@", function).replace("@SIZE@", size).replace("@CAP@", cap))
}

/// The same as a component: the column, a slash, the series of the first peer.
pub(crate) fn reading_component(name: &str) -> Vec<u8> {
    component_with("", &named(COLUMNS_COMPONENT, name), "(return (call $dump))")
}

fn named(wat: &str, name: &str) -> String {
    wat.replace("@NAME@", name).replace("@LEN@", &name.len().to_string())
}

/// `bytes` at `offset`.
pub(crate) fn data(offset: u32, bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {offset}) \"{escaped}\")")
}

/// Pointer and length as a core function returns them.
pub(crate) fn packed(ptr: u32, len: u32) -> String {
    format!("(i64.const {})", (u64::from(len) << 32 | u64::from(ptr)).cast_signed())
}

fn answer(bytes: &[u8]) -> (String, String) {
    answer_at(1024, bytes)
}

fn answer_at(offset: u32, bytes: &[u8]) -> (String, String) {
    (data(offset, bytes), packed(offset, u32::try_from(bytes.len()).unwrap()))
}

const PREDECESSOR: &str = include_str!("../guests/predecessor.wat");

/// What a scheduler of verwalter 0.13 is put together from. The default one answers an empty schedule.
pub(crate) struct Old<'a> {
    pub(crate) imports: &'a str,
    /// Body of `alloc`.
    pub(crate) alloc: &'a str,
    pub(crate) items: &'a str,
    /// Runs first; what it leaves, or what follows when it leaves nothing, is the result's address.
    pub(crate) body: &'a str,
}

impl Default for Old<'_> {
    fn default() -> Self {
        Old { imports: "", alloc: "(i32.const 32768)", items: "", body: "" }
    }
}

impl Old<'_> {
    pub(crate) fn build(&self) -> Vec<u8> {
        let items = format!("{} {}", data(1024, br#"{"schedule":{},"log":""}"#), self.items);
        let body = format!("{} (i32.const 1024)", self.body);
        let wat = PREDECESSOR.replace("(;IMPORTS;)", self.imports).replace("(;ALLOC;)", self.alloc);
        translate(&wat.replace("(;ITEMS;)", &items).replace("(;BODY;)", &body))
    }
}

/// A scheduler of verwalter 0.13 whose result lies at 2048.
pub(crate) fn old_answering(bytes: &[u8]) -> Vec<u8> {
    Old { items: &data(2048, bytes), body: "(return (i32.const 2048))", ..Old::default() }.build()
}

/// One whose schedule has its whole input as `state`.
pub(crate) fn old_echoing() -> Vec<u8> {
    let (head, tail) = (br#"{"schedule":{"state":"#, br#"},"log":""}"#);
    let items = format!("{} {}", data(512, head), data(768, tail));
    let body = format!("(return (call $wrap (local.get $ptr) (local.get $len) (i32.const {}) (i32.const {})))", head.len(), tail.len());
    Old { items: &items, body: &body, ..Old::default() }.build()
}

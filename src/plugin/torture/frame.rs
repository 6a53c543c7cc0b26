//! Frames around the few instructions that a hostile guest is about: plugins as WebAssembly text. Nothing here runs them.

const SCHEDULER_CORE: &str = include_str!("scheduler_core.wat");
const SCHEDULER_COMPONENT: &str = include_str!("scheduler_component.wat");
const FILTER_CORE: &str = include_str!("filter_core.wat");
const FILTER_COMPONENT: &str = include_str!("filter_component.wat");

/// An answer that is sound and says nothing.
const SOUND: &str = r#"{"v":1,"schedule":{}}"#;
/// The core ABI's imports.
pub(super) const CORE_IMPORTS: &str = r#"(import "verwalter" "column" (func $column (param i32 i32 i32 i32) (result i32)))
    (import "verwalter" "attribute" (func $attribute (param i32 i32 i32 i32) (result i32)))
    (import "verwalter" "log" (func $log (param i32 i32 i32)))"#;
const CORE_FREE: &str = r#"(func (export "vw_free") (param i32 i32))"#;
const COMPONENT_REALLOC: &str = r#"(func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $ptr i32)"#;

/// A core scheduler. What is left empty is sound, and what comes to the end of `body` answers soundly.
#[derive(Default)]
pub(super) struct Core {
    pub(super) imports: String,
    pub(super) items: String,
    /// Body of `vw_alloc`; empty: the address 32768.
    pub(super) alloc: String,
    /// Body of `vw_free`.
    pub(super) free: String,
    /// Body of `vw_schedule`.
    pub(super) body: String,
}

impl Core {
    pub(super) fn text(&self) -> String {
        let sound = answer(1024, &[b"\0", SOUND.as_bytes()].concat());
        let alloc = if self.alloc.is_empty() { "(i32.const 32768)" } else { &self.alloc };
        SCHEDULER_CORE
            .replace(CORE_FREE, &format!(r#"(func (export "vw_free") (param $ptr i32) (param $len i32) {})"#, self.free))
            .replace("(;IMPORTS;)", &self.imports)
            .replace("(;ALLOC;)", alloc)
            .replace("(;ITEMS;)", &format!("{} {}", sound.data, self.items))
            .replace("(;BODY;)", &format!("{} {}", self.body, sound.packed))
    }
}

/// A core scheduler that runs `body` before it answers soundly.
pub(super) fn core(body: &str) -> String {
    core_with("", body)
}

/// The same with further items.
pub(super) fn core_with(items: &str, body: &str) -> String {
    Core { items: items.to_owned(), body: body.to_owned(), ..Core::default() }.text()
}

/// The same with the host's imports, and the text `name` at 512.
pub(super) fn importing(name: &[u8], body: &str) -> String {
    Core { imports: CORE_IMPORTS.to_owned(), items: data(512, name), body: body.to_owned(), ..Core::default() }.text()
}

/// A core scheduler that answers these bytes, the first of which says whether it worked.
pub(super) fn answering(bytes: &[u8]) -> String {
    let answer = answer(2048, bytes);
    core_with(&answer.data, &format!("(return {})", answer.packed))
}

/// A core scheduler whose answer is `head`, then `byte` so many times, then `tail`.
pub(super) fn swelling(head: &str, byte: u8, times: u64, tail: &str) -> String {
    let (head, start) = ([b"\0", head.as_bytes()].concat(), 2048);
    let fill_at = start + head.len() as u64;
    let tail_at = fill_at + times;
    let end = tail_at + tail.len() as u64;
    let grow = format!("(if (i32.eq (memory.grow (i32.const {})) (i32.const -1)) (then unreachable))", (end >> 16) + 1);
    let fill = format!("(memory.fill (i32.const {fill_at}) (i32.const {byte}) (i32.const {times}))");
    let finish = format!("(memory.init $tail (i32.const {tail_at}) (i32.const 0) (i32.const {}))", tail.len());
    let items = format!("{} (data $tail \"{}\")", data(start, &head), escaped(tail.as_bytes()));
    core_with(&items, &format!("{grow} {fill} {finish} (return {})", packed(start, end - start)))
}

/// A component scheduler that runs `body` before it answers soundly; `items` belong to its module.
pub(super) fn component(items: &str, body: &str) -> String {
    let result = [&result_at(0, 16384 + 12, SOUND.len() as u64)[..], SOUND.as_bytes()].concat();
    SCHEDULER_COMPONENT
        .replace("(;ITEMS;)", &format!("{} {items}", data(16384, &result)))
        .replace("(;BODY;)", &format!("{body} (i32.const 16384)"))
}

/// The same with other text before its first module.
pub(super) fn component_around(before: &str, items: &str, body: &str) -> String {
    component(items, body).replace("(;IMPORTS;)", before)
}

/// A component scheduler whose result lies at 2048 as these bytes.
pub(super) fn component_answering(bytes: &[u8]) -> String {
    component(&data(2048, bytes), "(return (i32.const 2048))")
}

/// A component scheduler with `first` at the beginning of its allocator.
pub(super) fn component_allocating(first: &str) -> String {
    let text = component("", "(call $hostnames (i32.const 4096))");
    text.replace(COMPONENT_REALLOC, &format!("{COMPONENT_REALLOC} {first}"))
}

/// A component scheduler whose allocator calls the host, through a table that both of its modules share.
pub(super) fn component_reentering() -> String {
    let call = "(call_indirect (type $hostnames) (i32.const 4096) (i32.const 0))";
    let text = component_allocating(call).replace(
        r#"(memory (export "memory") 16)"#,
        r#"(memory (export "memory") 16) (table (export "table") 1 funcref) (type $hostnames (func (param i32)))"#,
    );
    text.replace(
        r#"(import "host" "memory" (memory 1))"#,
        r#"(import "host" "memory" (memory 1)) (import "host" "table" (table 1 funcref))"#,
    )
    .replace(r#"(func (export "schedule")"#, r#"(elem (i32.const 0) func $hostnames) (func (export "schedule")"#)
    .replace(r#"(with "host" (instance"#, r#"(with "host" (instance (export "table" (table $libc "table"))"#)
}

/// A component scheduler that hands a text to a function that the same component lifts.
pub(super) fn calling_itself() -> String {
    let own = r#"(core module $own (memory (export "memory") 1) (func (export "take") (param i32 i32)) (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
        (core instance $own (instantiate $own))
        (alias core export $own "memory" (core memory $there))
        (func $take (param "text" string) (canon lift (core func $own "take") (memory $there) (realloc (core func $own "realloc"))))
        (core func $lowered (canon lower (func $take) (memory $there)))"#;
    component_around(own, "", &endless("(call $take (i32.const 0) (i32.const 60000))"))
        .replace(
            r#"(import "host" "memory" (memory 1))"#,
            r#"(import "host" "memory" (memory 1)) (import "host" "take" (func $take (param i32 i32)))"#,
        )
        .replace(r#"(with "host" (instance"#, r#"(with "host" (instance (export "take" (func $lowered))"#)
}

/// A result<string, string> as it lies in memory.
pub(super) fn result_at(tag: u64, ptr: u64, len: u64) -> Vec<u8> {
    [tag, ptr, len].iter().flat_map(|word| (*word as u32).to_le_bytes()).collect()
}

/// Core filters: one that lists `list` (JSON) and applies by `apply`.
pub(super) fn filter(list: &str, items: &str, apply: &str) -> String {
    let names = answer(1024, &[b"\0", list.as_bytes()].concat());
    filter_listing(&format!("{} {items}", names.data), &names.packed, apply)
}

/// Core filters whose list is the answer of the instructions `list`.
pub(super) fn filter_listing(items: &str, list: &str, apply: &str) -> String {
    let sound = answer(512, b"\x001");
    FILTER_CORE
        .replace("(;ITEMS;)", &format!("{} {items}", sound.data))
        .replace("(;LIST;)", list)
        .replace("(;APPLY;)", &format!("{apply} {}", sound.packed))
}

/// Component filters: `list` leaves the address of a list<string>, `apply` that of a result.
pub(super) fn filter_component(items: &str, list: &str, apply: &str) -> String {
    FILTER_COMPONENT.replace("(;ITEMS;)", items).replace("(;LIST;)", list).replace("(;APPLY;)", apply)
}

/// Bytes in memory, and the pointer to them as a core function returns it.
pub(super) struct Lying {
    pub(super) data: String,
    pub(super) packed: String,
}

/// `bytes` at `offset`, to be answered.
pub(super) fn answer(offset: u64, bytes: &[u8]) -> Lying {
    Lying { data: data(offset, bytes), packed: packed(offset, bytes.len() as u64) }
}

/// `bytes` at `offset`.
pub(super) fn data(offset: u64, bytes: &[u8]) -> String {
    format!("(data (i32.const {offset}) \"{}\")", escaped(bytes))
}

/// Pointer and length as a core function returns them.
pub(super) fn packed(ptr: u64, len: u64) -> String {
    format!("(i64.const {})", (len << 32 | ptr).cast_signed())
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Instructions repeated without end.
pub(super) fn endless(body: &str) -> String {
    format!("(loop {body} (br 0))")
}

//! Schedulers of verwalter 0.13: what they are told, what they may answer, and what they do that would have hurt 0.13 itself.

use serde_json::{Value, json};
use verwalter_core::metrics::Column;
use verwalter_core::ports::LogLevel;

use super::guest::{Old, data, old_answering, old_echoing};
use super::world::{FRUGAL, SCHEDULER, Sandbox, cluster, decide, manifest, measured};
use verwalter::round::decide::Undecided;

const EMPTY: &str = r#"{"nodes":{},"roles":{}}"#;

#[test]
fn answers_become_schedules() {
    let sandbox = Sandbox::new();
    let check = |text: &str, expect: &str| sandbox.check(&old_answering(text.as_bytes()), SCHEDULER, expect);
    sandbox.check(&Old::default().build(), SCHEDULER, EMPTY);
    check("{\"schedule\":{},\"log\":\"\"}\0\u{1}more", EMPTY);
    check("\n {\"log\":\"x\",\"schedule\":{},\"actions\":{\"1\":[true]},\"debug\":1}{", EMPTY);
    check(
        r#"{"schedule":{"roles":{"web":{}},"nodes":{"alpha":{"id":"x","roles":{"web":{"daemons":{"web":{"instances":2}}}}}}},"log":""}"#,
        r#"{"nodes":{"alpha":{"id":"x","roles":{"web":{"daemons":{"web":{"instances":2}}"#,
    );
    let plugin = sandbox.load(&old_answering(br#"{"schedule":{},"log":"two\nlines","actions":{"1":[true]}}"#), SCHEDULER).unwrap();
    let decided = decide(&plugin, &cluster(Default::default()), &[]).map_err(|err| err.to_string()).unwrap();
    assert_eq!(decided.admitted.log, "two\nlines");
    assert_eq!(Value::from(decided.admitted.actions), json!({ "1": [true] }));
}

#[test]
fn they_are_told_what_they_always_were() {
    let sandbox = Sandbox::new();
    let told = |plugin: &str, snapshot, parents: &[_]| -> Value {
        let plugin = sandbox.load(&old_echoing(), plugin).unwrap();
        let decided = decide(&plugin, &snapshot, parents).map_err(|err| format!("{err:?}")).unwrap();
        let schedule: Value = serde_json::from_str(decided.admitted.schedule.canonical()).unwrap();
        schedule["state"].clone()
    };
    let id = |number: u8| format!("{number:02x}").repeat(16);
    let peer = |number, hostname| {
        json!({ "id": id(number), "addr": null, "name": format!("{hostname}.example.org"), "hostname": hostname, "schedule": null,
            "known_since": 1000, "last_report_direct": null, "errors": 0 })
    };
    let mut expect = json!({ "now": 3000, "current_host": "alpha", "current_id": id(1), "parents": [], "actions": {}, "runtime": {},
        "peers": { id(2): peer(2, "beta"), id(3): peer(3, "gamma") }, "metrics": {} });
    assert_eq!(told(SCHEDULER, cluster(Default::default()), &[]), expect);

    // Only a manifest makes columns of its plugin's: the usual ones would be more than 0.13 ever sent.
    let declared = "kind: scheduler\nmetrics: { cpu: { metric: cpu.busy } }\n";
    let snapshot = measured(&manifest(declared), Column::new(vec![0.5, f64::NAN, 0.25]));
    expect["metrics"] = json!({ "cpu": { id(1): 0.5, id(3): 0.25 } });
    assert_eq!(told(declared, snapshot, &[]), expect);

    let plugin = sandbox.load(&super::guest::placing(2), SCHEDULER).unwrap();
    let parent = decide(&plugin, &cluster(Default::default()), &[]).map_err(|err| format!("{err:?}")).unwrap().admitted.schedule;
    expect["metrics"] = json!({});
    expect["parents"] = json!([{ "nodes": { "alpha": { "roles": { "web": { "instances": 2 } } } }, "roles": { "web": {} } }]);
    assert_eq!(told(SCHEDULER, cluster(Default::default()), &[parent]), expect);
}

#[test]
fn results_that_are_no_answer() {
    let sandbox = Sandbox::new();
    let check = |text: &[u8], expect: &str| sandbox.check(&old_answering(text), SCHEDULER, expect);
    let shape = "refused: what it answered to `scheduler` has not the shape of verwalter 0.13: ";
    check(b"", "output: what it points at as its answer is no JSON (line 1, column 1): this is a defect of the plugin");
    check(b"{\"schedule\":{},", "output: what it points at as its answer is no JSON (line 1, column 16)");
    check(b"\"\xff\"", "output: what it points at as its answer is no JSON");
    check(b"{\"log\":\"\"}", &format!("{shape}missing field `schedule`"));
    check(b"null", &format!("{shape}invalid type: null, expected an object with `schedule`, `log` and `actions`"));
    check(br#"{"schedule":"web","log":""}"#, "refused: the answer was refused at `schedule`: invalid type: string \"web\"");
    check(br#"{"schedule":{},"log":7}"#, "refused: the answer was refused at `log`: invalid type: integer `7`");
    check(br#"{"schedule":{"state":{"a":1,"a":2}},"log":""}"#, "refused: the answer was refused at `schedule.state.a`");
}

#[test]
fn results_beyond_memory() {
    let sandbox = Sandbox::new();
    let at = |ptr: u32, items: &str| Old { items, body: &format!("(return (i32.const {}))", ptr.cast_signed()), ..Old::default() }.build();
    let outside = "output: it passed a pointer or length outside its memory: this is a defect of the plugin";
    sandbox.check(&at(65_536, ""), SCHEDULER, outside);
    sandbox.check(&at(u32::MAX, ""), SCHEDULER, outside);
    let unended = "output: its answer is JSON that has no end within its memory: this is a defect of the plugin";
    sandbox.check(&at(65_530, &data(65_530, b"{\"log\"")), SCHEDULER, unended);
    sandbox.check(&at(65_530, &data(65_530, b"      ")), SCHEDULER, unended);
    let blank = |len: u32| {
        let body = format!("(memory.fill (i32.const 8192) (i32.const 32) (i32.const {len})) (return (i32.const 8192))");
        Old { items: &data(8192 + len, br#"{"schedule":{}}"#), body: &body, ..Old::default() }.build()
    };
    let small = "kind: scheduler\nlimits: { output: 1KiB }\n";
    sandbox.check(&blank(900), small, EMPTY);
    let long = "output: its answer has no end within its limit of 1KiB; raise it with `limits: { output: 2KiB }` in the plugin's manifest";
    sandbox.check(&blank(1020), small, long);
}

#[test]
fn a_million_brackets_are_read_without_recursion() {
    let sandbox = Sandbox::new();
    let fill = |closing: &str| {
        let body = format!(
            "(drop (memory.grow (i32.const 40)))
             (memory.copy (i32.const 65536) (i32.const 512) (i32.const 21))
             (memory.fill (i32.const 65557) (i32.const 91) (i32.const 1000000)) {closing}
             (return (i32.const 65536))"
        );
        Old { items: &data(512, br#"{"schedule":{"state":"#), body: &body, ..Old::default() }.build()
    };
    sandbox.check(&fill(""), SCHEDULER, "output: what it points at as its answer is no JSON (line 1, column 1000022)");
    let close = "(memory.fill (i32.const 1065557) (i32.const 93) (i32.const 1000000))
        (memory.fill (i32.const 2065557) (i32.const 125) (i32.const 2))";
    let outcome = sandbox.outcome(&sandbox.load(&fill(close), SCHEDULER).unwrap());
    assert!(outcome.starts_with("refused: ") && outcome.contains("nested deeper than 32 levels"), "{outcome}");
}

#[test]
fn allocators_that_lie() {
    let sandbox = Sandbox::new();
    let alloc = |alloc| Old { alloc, ..Old::default() }.build();
    let outside = "output: it passed a pointer or length outside its memory: this is a defect of the plugin";
    sandbox.check(&alloc("(i32.const -16)"), SCHEDULER, outside);
    sandbox.check(&alloc("(i32.const 65535)"), SCHEDULER, outside);
    sandbox.check(&alloc("(unreachable)"), SCHEDULER, "trap: trapped: wasm trap: wasm `unreachable` instruction executed");
    // The frame traps when memory is given back in another order, or twice.
    let order = Old { body: "(global.set $due (i32.const 1))", ..Old::default() }.build();
    sandbox.check(&order, SCHEDULER, "trap: trapped: wasm trap: wasm `unreachable` instruction executed");
}

const PANIC: &str = r#"(import "env" "log_panic" (func $log_panic (param i32 i32 i32 i32 i32)))"#;

#[test]
fn panics_say_why() {
    let sandbox = Sandbox::new();
    let items = data(512, "no\u{e9} peers\nsrc/lib.rs".as_bytes());
    let guest = |body: &str| Old { imports: PANIC, items: &items, body, ..Old::default() }.build();
    let call = |payload: &str, file: &str| format!("(call $log_panic {payload} {file} (i32.const 42))");
    let (payload, file) = ("(i32.const 512) (i32.const 10)", "(i32.const 523) (i32.const 10)");
    let check = |call: &str, expect: &str| sandbox.check(&guest(&format!("{call} (unreachable)")), SCHEDULER, expect);
    check(
        &call(payload, file),
        "trap: panicked at src/lib.rs:42: no\u{e9} peers: trapped: wasm trap: wasm `unreachable` instruction executed in scheduler",
    );
    let without = "trap: panicked at (unknown file):42: (no message): trapped: wasm trap: wasm `unreachable` instruction";
    check(&call("(i32.const 0) (i32.const 0)", "(i32.const 0) (i32.const 0)"), without);
    check(&call("(i32.const -1) (i32.const 9)", "(i32.const 65536) (i32.const 1)"), without);
    // One that it survives is a line in the log; one before another end is not its reason.
    sandbox.check(&guest(&call(payload, file)), SCHEDULER, EMPTY);
    sandbox.check(&guest(&format!("{} (loop (br 0))", call(payload, file))), FRUGAL, "fuel: used up its fuel of 10M");
    sandbox.check(&guest(&format!("(loop {} (br 0))", call(payload, file))), FRUGAL, "fuel: used up its fuel of 10M");
    let silent = "kind: scheduler\nlimits: { log: 0B }\n";
    sandbox.check(&guest(&format!("{} (unreachable)", call(payload, file))), silent, "trap: panicked at src/lib.rs:42: ");

    let plugin = sandbox.load(&guest(&format!("{} (unreachable)", call(payload, file))), SCHEDULER).unwrap();
    let failed = decide(&plugin, &cluster(Default::default()), &[]).err().map(|err| *err);
    let Some(Undecided::Call(failure)) = failed else { panic!("it did not fail") };
    let line = &failure.log[0];
    assert_eq!((line.level, line.text.as_str()), (LogLevel::Error, "panicked at src/lib.rs:42: no\u{e9} peers"));
}

#[test]
fn a_start_function_that_panics_says_why() {
    let sandbox = Sandbox::new();
    let start = format!(
        "{} (func $main (call $log_panic (i32.const 512) (i32.const 4) (i32.const 516) (i32.const 4) (i32.const 7)) (unreachable)) (start $main)",
        data(512, b"oopsm.rs")
    );
    // Nothing is asked of it before the first decision: it fails there.
    let guest = Old { imports: PANIC, items: &start, ..Old::default() }.build();
    sandbox.check(&guest, SCHEDULER, "describe: panicked at m.rs:7: oops: trapped: wasm trap: wasm `unreachable` instruction");
}

#[test]
fn maths_helpers() {
    let sandbox = Sandbox::new();
    let check = |name: &str, form: &str, test: &str| {
        let imports = format!(r#"(import "env" "{name}" (func $f {form}))"#);
        let body = format!("(if (i32.eqz {test}) (then unreachable))");
        sandbox.check(&Old { imports: &imports, body: &body, ..Old::default() }.build(), SCHEDULER, EMPTY);
    };
    let (f64x2, f64x1, f32x1) = ("(param f64 f64) (result f64)", "(param f64) (result f64)", "(param f32) (result f32)");
    check("pow", f64x2, "(f64.eq (call $f (f64.const 2) (f64.const 0.5)) (f64.sqrt (f64.const 2)))");
    check("pow", "(param f64 i32) (result f64)", "(f64.eq (call $f (f64.const 3) (i32.const -2)) (f64.div (f64.const 1) (f64.const 9)))");
    check("pow", "(param f32 i32) (result f32)", "(f32.eq (call $f (f32.const 1.5) (i32.const 3)) (f32.const 3.375))");
    check("fmod", f64x2, "(f64.eq (call $f (f64.const -5.5) (f64.const 2)) (f64.const -1.5))");
    check("fmod", "(param f32 f32) (result f32)", "(f32.eq (call $f (f32.const 5.5) (f32.const -2)) (f32.const 1.5))");
    check("exp2", f64x1, "(f64.eq (call $f (f64.const -1)) (f64.const 0.5))");
    check("exp2f", f32x1, "(f32.eq (call $f (f32.const 10)) (f32.const 1024))");
    check("ldexp", "(param f64 i32) (result f64)", "(f64.eq (call $f (f64.const 3) (i32.const -1)) (f64.const 1.5))");
    check("ldexpf", "(param f32 i32) (result f32)", "(f32.eq (call $f (f32.const 3) (i32.const 2)) (f32.const 12))");
    check("log10", f64x1, "(f64.eq (call $f (f64.const 1000)) (f64.const 3))");
    check("log10f", f32x1, "(f32.eq (call $f (f32.const 100)) (f32.const 2))");
    // Every NaN is the same NaN.
    check("fmod", f64x2, "(i64.eq (i64.reinterpret_f64 (call $f (f64.const 1) (f64.const 0))) (i64.const 0x7ff8000000000000))");
    check("log10f", f32x1, "(i32.eq (i32.reinterpret_f32 (call $f (f32.const -1))) (i32.const 0x7fc00000))");
    check("fmod", f64x2, "(i64.eq (i64.reinterpret_f64 (call $f (f64.const nan:0xff) (f64.const 1))) (i64.const 0x7ff8000000000000))");
}

#[test]
fn imports_of_another_form() {
    let sandbox = Sandbox::new();
    let check = |imports: &str, expect: &str| sandbox.check(&Old { imports, ..Old::default() }.build(), SCHEDULER, expect);
    check(
        r#"(import "env" "pow" (func (param i64 i64) (result i64)))"#,
        "link: its import `env.pow` must be fn(f64, f64) -> f64 or fn(f32, f32) -> f32 or fn(f64, i32) -> f64 or fn(f32, i32) -> f32, \
         it is fn(i64, i64) -> i64",
    );
    check(
        r#"(import "env" "exp2" (func (param f64)))"#,
        "link: its import `env.exp2` must be fn(f64) -> f64 or fn(f32) -> f32, it is fn(f64)",
    );
    check(r#"(import "env" "log10" (memory 1))"#, "link: its import `env.log10` must be fn(f64) -> f64 or fn(f32) -> f32, it is memory");
    check(r#"(import "env" "log_panic" (func (param i32)))"#, "link: incompatible import type for `env::log_panic`");
    check(r#"(import "env" "sin" (func (param f64) (result f64)))"#, "inspect: it imports `env.sin`, which plugins do not get: ");
    check(r#"(import "verwalter" "log" (func (param i32 i32 i32)))"#, "inspect: it imports `verwalter.log`, which plugins do not get: ");
    // Twice the same import is one function.
    let twice = r#"(import "env" "exp2" (func (param f64) (result f64))) (import "env" "exp2" (func (param f64) (result f64)))"#;
    check(twice, EMPTY);
}

#[test]
fn exports_of_another_form() {
    let sandbox = Sandbox::new();
    let frame = include_str!("../guests/predecessor.wat").replace("(;ALLOC;)", "(i32.const 0)").replace("(;BODY;)", "(i32.const 0)");
    let check = |from: &str, to: &str, expect: &str| {
        assert!(frame.contains(from), "{from}");
        sandbox.check(&super::guest::translate(&frame.replace(from, to)), SCHEDULER, expect);
    };
    let scheduler = r#"(func (export "scheduler") (param $ptr i32) (param $len i32) (result i32)"#;
    check(scheduler, r#"(func (export "main") (param $ptr i32) (param $len i32) (result i32)"#, "inspect: it speaks no plugin ABI");
    check(
        r#"(export "dealloc") (param $ptr i32)"#,
        r#"(export "dealloc") (param $ptr i32) (param i32)"#,
        "link: its export `dealloc` must be fn(i32), it is fn(i32, i32)",
    );
    check(
        r#"(memory $memory (export "memory") 1)"#,
        r#"(memory $memory 1) (global (export "memory") i32 (i32.const 0))"#,
        "link: its export `memory` must be memory, it is neither function nor memory",
    );
    sandbox.check(
        &Old::default().build(),
        "kind: filter\n",
        "inspect: the manifest says `kind: filter`, but what it exports makes it a scheduler",
    );
    sandbox.check(
        &Old::default().build(),
        "kind: scheduler\ninput: columns\n",
        "describe: a module of verwalter 0.13 reads its document only: remove `input: columns` from its manifest",
    );
}

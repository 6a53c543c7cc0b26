//! The stubs of WASI preview 1: an empty machine whose clock and randomness come from the input, and whose output is the log.

use super::guest::{Core, Old, component_with, data};
use super::world::{SCHEDULER, Sandbox, cluster, decide};
use verwalter::round::decide::Undecided;

const EMPTY: &str = r#"{"nodes":{},"roles":{}}"#;

/// All of them, as toolchains declare them.
const IMPORTS: [(&str, &str); 18] = [
    ("args_get", "(param i32 i32) (result i32)"),
    ("args_sizes_get", "(param i32 i32) (result i32)"),
    ("clock_res_get", "(param i32 i32) (result i32)"),
    ("clock_time_get", "(param i32 i64 i32) (result i32)"),
    ("environ_get", "(param i32 i32) (result i32)"),
    ("environ_sizes_get", "(param i32 i32) (result i32)"),
    ("fd_close", "(param i32) (result i32)"),
    ("fd_fdstat_get", "(param i32 i32) (result i32)"),
    ("fd_fdstat_set_flags", "(param i32 i32) (result i32)"),
    ("fd_prestat_dir_name", "(param i32 i32 i32) (result i32)"),
    ("fd_prestat_get", "(param i32 i32) (result i32)"),
    ("fd_read", "(param i32 i32 i32 i32) (result i32)"),
    ("fd_seek", "(param i32 i64 i32 i32) (result i32)"),
    ("fd_write", "(param i32 i32 i32 i32) (result i32)"),
    ("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
    ("proc_exit", "(param i32)"),
    ("random_get", "(param i32 i32) (result i32)"),
    ("sched_yield", "(result i32)"),
];

fn imports() -> String {
    IMPORTS.iter().map(|(name, form)| format!(r#"(import "wasi_snapshot_preview1" "{name}" (func ${name} {form}))"#)).collect()
}

fn guest(items: &str, body: &str) -> Vec<u8> {
    Core { imports: &imports(), items, body, ..Core::default() }.build()
}

/// `fd_write` with the two slices at 8192, whose count of written bytes goes to 8208.
fn write(fd: u32, slices: &[(u32, u32)]) -> String {
    let stores = slices.iter().zip(0_u32..).map(|((ptr, len), index)| {
        let at = 8192 + 8 * index;
        let [ptr, len] = [ptr, len].map(|number| number.cast_signed());
        format!("(i32.store (i32.const {at}) (i32.const {ptr})) (i32.store (i32.const {}) (i32.const {len}))", at + 4)
    });
    let count = slices.len();
    format!(
        "{} {}",
        stores.collect::<String>(),
        expect(&format!("$fd_write (i32.const {fd}) (i32.const 8192) (i32.const {count}) (i32.const 8208)"), 0)
    )
}

/// A call that traps unless it answers `errno`.
fn expect(call: &str, errno: u32) -> String {
    format!("(if (i32.ne (call {call}) (i32.const {errno})) (then unreachable))")
}

/// The same, and then the 64 bits at 4096 must be `value`.
fn expect_u64(call: &str, value: u64) -> String {
    let value = value.cast_signed();
    format!("{} (if (i64.ne (i64.load (i32.const 4096)) (i64.const {value})) (then unreachable))", expect(call, 0))
}

/// What the guest printed, a line each, level first.
fn printed(items: &str, body: &str) -> Vec<String> {
    let sandbox = Sandbox::new();
    let plugin = sandbox.load(&guest(items, body), SCHEDULER).unwrap();
    let log = match decide(&plugin, &cluster(Default::default()), &[]).map_err(|err| *err) {
        Ok(decided) => decided.log,
        Err(Undecided::Call(failure)) => failure.log,
        Err(other) => panic!("{other:?}"),
    };
    log.iter().map(|line| format!("{:?}: {}", line.level, line.text)).collect()
}

#[test]
fn an_empty_machine() {
    let sandbox = Sandbox::new();
    let check = |call: &str, errno| sandbox.check(&guest("", &expect(call, errno)), SCHEDULER, EMPTY);
    const BADF: u32 = 8;
    const INVAL: u32 = 28;
    const SPIPE: u32 = 70;
    let at = "(i32.const 4096)";
    check("$fd_prestat_get (i32.const 3) (i32.const 4096)", BADF);
    check("$fd_prestat_dir_name (i32.const 3) (i32.const 4096) (i32.const 10)", BADF);
    check("$fd_close (i32.const 2)", 0);
    check("$fd_close (i32.const 3)", BADF);
    check("$fd_fdstat_set_flags (i32.const 0) (i32.const 4)", 0);
    check("$fd_fdstat_set_flags (i32.const -1) (i32.const 4)", BADF);
    check("$fd_fdstat_get (i32.const 3) (i32.const 4096)", BADF);
    check(&format!("$fd_seek (i32.const 1) (i64.const 0) (i32.const 1) {at}"), SPIPE);
    check(&format!("$fd_seek (i32.const 9) (i64.const 0) (i32.const 1) {at}"), BADF);
    check(&format!("$fd_read (i32.const 3) {at} (i32.const 1) {at}"), BADF);
    check(&format!("$fd_write (i32.const 0) {at} (i32.const 1) {at}"), BADF);
    check(&format!("$fd_write (i32.const 1) {at} (i32.const 1025) {at}"), INVAL);
    check(&format!("$clock_time_get (i32.const 4) (i64.const 0) {at}"), INVAL);
    check(&format!("$clock_res_get (i32.const 4) {at}"), INVAL);
    check(&format!("$poll_oneoff {at} {at} (i32.const 0) {at}"), INVAL);
    check(&format!("$poll_oneoff {at} {at} (i32.const 1025) {at}"), INVAL);
    check("$random_get (i32.const 0) (i32.const 1048577)", INVAL);
    check("$sched_yield", 0);
    check("$args_get (i32.const 0) (i32.const 0)", 0);
    check("$environ_get (i32.const -1) (i32.const -1)", 0);

    // What is written: no arguments, no environment, the end of the input, terminals.
    let junk = data(4096, &[0xff; 24]);
    let check = |call: &str, value| sandbox.check(&guest(&junk, &expect_u64(call, value)), SCHEDULER, EMPTY);
    check("$args_sizes_get (i32.const 4096) (i32.const 4100)", 0);
    check("$environ_sizes_get (i32.const 4100) (i32.const 4096)", 0);
    check("$fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4096)", 0xffff_ffff_0000_0000);
    check("$fd_fdstat_get (i32.const 1) (i32.const 4096)", 2);
    check("$fd_fdstat_get (i32.const 1) (i32.const 4088)", 1 << 6);
    check("$fd_fdstat_get (i32.const 0) (i32.const 4088)", 1 << 1);
}

#[test]
fn the_clock_is_the_documents() {
    let sandbox = Sandbox::new();
    let check = |body: &str| sandbox.check(&guest("", body), SCHEDULER, EMPTY);
    let read = |clock: u32, nanos| expect_u64(&format!("$clock_time_get (i32.const {clock}) (i64.const 0) (i32.const 4096)"), nanos);
    // The cluster of these tests decides at 3,000 ms. All clocks are one.
    let start = 3_000_000_000;
    check(&[read(0, start + 1_000), read(1, start + 2_000), read(3, start + 3_000)].concat());
    check(&expect_u64("$clock_res_get (i32.const 0) (i32.const 4096)", 1_000));

    let poll = |tag: u8, timeout: u64, flags: u8| {
        let mut subscription = [0; 48];
        subscription[..8].copy_from_slice(&77_u64.to_le_bytes());
        subscription[8] = tag;
        subscription[16] = 1;
        subscription[24..32].copy_from_slice(&timeout.to_le_bytes());
        subscription[40] = flags;
        data(5120, &subscription)
    };
    let check = |subscription: &str, call: &str| sandbox.check(&guest(subscription, call), SCHEDULER, EMPTY);
    let wait = expect_u64("$poll_oneoff (i32.const 5120) (i32.const 4096) (i32.const 1) (i32.const 5200)", 77);
    let hour = 3_600_000_000_000;
    check(&poll(0, hour, 0), &[wait.clone(), read(1, start + hour + 1_000)].concat());
    check(&poll(0, start + hour, 1), &[wait.clone(), read(0, start + hour + 1_000)].concat());
    check(&poll(0, 5, 1), &[wait.clone(), read(0, start + 1_000)].concat());
    check(&poll(0, u64::MAX, 0), &[wait.clone(), read(0, i64::MAX as u64), read(0, i64::MAX as u64)].concat());
    check(&poll(2, 0, 0), &[wait, read(0, start + 1_000)].concat());
    check(&poll(3, 0, 0), &expect("$poll_oneoff (i32.const 5120) (i32.const 4096) (i32.const 1) (i32.const 5200)", 28));

    // Before there is a document the time is fixed, and not 0.
    let early = format!(r#"(func (export "_initialize") {})"#, read(0, 1_577_836_800_000_001_000));
    let refused = sandbox.load(&guest(&early.replace("1577836800000001000", "0"), ""), SCHEDULER).err().unwrap();
    assert!(refused.starts_with("describe: trapped"), "{refused}");
    sandbox.load(&guest(&early, ""), SCHEDULER).unwrap();
}

#[test]
fn randomness_is_the_inputs() {
    let sandbox = Sandbox::new();
    // Letters only, so that all of it is one line.
    let letters = "(loop (i32.store8 (i32.add (i32.const 4096) (local.get $i))
        (i32.add (i32.const 65) (i32.and (i32.load8_u (i32.add (i32.const 4096) (local.get $i))) (i32.const 15))))
        (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))";
    let draw = expect("$random_get (i32.const 4096) (i32.const 64)", 0);
    let wasm = guest("", &["(local $i i32)", &draw, letters, &write(1, &[(4096, 64)])].concat());
    let drawn = |manifest: &str| {
        let plugin = sandbox.load(&wasm, manifest).unwrap();
        let decided = decide(&plugin, &cluster(Default::default()), &[]).map_err(|err| format!("{err:?}")).unwrap();
        (decided.log[0].text.clone(), decided.cost.fuel)
    };
    let first = drawn(SCHEDULER);
    assert_eq!(first.0.len(), 64);
    assert_eq!(drawn(SCHEDULER), first);
    assert_ne!(drawn("kind: scheduler\nconfig: { other: true }\n").0, first.0);
}

#[test]
fn what_is_printed_is_logged() {
    let check = |items: &str, body: &str, expect: &[&str]| assert_eq!(printed(items, body), expect);
    let text = data(1100, b"one\ntwo\r\n\xff\n\nrest");
    check(&text, &write(1, &[(1100, 4)]), &["Info: one"]);
    check(&text, &write(2, &[(1100, 16)]), &["Warn: one", "Warn: two", "Warn: \u{fffd}", "Warn: ", "Warn: rest"]);
    // A line may come in pieces; what has no end has one when the call has.
    check(
        &text,
        &[write(1, &[(1100, 2), (1104, 2)]), write(2, &[(1102, 1)]), write(1, &[(1106, 3)])].concat(),
        &["Info: ontwo", "Warn: e"],
    );
    check(&text, &[write(1, &[(1112, 4)]), "(unreachable)".to_owned()].concat(), &["Info: rest"]);
    check(&text, &[write(1, &[(1112, 4)]), "(loop (br 0))".to_owned()].concat(), &["Info: rest"]);
    check(&text, &write(1, &[(1100, 0)]), &[]);
    let count = "(if (i32.ne (i32.load (i32.const 8208)) (i32.const 7)) (then unreachable))";
    check(&text, &[write(1, &[(1100, 4), (1104, 3)]), count.to_owned()].concat(), &["Info: one", "Info: two"]);
}

#[test]
fn what_is_printed_counts_as_logged() {
    let sandbox = Sandbox::new();
    let limits = |log: &str| format!("kind: scheduler\nlimits: {{ log: {log} }}\n");
    let flood = "log: logged more than its limit of 1KiB; raise it with `limits: { log: 2KiB }`";
    let blank = data(10_000, &[b' '; 2000]);
    let once = |len| guest(&blank, &write(1, &[(10_000, len)]));
    sandbox.check(&once(1008), &limits("1KiB"), EMPTY);
    sandbox.check(&once(1009), &limits("1KiB"), flood);
    // A line costs its frame, and one list of slices may name the same bytes often.
    sandbox.check(&guest(&blank, &format!("(loop {} (br 0))", write(2, &[(10_000, 1)]))), &limits("1KiB"), flood);
    let newline = data(10_000, b"\n");
    sandbox.check(&guest(&newline, &format!("(loop {} (br 0))", write(2, &[(10_000, 1)]))), &limits("1KiB"), flood);
    sandbox.check(&once(1), &limits("0B"), "log: logged more than its limit of 0B");
    // Without a limit on the way there is still the price of every byte.
    let frugal = "kind: scheduler\nlimits: { fuel: 100K, log: 16MiB }\n";
    sandbox.check(&guest("", &write(1, &[(0, 30_000), (0, 30_000)])), frugal, EMPTY);
    sandbox.check(&guest("", &write(1, &[(0, 60_000), (0, 60_000)])), frugal, "fuel: used up its fuel of 100K");
}

#[test]
fn an_exit_is_a_failure() {
    let sandbox = Sandbox::new();
    let exited = |status: &str| format!("trap: it exited with status {status} instead of answering; what it printed before is in its log");
    sandbox.check(&guest("", "(call $proc_exit (i32.const 2))"), SCHEDULER, &exited("2"));
    sandbox.check(&guest("", "(call $proc_exit (i32.const 0))"), SCHEDULER, &exited("0"));
    sandbox.check(&guest("", "(call $proc_exit (i32.const -1))"), SCHEDULER, &exited("4294967295"));
    let early = r#"(func (export "_initialize") (call $proc_exit (i32.const 1)))"#;
    sandbox.check(&guest(early, ""), SCHEDULER, "describe: it exited with status 1 instead of answering");
    assert_eq!(printed(&data(1100, b"why\n"), &[&write(2, &[(1100, 4)]), "(call $proc_exit (i32.const 1))"].concat()), ["Warn: why"]);
}

#[test]
fn bad_pointers() {
    let sandbox = Sandbox::new();
    let bad = "output: it passed a pointer or length outside its memory: this is a defect of the plugin";
    let check = |call: &str| sandbox.check(&guest("", &format!("(drop (call {call}))")), SCHEDULER, bad);
    check("$args_sizes_get (i32.const 65533) (i32.const 0)");
    check("$environ_sizes_get (i32.const 0) (i32.const -1)");
    check("$clock_time_get (i32.const 0) (i64.const 0) (i32.const 65529)");
    check("$clock_res_get (i32.const 0) (i32.const 65529)");
    check("$random_get (i32.const 65530) (i32.const 7)");
    check("$random_get (i32.const -1) (i32.const 1)");
    check("$fd_fdstat_get (i32.const 0) (i32.const 65513)");
    check("$fd_read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 65533)");
    check("$fd_write (i32.const 1) (i32.const 65529) (i32.const 1) (i32.const 0)");
    check("$fd_write (i32.const 1) (i32.const -8) (i32.const 2) (i32.const 0)");
    check("$fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 65533)");
    check("$poll_oneoff (i32.const 65489) (i32.const 0) (i32.const 1) (i32.const 0)");
    check("$poll_oneoff (i32.const 0) (i32.const 65505) (i32.const 1) (i32.const 0)");
    check("$poll_oneoff (i32.const 0) (i32.const -16) (i32.const 2) (i32.const 0)");
    check("$poll_oneoff (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 65533)");
    let bytes = guest("", &write(1, &[(65_530, 7)]));
    sandbox.check(&bytes, SCHEDULER, bad);
    sandbox.check(&guest("", &write(1, &[(0, u32::MAX)])), SCHEDULER, bad);
    sandbox.check(&guest("", &write(1, &[(65_536, 1)])), SCHEDULER, bad);
}

#[test]
fn endless_calls_end_by_fuel() {
    let sandbox = Sandbox::new();
    let little = "kind: scheduler\nlimits: { fuel: 1M }\n";
    let check =
        |call: &str| sandbox.check(&guest("", &format!("(loop (drop (call {call})) (br 0))")), little, "fuel: used up its fuel of 1M");
    check("$sched_yield");
    check("$args_get (i32.const 0) (i32.const 0)");
    check("$environ_sizes_get (i32.const 0) (i32.const 0)");
    check("$clock_time_get (i32.const 0) (i64.const 0) (i32.const 0)");
    check("$clock_time_get (i32.const 9) (i64.const 0) (i32.const 0)");
    check("$clock_res_get (i32.const 0) (i32.const 0)");
    check("$random_get (i32.const 0) (i32.const 0)");
    check("$random_get (i32.const 0) (i32.const -1)");
    check("$poll_oneoff (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)");
    check("$poll_oneoff (i32.const 0) (i32.const 4096) (i32.const 1) (i32.const 0)");
    check("$fd_close (i32.const 9)");
    check("$fd_read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)");
    check("$fd_read (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 0)");
    check("$fd_seek (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0)");
    check("$fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)");
    check("$fd_write (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 0)");
    check("$fd_write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 0)");
    check("$fd_fdstat_get (i32.const 0) (i32.const 0)");
    check("$fd_fdstat_set_flags (i32.const 0) (i32.const 0)");
    check("$fd_prestat_get (i32.const 3) (i32.const 0)");
    check("$fd_prestat_dir_name (i32.const 3) (i32.const 0) (i32.const 0)");
    // A random byte is dearer than one that is copied.
    let kilobytes = guest("", "(drop (call $random_get (i32.const 0) (i32.const 65000)))");
    sandbox.check(&kilobytes, little, "fuel: used up its fuel of 1M");
}

#[test]
fn the_predecessors_modules_get_them_too_and_components_do_not() {
    let sandbox = Sandbox::new();
    let body = expect("$sched_yield", 0);
    sandbox.check(&Old { imports: &imports(), body: &body, ..Old::default() }.build(), SCHEDULER, EMPTY);
    let import = r#"(import "wasi:cli/environment@0.2.0" (instance (export "get-arguments" (func (result (list string))))))"#;
    sandbox.check(
        &component_with(import, "", ""),
        SCHEDULER,
        "inspect: it imports `wasi:cli/environment@0.2.0`, which plugins do not get: ",
    );
}

//! The pack `hosts`: a block of /etc/hosts that never costs a line of anybody else.

use super::bench::Bench;

const BEFORE: &str = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n192.0.2.1 gateway";

#[test]
fn its_block_follows_the_nodes_and_nothing_else_changes() {
    let mut bench = Bench::begin("hosts", &[], |site| site.write("root/etc/hosts", BEFORE));
    bench.settled();
    let block = |lines: &str| format!("{BEFORE}\n# verwalter names: begin\n{lines}# verwalter names: end\n");
    assert_eq!(bench.read("etc/hosts"), Some(block("192.0.2.11 n1\n")), "one node");
    bench.join();
    bench.is_as_expected();
    // No line can be smuggled in, and this machine's own name means this machine.
    let (from, part) = ("n1: 192.0.2.11", "does not fit");
    for hostile in ["\"192.0.2.66 bank.example\\n192.0.2.11\"", "\"192.0.2.11 bank.example\"", "\"::1#\"", "''", "n1.example"] {
        bench.refuses("names", from, &format!("n1: {hostile}"), part);
    }
    for hostile in ["\"db\\n192.0.2.66\"", "'db bank.example'", "'#'"] {
        bench.refuses("names", "[db.internal, db]", &format!("[{hostile}]"), part);
    }
    bench.refuses("names", "n1: 192.0.2.11, ", "n4: 192.0.2.11, ", "`lookup` finds no `\"n1\"`");
    bench.refuses("names", "[db.internal, db]", "[LocalHost]", "which is this machine's");
    // Another role's block has nothing to do with this one.
    bench.write("root/etc/hosts", &format!("{}192.0.2.9 by-hand\n", bench.read("etc/hosts").expect("it is there")));
    bench.follows("names", ("[db.internal, db]", "[db.internal]"), "etc/hosts", "192.0.2.12 n2 db.internal\n");
    assert!(bench.read("etc/hosts").expect("it is there").starts_with(&format!("{BEFORE}\n192.0.2.9 by-hand\n# verwalter")));
    // A block that somebody tore apart is left alone.
    let torn = bench.read("etc/hosts").expect("it is there").replace("# verwalter names: end\n", "");
    bench.write("root/etc/hosts", &torn);
    bench.edit("names", "[db.internal]", "[db.other]");
    let error = bench.node.error("role names");
    assert!(error.contains("are no pair: mend it by hand"), "{error}");
    assert_eq!(bench.read("etc/hosts"), Some(torn.clone()));
    bench.write("root/etc/hosts", &format!("{torn}# verwalter names: end\n"));
    bench.settled();
    bench.leave("names", "etc/hosts.d/names");
    assert_eq!(bench.read("etc/hosts"), Some(format!("{BEFORE}\n192.0.2.9 by-hand\n")));
    bench.stop();
}

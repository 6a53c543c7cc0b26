//! Recipes as their authors write them, and what they are told.

use super::*;

fn read(text: &str) -> Result<Recipe, String> {
    Recipe::parse(Path::new("r"), text).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn refused(text: &str, expect: &str) {
    assert_eq!(read(text).expect_err(text), expect, "{text}");
}

const SOUND: &str = r#"
needs:
  - what: clang
    any:
      - run: [clang-14, --version]
        at-least: "14"
        sets: { cc: [clang-14], first: [-Wl,--stack-first] }
      - run: [python3, -m, ziglang, version]
        sets: { cc: [python3, -m, ziglang, cc], first: [] }
    install: ["apt-get install clang-14"]
  - what: a linker for it
    any: [{ run: ["{cc}", "{first}", -print-prog-name=wasm-ld] }]
    install: ["apt-get install lld-14"]
steps:
  - run: ["{cc}", -O2, "src/{name}.c", -o, "{out}"]
    env: { SOURCE_DATE_EPOCH: "0" }
unit:
  steps: [{ run: [sh, -c, "for f in a; do ${CC:-cc} $f; done"] }]
"#;

#[test]
fn a_sound_recipe() {
    let recipe = read(SOUND).expect("sound");
    assert_eq!((recipe.needs.len(), recipe.needs[0].any.len(), recipe.steps.len(), recipe.unit.steps.len()), (2, 2, 1, 1));
    assert_eq!(recipe.needs[0].any[0].at_least, Version::parse("14"));
    assert_eq!(recipe.steps[0].env["SOURCE_DATE_EPOCH"], "0");
    assert!(read("steps: [{ run: [make] }]").is_ok(), "needs and unit may be absent");
}

#[test]
fn types_are_strict() {
    refused("steps: [{ rum: [a] }]", "r:1:11: `steps[0].rum`: unknown key: did you mean `run`?");
    refused("steps: [{ run: make }]", "r:1:16: `steps[0].run`: a list is expected here, as `[one, another]`");
    refused("{}", "r:1:1: the key `steps` is missing: add it");
    refused("steps: []", "r:1:1: `steps`: has no commands: write what makes {out}");
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = r#"
needs:
  - what: ""
    any: []
    install: []
  - what: x
    any:
      - run: [a]
        at-least: new
        sets: { out: [b], X: [c], one: [d], both: [e] }
      - run: ["{one}"]
        sets: { both: [f] }
    install: [y]
steps:
  - run: ["{both}", "{one}"]
    env: { "A=B": c }
  - run: [""]
"#;
    let expect = "\
r:3:5: `needs[0].what`: is empty: say what is needed, for a message
r:4:5: `needs[0].any`: has no entries: write a command that shows whether it is there
r:5:5: `needs[0].install`: has no lines: say how to install it
r:10:27: `needs[1].any[0].sets.X`: is no name of a variable: write [a-z][a-z0-9_-]*
r:10:17: `needs[1].any[0].sets.out`: is defined already: choose another name
r:9:9: `needs[1].any[0].at-least`: is no version: write numbers between dots
r:11:15: `needs[1].any[1].run[0]`: {one} is not defined here: there are {build} {kind} {name} {out} {underscored} {verwalter}, and what every entry of a need `sets`; a shell's own is written $one
r:15:21: `steps[0].run[1]`: {one} is not defined here: there are {both} {build} {kind} {name} {out} {underscored} {verwalter}, and what every entry of a need `sets`; a shell's own is written $one
r:16:12: `steps[0].env.A=B`: is no name of an environment variable
r:17:5: `steps[1].run`: has no words: write the program and its arguments";
    refused(text, expect);
}

#[test]
fn versions_are_found_and_compared() {
    let check = |output: &str, expect: &str| {
        assert_eq!(Version::first_in(output).map(|version| version.to_string()).unwrap_or_default(), expect, "{output}");
    };
    check("Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu", "14.0.6");
    check("go version go1.22.1 linux/amd64", "1.22.1");
    check("v18.19.0", "18.19.0");
    check("0.15.2", "0.15.2");
    check("tool 3 of wasm32 (1.2)", "1.2");
    check("version 7", "7");
    check("wasm-ld 99999999999999999999.1", "");
    check("none...", "");
    let reaches = |is: &str, least: &str| Version::parse(is).unwrap().reaches(&Version::parse(least).unwrap());
    assert!(reaches("14.0.6", "14") && reaches("14", "14.0") && reaches("1.10", "1.9") && reaches("2", "1.9.9"));
    assert!(!reaches("13.9", "14") && !reaches("1.9", "1.10") && !reaches("14", "14.0.1"));
}

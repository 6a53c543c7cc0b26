//! Real programs beside the checks: nginx and systemd read the same files. Without them it says so.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use verwalter_apply::{Format, FormatError};

/// How many made-up files are compared: each starts the program once.
const MADE_UP: u32 = 400;

fn installed(program: &str, version: &str) -> bool {
    let is = Command::new(program).arg(version).output().is_ok_and(|output| output.status.success());
    if !is {
        let _ = writeln!(std::io::stderr(), "left out: a real program: `{program}` is not installed here");
    }
    is
}

/// What nginx says.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// Its reader took the whole file.
    Sound,
    /// Its reader refused it, at this line.
    Syntax(usize, String),
    /// The file says something that does not work out: its reader may not have come to the end.
    Meaning(String),
}

/// How messages of nginx's reader begin; all others are about what a directive means.
const OF_SYNTAX: [&str; 2] = ["unexpected ", "too long parameter"];

fn nginx(dir: &Path, text: &[u8]) -> Verdict {
    let file = dir.join("nginx.conf");
    std::fs::write(&file, text).expect("the file is written");
    let global = format!("pid {}; error_log stderr;", dir.join("pid").display());
    let mut command = Command::new("nginx");
    let output = command.arg("-t").arg("-p").arg(dir).arg("-c").arg(&file).args(["-g", &global]).output().expect("it is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("syntax is ok") {
        // What it goes on to try, as to make its directories, is another user's.
        return Verdict::Sound;
    }
    let message = said.lines().find_map(|line| line.split_once("[emerg] ")).expect("it says why not").1;
    let message = message.split_once(": ").expect("the process comes first").1;
    let place = message.rsplit_once(&format!(" in {}:", file.display()));
    match place {
        Some((what, line)) if OF_SYNTAX.iter().any(|begin| what.starts_with(begin)) => {
            Verdict::Syntax(line.trim().parse().expect("a line"), what.to_owned())
        }
        _ => Verdict::Meaning(message.to_owned()),
    }
}

fn check_nginx(dir: &Path, text: &[u8]) -> Result<(), String> {
    let own: Result<(), FormatError> = Format::Nginx.check(text);
    let real = nginx(dir, text);
    match (&own, &real) {
        (Ok(()), Verdict::Sound | Verdict::Meaning(_)) | (Err(_), Verdict::Meaning(_)) => Ok(()),
        // Where no block may stand, nginx says the same of one as of a stray brace.
        (Ok(()), Verdict::Syntax(_, what)) if what == "unexpected \"{\"" => Ok(()),
        (Err(_), Verdict::Syntax(_, what)) if what.starts_with("unexpected end of file") => Ok(()),
        (Err(err), Verdict::Syntax(line, what)) if err.line == Some(*line) || what == "unexpected \"{\"" => Ok(()),
        _ => Err(format!("{own:?}, nginx: {real:?}: {:?}", String::from_utf8_lossy(text))),
    }
}

/// With directives that nginx has, so that it reads them to the end.
const CORPUS: [(&str, bool); 34] = [
    ("events {}\n", true),
    ("events { worker_connections 16; }\r\nhttp {\r\n  server { listen 127.0.0.1:80; }\r\n}\r\n", true),
    ("events {} http { server { location ~ \"^/a{2}$\" { return 200 \"a\nb\"; } } }", true),
    ("events {} http { server { location ~ ^/a{2}$ { return 200; } } }", false),
    ("events {} http { server { set $a \"x;{}#\\\"\"; set $b '\"'; set $c ${a}b; set $d a#b; } }", true),
    ("events {} http { log_format m '$time_local'\n  \"b\" # why\n  'c'; }", true),
    ("events {} http { map $uri $a { default 0; \"\" 1; ~^/x 2; '~^/y{2}' 3; } }", true),
    ("events {} http { server { if ($uri ~ \"x\") { return 200; } } }", true),
    ("events {} http { types { 'a')b c; } }", true),
    ("events {} http { types { a}b c; } }", true),
    ("events {} http { types { a\\;b c\\}; } }", true),
    ("events {} http { types { a ${b{c; } }", false),
    ("events {} http { types { a \\\"b; } }", true),
    ("events {} # why", true),
    ("events {}#why\n#", true),
    ("\n\n  events\n{\n}\n", true),
    ("events {} http { types { a \u{e9}; } }", true),
    ("events {", false),
    ("events {} }", false),
    ("events {};", false),
    ("events {} ;", false),
    ("{}", false),
    ("events {} http { server { listen 80 } }", false),
    ("events {} http {\n  server {\n    listen 80;\n  }\n", false),
    ("events {} http { types { 'a'b c; } }", false),
    ("events {} http { types { 'a b; } }", false),
    ("events {} http { types { \"a b; } }\n", false),
    ("events {} http { types { a b\n } }", false),
    ("events {} http { types { a b", false),
    ("events {} worker_processes 1", false),
    ("events {} worker_processes", false),
    ("events {} \\", false),
    ("events {} 'x", false),
    ("events {} http { types { a \"b\"\"c\"; } }", false),
];

#[test]
fn nginx_says_the_same_of_a_corpus() {
    if !installed("nginx", "-v") {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (text, sound) in CORPUS {
        let real = nginx(dir.path(), text.as_bytes());
        assert_eq!(real == Verdict::Sound, sound, "the corpus says what nginx says: {text}: {real:?}");
        assert_eq!(Format::Nginx.check(text.as_bytes()).is_ok(), sound, "{text}");
        check_nginx(dir.path(), text.as_bytes()).expect("they agree");
    }
    // The size of nginx's buffer, at both sides of its end.
    for length in 4092..4099 {
        let word = "x".repeat(length);
        for before in ["", "# a\n", "                      \t"] {
            for text in [
                format!("{before}#{word}\nevents {{}}"),
                format!("{before}events {{}}\n#{word}"),
                format!("{before}events {{}}\nhttp {{ types {{ a {word}; }} }}"),
                format!("{before}events {{}}\nhttp {{ types {{ a {word} ; }} }}"),
                format!("{before}events {{}}\nhttp {{ types {{ a \"{word}\"; }} }}"),
                format!("{before}events {{}}\nhttp {{ types {{ a '{word}' ; }} }}"),
                format!("{before}events {{}}\nhttp {{ types {{ {word} a; }} }}"),
            ] {
                check_nginx(dir.path(), text.as_bytes()).expect("they agree");
            }
        }
    }
}

#[test]
fn nginx_says_the_same_of_what_is_made_up() {
    if !installed("nginx", "-v") {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let part = prop::sample::select(vec![
        "a",
        "b c",
        " ",
        ";",
        ";",
        "\n",
        "\r\n",
        "\t",
        "{",
        "}",
        "\"",
        "'",
        "\\",
        "$",
        "${",
        "#",
        ")",
        "a b;",
        "a 'b' \"c\";",
        "a \"b\\\"\";",
        "\u{e9}",
    ]);
    let words = prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat());
    // As a list of words; as directives; as blocks, which are closed or not.
    let frame = prop::sample::select(vec![
        ("events {}\nhttp {\n types {\n", "\n} }\n"),
        ("events {}\nhttp { types { a ", "; } }\n"),
        ("events {}\n", ""),
        ("", "events {}\n"),
        ("events {}\nhttp { server { location / { set $a \"", "\"; } } }\n"),
        ("events {}\nhttp { server { location / { set $a ", "; } } }\n"),
    ]);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(MADE_UP) });
    let compared = runner.run(&(frame, words), |((before, after), words)| {
        check_nginx(dir.path(), format!("{before}{words}{after}").as_bytes()).map_err(TestCaseError::fail)
    });
    compared.expect("they agree");
}

/// Lines of a unit, each followed by whether the service manager finds fault with it.
const UNITS: [(&str, bool); 16] = [
    ("[Unit]\nDescription=x = y\n# why\n; why\n[Service]\nExecStart=\nExecStart=/bin/true\n", true),
    ("[Unit]\r\nDescription=x\r\n[Service]\r\n  ExecStart = /bin/true  \r\n", true),
    ("\u{feff}[Service]\nExecStart=/bin/true\n", true),
    ("[Service]\nExecStart=/bin/true \\\n# why\n  ; why\n  --option \\\n\n[Install]\nWantedBy=multi-user.target\n", true),
    ("[Service]\nExecStart=/bin/true \\\nno equals sign\nType=oneshot\n", true),
    ("[Service]\nExecStart=/bin/true\n[X-Mine]\nno equals sign\n=\n", true),
    ("[Service]\nExecStart=/bin/true \\", true),
    ("[Service]\n# why \\\nExecStart=/bin/true\n", true),
    ("A=1\n[Service]\nExecStart=/bin/true\n", false),
    ("[Service\nExecStart=/bin/true\n", false),
    ("[Service] # why\nExecStart=/bin/true\n", false),
    ("[Service]\nExecStart=/bin/true\n[]\n", false),
    ("[Service]\nExecStart=/bin/true\nno sign\n", false),
    ("[Service]\nExecStart=/bin/true\n=1\n", false),
    ("[Service]\nExecStart=/bin/true \\\n# why\nB\n\nC\n", false),
    ("[Service]\nType\\\noneshot\nExecStart=/bin/true\n", false),
];

/// What the service manager says of the syntax of each unit: the first line that it complains of. None for one that it does not know.
fn systemd(dir: &Path, units: &[&str]) -> Vec<Option<Result<(), usize>>> {
    const OF_SYNTAX: [&str; 7] = [
        "Assignment outside of section",
        "Missing '='",
        "Missing key name",
        "Invalid section header",
        "Bad characters in section header",
        "Unknown section ''",
        "String is not UTF-8",
    ];
    let files: Vec<_> = (0..units.len()).map(|index| dir.join(format!("unit{index}.service"))).collect();
    for (file, text) in files.iter().zip(units) {
        std::fs::write(file, text).expect("the file is written");
    }
    let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&files).output().expect("it is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    let of = |file: &Path| {
        let prefix = format!("{}:", file.display());
        let mut own = said.lines().filter_map(move |line| line.strip_prefix(&prefix)?.split_once(": "));
        match own.find(|(_, what)| OF_SYNTAX.iter().any(|begin| what.starts_with(begin)) || what.starts_with("Unknown section")) {
            None => Some(Ok(())),
            // It reads no line of a section that it does not know.
            Some((_, what)) if what.starts_with("Unknown section") && !what.starts_with("Unknown section ''") => None,
            Some((line, _)) => Some(Err(line.parse().expect("a line"))),
        }
    };
    files.iter().map(|file| of(file)).collect()
}

/// Of a setting that goes on systemd names the last line, the check the first.
fn same_of_unit(text: &str, real: Result<(), usize>) {
    let own = Format::Systemd.check(text.as_bytes());
    let agree = match (&own, real) {
        (Ok(()), Ok(())) => true,
        (Err(err), Err(line)) => err.line.is_some_and(|own| own <= line),
        _ => false,
    };
    assert!(agree, "{text:?}: {own:?}, systemd: {real:?}");
}

#[test]
fn systemd_says_the_same_of_units() {
    if !installed("systemd-analyze", "--version") {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    for ((text, sound), real) in UNITS.iter().zip(systemd(dir.path(), &UNITS.map(|(text, _)| text))) {
        let real = real.expect("the units have sections that it knows");
        assert_eq!(real.is_ok(), *sound, "the units say what systemd says: {text}: {real:?}");
        same_of_unit(text, real);
    }
}

#[test]
fn systemd_says_the_same_of_what_is_made_up() {
    if !installed("systemd-analyze", "--version") {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let part = prop::sample::select(vec![
        "[Service]\n",
        "[Unit]",
        "[X-a]\n",
        "[",
        "]",
        "=",
        "A",
        "\\",
        "\\\n",
        "\n",
        "\n",
        "\r\n",
        "\n\r",
        "\r",
        "#",
        ";",
        " ",
        "\t",
        "A=1\n",
        "'",
        "[\"]\n",
        "\u{7f}",
        "\0",
        "\u{feff}[Unit]\n",
        "\u{feff}A",
        "\u{e9}",
    ]);
    let unit = prop::collection::vec(part, 0..14).prop_map(|parts| format!("[Service]\nExecStart=/bin/true\n{}", parts.concat()));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let units: Vec<String> = (0..MADE_UP).map(|_| unit.new_tree(&mut runner).expect("nothing is rejected").current()).collect();
    let texts: Vec<&str> = units.iter().map(String::as_str).collect();
    let verdicts = systemd(dir.path(), &texts);
    let mut compared = 0;
    for (text, real) in texts.into_iter().zip(verdicts) {
        if let Some(real) = real {
            same_of_unit(text, real);
            compared += 1;
        }
    }
    assert!(compared > MADE_UP / 2, "only {compared} of {MADE_UP} units were compared");
}

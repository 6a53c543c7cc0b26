//! Diffs as git prints them, secrets in them, and their limits.

use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

fn side(text: &str) -> Option<Side<'_>> {
    Some(Side { bytes: text.as_bytes(), mode: Some(0o644), private: false })
}

fn plain(text: &str) -> String {
    text.to_owned()
}

fn compared(former: Option<Side<'_>>, new: Option<Side<'_>>) -> Diff {
    unified(former, new, "etc/app.conf", &plain, &Limits::default())
}

fn check(former: Option<&str>, new: Option<&str>, expect: &str) {
    let diff = compared(former.and_then(side), new.and_then(side));
    assert_eq!(diff.text(Style::Raw), expect, "{former:?} {new:?}");
    assert_eq!(diff.is_empty(), expect.is_empty());
}

#[test]
fn it_is_what_git_prints() {
    check(
        Some("1\n2\n3\n4\n5\n6\n7\n8\n9\n"),
        Some("1\n2\n3\n4\nfive\n6\n7\n8\n9\n10"),
        "diff --git a/etc/app.conf b/etc/app.conf\n--- a/etc/app.conf\n+++ b/etc/app.conf\n@@ -2,8 +2,9 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n\
         +10\n\\ No newline at end of file\n",
    );
    check(
        None,
        Some("a\n"),
        "diff --git a/etc/app.conf b/etc/app.conf\nnew file mode 100644\n--- /dev/null\n+++ b/etc/app.conf\n@@ -0,0 +1 @@\n+a\n",
    );
    check(
        Some("a\nb"),
        None,
        "diff --git a/etc/app.conf b/etc/app.conf\ndeleted file mode 100644\n--- a/etc/app.conf\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n\
         \\ No newline at end of file\n",
    );
    check(None, Some(""), "diff --git a/etc/app.conf b/etc/app.conf\nnew file mode 100644\n");
    check(Some("a\0"), Some("b"), "diff --git a/etc/app.conf b/etc/app.conf\nBinary files a/etc/app.conf and b/etc/app.conf differ\n");
    check(Some("a\n"), Some("a\n"), "");
    check(None, None, "");
}

#[test]
fn modes_names_and_bytes_that_are_no_text() {
    let open = Side { bytes: b"a\n", mode: Some(0o755), private: false };
    let diff = unified(side("a\n"), Some(open), "/etc/a \"b\"\n", &plain, &Limits::default());
    assert_eq!(diff.fate, Fate::Changed);
    let quoted = r#""a/etc/a \"b\"\012" "b/etc/a \"b\"\012""#;
    assert_eq!(diff.text(Style::Raw), format!("diff --git {quoted}\nold mode 100644\nnew mode 100755\n"));
    let unknown = Side { bytes: b"a\n", mode: None, private: false };
    assert!(compared(Some(unknown), Some(open)).is_empty(), "an unknown mode is no other mode");
    let latin = Side { bytes: b"caf\xe9\n", mode: None, private: false };
    assert_eq!(compared(None, Some(latin)).body, Body::Binary);
    assert!(compared(None, Some(latin)).text(Style::Raw).contains("Binary files /dev/null and b/etc/app.conf differ"));
}

#[test]
fn terminals_get_colours_and_no_orders() {
    let diff = compared(side("a\n"), side("b\x1b[2J\r\u{202e}\tc\n"));
    assert_eq!(
        diff.text(Style::Terminal { colour: true }),
        "\x1b[1mdiff --git a/etc/app.conf b/etc/app.conf\x1b[m\n\x1b[1m--- a/etc/app.conf\x1b[m\n\x1b[1m+++ b/etc/app.conf\x1b[m\n\
         \x1b[36m@@ -1 +1 @@\x1b[m\n\x1b[31m-a\x1b[m\n\x1b[32m+b\\x1b[2J\\x0d\\u{202e}\tc\x1b[m\n"
    );
    assert!(diff.text(Style::Terminal { colour: false }).ends_with("\n-a\n+b\\x1b[2J\\x0d\\u{202e}\tc\n"));
}

#[test]
fn it_is_data_too() {
    let limits = Limits { lines: 2, line_bytes: 4, ..Limits::default() };
    let diff = unified(side("a\n"), side("áéí\nb\nc"), "x", &plain, &limits);
    let json = serde_json::to_value(&diff).expect("it is data");
    let expect = serde_json::json!({
        "path": "x", "fate": "changed", "former-mode": 0o644, "mode": 0o644, "body": "text", "added": 3, "removed": 1, "left-out": 2,
        "hunks": [{"former-start": 1, "former-lines": 1, "new-start": 1, "new-lines": 3, "lines": [
            {"tag": "removed", "text": "a"}, {"tag": "added", "text": "áé", "bytes-left-out": 2}]}],
    });
    assert_eq!(json, expect);
    assert!(diff.text(Style::Raw).ends_with("-a\n+áé… 2 bytes left out\n… 2 lines left out\n"), "{}", diff.text(Style::Raw));
}

#[test]
fn what_is_too_large_is_counted() {
    let limits = Limits { bytes: 10, ..Limits::default() };
    let diff = unified(side("1\n2\n3\n4\n5\n6"), side("1\n"), "x", &plain, &limits);
    assert_eq!(diff.body, Body::TooLarge { former: 6, new: 1 });
    assert!(diff.text(Style::Raw).ends_with("Files a/x and b/x are too large to be compared: 6 lines before, 1 after\n"));
}

#[test]
fn large_files_without_a_common_line_are_compared_in_bounds() {
    let text = |prefix: char| (0..400_000).map(|n| format!("{prefix}{n}\n")).collect::<String>();
    let limits = Limits { timeout: Duration::ZERO, ..Limits::default() };
    let diff = unified(side(&text('a')), side(&text('b')), "x", &plain, &limits);
    let Body::Text { hunks, added, removed, left_out } = diff.body else { panic!("{:?}", diff.fate) };
    assert_eq!((added, removed, left_out), (400_000, 400_000, 800_000 - limits.lines));
    assert_eq!(hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>(), limits.lines);
}

/// Knows these values, in this order.
fn masking<'a>(secrets: &'a [&'a str]) -> impl Fn(&str) -> String + 'a {
    move |text| secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "‹secret key›"))
}

fn check_masked(secrets: &[&str], former: &str, new: &str, expect: &str) {
    let diff = unified(side(former), side(new), "x", &masking(secrets), &Limits::default());
    let text = diff.text(Style::Raw);
    let from_hunk = text.split_once("+++ b/x\n").map_or(text.as_str(), |(_, rest)| rest);
    assert_eq!(from_hunk, expect, "{former:?} {new:?}");
}

#[test]
fn secrets_are_masked_on_both_sides() {
    // Both values are known: that they differ is told, and nothing of them.
    check_masked(&["one", "two"], "k=one;\n", "k=two;\n", "@@ -1 +1 @@\n-k=‹secret key›;\n+k=‹secret key›;\n");
    // An equal one beside another change.
    check_masked(&["one"], "k=one\na\n", "k=one\nb\n", "@@ -1,2 +1,2 @@\n k=‹secret key›\n-a\n+b\n");
    // One that spans lines, and parts of them.
    check_masked(&["on\ne"], "k=on\ne;\na\n", "k=on\ne;\nb\n", "@@ -1,2 +1,2 @@\n k=‹secret key›;\n-a\n+b\n");
    let only = "diff --git a/x b/x\nOnly values of secrets differ in a/x and b/x\n";
    check_masked(&["o\nne", "t\nwo"], "k=o\nne\n", "k=t\nwo\n", only);
}

#[test]
fn a_former_value_that_no_mask_knows_is_hidden_by_what_replaces_it() {
    check_masked(&["new"], "k=\"old\"\n", "k=\"new\"\n", "@@ -1 +1 @@\n-k=\"‹secret key›\"\n+k=\"‹secret key›\"\n");
    // Written in another form, so that any of the lines may be it.
    let hidden = format!("@@ -1,2 +1,2 @@\n-{NOT_SHOWN}\n-{NOT_SHOWN}\n+k = new\n+x\n").replace("new", "‹secret key›");
    check_masked(&["new"], "a\nk=old\n", "k = new\nx\n", &hidden);
    // Other changes are shown.
    let shown = "@@ -1,5 +1,5 @@\n-a\n+b\n 1\n 2\n 3\n-k=‹secret key›\n\\ No newline at end of file\n+k=‹secret key›\n\\ No newline at end of file\n";
    check_masked(&["new"], "a\n1\n2\n3\nk=old", "b\n1\n2\n3\nk=new", shown);
}

#[test]
fn a_private_file_shows_nothing_that_the_new_one_has_not() {
    let private = |text: &'static str| Some(Side { bytes: text.as_bytes(), mode: None, private: true });
    let gone = unified(private("user=a\npass=old\n"), None, "x", &plain, &Limits::default()).text(Style::Raw);
    assert!(gone.ends_with(&format!("@@ -1,2 +0,0 @@\n-{NOT_SHOWN}\n-{NOT_SHOWN}\n")), "{gone}");
    let changed =
        unified(private("user=a\npass=old\nport=1\n"), side("user=a\nport=1\n"), "x", &plain, &Limits::default()).text(Style::Raw);
    assert!(changed.ends_with(&format!(" user=a\n-{NOT_SHOWN}\n port=1\n")), "{changed}");
    let known = private("a=known b=old\n");
    let beside = unified(known, side("c\n"), "x", &masking(&["known"]), &Limits::default()).text(Style::Raw);
    assert!(beside.ends_with(&format!("\n-{NOT_SHOWN}\n+c\n")), "{beside}");
    // A former value beside one that is known.
    check_masked(
        &["new", "known"],
        "a=known b=old\n",
        "a=known b=new\n",
        "@@ -1 +1 @@\n-a=‹secret key› b=‹secret key›\n+a=‹secret key› b=‹secret key›\n",
    );
}

/// The new text, made of the former and the diff.
fn applied(former: &str, diff: &Diff) -> String {
    let Body::Text { hunks, .. } = &diff.body else { return former.to_owned() };
    let mut rest: Vec<&str> = former.split_inclusive('\n').collect();
    let mut new = String::new();
    let mut at = 0;
    for hunk in hunks {
        let first = if hunk.former_lines == 0 { hunk.former_start } else { hunk.former_start - 1 };
        new.extend(rest.drain(..first - at));
        at = first + hunk.former_lines;
        let kept: Vec<&str> = rest.drain(..hunk.former_lines).collect();
        let shown: Vec<&Line> = hunk.lines.iter().filter(|line| line.tag != Tag::Added).collect();
        assert_eq!(shown.len(), kept.len());
        for (line, kept) in shown.iter().zip(kept) {
            assert_eq!(format!("{}{}", line.text, if line.unterminated { "" } else { "\n" }), kept);
        }
        for line in hunk.lines.iter().filter(|line| line.tag != Tag::Removed) {
            new.push_str(&line.text);
            new.push_str(if line.unterminated { "" } else { "\n" });
        }
    }
    new.extend(rest);
    new
}

proptest! {
    #[test]
    fn the_diff_leads_from_the_one_to_the_other(former in "([ab]\n){0,12}[ab]?", new in "([ab]\n){0,12}[abc]?", context in 0_usize..4) {
        let limits = Limits { context, ..Limits::default() };
        let diff = unified(side(&former), side(&new), "x", &plain, &limits);
        prop_assert_eq!(applied(&former, &diff), new);
    }

    #[test]
    fn no_part_of_a_secret_is_shown(before in "[ab\n]{0,9}", secret in "[xyz\n]{4,12}", after in "[ab\n]{0,9}", other in "[ab\n]{0,20}") {
        let text = format!("{before}{secret}{after}");
        let secrets = [secret.as_str()];
        let mask = masking(&secrets);
        for (former, new) in [(&text, &other), (&other, &text)] {
            let shown = unified(side(former), side(new), "p", &mask, &Limits::default()).text(Style::Raw);
            let shown = shown.replace("‹secret key›", "");
            let lines = shown.lines().filter(|line| line.starts_with(['+', '-', ' ']) && !line.starts_with("+++") && !line.starts_with("---"));
            prop_assert!(lines.clone().all(|line| !line.contains(['x', 'y', 'z']) || line.contains("‹not shown")), "{}", shown);
        }
    }
}

#[test]
fn git_applies_it() {
    if Command::new("git").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no git here");
        return;
    }
    let cases = [(Some("1\n2\n3\n"), Some("1\n2\nthree")), (None, Some("a\n")), (Some("a\n"), None), (Some(""), Some("\r\n\t x\n"))];
    for (former, new) in cases {
        let temp = tempfile::tempdir().expect("a directory");
        let file = temp.path().join("a b\n\"c\"");
        if let Some(former) = former {
            std::fs::write(&file, former).expect("written");
        }
        let diff = unified(former.and_then(side), new.and_then(side), "a b\n\"c\"", &plain, &Limits::default()).text(Style::Raw);
        let patch = temp.path().join("patch");
        std::fs::write(&patch, &diff).expect("written");
        let mut git = Command::new("git");
        let run = git.args(["apply", "--whitespace=nowarn"]).arg(&patch).current_dir(temp.path()).env("GIT_DIR", "/nonexistent").output();
        let run = run.expect("git runs");
        assert!(run.status.success(), "{}\n{diff}", String::from_utf8_lossy(&run.stderr));
        assert_eq!(std::fs::read_to_string(&file).ok().as_deref(), new, "{diff}");
    }
}

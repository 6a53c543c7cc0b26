//! No secret is in any file of the log, however it came in.

use proptest::prelude::*;

use super::*;

/// All that is written below the directory, names included.
fn everything(path: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(path).expect("listed") {
        let entry = entry.expect("read");
        all.extend(entry.file_name().as_encoded_bytes());
        let kind = entry.file_type().expect("read");
        if kind.is_dir() {
            all.extend(everything(&entry.path()));
        } else if kind.is_file() {
            all.extend(fs::read(entry.path()).expect("read"));
        }
    }
    all
}

fn holds(all: &[u8], secret: &str) -> bool {
    all.windows(secret.len()).any(|window| window == secret.as_bytes())
}

fn masking(secret: &str) -> Mask {
    let secret = secret.to_owned();
    Arc::new(move |text| text.replace(&secret, "‹secret key›"))
}

/// Logs `text` by every way there is, output in pieces of `piece` bytes.
fn log_everywhere(here: &Here, text: &str, secret: &str, piece: usize) {
    let mask = masking(secret);
    let mut deployment = here.log.begin(text, Some(schedule()), Arc::clone(&mask), at(0));
    deployment.changes(&[text.to_owned()], at(0));
    let mut web = deployment.role(&role("web"), 1, text, at(0));
    let (one, other) = (Side { bytes: text.as_bytes(), mode: None, private: false }, Side { bytes: b"a\nb\n", mode: None, private: false });
    for (former, new) in [(one, other), (other, one)] {
        let diff = unified(Some(former), Some(new), text, &*mask, &DiffLimits::default());
        web.template(text, &diff, at(0));
        web.diff(&diff, at(0));
    }
    web.note(text, text, at(0));
    web.note("note", &format!("{text}\nand more"), at(0));
    web.peek(text, 1, at(0));
    web.action_start(text, at(0));
    for bytes in text.as_bytes().chunks(piece) {
        web.output(bytes);
    }
    web.action_finish(Outcome::Failed, at(0));
    web.finish(Outcome::Undone, Some(text), at(0));
    assert_eq!(deployment.fail(text, at(0)).failures, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn a_secret_is_in_no_file(before in "[a-c\n \"]{0,30}", secret in "[vyz\n\"\\\\é]{4,20}", after in "[a-c\n \"]{0,30}", piece in 1_usize..30) {
        // Letters that neither the text around it nor an escape has: else that could be part of one.
        prop_assume!(secret.contains(['v', 'y', 'z']));
        let here = Here::new(Limits::default());
        log_everywhere(&here, &format!("{before}{secret}{after}"), &secret, piece);
        let all = everything(&here.path(""));
        prop_assert!(!holds(&all, &secret));
        for part in secret.split('\n').filter(|part| part.len() >= 4 && part.contains(['v', 'y', 'z'])) {
            prop_assert!(!holds(&all, part), "a line of it: {:?}", part);
        }
        prop_assert!(holds(&all, "‹secret key›"));
    }

    #[test]
    fn cuts_do_not_bare_one(lines in 0_usize..40, limit in 1_usize..3000, secret in "[x-z\n]{8,40}") {
        let here = Here::new(Limits { output_bytes: limit, ..Limits::default() });
        prop_assume!(secret.trim().len() > 3);
        let text = format!("{}{secret}", "some line\n".repeat(lines)).repeat(3);
        let mut deployment = here.log.begin("d", None, masking(&secret), at(0));
        let mut web = deployment.role(&role("web"), 1, "test", at(0));
        web.action_start("a", at(0));
        web.output(text.as_bytes());
        web.finish(Outcome::Done, None, at(0));
        deployment.finish(at(0));
        let all = everything(&here.path(""));
        prop_assert!(!all.windows(4).any(|window| window.iter().all(|byte| b"xyz".contains(byte))));
    }
}

#[test]
fn one_that_lies_across_the_end_of_what_is_kept_is_not_bared() {
    let secret = "xyzzy".repeat(20);
    // All of the output is masked to little, so that the cut itself would be shown.
    for (text, total) in [(secret.clone(), 3 << 20), (format!("line\n{secret}\n"), (1 << 20) + 50)] {
        let here = Here::new(Limits { output_bytes: 4 << 20, ..Limits::default() });
        let mut deployment = here.log.begin("d", None, masking(&secret), at(0));
        let mut web = deployment.role(&role("web"), 1, "test", at(0));
        web.action_start("a", at(0));
        let mut left = total;
        while left > 0 {
            web.output(text.as_bytes());
            left -= text.len().min(left);
        }
        web.finish(Outcome::Done, None, at(0));
        deployment.finish(at(0));
        let all = everything(&here.path(""));
        assert!(!holds(&all, "xyzz"));
        assert!(holds(&all, "bytes left out") && holds(&all, "‹secret key›"));
    }
}

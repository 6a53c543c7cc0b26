//! Words that choose series, and words that choose none.

use proptest::prelude::*;

use super::*;

fn labels(text: &str) -> Labels {
    text.split(' ').map(|pair| pair.split_once('=').expect("a pair")).map(|(label, value)| (label.to_owned(), value.to_owned())).collect()
}

const SERIES: [&str; 6] = [
    "metric=cpu.busy",
    "metric=cpu.user",
    "metric=cpuXbusy",
    "metric=disk.read.bytes device=sda layer=physical",
    "metric=disk.read.bytes device=dm-0 layer=stacked",
    "metric=net.rx interface=lo,x",
];

/// The places of the series that are chosen.
fn chosen(words: &[&str]) -> Result<Vec<usize>, String> {
    let selection = Selection::read(words.iter().copied()).map_err(|error| error.to_string())?;
    Ok((0..SERIES.len()).filter(|&place| selection.query().matches(&labels(SERIES[place]))).collect())
}

#[test]
fn names_and_conditions() {
    let check = |words: &[&str], expect: &[usize]| assert_eq!(chosen(words), Ok(expect.to_vec()), "{words:?}");
    check(&[], &[0, 1, 2, 3, 4, 5]);
    check(&["cpu.busy"], &[0]);
    check(&["cpu.*"], &[0, 1]);
    check(&["*busy"], &[0, 2]);
    check(&["*"], &[0, 1, 2, 3, 4, 5]);
    check(&["cpu.busy", "net.rx"], &[0, 5]);
    check(&["cpu.b*", "disk.*"], &[0, 3, 4]);
    check(&["device=sda"], &[3]);
    check(&["disk.*", "layer!=stacked"], &[3]);
    check(&["device=~sd.|dm-.{1}"], &[3, 4]);
    check(&["cpu.*", "disk.*", "device!~dm.*"], &[0, 1, 3]);
    check(&[r#"metric=~"cpu.busy""#], &[0, 2]);
    check(&[r#"disk.read.bytes{device="sda",layer="physical"}"#], &[3]);
    check(&[r#" net.rx { interface = "lo,x" , } "#], &[5]);
    check(&[r#"{layer=~"p.*"}"#, r#"{device="sda"}"#], &[3]);
    check(&["cpu.busy{}", "cpu.user"], &[0, 1]);
    check(&["cpu.busy", "device=sda"], &[]);
}

#[test]
fn refusals() {
    let check = |words: &[&str], expect: &str| {
        let told = chosen(words).expect_err(expect);
        assert!(told.contains(expect), "{words:?}: {told}");
    };
    check(&["cpu.busy", " "], "a selection is empty: write a metric");
    check(&["interface!lo"], "the selection `interface!lo` cannot be understood: has none of the operators `=`");
    check(&["=lo"], "`` is no label");
    check(&["disk{device=sda"], "it has no `}` at its end");
    check(&["disk{device}"], "`disk{device}` cannot be understood: has none of the operators");
    check(&[r#"disk{device="a}"#], "the value's quotation marks do not match");
    check(&["device=~("], "`(`, asked of the label `device`, is no regular expression");
    check(&["cpu.*", r#"disk{device="sda"}"#], r#"`disk{device="sda"}` stands beside another metric"#);
    check(&[&"x".repeat(MAX_SELECTION_BYTES), "y"], "the selection has 4097 bytes");
    check(&[&"x".repeat(2_000), "*"], "the pattern asked of the label `metric` has");
    check(&["x"; MAX_SELECTION_WORDS + 1], "the selection has more than 256 words");
    let many: Vec<String> = (0..40).map(|number| format!("label{number}=x")).collect();
    check(&many.iter().map(String::as_str).collect::<Vec<_>>(), "there are 40 conditions on labels");
}

#[test]
fn what_may_have_been_meant() {
    let check = |words: &[&str], expect: &[&str]| {
        let known = SERIES.map(labels);
        assert_eq!(Selection::read(words.iter().copied()).expect("a selection").near(&known), expect, "{words:?}");
    };
    check(&["cpu.bussy"], &["cpu.busy", "cpuXbusy", "cpu.user"]);
    check(&["cpu.bus", "net.tx"], &["cpu.busy", "cpuXbusy", "net.rx"]);
    check(
        &["disk.read.bytes", "device=sdb"],
        &[r#"disk.read.bytes{device="dm-0",layer="stacked"}"#, r#"disk.read.bytes{device="sda",layer="physical"}"#],
    );
    check(&["device=none"], &[]);
    assert!(Selection::read([]).expect("all").is_all() && !Selection::read(["x"]).expect("a name").is_all());
}

proptest! {
    /// What warnings and lists write is a word that chooses the very series.
    #[test]
    fn a_series_as_it_is_written_chooses_itself(device in "[ -~\n]{0,12}", name in "[a-z][a-z.]{0,8}") {
        let labels: Labels = [("metric".to_owned(), name), ("device".to_owned(), device)].into();
        let text = crate::series::text(&labels);
        let selection = Selection::read([text.as_str()]).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert!(selection.query().matches(&labels), "{}", text);
    }

    #[test]
    fn no_words_are_any_harm(words in proptest::collection::vec(".{0,20}", 0..4)) {
        let _ = Selection::read(words.iter().map(String::as_str));
    }
}

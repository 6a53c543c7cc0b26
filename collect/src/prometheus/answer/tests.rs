//! Answers as Prometheus writes them, and as nobody should.

use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds { series: 3, samples: 4, labels: 5 };

fn read(text: &str) -> Result<Answer, Unusable> {
    Answer::read(text.as_bytes(), BOUNDS)
}

fn matrix(result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#)
}

#[test]
fn a_matrix_has_its_samples_oldest_first() {
    let text = matrix(r#"{"metric":{"__name__":"up","job":"a \"b\""},"values":[[1700000000.123,"1"],[1700000015,"-2.5e3"]]}"#);
    let answer = read(&text).unwrap();
    assert_eq!(answer.bytes, text.len());
    let [series] = &answer.series[..] else { panic!("one series") };
    assert_eq!(series.labels["job"], "a \"b\"");
    assert_eq!(series.samples, [(UnixMillis(1_700_000_000_123), 1.0), (UnixMillis(1_700_000_015_000), -2500.0)]);
}

#[test]
fn vectors_and_scalars_are_series_of_one_sample() {
    let vector = r#"{"status":"success","data":{"result":[{"metric":{},"value":[5,"+Inf"]}],"resultType":"vector"},"warnings":["w"]}"#;
    let answer = read(vector).unwrap();
    assert_eq!(answer.series[0].samples, [(UnixMillis(5_000), f64::INFINITY)]);
    assert_eq!(answer.warnings, ["w"]);
    let scalar = read(r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"NaN"]}}"#).unwrap();
    assert_eq!(scalar.series[0].samples[0].0, UnixMillis(1_500));
    assert!(scalar.series[0].samples[0].1.is_nan());
}

#[test]
fn unknown_keys_and_native_histograms_are_left_out() {
    let histogram =
        r#"{"metric":{"__name__":"h"},"histograms":[[5,{"count":"3","sum":"1","buckets":[[0,"1","2","3"]]}]],"more":{"a":[1]}}"#;
    assert_eq!(read(&matrix(histogram)).unwrap().series[0].samples, []);
}

#[test]
fn an_error_is_told_in_the_server_s_words() {
    let long = "x".repeat(1_000);
    let text = format!(r#"{{"status":"error","errorType":"bad_data","error":"parse\nerror {long}"}}"#);
    let Err(Unusable::Refused { kind, words }) = read(&text) else { panic!("it is refused") };
    assert_eq!(kind, "bad_data");
    assert!(words.starts_with("parse error xxx") && words.ends_with('…') && words.chars().count() == MAX_WORDS + 1, "{words}");
    assert_eq!(refusal(text.as_bytes()), Some((kind, words)));
    assert_eq!(refusal(b"<html>"), None);
}

#[test]
fn what_is_beyond_the_bounds_is_not_read() {
    let check = |result: &str, expect: &str| {
        let Err(Unusable::Unread(told)) = read(&matrix(result)) else { panic!("{result} is read") };
        assert!(told.contains(expect), "{told}");
    };
    let series = r#"{"metric":{},"values":[]}"#;
    check(&[series; 4].join(","), "more than 3 series");
    check(&format!(r#"{{"metric":{{}},"values":[{}]}}"#, [r#"[1,"1"]"#; 5].join(",")), "more than 4 samples");
    let three = format!(r#"{{"metric":{{}},"values":[{}]}}"#, [r#"[1,"1"]"#; 3].join(","));
    check(&format!("{three},{three}"), "more than 4 samples");
    let labels = |names: &str| {
        let labels: Vec<String> = names.chars().map(|name| format!(r#""{name}":"""#)).collect();
        format!(r#"{{"metric":{{{}}},"values":[]}}"#, labels.join(","))
    };
    assert!(read(&matrix(&format!("{},{}", labels("abc"), labels("ab")))).is_ok());
    check(&labels("abcdef"), "more than 5 labels");
    check(&labels("aaaaaa"), "more than 5 labels");
    check(&format!("{},{}", labels("abc"), labels("abc")), "more than 5 labels");
}

#[test]
fn garbage_is_no_answer() {
    for text in [
        "",
        "<html>502 Bad Gateway</html>",
        "{}",
        "[]",
        r#"{"status":"success"}"#,
        r#"{"status":"success","data":null}"#,
        r#"{"status":"success","data":{"resultType":"string","result":[1,"a"]}}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":{}}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1",2]}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":[-1,"1"]}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":[1e300,"1"]}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,"one"]}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,1]}}"#,
    ] {
        assert!(matches!(read(text), Err(Unusable::Unread(_))), "{text}");
    }
    assert!(matches!(Answer::read(b"\xff", BOUNDS), Err(Unusable::Unread(_))));
    let deep = "[".repeat(100_000);
    assert!(read(&matrix(&format!(r#"{{"metric":{{}},"x":{deep}"#))).is_err());
}

#[test]
fn kinds_of_metrics_are_read() {
    let text =
        r#"{"status":"success","data":{"a":[{"type":"counter","help":"h","unit":""}],"b":[],"c":[{"type":"gauge"},{"type":"counter"}]}}"#;
    let kinds = read_kinds(text.as_bytes(), 10).unwrap();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [("a".into(), "counter".into()), ("c".into(), "gauge".into())]);
    assert_eq!(read_kinds(text.as_bytes(), 1).unwrap().len(), 1);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Answer::read(&bytes, BOUNDS);
        let _ = read_kinds(&bytes, 2);
    }

    #[test]
    fn every_number_comes_back_bit_by_bit(value in any::<f64>().prop_filter("NaN has many bits", |value| !value.is_nan()), millis in 0_u64..4_000_000_000_000) {
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let seconds = millis as f64 / 1_000.0;
        let answer = read(&matrix(&format!(r#"{{"metric":{{}},"values":[[{seconds:.3},"{value:?}"]]}}"#))).unwrap();
        prop_assert_eq!(answer.series[0].samples[0].0, UnixMillis(millis));
        prop_assert_eq!(answer.series[0].samples[0].1.to_bits(), value.to_bits());
    }
}

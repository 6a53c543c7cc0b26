//! Rates are tested with made-up instants; what reaches the log, with a subscriber that writes into memory.

use std::io::Write;

use verwalter_core::digest::Digest;

use super::*;

fn lines(count: usize, level: LogLevel) -> Vec<LogLine> {
    (0..count).map(|index| LogLine { level, text: format!("line {index}") }).collect()
}

/// How many lines pass, and which counts of suppressed ones are told.
fn told(heard: &[Said]) -> (usize, Vec<u64>) {
    let suppressed = heard.iter().filter_map(|said| match said {
        Said::Suppressed(count) => Some(*count),
        Said::Line(..) => None,
    });
    let suppressed: Vec<u64> = suppressed.collect();
    (heard.len() - suppressed.len(), suppressed)
}

#[test]
fn a_burst_then_ten_lines_a_second() {
    let (voice, meter, start) = (Voice::default(), Meter::default(), Instant::now());
    // (milliseconds since the start, lines said, lines that pass, counts told)
    let steps: [(u64, usize, usize, &[u64]); 8] = [
        (0, 60, 50, &[]),
        (0, 1, 0, &[]),
        (99, 1, 0, &[]),
        (100, 2, 1, &[12]),
        (1_100, 20, 10, &[1]),
        (1_100, 1, 0, &[]),
        // A clock that went back earns nothing, neither then nor when it is there again.
        (200, 1, 0, &[]),
        (3_600_000, 70, 50, &[12]),
    ];
    let (mut emitted, mut said) = (0, 0);
    for (at_ms, count, passes, suppressed) in steps {
        let heard = voice.hear(&lines(count, LogLevel::Info), |_| true, &meter, start + Duration::from_millis(at_ms));
        assert_eq!(told(&heard), (passes, suppressed.to_vec()), "at {at_ms} ms");
        (emitted, said) = (emitted + passes as u64, said + count as u64);
    }
    let reading = meter.snapshot();
    assert_eq!((reading.log_lines, reading.log_suppressed), (emitted, said - emitted));
}

#[test]
fn a_count_of_suppressed_lines_comes_before_the_next_one() {
    let (voice, meter, start) = (Voice::default(), Meter::default(), Instant::now());
    voice.hear(&lines(BURST as usize + 3, LogLevel::Info), |_| true, &meter, start);
    let heard = voice.hear(&lines(1, LogLevel::Warn), |_| true, &meter, start + LINE_COST);
    assert_eq!(heard, [Said::Suppressed(3), Said::Line(LogLevel::Warn, "line 0".to_owned())]);
}

#[test]
fn lines_that_nobody_reads_take_no_others_place() {
    let (voice, meter, now) = (Voice::default(), Meter::default(), Instant::now());
    let mut all = lines(1_000, LogLevel::Debug);
    all.extend(lines(1, LogLevel::Error));
    let heard = voice.hear(&all, |level| level == LogLevel::Error, &meter, now);
    assert_eq!(heard, [Said::Line(LogLevel::Error, "line 0".to_owned())]);
    assert_eq!((meter.snapshot().log_lines, meter.snapshot().log_suppressed), (1, 0));
}

#[test]
fn each_plugin_has_its_own_rate_over_all_its_builds() {
    let (voices, meter, now) = (Voices::default(), Meter::default(), Instant::now());
    let name = |name: &str| PluginName::new(name).expect("a valid name");
    let loud = lines(BURST as usize, LogLevel::Info);
    voices.of(&name("loud")).hear(&loud, |_| true, &meter, now);
    assert_eq!(voices.of(&name("loud")).hear(&lines(1, LogLevel::Info), |_| true, &meter, now), []);
    assert_eq!(told(&voices.of(&name("quiet")).hear(&loud, |_| true, &meter, now)), (BURST as usize, vec![]));
    let held: Vec<_> = (0..2 * MAX_PLUGINS).map(|index| voices.of(&name(&format!("p{index}")))).collect();
    assert_eq!((held.len(), voices.voices.lock().expect("nobody panicked").len()), (2 * MAX_PLUGINS, MAX_PLUGINS));
}

/// What a subscriber wrote.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The events that `say` makes of one line, as JSON without their time.
fn logged(filter: &str, lines: &[LogLine]) -> Vec<serde_json::Value> {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .without_time()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(move || writer.clone())
        .finish();
    let id = PluginId { name: PluginName::new("spread").expect("a valid name"), digest: Digest::of(b"{}") };
    tracing::subscriber::with_default(subscriber, || {
        Voice::default().say(&id, "schedule", lines, &Meter::default(), Instant::now());
    });
    let bytes = written.0.lock().expect("nobody panicked").clone();
    let text = String::from_utf8(bytes).expect("a log is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn a_line_in_the_log() {
    let line = LogLine { level: LogLevel::Warn, text: format!("\x1b[2Jtwo\nlines {}", "x".repeat(5_000)) };
    let events = logged("info", &[line]);
    let expect = serde_json::json!({
        "level": "WARN", "target": "guest", "message": "a plugin says", "plugin": "spread", "digest": "44136fa355b3",
        "call": "schedule", "text": format!("\\u{{1b}}[2Jtwo\\nlines {}…", "x".repeat(LINE_CHARS - 14)),
    });
    assert_eq!(events, [expect]);
}

#[test]
fn levels_are_kept_and_filtered_by_target() {
    let all = [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];
    let lines = all.map(|level| LogLine { level, text: String::new() });
    let check = |filter: &str, expect: &[&str]| {
        let events = logged(filter, &lines);
        let levels: Vec<&str> = events.iter().filter_map(|event| event["level"].as_str()).collect();
        assert_eq!(levels, expect, "{filter}");
    };
    check("trace", &["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]);
    check("info", &["INFO", "WARN", "ERROR"]);
    check("info,guest=error", &["ERROR"]);
    check("warn,guest=debug", &["DEBUG", "INFO", "WARN", "ERROR"]);
    check("off", &[]);
    let flood = logged("info", &vec![lines[2].clone(); BURST as usize + 1]);
    assert_eq!(flood.len(), BURST as usize);
}

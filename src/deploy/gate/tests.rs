//! Tests of the gate, in made-up time.

use proptest::prelude::*;

use super::*;
use crate::config::pace::Wait;

/// A gate that looks after one role, at so many milliseconds since the beginning.
struct Stage {
    gate: Gate,
    role: RoleName,
    began: Instant,
    pace: Pace,
    mode: DeployMode,
    random: u32,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn pace(min: u64, max: u64, splay: u64, interval: u64) -> Pace {
    Pace { wait: Wait::new(ms(min), ms(max)), splay: ms(splay), interval: ms(interval) }
}

fn inputs(name: u8) -> Digest {
    Digest::of(&[name])
}

impl Stage {
    fn new(pace: Pace) -> Stage {
        let role = RoleName::new("web").expect("a name");
        // Far enough from the clock's own beginning that records may be older.
        let began = Instant::now() + Duration::from_secs(3600);
        Stage { gate: Gate::default(), role, began, pace, mode: DeployMode::Automatic, random: 0 }
    }

    /// With the role made of inputs 0 at the beginning.
    fn deployed(pace: Pace) -> Stage {
        let mut stage = Stage::new(pace);
        assert_eq!(stage.ask(0, 0), Answer::Now, "what is not there at all has nothing to wait for");
        stage.done(0, 0);
        stage
    }

    fn want(&mut self, at: u64, wanted: Wanted) -> Answer {
        let Stage { pace, mode, random, .. } = *self;
        let now = self.began + ms(at);
        self.gate.ask(&Question { role: &self.role, wanted, pace, mode, same: true, now, random })
    }

    fn ask(&mut self, at: u64, name: u8) -> Answer {
        self.want(at, Wanted::Inputs(inputs(name)))
    }

    fn done(&mut self, at: u64, name: u8) {
        self.gate.deployed(&self.role, inputs(name), true, self.began + ms(at));
    }

    /// What waits, until when.
    fn waits(&mut self, at: u64, name: u8, reason: Reason, until: u64, ask_at: u64) {
        let hold = Hold { reason, until: Some(self.began + ms(until)), ask_at: Some(self.began + ms(ask_at)) };
        assert_eq!(self.ask(at, name), Answer::Wait(hold), "at {at} ms: not until {until} ms, asked again at {ask_at} ms");
    }

    fn held(&mut self, at: u64, wanted: Wanted) {
        assert_eq!(self.want(at, wanted), Answer::Wait(Hold { reason: Reason::Manual, until: None, ask_at: None }));
    }
}

#[test]
fn without_a_pace_everything_is_at_once() {
    let mut stage = Stage::deployed(Pace::default());
    assert_eq!(stage.ask(0, 1), Answer::Now);
    stage.done(0, 1);
    assert_eq!(stage.ask(0, 0), Answer::Now);
}

#[test]
fn changes_are_let_settle_up_to_a_limit() {
    let mut stage = Stage::deployed(pace(20, 50, 0, 0));
    stage.waits(100, 1, Reason::Settling, 120, 120);
    stage.waits(110, 1, Reason::Settling, 120, 120);
    stage.waits(115, 2, Reason::Settling, 135, 135);
    stage.waits(134, 1, Reason::Settling, 150, 150);
    stage.waits(149, 2, Reason::Settling, 150, 150);
    assert_eq!(stage.ask(150, 3), Answer::Now, "the first change was long ago");
    stage.done(150, 3);
    stage.waits(151, 1, Reason::Settling, 171, 171);
}

#[test]
fn a_change_back_ends_the_wait() {
    let mut stage = Stage::deployed(pace(20, 50, 0, 0));
    stage.waits(100, 1, Reason::Settling, 120, 120);
    assert_eq!(stage.ask(119, 0), Answer::Now, "it is in force");
    stage.waits(140, 1, Reason::Settling, 160, 160);
}

#[test]
fn the_phase_is_drawn_once_a_burst() {
    let mut stage = Stage::deployed(pace(20, 50, 100, 0));
    stage.random = 1 << 31;
    stage.waits(100, 1, Reason::Settling, 170, 120);
    stage.random = 0;
    stage.waits(110, 2, Reason::Settling, 180, 130);
    stage.waits(130, 2, Reason::Splay, 180, 180);
    // Changes during the phase: it settles anew, and no longer than the limit from the first change.
    stage.waits(179, 3, Reason::Splay, 200, 200);
    assert_eq!(stage.ask(200, 3), Answer::Now);
    stage.done(200, 3);
    stage.waits(300, 1, Reason::Settling, 320, 320);
}

#[test]
fn the_interval_counts_from_what_was_done() {
    let mut stage = Stage::deployed(pace(0, 0, 0, 1000));
    stage.waits(10, 1, Reason::Interval, 1000, 1000);
    assert_eq!(stage.ask(1000, 1), Answer::Now);
    // Nothing had to be done for it.
    stage.gate.deployed(&stage.role, inputs(1), false, stage.began + ms(1000));
    assert_eq!(stage.ask(1001, 2), Answer::Now);
}

#[test]
fn another_pace_counts_from_then_on() {
    let mut stage = Stage::deployed(pace(20, 80, 0, 0));
    stage.waits(100, 1, Reason::Settling, 120, 120);
    stage.pace = pace(60, 240, 0, 0);
    stage.waits(110, 2, Reason::Settling, 170, 170);
    stage.pace = Pace::default();
    assert_eq!(stage.ask(111, 3), Answer::Now);
}

#[test]
fn after_a_restart_there_is_nothing_to_settle() {
    let mut stage = Stage::new(pace(20, 80, 100, 1000));
    stage.random = 1 << 30;
    stage.gate.meet(&stage.role, Standing::LongSince);
    stage.waits(0, 1, Reason::Splay, 25, 25);
    // A change that is seen is let settle as any other.
    stage.waits(10, 2, Reason::Settling, 55, 30);
    assert_eq!(stage.ask(55, 2), Answer::Now);

    let mut stage = Stage::new(pace(20, 80, 100, 1000));
    stage.gate.meet(&stage.role, Standing::Since(stage.began - ms(400)));
    stage.waits(0, 1, Reason::Interval, 600, 600);
    assert_eq!(stage.ask(600, 1), Answer::Now);

    let mut stage = Stage::new(pace(20, 80, 100, 1000));
    assert_eq!(stage.ask(0, 1), Answer::Now, "nothing of it is there");
}

#[test]
fn another_try_is_not_held_and_other_inputs_are() {
    let mut stage = Stage::deployed(pace(20, 50, 0, 0));
    stage.waits(100, 1, Reason::Settling, 120, 120);
    for at in [120, 121, 500] {
        assert_eq!(stage.ask(at, 1), Answer::Now, "it failed, and is tried again by its own back-off");
    }
    stage.waits(600, 2, Reason::Settling, 620, 620);
    stage.waits(610, 1, Reason::Settling, 630, 630);
    assert_eq!(stage.ask(611, 0), Answer::Now, "the former ones are in force");
    // What never stood has nothing to be kept from.
    let mut stage = Stage::new(pace(20, 50, 0, 1000));
    assert_eq!((stage.ask(0, 1), stage.ask(1, 2)), (Answer::Now, Answer::Now));
}

#[test]
fn what_is_refused_meanwhile_begins_anew() {
    let mut stage = Stage::deployed(pace(20, 50, 0, 0));
    stage.waits(100, 1, Reason::Settling, 120, 120);
    stage.gate.refused(&stage.role);
    stage.waits(500, 1, Reason::Settling, 520, 520);
}

#[test]
fn a_role_that_leaves_goes_at_once_and_is_forgotten() {
    let mut stage = Stage::deployed(pace(20, 50, 100, 1000));
    assert_eq!(stage.want(1, Wanted::Gone), Answer::Now);
    stage.gate.keep(|_| false);
    assert!(!stage.gate.knows(&stage.role));
    assert_eq!(stage.ask(2, 1), Answer::Now);
}

#[test]
fn nothing_is_done_without_an_order_where_that_is_said() {
    let of = |name| Wanted::Inputs(inputs(name));
    let mut stage = Stage::new(Pace::default());
    stage.mode = DeployMode::Manual;
    stage.held(0, of(0));
    stage.gate.order(&stage.role, of(0));
    for at in [1, 2] {
        assert_eq!(stage.ask(at, 0), Answer::Now, "until it is done");
    }
    stage.done(3, 0);
    assert_eq!(stage.ask(4, 0), Answer::Now);
    stage.held(5, of(1));
    stage.held(500_000, Wanted::Gone);
    // What was ordered is no order for anything else.
    stage.gate.order(&stage.role, of(1));
    stage.held(500_001, of(2));
    stage.held(500_002, of(1));
    stage.gate.order(&stage.role, Wanted::Gone);
    assert_eq!(stage.want(500_003, Wanted::Gone), Answer::Now);
    assert_eq!(stage.want(500_004, Wanted::Gone), Answer::Now, "it failed, and is tried again");
}

#[test]
fn an_order_passes_every_wait() {
    let mut stage = Stage::deployed(pace(20, 50, 100, 1000));
    stage.waits(10, 1, Reason::Interval, 1000, 1000);
    stage.gate.order(&stage.role, Wanted::Inputs(inputs(1)));
    assert_eq!(stage.ask(11, 1), Answer::Now);
}

/// What a node would see: the role's inputs change at these times, and the gate is asked then and whenever it wanted to be. Checks each
/// answer against the times that are written down here.
fn play(stage: &mut Stage, changes: &[(u64, u8)]) -> Result<(), TestCaseError> {
    let Pace { wait, splay, interval } = stage.pace;
    let [min, max, splay, interval] = [wait.min(), wait.max(), splay, interval].map(|span| span.as_millis() as u64);
    let (mut deployed, mut in_force, mut wanted) = (0, 0, 0);
    // Since when something else is wanted than is in force, and when that changed last.
    let (mut first, mut last) = (None, 0);
    let mut ask_at: Option<u64> = None;
    let mut changes = changes.iter().peekable();
    while let Some(now) = ask_at.into_iter().chain(changes.peek().map(|(at, _)| *at)).min() {
        if let Some((at, name)) = changes.next_if(|(at, _)| *at == now)
            && wanted != *name
        {
            (wanted, last) = (*name, *at);
            first = first.or(Some(now)).filter(|_| wanted != in_force);
        }
        let answer = stage.ask(now, wanted);
        ask_at = None;
        match (answer, first) {
            (Answer::Now, None) => {}
            (Answer::Now, Some(began)) => {
                prop_assert!(now >= (last + min).min(began + max), "{now}: not quiet since {last}, changed first at {began}");
                prop_assert!(now <= (began + max + splay).max(deployed + interval), "{now}: too late after {began}, last at {deployed}");
                prop_assert!(now >= deployed + interval, "{now}: too soon after {deployed}");
                stage.done(now, wanted);
                (deployed, in_force, first) = (now, wanted, None);
            }
            (Answer::Wait(_), None) => prop_assert!(false, "{now}: waits for what is in force"),
            (Answer::Wait(hold), Some(_)) => {
                let (until, ask) = (hold.until.expect("automatic"), hold.ask_at.expect("automatic"));
                prop_assert!(ask <= until && ask > stage.began + ms(now), "{now}: {hold:?}");
                // In whole milliseconds, as the world goes here.
                ask_at = Some(ask.duration_since(stage.began).as_nanos().div_ceil(1_000_000) as u64);
            }
        }
    }
    prop_assert_eq!(wanted, in_force, "what changed last is in force in the end");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_before_it_is_quiet_nor_after_the_limit_nor_too_often(
        min in 0_u64..50, more in 0_u64..100, splay in 0_u64..60, interval in prop_oneof![Just(0), 0_u64..300],
        random: u32, steps in prop::collection::vec((1_u64..60, 0_u8..4), 0..40),
    ) {
        let mut stage = Stage::deployed(pace(min, min + more, splay, interval));
        stage.random = random;
        let mut clock = 0;
        let changes: Vec<_> = steps.into_iter().map(|(after, name)| { clock += after; (clock, name) }).collect();
        play(&mut stage, &changes)?;
    }

    #[test]
    fn the_phase_grows_evenly_over_the_splay(splay_ms in 0_u64..90_000_000, one: u32, another: u32) {
        let splay = ms(splay_ms);
        let of = |random| phase(splay, random).as_nanos();
        prop_assert_eq!(of(0), 0);
        prop_assert!(of(one) < splay.as_nanos().max(1));
        // As far apart as their numbers are, but for what is cut off.
        let apart = splay.as_nanos() as f64 * (f64::from(one) - f64::from(another)) / 2_f64.powi(32);
        prop_assert!((of(one) as f64 - of(another) as f64 - apart).abs() <= 16.0, "{} and {}", of(one), of(another));
    }
}

//! One machine while it runs: what it measures, step by step. It keeps no sample.

use super::figure::{self, At, Metric};
use super::machine::Machine;
use super::random::Draw;
use super::{LOST, RESTART_STEPS, RESTARTS};
use crate::series::SampleKind;

/// One machine of a cluster.
#[derive(Debug, Clone)]
pub(super) struct Running<'a> {
    machine: &'a Machine,
    metrics: &'a [Metric],
    /// For this machine only.
    draw: Draw,
    step: u64,
    /// Steps since it started.
    up: u64,
    /// Steps until it is back.
    away: u64,
    /// One a metric; NaN: as it was at the first step.
    counters: Vec<f64>,
}

impl<'a> Running<'a> {
    /// The machine at `place` in the cluster of `draw`, before its first step.
    pub(super) fn new(draw: Draw, place: usize, machine: &'a Machine, metrics: &'a [Metric]) -> Running<'a> {
        let up = 1_000 + draw.of(5).of(place as u64).below(10_000_000);
        Running { machine, metrics, draw: draw.of(2).of(place as u64), step: 0, up, away: 0, counters: vec![f64::NAN; metrics.len()] }
    }

    /// Appends what it measures at its next step, NaN where a sample is missing, and says whether it comes through.
    pub(super) fn measure(&mut self, values: &mut Vec<f64>) -> bool {
        let Running { machine, metrics, draw, step, .. } = *self;
        self.step += 1;
        if draw.of(1).of(step).once_in(RESTARTS) {
            (self.up, self.away) = (0, RESTART_STEPS);
            self.counters.fill(0.0);
        }
        if self.away > 0 {
            self.away -= 1;
            values.resize(values.len() + metrics.len(), f64::NAN);
            return false;
        }
        self.up += 1;
        let load = figure::load(machine, draw.of(2), step);
        for ((place, metric), counter) in (0..).zip(metrics).zip(&mut self.counters) {
            let draw_of = draw.of(3).of(place);
            if !metric.is_on(draw.of(4)) {
                values.push(f64::NAN);
                continue;
            }
            let mut sample = metric.sample(At { machine, draw: draw_of, step, up: self.up, load });
            if metric.kind == SampleKind::Counter {
                // As if it had always grown as it does now.
                let before = if counter.is_nan() { sample * self.up as f64 } else { *counter };
                // Hundredths, or sums of seconds would gather what is beyond them.
                *counter = ((before + sample) * 100.0 + 0.5).floor() / 100.0;
                sample = *counter;
            }
            values.push(if Metric::is_missing(draw_of, step) { f64::NAN } else { sample });
        }
        !machine.silent && !draw.of(5).of(step).once_in(LOST)
    }
}

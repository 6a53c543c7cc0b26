//! What the agent lends to the tasks for figures. It starts none.

use std::time::Duration;

use verwalter_core::digest::Digest;

use super::Agent;
use crate::agent::figures::{Figures, Lent, open};
use crate::inquiry::Inquirer;

impl Agent {
    /// Lets this node tell its figures, which `inquirer` brings, and returns the source of the other members', told every `interval`.
    ///
    /// To be called once: a second time the former source hears nothing any more.
    pub fn figures(&mut self, inquirer: Inquirer, interval: Duration) -> Figures {
        let lent = Lent {
            cluster: self.settings.cluster.clone(),
            keys: self.settings.keys.clone(),
            udp: self.udp.clone(),
            mapped: self.local.is_ipv6(),
            seeds: self.figures_seeds,
        };
        let (door, telling, figures) = open(lent, inquirer, interval);
        self.figures = Some((door, telling));
        // Two that seal with the same randomness would give their packets away.
        self.figures_seeds = self.figures_seeds.map(|seed| Digest::of(&seed).to_bytes());
        figures
    }
}

//! What the nodes hold of each other, compared with the truth.

use std::time::Duration;

use verwalter_collect::agent::machine::Standing;

use super::{Sim, id, index};

impl Sim {
    /// Whether every node that runs holds exactly the others that run for active.
    pub(crate) fn converged(&self) -> bool {
        let lives: Vec<bool> = self.nodes.iter().map(|node| node.machine.is_some()).collect();
        self.nodes
            .iter()
            .enumerate()
            .filter(|(observer, _)| lives[*observer])
            .all(|(observer, node)| node.active.iter().enumerate().all(|(other, active)| other == observer || *active == lives[other]))
    }

    /// Whether every node that runs holds `node` for gone.
    pub(crate) fn gone(&self, node: usize) -> bool {
        self.nodes.iter().filter(|observer| observer.machine.is_some()).all(|observer| !observer.active[node])
    }

    /// How `node` stands with each other node that runs.
    pub(crate) fn standings(&self, node: usize) -> Vec<Option<Standing>> {
        let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != node);
        others.filter_map(|(_, other)| other.machine.as_ref()).map(|machine| machine.standing(id(node))).collect()
    }

    /// Compares what `observer` holds for active with who lives.
    pub(super) fn look(&mut self, observer: usize) {
        let lives: Vec<bool> = self.nodes.iter().map(|node| node.machine.is_some()).collect();
        let place = &mut self.nodes[observer];
        let Some(machine) = &place.machine else {
            place.wrong = 0;
            return;
        };
        let before = std::mem::replace(&mut place.active, vec![false; lives.len()]);
        machine.each_active(|id| place.active[index(id)] = true);
        place.wrong = 0;
        for (other, lives) in lives.iter().enumerate() {
            place.met[other] |= place.active[other];
            if *lives && place.met[other] && !place.active[other] {
                place.wrong += 1;
                self.false_deaths += u64::from(before[other]);
            }
        }
        self.dirty = true;
    }

    pub(super) fn count_time(&mut self) {
        let passed = u32::try_from((self.now - self.looked).as_micros()).unwrap_or(u32::MAX);
        let passed = Duration::from_micros(passed.into());
        let running = u32::try_from(self.nodes.iter().filter(|node| node.machine.is_some()).count()).expect("few nodes");
        let wrong = u32::try_from(self.nodes.iter().map(|node| node.wrong).sum::<usize>()).expect("few nodes");
        self.wrongly_dead += passed * wrong;
        self.observed += passed * (running * running.saturating_sub(1));
        self.looked = self.now;
    }
}

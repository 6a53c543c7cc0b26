//! Made-up schedules: roles spread over the peers of a made-up cluster, for plugins that are told of a schedule and decide none.

use std::collections::BTreeMap;

use serde_json::json;
use verwalter_core::peers::PeerTable;
use verwalter_core::schedule::Schedule;

use super::input;
use super::random::Random;

/// Which role has how many instances where.
#[derive(Debug, Clone, PartialEq)]
pub struct Placements(BTreeMap<String, BTreeMap<String, u32>>);

impl Placements {
    /// Each role on about half of the peers, up to three instances on each.
    pub fn new(random: &mut Random, peers: &PeerTable, roles: &[String]) -> Placements {
        let mut place = || {
            let chosen = peers.hostnames().filter(|_| random.below(2) == 0).map(str::to_owned).collect::<Vec<_>>();
            chosen.into_iter().map(|host| (host, instances(random))).collect()
        };
        Placements(roles.iter().map(|role| (role.clone(), place())).collect())
    }

    /// The same after a decision: what stood on one peer in ten is elsewhere, or more, or less.
    #[must_use]
    pub fn later(&self, random: &mut Random, peers: &PeerTable) -> Placements {
        let mut later = self.clone();
        for placed in later.0.values_mut() {
            for host in peers.hostnames().filter(|_| random.below(10) == 0).collect::<Vec<_>>() {
                if placed.remove(host).is_none() {
                    placed.insert(host.to_owned(), instances(random));
                }
            }
        }
        later
    }

    /// As a schedule.
    pub fn schedule(&self) -> Schedule {
        let roles: BTreeMap<_, _> =
            self.0.iter().map(|(role, place)| (role, json!({ "template": format!("{role}/v1"), "place": place }))).collect();
        input::schedule(&json!({ "roles": roles }).to_string()).expect("roles of a schedule on peers of a cluster")
    }
}

fn instances(random: &mut Random) -> u32 {
    *random.pick(&[1, 2, 3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::cluster::cluster;

    #[test]
    fn a_decision_moves_some() {
        let (snapshot, _) = cluster(1, 100, &[], &BTreeMap::new());
        let roles = ["web".to_owned(), "db".to_owned()];
        let mut random = Random::new(1);
        let before = Placements::new(&mut random, snapshot.peers(), &roles);
        let after = before.later(&mut random, snapshot.peers());
        let placed = before.schedule().totals().placements;
        assert!((60..140).contains(&placed), "{placed}");
        assert_ne!(before.schedule(), after.schedule());
        let same = before.0["web"].iter().filter(|(host, n)| after.0["web"].get(*host) == Some(n)).count();
        assert!(same * 10 > before.0["web"].len() * 7, "{same} of {}", before.0["web"].len());
    }
}

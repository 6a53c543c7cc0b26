//! Which of several peer sources counts: the first in the operator's order that answers and knows somebody. It never mixes two of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::source::{PeerNews, PeerSource, Peers};

/// How long a source must have been better, or silent, before another one takes over: a restart of an agent shall not look like a change
/// of the cluster.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The peer sources, in order of preference.
pub(super) struct Seats {
    seats: Vec<Seat>,
    chosen: Option<usize>,
    news: Arc<Notify>,
    lenient: bool,
    begun: Instant,
    /// When it was last chosen. The wait for a change may be broken off and begun again past the end of a patience.
    looked: Instant,
}

struct Seat {
    name: &'static str,
    news: watch::Receiver<PeerNews>,
    /// What its newest word is worth, and since when that is so; `None` before its first word.
    state: Option<(Worth, Instant)>,
}

/// What a source's newest word is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worth {
    /// It has none.
    Silent,
    /// Nobody else is alive.
    Alone,
    /// Somebody is.
    Peers,
}

impl Seats {
    /// Starts the sources in `tasks`. `lenient`: silence of sources that never answered is no trouble.
    pub(super) fn start(sources: Vec<Box<dyn PeerSource>>, lenient: bool, tasks: &mut JoinSet<()>, drain: &CancellationToken) -> Seats {
        let told = Arc::new(Notify::new());
        let seats = sources.into_iter().map(|source| {
            let (sender, news) = watch::channel(PeerNews::default());
            let name = source.name();
            tasks.spawn(source.run(sender, drain.clone()));
            let (mut follow, told) = (news.clone(), told.clone());
            tasks.spawn(async move {
                while follow.changed().await.is_ok() {
                    told.notify_one();
                }
            });
            Seat { name, news, state: None }
        });
        Seats { seats: seats.collect(), chosen: None, news: told, lenient, begun: Instant::now(), looked: Instant::now() }
    }

    /// Waits until another source may count, or the chosen one has news; forever without sources.
    pub(super) async fn changed(&mut self) {
        loop {
            let due = self.due();
            let waiting = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.news.notified() => {}
                () = waiting => {}
            }
            let former = self.chosen;
            let now = Instant::now();
            let mut heard = false;
            for (place, seat) in self.seats.iter_mut().enumerate() {
                heard |= seat.look(now) && Some(place) == former;
            }
            self.choose(now);
            if heard || self.chosen != former {
                return;
            }
        }
    }

    /// When patience with a source ends next.
    fn due(&self) -> Option<Instant> {
        self.seats.iter().filter_map(|seat| seat.state.map(|(_, since)| since + PATIENCE)).filter(|due| *due > self.looked).min()
    }

    fn worth(&self, place: usize) -> Option<Worth> {
        self.seats[place].state.map(|(worth, _)| worth)
    }

    /// The first source that knows somebody; where there is none, the first that answers.
    fn best(&self) -> Option<usize> {
        let first = |worth| (0..self.seats.len()).find(|place| self.worth(*place) == Some(worth));
        first(Worth::Peers).or_else(|| first(Worth::Alone))
    }

    fn choose(&mut self, now: Instant) {
        self.looked = now;
        let Some(best) = self.best() else { return };
        let alone = self.worth(best) == Some(Worth::Alone);
        let patient = |place: usize| self.seats[place].state.is_some_and(|(_, since)| now >= since + PATIENCE);
        let next = match self.chosen {
            // Whoever comes before it must have said that it cannot; and one that knows nobody counts only once the others had time to start.
            None if (0..best).any(|place| self.worth(place).is_none() || alone && !patient(place)) => return,
            None => best,
            // Nothing was placed on anybody yet who could be lost.
            Some(chosen) if !alone && !self.seats[chosen].knows_somebody() => best,
            Some(chosen) if self.worth(chosen) == Some(Worth::Silent) => {
                // One that knows nobody is no better than one that is silent: a scheduler would move everything to itself.
                let better = !alone || !self.seats[chosen].told_of_somebody();
                if better && patient(chosen) { best } else { chosen }
            }
            Some(chosen) if best < chosen && patient(best) => best,
            Some(chosen) => chosen,
        };
        if self.chosen != Some(next) {
            let former = self.chosen.map_or("nobody", |chosen| self.seats[chosen].name);
            tracing::info!(from = former, to = self.seats[next].name, "peers are told by another source now");
            self.chosen = Some(next);
        }
    }

    /// Whether one of several sources is about to be chosen: what is decided meanwhile would be decided for this node alone.
    pub(super) fn undecided(&self) -> bool {
        self.lenient && self.chosen.is_none() && self.begun.elapsed() < PATIENCE
    }

    /// What the source that counts is called.
    pub(super) fn chosen(&self) -> Option<&'static str> {
        self.chosen.map(|chosen| self.seats[chosen].name)
    }

    /// The last good word of the source that counts; nobody where there is none.
    pub(super) fn peers(&self) -> Arc<Peers> {
        self.chosen.and_then(|chosen| self.seats[chosen].news.borrow().peers.clone()).unwrap_or_default()
    }

    /// Why the source that counts, or without one the first, has no newer word; and why those have none that are preferred and had one.
    pub(super) fn troubles(&self) -> Vec<String> {
        if self.chosen.is_none() && self.lenient {
            return Vec::new();
        }
        let chosen = self.chosen.unwrap_or(0);
        let counts = |(place, seat): &(usize, &Seat)| *place == chosen || *place < chosen && seat.news.borrow().peers.is_some();
        let seats = self.seats.iter().enumerate().filter(counts);
        seats.filter_map(|(_, seat)| seat.news.borrow().trouble.as_ref().map(|trouble| format!("{}: {trouble}", seat.name))).collect()
    }
}

impl Seat {
    /// Whether there was news.
    fn look(&mut self, now: Instant) -> bool {
        if !self.news.has_changed().unwrap_or(false) {
            return false;
        }
        let worth = {
            let news = self.news.borrow_and_update();
            match (&news.peers, &news.trouble) {
                (None, None) => return false,
                (_, Some(_)) => Worth::Silent,
                (Some(peers), None) if peers.peers.iter().any(|peer| peer.alive) => Worth::Peers,
                (Some(_), None) => Worth::Alone,
            }
        };
        if self.state.is_none_or(|(was, _)| was != worth) {
            self.state = Some((worth, now));
        }
        true
    }

    /// Whether somebody was alive by its last good word.
    fn knows_somebody(&self) -> bool {
        self.news.borrow().peers.as_ref().is_some_and(|peers| peers.peers.iter().any(|peer| peer.alive))
    }

    /// Whether its last good word names anybody, alive or not.
    fn told_of_somebody(&self) -> bool {
        self.news.borrow().peers.as_ref().is_some_and(|peers| !peers.peers.is_empty())
    }
}

#[cfg(test)]
mod tests;

//! Which of several peer sources counts: the first in the operator's order that answers. It never mixes two of them.

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
}

struct Seat {
    name: &'static str,
    news: watch::Receiver<PeerNews>,
    /// Whether it answers, and since when that is so; `None` before its first word.
    state: Option<(bool, Instant)>,
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
        Seats { seats: seats.collect(), chosen: None, news: told, lenient }
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
        let wanting = |(place, seat): (usize, &Seat)| {
            let (good, since) = seat.state?;
            let chosen = self.chosen?;
            // One that is better is awaited, and the chosen one while it is silent.
            (good && place < chosen || !good && place == chosen && self.best().is_some()).then_some(since + PATIENCE)
        };
        self.seats.iter().enumerate().filter_map(wanting).min()
    }

    /// The first source that answers.
    fn best(&self) -> Option<usize> {
        self.seats.iter().position(|seat| seat.state.is_some_and(|(good, _)| good))
    }

    fn choose(&mut self, now: Instant) {
        let Some(best) = self.best() else { return };
        let patient = |place: usize| self.seats[place].state.is_some_and(|(_, since)| now >= since + PATIENCE);
        let next = match self.chosen {
            // Whoever comes before it must have said that it cannot.
            None if self.seats[..best].iter().any(|seat| seat.state.is_none()) => return,
            None => best,
            Some(chosen) if best < chosen && patient(best) => best,
            Some(chosen) if self.seats[chosen].state.is_some_and(|(good, _)| !good) && patient(chosen) => best,
            Some(chosen) => chosen,
        };
        if self.chosen != Some(next) {
            let former = self.chosen.map_or("nobody", |chosen| self.seats[chosen].name);
            tracing::info!(from = former, to = self.seats[next].name, "peers are told by another source now");
            self.chosen = Some(next);
        }
    }

    /// What the source that counts is called.
    pub(super) fn chosen(&self) -> Option<&'static str> {
        self.chosen.map(|chosen| self.seats[chosen].name)
    }

    /// The last good word of the source that counts; nobody where there is none.
    pub(super) fn peers(&self) -> Arc<Peers> {
        self.chosen.and_then(|chosen| self.seats[chosen].news.borrow().peers.clone()).unwrap_or_default()
    }

    /// Why the source that counts, or without one the first, has no newer word.
    pub(super) fn trouble(&self) -> Option<String> {
        if self.chosen.is_none() && self.lenient {
            return None;
        }
        let seat = self.seats.get(self.chosen.unwrap_or(0))?;
        seat.news.borrow().trouble.as_ref().map(|trouble| format!("{}: {trouble}", seat.name))
    }
}

impl Seat {
    /// Whether there was news.
    fn look(&mut self, now: Instant) -> bool {
        if !self.news.has_changed().unwrap_or(false) {
            return false;
        }
        let good = {
            let news = self.news.borrow_and_update();
            match (&news.peers, &news.trouble) {
                (Some(_), None) => true,
                (None, None) => return false,
                (_, Some(_)) => false,
            }
        };
        if self.state.is_none_or(|(was, _)| was != good) {
            self.state = Some((good, now));
        }
        true
    }
}

#[cfg(test)]
mod tests;

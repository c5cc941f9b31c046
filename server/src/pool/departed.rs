//! Upstreams that left recently, with their models: workers come back, so requests for such a model are told to try again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::names::folded;

/// For this long after an upstream left, it is expected back.
const REMEMBER: Duration = Duration::from_secs(600);

/// Most names that are remembered. Beyond that, the upstreams that left first are forgotten: workers choose the names, so the number is bounded.
const MAX_NAMES: usize = 20_000;

/// Upstreams that left, oldest first.
#[derive(Default)]
pub(super) struct DepartedUpstreams {
    upstreams: VecDeque<Departed>,
    names: usize,
}

struct Departed {
    id: String,
    at: Instant,
    /// In lower case: it does not matter here whether its runtime ignores case.
    models: Vec<String>,
}

impl DepartedUpstreams {
    /// Records an upstream that left, with its models.
    pub(super) fn note<'a>(&mut self, id: &str, models: impl Iterator<Item = &'a str>, now: Instant) {
        self.forget(id);
        let models: Vec<_> = models.map(folded).collect();
        self.names += models.len();
        self.upstreams.push_back(Departed { id: id.to_owned(), at: now, models });
        let is_old = |departed: &Departed| now.duration_since(departed.at) >= REMEMBER;
        while self.names > MAX_NAMES || self.upstreams.front().is_some_and(is_old) {
            let Some(departed) = self.upstreams.pop_front() else { return };
            self.names -= departed.models.len();
        }
    }

    /// Records that an upstream has reported its models again.
    pub(super) fn forget(&mut self, id: &str) {
        let names = &mut self.names;
        self.upstreams.retain(|departed| {
            let is_it = departed.id == id;
            *names -= if is_it { departed.models.len() } else { 0 };
            !is_it
        });
    }

    /// Whether an upstream that left recently had the model.
    pub(super) fn had(&self, name: &str, now: Instant) -> bool {
        let name = folded(name);
        let lately =
            self.upstreams.iter().rev().take_while(|departed| now.duration_since(departed.at) < REMEMBER);
        lately.into_iter().any(|departed| departed.models.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_an_upstream_that_left_are_remembered_for_a_while() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut departed = DepartedUpstreams::default();
        departed.note("a", ["m:latest", "N"].into_iter(), at(0));
        departed.note("b", ["o"].into_iter(), at(1));
        assert!(departed.had("m", at(599)) && departed.had("n", at(599)) && !departed.had("x", at(599)));
        assert!(!departed.had("m", at(600)) && departed.had("o", at(600)));
        departed.forget("b");
        assert!(!departed.had("o", at(1)));
    }

    #[test]
    fn the_number_of_names_is_bounded() {
        let mut departed = DepartedUpstreams::default();
        let names: Vec<String> = (0..2_000).map(|n| format!("m{n}")).collect();
        for upstream in 0..50 {
            departed.note(&format!("w{upstream}"), names.iter().map(String::as_str), Instant::now());
        }
        assert_eq!((departed.names, departed.upstreams.len()), (MAX_NAMES, 10));
        departed.note("huge", (0..).take(MAX_NAMES + 1).map(|_| "x"), Instant::now());
        assert_eq!((departed.names, departed.upstreams.len()), (0, 0));
    }
}

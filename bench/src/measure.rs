//! Rounds: every path in turn, again and again, so that whatever else the machine does hits all of them.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::load::{Load, Order, Outcome, Work};
use crate::route::{Path, Route};

/// How long to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Enough rounds for figures worth quoting: a few minutes.
    Full,
    /// Enough to see that everything works: under a minute.
    Quick,
}

/// What one path cost, round by round.
#[derive(Serialize)]
pub(crate) struct Measured {
    #[serde(rename = "path", serialize_with = "as_name")]
    pub(crate) path: Path,
    /// The names of the hops.
    pub(crate) hops: Vec<&'static str>,
    pub(crate) rounds: Vec<Round>,
}

/// One round on one path.
#[derive(Serialize)]
pub(crate) struct Round {
    /// CPU time per item in microseconds, of each hop.
    pub(crate) hops_us: Vec<f64>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// Does `work` on each of `routes`, `rounds` times over.
pub(crate) fn interleaved(routes: &[Route], work: Work, rounds: usize) -> Result<Vec<Measured>> {
    let mut all: Vec<Measured> = routes.iter().map(Measured::of).collect();
    for round in 0..rounds {
        for turn in 0..routes.len() {
            // Not always in the same order: what follows a heavy path finds a warmer machine.
            let index = (round + turn) % routes.len();
            let route = &routes[index];
            let done = one_round(route, work).with_context(|| format!("round on {}", route.path.name()))?;
            all[index].rounds.push(done);
        }
    }
    Ok(all)
}

/// Does `work` once.
pub(crate) fn one_round(route: &Route, work: Work) -> Result<Round> {
    let mut load = Load::start(&Order { addr: route.addr, work })?;
    let before = clocks(route)?;
    let outcome = load.go()?;
    let after = clocks(route)?;
    let per_item = |(after, before): (Duration, Duration)| {
        after.saturating_sub(before).as_secs_f64() * 1e6 / outcome.items.max(1) as f64
    };
    Ok(Round { hops_us: after.into_iter().zip(before).map(per_item).collect(), outcome })
}

fn clocks(route: &Route) -> Result<Vec<Duration>> {
    route.hops.iter().map(|hop| hop.cpu()).collect()
}

fn as_name<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(path.name())
}

impl Measured {
    /// Nothing yet.
    pub(crate) fn of(route: &Route) -> Self {
        let hops = route.hops.iter().map(|hop| hop.role).collect();
        Self { path: route.path, hops, rounds: Vec::new() }
    }

    /// One figure of every round.
    pub(crate) fn series(&self, figure: impl Fn(&Round) -> f64) -> Series {
        Series(self.rounds.iter().map(figure).collect())
    }

    /// CPU time per item of all hops together.
    pub(crate) fn both(&self) -> Series {
        self.series(Round::both_us)
    }

    /// CPU time per item as a multiple of what `other` took in the same round.
    pub(crate) fn ratio_to(&self, other: &Self) -> Series {
        let pairs = self.rounds.iter().zip(&other.rounds);
        Series(pairs.map(|(ours, theirs)| ours.both_us() / theirs.both_us()).collect())
    }
}

impl Round {
    fn both_us(&self) -> f64 {
        self.hops_us.iter().sum()
    }
}

/// The same figure in every round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Series(pub(crate) Vec<f64>);

impl Series {
    pub(crate) fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    pub(crate) fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn min_median_max() {
        let odd = Series(vec![3.0, 1.0, 2.0]);
        assert_eq!((odd.min(), odd.median(), odd.max()), (1.0, 2.0, 3.0));
        assert_eq!(Series(vec![4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert!(Series(Vec::new()).median().is_nan());
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let outcome = Outcome { items: 1, elapsed_ns: 1, p50_ns: 0, p99_ns: 0 };
        let measured = |path, rounds: [f64; 2]| Measured {
            path,
            hops: vec!["one"],
            rounds: rounds.map(|us| Round { hops_us: vec![us], outcome }).into(),
        };
        let (relay, nginx) = (measured(Path::Relay, [10.0, 40.0]), measured(Path::Nginx, [20.0, 40.0]));
        assert_eq!(relay.ratio_to(&nginx).0, [0.5, 1.0]);
    }
}

//! What is asked, and what is aimed at.

mod latency;
mod memory;
mod readers;
mod small;
mod stream;

use anyhow::Result;

use crate::measure::{Effort, Measured};
use crate::report::{Section, Table, Verdict};
use crate::route::{Bed, Path};

/// One question to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Small requests, many at a time.
    Small,
    /// Token streams.
    Stream,
    /// One request at a time.
    Latency,
    /// Memory: idle, held streams, stalled readers.
    Memory,
    /// Requests beside a thousand readers of the state.
    Readers,
}

impl Scenario {
    pub(crate) const ALL: [Self; 5] = [Self::Small, Self::Stream, Self::Latency, Self::Memory, Self::Readers];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Stream => "stream",
            Self::Latency => "latency",
            Self::Memory => "memory",
            Self::Readers => "readers",
        }
    }

    pub(crate) fn run(self, bed: &Bed, effort: Effort) -> Result<Section> {
        match self {
            Self::Small => small::run(bed, effort),
            Self::Stream => stream::run(bed, effort),
            Self::Latency => latency::run(bed, effort),
            Self::Memory => memory::run(bed, effort),
            Self::Readers => readers::run(bed, effort),
        }
    }
}

fn of(all: &[Measured], path: Path) -> Option<&Measured> {
    all.iter().find(|measured| measured.path == path)
}

/// CPU time per item and hop, and as a multiple of nginx: what [`small`] and [`stream`] have in common.
fn cost_table(all: &[Measured]) -> Table {
    let mut table =
        Table::new(&["path", "1st hop", "2nd hop", "both", "x nginx", "(min..max)", "items/s", "p50 ms"]);
    for measured in all {
        let hop = |index: usize| {
            let hop = measured.series(|round| round.hops_us.get(index).copied().unwrap_or_default());
            if measured.hops.is_empty() {
                "-".to_owned()
            } else {
                format!("{:.1} / {:.1}", hop.min(), hop.median())
            }
        };
        let both = measured.both();
        let ratio =
            of(all, Path::Nginx).filter(|_| !measured.hops.is_empty()).map(|nginx| measured.ratio_to(nginx));
        let rate =
            measured.series(|round| round.outcome.items as f64 * 1e9 / round.outcome.elapsed_ns as f64);
        let p50 = measured.series(|round| round.outcome.p50_ns as f64 / 1e6);
        table.push([
            measured.path.name().to_owned(),
            hop(0),
            hop(1),
            if measured.hops.is_empty() {
                "-".to_owned()
            } else {
                format!("{:.1} / {:.1}", both.min(), both.median())
            },
            ratio.as_ref().map_or("-".to_owned(), |r| format!("{:.2}", r.median())),
            ratio.as_ref().map_or("-".to_owned(), |r| format!("{:.2}..{:.2}", r.min(), r.max())),
            format!("{:.0}", rate.median()),
            format!("{:.2}", p50.median()),
        ]);
    }
    table
}

/// How the relay's CPU time compares with nginx's, against `limit`.
fn ratio_verdict(what: &str, all: &[Measured], limit: f64) -> Option<Verdict> {
    let ratio = of(all, Path::Relay)?.ratio_to(of(all, Path::Nginx)?);
    Some(Verdict { what: what.to_owned(), unit: "x", measured: ratio.median(), limit })
}

//! A thousand readers of the state: what they cost those who ask for answers.

use anyhow::Result;

use crate::load::{Load, Order, Work};
use crate::measure::{self, Effort, Measured, Round, Series};
use crate::report::{Section, Table, Verdict};
use crate::route::{Bed, Path, Route};

const READERS: usize = 1_000;
/// Busy, but not at the limit: there, whatever a reader costs would be a longer line.
const CONNECTIONS: usize = 4;
/// Of what a median request takes without readers.
const TARGET_P50: f64 = 1.1;

/// The same requests in turn, in each round: alone, and beside the readers.
struct Compared {
    alone: Measured,
    beside: Measured,
}

pub(super) fn run(bed: &Bed, effort: Effort) -> Result<Section> {
    let (rounds, warm_up, requests) = match effort {
        Effort::Full => (7, 2_000, 30_000),
        Effort::Quick => (3, 500, 5_000),
    };
    let title = format!(
        "Requests, {CONNECTIONS} at a time, alone and beside {READERS} readers of the state: {rounds} rounds"
    );
    let mut section = Section {
        name: "readers",
        title,
        tables: Vec::new(),
        verdicts: Vec::new(),
        data: serde_json::Value::Null,
    };
    let Some(route) = bed.open(&[Path::Relay])?.pop() else { return Ok(section) };
    let compared = compare(&route, Work::Requests { connections: CONNECTIONS, warm_up, requests }, rounds)?;
    section.tables.push(compared.table());
    section.verdicts.push(compared.verdict());
    section.data = serde_json::json!({ "alone": compared.alone, "beside": compared.beside });
    Ok(section)
}

fn compare(route: &Route, work: Work, rounds: usize) -> Result<Compared> {
    let mut compared = Compared { alone: Measured::of(route), beside: Measured::of(route) };
    for _ in 0..rounds {
        compared.alone.rounds.push(measure::one_round(route, work)?);
        let readers = Load::start(&Order { addr: route.addr, work: Work::Readers { readers: READERS } })?;
        compared.beside.rounds.push(measure::one_round(route, work)?);
        drop(readers);
    }
    Ok(compared)
}

impl Compared {
    /// What `figure` is beside the readers, as a multiple of what it is alone, round by round.
    fn ratio(&self, figure: impl Fn(&Round) -> f64 + Copy) -> Series {
        let (alone, beside) = (self.alone.series(figure), self.beside.series(figure));
        Series(beside.0.iter().zip(alone.0).map(|(beside, alone)| beside / alone).collect())
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["figure", "alone", "beside readers", "x", "(min..max)"]);
        let figures: [(&str, Figure); 4] = [
            ("p50 us", p50),
            ("p99 us", |round| round.outcome.p99_ns as f64 / 1e3),
            ("CPU us per request, server", |round| round.hops_us[0]),
            ("CPU us per request, worker", |round| round.hops_us[1]),
        ];
        for (name, figure) in figures {
            let ratio = self.ratio(figure);
            table.push([
                name.to_owned(),
                format!("{:.0}", self.alone.series(figure).median()),
                format!("{:.0}", self.beside.series(figure).median()),
                format!("{:.2}", ratio.median()),
                format!("{:.2}..{:.2}", ratio.min(), ratio.max()),
            ]);
        }
        table
    }

    fn verdict(&self) -> Verdict {
        Verdict {
            what: format!("p50 of requests beside {READERS} readers of the state"),
            unit: "x",
            measured: self.ratio(p50).median(),
            limit: TARGET_P50,
        }
    }
}

type Figure = fn(&Round) -> f64;

fn p50(round: &Round) -> f64 {
    round.outcome.p50_ns as f64 / 1e3
}

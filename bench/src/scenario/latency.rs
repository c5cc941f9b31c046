//! One request at a time: how much later the answer is there.

use anyhow::Result;

use super::of;
use crate::load::{Outcome, Work};
use crate::measure::{self, Effort, Measured, Series};
use crate::report::{Section, Table, Verdict};
use crate::route::{Bed, Path};

/// Added to the median answer, in microseconds.
const AIM_P50_US: f64 = 200.0;
/// Added to the hundredth-slowest answer, in microseconds.
const AIM_P99_US: f64 = 500.0;

pub(super) fn run(bed: &Bed, effort: Effort) -> Result<Section> {
    let (rounds, warm_up, requests) = match effort {
        Effort::Full => (9, 300, 3_000),
        Effort::Quick => (3, 100, 500),
    };
    let routes = bed.open(&Path::ALL)?;
    let all = measure::interleaved(&routes, Work::Requests { connections: 1, warm_up, requests }, rounds)?;
    Ok(Section {
        name: "latency",
        title: format!("One request at a time: us until the answer is there, medians of {rounds} rounds"),
        tables: vec![table(&all)],
        verdicts: verdicts(&all),
        data: serde_json::to_value(&all)?,
    })
}

fn table(all: &[Measured]) -> Table {
    let mut table = Table::new(&["path", "p50", "added", "p99", "added", "CPU us, both hops (min / median)"]);
    for measured in all {
        let added = |figure| match added(all, measured, figure) {
            Some(added) => format!("{:+.0}", added.median()),
            None => "-".to_owned(),
        };
        let cpu = measured.both();
        table.push([
            measured.path.name().to_owned(),
            format!("{:.0}", us(measured, p50).median()),
            added(p50),
            format!("{:.0}", us(measured, p99).median()),
            added(p99),
            if measured.hops.is_empty() {
                "-".to_owned()
            } else {
                format!("{:.1} / {:.1}", cpu.min(), cpu.median())
            },
        ]);
    }
    table
}

fn verdicts(all: &[Measured]) -> Vec<Verdict> {
    let Some(relay) = of(all, Path::Relay) else { return Vec::new() };
    let verdict = |what: &str, figure, limit| {
        let measured = added(all, relay, figure)?.median();
        Some(Verdict { what: what.to_owned(), unit: "us", measured, limit })
    };
    let p50 = verdict("latency added by the relay, p50", p50 as Figure, AIM_P50_US);
    p50.into_iter().chain(verdict("latency added by the relay, p99", p99, AIM_P99_US)).collect()
}

type Figure = fn(&Outcome) -> u64;

fn p50(outcome: &Outcome) -> u64 {
    outcome.p50_ns
}

fn p99(outcome: &Outcome) -> u64 {
    outcome.p99_ns
}

fn us(measured: &Measured, figure: Figure) -> Series {
    measured.series(|round| figure(&round.outcome) as f64 / 1e3)
}

/// What `measured` took longer than the direct way in the same round; nothing for the direct way itself.
fn added(all: &[Measured], measured: &Measured, figure: Figure) -> Option<Series> {
    let direct = of(all, Path::Direct).filter(|direct| direct.path != measured.path)?;
    let pairs = us(measured, figure).0.into_iter().zip(us(direct, figure).0);
    Some(Series(pairs.map(|(with, without)| with - without).collect()))
}

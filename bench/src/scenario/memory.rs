//! Memory: what the processes weigh idle, per held stream, and under readers that have stopped reading.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::load::{Load, Order, Work};
use crate::measure::Effort;
use crate::meter::Memory;
use crate::report::{Section, Table, Verdict};
use crate::route::{Bed, Path, Route};

/// Resident memory of an idle process, in MiB.
const AIM_IDLE_MIB: f64 = 12.0;
/// Resident memory for each held stream in either process, in KiB; 20 would be good.
const TARGET_STREAM_KIB: f64 = 32.0;
/// What stalled readers may cost either process, in MiB.
const TARGET_STALLED_MIB: f64 = 40.0;

const STALLED: usize = 50;
/// The smallest tokens there are: the most frames for the fewest bytes.
const STALLED_TOKEN_BYTES: usize = 20;
/// A stream that is held says something once in a while, or it would be a dead one.
const HELD_GAP_US: u64 = 5_000_000;

/// Start-up garbage is given back within this time, and the first events have passed.
const SETTLE: Duration = Duration::from_secs(2);
const SAMPLE: Duration = Duration::from_millis(50);
/// Memory that has not grown for this long will not grow any more: everything is full.
const STILL: Duration = Duration::from_secs(3);
const STALLED_LIMIT: Duration = Duration::from_secs(30);

/// What one hop held in each state.
#[derive(Serialize)]
struct Weights {
    path: &'static str,
    hop: &'static str,
    idle: Memory,
    held_streams: usize,
    held: Memory,
    stalled_before: Memory,
    stalled_peak: Memory,
}

pub(super) fn run(bed: &Bed, effort: Effort) -> Result<Section> {
    let streams = match effort {
        Effort::Full => 2_000,
        Effort::Quick => 400,
    };
    let mut all = Vec::new();
    for path in [Path::Nginx, Path::Relay] {
        all.extend(weigh(bed, path, streams)?);
    }
    Ok(Section {
        name: "memory",
        title: format!(
            "Memory: idle, {streams} held streams, {STALLED} stalled readers of {STALLED_TOKEN_BYTES}-byte tokens"
        ),
        tables: vec![table(&all)],
        verdicts: all.iter().filter(|w| w.path == Path::Relay.name()).flat_map(Weights::verdicts).collect(),
        data: serde_json::to_value(&all)?,
    })
}

/// The hops of `path`, if it can be had here. Fresh processes for each load: what one leaves behind must not
/// hide what the next one takes.
fn weigh(bed: &Bed, path: Path, streams: usize) -> Result<Vec<Weights>> {
    let Some(route) = bed.open(&[path])?.pop() else { return Ok(Vec::new()) };
    let (idle, held) = around(&route, |route| held(route, streams))?;
    let hops: Vec<&'static str> = route.hops.iter().map(|hop| hop.role).collect();
    drop(route);
    let Some(route) = bed.open(&[path])?.pop() else { return Ok(Vec::new()) };
    let (stalled_before, stalled_peak) = around(&route, stalled)?;
    let weights = |(index, hop)| Weights {
        path: path.name(),
        hop,
        idle: idle[index],
        held_streams: streams,
        held: held[index],
        stalled_before: stalled_before[index],
        stalled_peak: stalled_peak[index],
    };
    Ok(hops.into_iter().enumerate().map(weights).collect())
}

/// What the hops hold before and under `load`.
fn around(
    route: &Route,
    load: impl FnOnce(&Route) -> Result<Vec<Memory>>,
) -> Result<(Vec<Memory>, Vec<Memory>)> {
    thread::sleep(SETTLE);
    let before = memories(route)?;
    Ok((before, load(route)?))
}

fn held(route: &Route, streams: usize) -> Result<Vec<Memory>> {
    let work = Work::Streams { streams, gap_us: HELD_GAP_US, measure_ms: 0 };
    let _load = Load::start(&Order { addr: route.addr, work })?;
    thread::sleep(SETTLE);
    memories(route)
}

/// The most that each hop holds until none has grown for a while.
fn stalled(route: &Route) -> Result<Vec<Memory>> {
    let work = Work::Stalled { streams: STALLED, bytes: STALLED_TOKEN_BYTES };
    let _load = Load::start(&Order { addr: route.addr, work })?;
    let begin = Instant::now();
    let mut peak = memories(route)?;
    let mut grown = begin;
    while grown.elapsed() < STILL && begin.elapsed() < STALLED_LIMIT {
        thread::sleep(SAMPLE);
        for (peak, now) in peak.iter_mut().zip(memories(route)?) {
            if now.rss_kib > peak.rss_kib {
                (*peak, grown) = (now, Instant::now());
            }
        }
    }
    Ok(peak)
}

fn memories(route: &Route) -> Result<Vec<Memory>> {
    route.hops.iter().map(|hop| hop.memory()).collect()
}

impl Weights {
    fn idle_mib(&self) -> f64 {
        self.idle.rss_kib as f64 / 1024.0
    }

    fn stream_kib(&self) -> f64 {
        (self.held.rss_kib as f64 - self.idle.rss_kib as f64) / self.held_streams as f64
    }

    fn stalled_mib(&self) -> f64 {
        (self.stalled_peak.rss_kib as f64 - self.stalled_before.rss_kib as f64) / 1024.0
    }

    fn verdicts(&self) -> [Verdict; 3] {
        let of = |what: &str, unit, measured, limit| Verdict {
            what: format!("{what}, {}", self.hop),
            unit,
            measured,
            limit,
        };
        [
            of("idle memory", "MiB", self.idle_mib(), AIM_IDLE_MIB),
            of("memory per held stream", "KiB", self.stream_kib(), TARGET_STREAM_KIB),
            of("growth under stalled readers", "MiB", self.stalled_mib(), TARGET_STALLED_MIB),
        ]
    }
}

fn table(all: &[Weights]) -> Table {
    let mut table = Table::new(&[
        "path",
        "hop",
        "idle MiB (Pss)",
        "KiB per held stream",
        "stalled readers MiB (before, peak)",
    ]);
    for weights in all {
        let mib = |kib: u64| format!("{:.1}", kib as f64 / 1024.0);
        table.push([
            weights.path.to_owned(),
            weights.hop.to_owned(),
            format!("{:.1} ({})", weights.idle_mib(), mib(weights.idle.pss_kib)),
            format!("{:.1}", weights.stream_kib()),
            format!(
                "{:+.1} ({}, {})",
                weights.stalled_mib(),
                mib(weights.stalled_before.rss_kib),
                mib(weights.stalled_peak.rss_kib)
            ),
        ]);
    }
    table
}

//! Token streams: what each event costs in CPU time.

use anyhow::Result;

use super::{cost_table, ratio_verdict};
use crate::load::Work;
use crate::measure::{self, Effort};
use crate::report::Section;
use crate::route::{Bed, Path};

const STREAMS: usize = 200;
/// Fifty tokens a second on each stream: a quick runtime.
const GAP_US: u64 = 20_000;
/// Of what two nginx take.
const TARGET: f64 = 0.9;

pub(super) fn run(bed: &Bed, effort: Effort) -> Result<Section> {
    let (rounds, measure_ms) = match effort {
        Effort::Full => (7, 4_000),
        Effort::Quick => (3, 1_000),
    };
    let routes = bed.open(&Path::ALL)?;
    let all = measure::interleaved(
        &routes,
        Work::Streams { streams: STREAMS, gap_us: GAP_US, measure_ms },
        rounds,
    )?;
    Ok(Section {
        name: "stream",
        title: format!(
            "{STREAMS} streams, an event each {} ms: CPU us per event, min / median of {rounds} rounds",
            GAP_US / 1_000
        ),
        tables: vec![cost_table(&all)],
        verdicts: ratio_verdict("CPU per streamed event, relay to nginx", &all, TARGET).into_iter().collect(),
        data: serde_json::to_value(&all)?,
    })
}

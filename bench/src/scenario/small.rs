//! Small requests, 64 at a time: what each costs in CPU time.

use anyhow::Result;

use super::{cost_table, ratio_verdict};
use crate::load::Work;
use crate::measure::{self, Effort};
use crate::report::Section;
use crate::route::{Bed, Path};

const CONNECTIONS: usize = 64;
/// Of what two nginx take.
const TARGET: f64 = 1.0;

pub(super) fn run(bed: &Bed, effort: Effort) -> Result<Section> {
    let (rounds, warm_up, requests) = match effort {
        Effort::Full => (7, 2_000, 20_000),
        Effort::Quick => (3, 500, 4_000),
    };
    let routes = bed.open(&Path::ALL)?;
    let all = measure::interleaved(
        &routes,
        Work::Requests { connections: CONNECTIONS, warm_up, requests },
        rounds,
    )?;
    Ok(Section {
        name: "small",
        title: format!(
            "Small requests, {CONNECTIONS} at a time: CPU us per request, min / median of {rounds} rounds"
        ),
        tables: vec![cost_table(&all)],
        verdicts: ratio_verdict("CPU per small request, relay to nginx", &all, TARGET).into_iter().collect(),
        data: serde_json::to_value(&all)?,
    })
}

//! When each model was first offered.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::names::canonical;

/// For this long after its last upstream left, the date of a model is always kept.
const REMEMBER: Duration = Duration::from_secs(600);

/// Most model names remembered. Workers choose the names, so the number is bounded.
const MAX_NAMES: usize = 100_000;

/// Dates of models, by canonical name.
#[derive(Default)]
pub(super) struct OfferedModels(HashMap<String, Offered>);

struct Offered {
    first: SystemTime,
    gone: Option<Instant>,
}

impl OfferedModels {
    /// Dates new models, and forgets models that have not been offered for a long time.
    pub(super) fn note(&mut self, names: impl Iterator<Item = String>) {
        let now = Instant::now();
        self.0.values_mut().for_each(|offered| {
            offered.gone.get_or_insert(now);
        });
        for name in names {
            if self.0.len() < MAX_NAMES || self.0.contains_key(&name) {
                let new = || Offered { first: SystemTime::now(), gone: None };
                self.0.entry(name).or_insert_with(new).gone = None;
            }
        }
        if self.0.len() >= MAX_NAMES {
            self.0.retain(|_, offered| offered.gone.is_none_or(|gone| gone.elapsed() < REMEMBER));
        }
    }

    /// When the model was first offered, Unix seconds.
    pub(super) fn first_offered(&self, name: &str) -> u64 {
        let first = self.0.get(canonical(name)).map_or(UNIX_EPOCH, |offered| offered.first);
        first.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

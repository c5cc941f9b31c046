//! Measurements, counted by size. Plain data: it lives with the books of whoever measures, behind their lock.

use std::time::Duration;

use super::series::{Kind, Series};

/// Measurements of one series.
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, and one for what is beyond them.
    counts: Box<[u64]>,
    sum: f64,
}

impl Histogram {
    /// Nothing measured yet, with the bounds of this series (none, if it is no histogram).
    pub fn of(series: &Series) -> Self {
        let bounds = match series.kind {
            Kind::Histogram(bounds) => bounds,
            _ => &[],
        };
        Self { bounds, counts: vec![0; bounds.len() + 1].into(), sum: 0.0 }
    }

    /// Counts a measurement, in the unit of the series.
    pub fn observe(&mut self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at] += 1;
        self.sum += value;
    }

    /// Counts a time, in seconds.
    pub fn observe_time(&mut self, time: Duration) {
        self.observe(time.as_secs_f64());
    }

    /// How many measurements there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All measurements together.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// How many fell into each bucket, by its upper bound; the last one has none.
    pub(super) fn buckets(&self) -> Vec<(f64, u64)> {
        self.bounds.iter().copied().chain([f64::INFINITY]).zip(self.counts.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let series = Series::histogram("x_seconds", &[], &[0.1, 1.0], "Some waits.");
        let mut waits = Histogram::of(&series);
        [0.05, 0.1, 0.11, 1.0, 60.0].into_iter().for_each(|wait| waits.observe(wait));
        waits.observe_time(Duration::from_millis(20));
        assert_eq!(waits.buckets(), [(0.1, 3), (1.0, 2), (f64::INFINITY, 1)]);
        assert_eq!((waits.count(), waits.sum()), (6, 0.05 + 0.1 + 0.11 + 1.0 + 60.0 + 0.02));
    }
}

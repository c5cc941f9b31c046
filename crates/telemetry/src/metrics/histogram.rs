//! A histogram: measurements counted by size. Plain data, which its owner keeps behind its own lock.

use std::time::Duration;

use super::series::{Kind, Series};

/// The measurements of one series.
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One count per bound, and one for larger values.
    counts: Box<[u64]>,
    sum: f64,
}

impl Histogram {
    /// An empty histogram with the bounds of this series (none, if it is not a histogram).
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

    /// Counts a duration, in seconds.
    pub fn observe_time(&mut self, time: Duration) {
        self.observe(time.as_secs_f64());
    }

    /// The number of measurements.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of all measurements.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// The count of each bucket, by its upper bound; the last bucket has none.
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

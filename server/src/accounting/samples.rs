//! The most recent measurements of something, for percentiles.

use std::time::Duration;

/// The most recent measurements, up to a limit.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples {
    millis: Vec<f32>,
    next: usize,
}

impl Samples {
    /// Adds a measurement; beyond `most`, each new one replaces the oldest.
    pub(super) fn add(&mut self, value: Duration, most: usize) {
        let millis = value.as_secs_f32() * 1000.0;
        if self.millis.len() < most {
            self.millis.push(millis);
        } else {
            self.millis[self.next % most] = millis;
        }
        self.next += 1;
    }

    /// A quantile in milliseconds, by the nearest rank.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<f64> {
        let mut millis = self.millis.clone();
        let rank = (quantile * millis.len() as f64).ceil() as usize;
        let index = rank.saturating_sub(1);
        (index < millis.len()).then(|| f64::from(*millis.select_nth_unstable_by(index, f32::total_cmp).1))
    }

    /// Forgets all measurements and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.millis.clear();
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_measurements_replace_the_oldest() {
        let mut samples = Samples::default();
        assert_eq!(samples.quantile(0.5), None);
        (1..=6).for_each(|millis| samples.add(Duration::from_millis(millis), 4));
        assert_eq!(samples.quantile(0.0).map(f64::round), Some(3.0));
        assert_eq!(samples.quantile(0.5).map(f64::round), Some(4.0));
        assert_eq!(samples.quantile(0.95).map(f64::round), Some(6.0));
    }
}

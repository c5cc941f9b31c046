//! The figures of a program at one moment: plain data, so that another thread can write them.

use std::borrow::Cow;
use std::time::Duration;

use super::histogram::Histogram;
use super::series::Series;

/// The value of a label.
pub type Label = Cow<'static, str>;

/// Figures of declared series.
#[derive(Debug, Default)]
pub struct Figures {
    pub(super) families: Vec<Family>,
}

#[derive(Debug)]
pub(super) struct Family {
    pub(super) series: &'static Series,
    pub(super) samples: Vec<Sample>,
}

#[derive(Debug)]
pub(super) struct Sample {
    pub(super) labels: Vec<(&'static str, Label)>,
    pub(super) value: Value,
}

/// A figure.
#[derive(Debug, Clone)]
pub enum Value {
    /// A counter's value.
    Whole(u64),
    /// A gauge's value.
    Real(f64),
    /// A histogram.
    Histogram(Histogram),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Whole(count)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Whole(count as u64)
    }
}

impl From<u32> for Value {
    fn from(count: u32) -> Self {
        Self::Whole(count.into())
    }
}

impl From<bool> for Value {
    fn from(holds: bool) -> Self {
        Self::Whole(holds.into())
    }
}

impl From<f64> for Value {
    fn from(measure: f64) -> Self {
        Self::Real(measure)
    }
}

impl From<Duration> for Value {
    fn from(time: Duration) -> Self {
        Self::Real(time.as_secs_f64())
    }
}

impl From<Histogram> for Value {
    fn from(measures: Histogram) -> Self {
        Self::Histogram(measures)
    }
}

impl Figures {
    /// No figures yet, for these series. Series that stay empty are listed nevertheless, so that readers know they exist.
    pub fn new(series: impl IntoIterator<Item = &'static Series>) -> Self {
        let families = series.into_iter().map(|series| Family { series, samples: Vec::new() });
        Self { families: families.collect() }
    }

    /// Adds a figure with these label values. Each combination may be added once.
    pub fn add<const LABELS: usize>(
        &mut self,
        series: &'static Series,
        labels: [Label; LABELS],
        value: impl Into<Value>,
    ) {
        debug_assert_eq!(series.labels.len(), LABELS, "{}", series.name);
        let family = self.families.iter_mut().find(|family| std::ptr::eq(family.series, series));
        debug_assert!(family.is_some(), "{} is not declared", series.name);
        let labels = series.labels.iter().copied().zip(labels).collect();
        if let Some(family) = family {
            family.samples.push(Sample { labels, value: value.into() });
        }
    }

    /// The approximate number of lines.
    pub fn len(&self) -> usize {
        let lines = |sample: &Sample| match &sample.value {
            Value::Histogram(measures) => measures.buckets().len() + 2,
            Value::Whole(_) | Value::Real(_) => 1,
        };
        self.families.iter().flat_map(|family| &family.samples).map(lines).sum()
    }

    /// Whether there are no figures.
    pub fn is_empty(&self) -> bool {
        self.families.iter().all(|family| family.samples.is_empty())
    }
}

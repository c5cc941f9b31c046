//! The declaration of a family of series: what stands in the text, in the reference page, and in tests that look for forgotten ones.

/// A family of series.
#[derive(Debug)]
pub struct Series {
    /// The whole name, with unit and `_total`: as it is asked for in queries.
    pub name: &'static str,
    /// What kind of figure it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says: a sentence, with its full stop.
    pub help: &'static str,
}

/// What kind of figure a series is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows. Its name ends with `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts what falls below each of these bounds.
    Histogram(&'static [f64]),
    /// Always 1; its labels tell something. Its name ends with `_info`.
    Info,
}

impl Series {
    /// A counter.
    pub const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self { name, kind: Kind::Counter, labels, help }
    }

    /// A gauge.
    pub const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self { name, kind: Kind::Gauge, labels, help }
    }

    /// A histogram with these upper bounds, see [`buckets`](super::buckets).
    pub const fn histogram(
        name: &'static str,
        labels: &'static [&'static str],
        bounds: &'static [f64],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Histogram(bounds), labels, help }
    }

    /// The name of the family: without what the kind adds to it.
    pub(super) fn family(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram(_) => "",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }

    /// The unit, which is the last word of the family's name, if it has one.
    pub fn unit(&self) -> Option<&'static str> {
        let last = self.family().rsplit('_').next()?;
        ["seconds", "bytes"].into_iter().find(|unit| *unit == last)
    }
}

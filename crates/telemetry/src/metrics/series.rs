//! The declaration of a family of series: used for the output, the reference page, and tests that find forgotten ones.

/// A family of series.
#[derive(Debug)]
pub struct Series {
    /// The full name, with unit and `_total`, as used in queries.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// The help text: a sentence, with a full stop.
    pub help: &'static str,
}

/// The type of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows. Its name ends with `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts what falls below each of these bounds.
    Histogram(&'static [f64]),
    /// Always 1; its labels contain the information. Its name ends with `_info`.
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

    /// The name of the family, without the suffixes of its type.
    pub(super) fn family(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram(_) => "",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }

    /// The unit: the last word of the family's name, if it is one.
    pub fn unit(&self) -> Option<&'static str> {
        let last = self.family().rsplit('_').next()?;
        ["seconds", "bytes"].into_iter().find(|unit| *unit == last)
    }
}

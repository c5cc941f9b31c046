//! Figures as text: OpenMetrics, and Prometheus' own older format, which every scraper reads. The library writes the former; the latter is derived
//! from it, because few lines differ.

use std::fmt::{self, Write as _};

use http::HeaderMap;
use http::header::ACCEPT;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::figures::{Family, Figures, Value};
use super::series::{Kind, Series};

/// The format of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format, 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that a scraper's `Accept` requests. The default is [`Format::Text`].
    pub fn wanted(headers: &HeaderMap) -> Self {
        let mut best = (Self::Text, 0.0);
        let accepted = headers.get_all(ACCEPT).into_iter().filter_map(|accept| accept.to_str().ok());
        for range in accepted.flat_map(|accept| accept.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next().map(str::to_ascii_lowercase).as_deref() {
                Some("application/openmetrics-text") => Self::OpenMetrics,
                Some("text/plain" | "text/*" | "*/*") => Self::Text,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            if weight > best.1 {
                best = (format, weight);
            }
        }
        best.0
    }

    /// The response's `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Figures {
    /// Writes all figures.
    pub fn write(self, format: Format) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)
            .expect("writing to a string cannot fail, and no figure is refused");
        match format {
            Format::OpenMetrics => text,
            Format::Text => older(&text),
        }
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.families.iter().try_for_each(|family| encode(family, &mut encoder))
    }
}

fn encode(family: &Family, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let series = family.series;
    let unit = series.unit().map(|unit| Unit::Other(unit.to_owned()));
    let mut encoder = encoder.encode_descriptor(
        name_without_unit(series),
        series.help,
        unit.as_ref(),
        kind(series.kind),
    )?;
    for sample in &family.samples {
        if series.kind == Kind::Info {
            encoder.encode_info(&sample.labels)?;
        } else if sample.labels.is_empty() {
            write_value(&mut encoder, series.kind, &sample.value)?;
        } else {
            write_value(&mut encoder.encode_family(&sample.labels)?, series.kind, &sample.value)?;
        }
    }
    Ok(())
}

fn write_value(encoder: &mut MetricEncoder<'_>, kind: Kind, value: &Value) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Whole(count)) => encoder.encode_counter::<NoLabelSet, _, f64>(count, None),
        (Kind::Counter, Value::Real(sum)) => encoder.encode_counter::<NoLabelSet, _, f64>(sum, None),
        (_, Value::Whole(level)) => encoder.encode_gauge(level),
        (_, Value::Real(level)) => encoder.encode_gauge(level),
        (_, Value::Histogram(measures)) => encoder.encode_histogram::<NoLabelSet>(
            measures.sum(),
            measures.count(),
            &measures.buckets(),
            None,
        ),
    }
}

fn kind(kind: Kind) -> MetricType {
    match kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram(_) => MetricType::Histogram,
        Kind::Info => MetricType::Info,
    }
}

/// The library adds the unit itself.
fn name_without_unit(series: &Series) -> &'static str {
    let family = series.family();
    let unit = series.unit().map_or(0, |unit| unit.len() + "_".len());
    &family[..family.len() - unit]
}

/// Converts to the older format: a family has the name of its samples, an info is a gauge, and there are no units and no end mark.
fn older(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let mut help = "";
    for line in open.lines() {
        let written = if let Some(told) = line.strip_prefix("# HELP ") {
            help = told.split_once(' ').map_or("", |(_, help)| help);
            Ok(())
        } else if let Some((family, kind)) =
            line.strip_prefix("# TYPE ").and_then(|told| told.split_once(' '))
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                kind => ("", kind),
            };
            writeln!(text, "# HELP {family}{suffix} {help}\n# TYPE {family}{suffix} {kind}")
        } else if line == "# EOF" || line.starts_with("# UNIT ") {
            Ok(())
        } else {
            writeln!(text, "{line}")
        };
        written.expect("writing to a string cannot fail");
    }
    text
}

#[cfg(test)]
mod tests;

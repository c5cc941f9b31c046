//! What a program tells Prometheus. Figures are kept where they arise and gathered when somebody asks for them, so nothing is counted twice and
//! nothing is paid for while nobody looks.
//!
//! A program declares its [`Series`], and is a [`Source`] of [`Figures`] for them. [`respond`] makes an answer of these, in the format that is
//! asked for; a [`Listener`] serves it on a port of its own, which [`MetricsConfig`] names. [`page`] makes the reference page of the declarations.
//!
//! prometheus-client's encoder and `Collector` do the writing; its `Family`, `Counter` and `Histogram` are not used. Our counts live with their
//! owner, behind its lock, so that one scrape shows one moment. A `Family` has a lock of its own and no cap on label values, so the cap and the
//! shared value `other` would have to be written around it. A [`Series`] is also the source of docs/metrics.md and of the tests of dashboards and
//! alerts. The library writes OpenMetrics only; many scrapers ask for the older text format.

pub mod buckets;
mod config;
mod figures;
mod histogram;
mod listener;
pub mod page;
mod process;
mod series;
mod text;

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};

pub use config::MetricsConfig;
pub use figures::{Figures, Label, Value};
pub use histogram::Histogram;
pub use listener::Listener;
pub use series::{Kind, Series};
pub use text::Format;

use llamapool_settings::build;

/// Where metrics are, on every port that has them.
pub const PATH: &str = "/metrics";

/// More samples than this are written on another thread: the one that relays must not stand still for it. They take about a millisecond.
const INLINE_SAMPLES: usize = 500;

/// The program and what it was built from.
pub static BUILD_INFO: Series = Series {
    name: "llamapool_build_info",
    kind: Kind::Info,
    labels: &["component", "date", "sha", "version"],
    help: "The program and what it was built from; always 1.",
};

/// What every program has besides its own series.
pub static COMMON: &[&Series] = &[
    &BUILD_INFO,
    &process::CPU,
    &process::STARTED,
    &process::RESIDENT,
    &process::VIRTUAL,
    &process::OPEN_FILES,
    &process::MAX_FILES,
];

/// Has figures.
pub trait Source: Send + Sync + 'static {
    /// `server`, `worker`, `mcp`.
    const COMPONENT: &'static str;

    /// All that it has figures of beyond [`COMMON`], in the order they are shown.
    const SERIES: &'static [&'static Series];

    /// Adds what there is now.
    fn gather(&self, figures: &mut Figures);
}

impl<S: Source> Source for Arc<S> {
    const COMPONENT: &'static str = S::COMPONENT;
    const SERIES: &'static [&'static Series] = S::SERIES;

    fn gather(&self, figures: &mut Figures) {
        S::gather(self, figures);
    }
}

/// All figures of a program now: its own, what it was built from, and those of the process.
pub fn gather<S: Source>(source: &S) -> Figures {
    let mut figures = Figures::new(COMMON.iter().chain(S::SERIES).copied());
    let labels = [S::COMPONENT, build::DATE, build::SHA, build::VERSION];
    figures.add(&BUILD_INFO, labels.map(Label::from), 1u64);
    process::gather(&mut figures);
    source.gather(&mut figures);
    figures
}

/// Answers a scrape, in the format its headers ask for.
pub async fn respond<S: Source>(source: &S, headers: &HeaderMap) -> Response {
    let format = Format::wanted(headers);
    let figures = gather(source);
    let text = if figures.len() <= INLINE_SAMPLES {
        figures.write(format)
    } else {
        let written = tokio::task::spawn_blocking(move || figures.write(format)).await;
        written.expect("writing does not panic, and the runtime is there")
    };
    let headers = [(CONTENT_TYPE, format.content_type()), (CACHE_CONTROL, "no-store"), (VARY, "accept")];
    (headers, text).into_response()
}

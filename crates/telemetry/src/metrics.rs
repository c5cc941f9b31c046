//! Prometheus metrics. Figures are kept where they arise and gathered for each scrape, so nothing is counted twice, and
//! unused metrics cost nothing.
//!
//! A program declares its [`Series`], and is a [`Source`] of [`Figures`] for them. [`respond`] turns these into a response in the requested format;
//! a [`Listener`] serves it on a separate port, which [`MetricsConfig`] sets. [`page`] generates the reference page from the declarations.
//!
//! prometheus-client's encoder and `Collector` write the text; its `Family`, `Counter` and `Histogram` are not used. Our counts belong to their
//! owner, behind its lock, so that one scrape shows one moment. A `Family` has its own lock and no cap on label values, so the cap and the
//! shared value `other` would have to be written around it. A [`Series`] is also the source of docs/metrics.md and of tests of dashboards and
//! alerts. The library writes OpenMetrics only; many scrapers request the older text format.

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

/// The path of metrics, on every port that serves them.
pub const PATH: &str = "/metrics";

/// More samples than this are written on another thread, so that the relaying thread is not blocked. Writing this many takes about a millisecond.
const INLINE_SAMPLES: usize = 500;

/// Version, commit and date of the build.
pub static BUILD_INFO: Series = Series {
    name: "llamapool_build_info",
    kind: Kind::Info,
    labels: &["component", "date", "sha", "version"],
    help: "The program and what it was built from; always 1.",
};

/// The series that every program has besides its own.
pub static COMMON: &[&Series] = &[
    &BUILD_INFO,
    &process::CPU,
    &process::STARTED,
    &process::RESIDENT,
    &process::VIRTUAL,
    &process::OPEN_FILES,
    &process::MAX_FILES,
];

/// A source of figures.
pub trait Source: Send + Sync + 'static {
    /// `server`, `worker`, `mcp`.
    const COMPONENT: &'static str;

    /// The series that it has besides [`COMMON`], in the order of the page.
    const SERIES: &'static [&'static Series];

    /// Adds the current figures.
    fn gather(&self, figures: &mut Figures);
}

impl<S: Source> Source for Arc<S> {
    const COMPONENT: &'static str = S::COMPONENT;
    const SERIES: &'static [&'static Series] = S::SERIES;

    fn gather(&self, figures: &mut Figures) {
        S::gather(self, figures);
    }
}

/// All current figures of a program: its own, its build information, and those of the process.
pub fn gather<S: Source>(source: &S) -> Figures {
    let mut figures = Figures::new(COMMON.iter().chain(S::SERIES).copied());
    let labels = [S::COMPONENT, build::DATE, build::SHA, build::VERSION];
    figures.add(&BUILD_INFO, labels.map(Label::from), 1u64);
    process::gather(&mut figures);
    source.gather(&mut figures);
    figures
}

/// Responds to a scrape, in the format that its headers request.
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

//! Tests that the reference page is current, and that every series used by dashboards and alerts exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use std::sync::Arc;
use std::time::SystemTime;

use llamapool_telemetry::metrics::{COMMON, Kind, page};
use llamapool_tunnel::control::Report;
use llamapool_worker_core::runtime::Model;

use super::*;
use crate::upstream::Identity;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_default().replace("\r\n", "\n")
}

/// The text before the tables.
const INTRODUCTION: &str = include_str!("introduction.md");

#[test]
fn the_reference_page_is_current() {
    let common = "Metrics of the process; complete on Linux only. They come before the others.";
    let chapters = [
        page::Chapter {
            title: "llamapool-server",
            about: "Requests that pass through the server, and the workers connected to it.",
            series: ALL,
        },
        page::Chapter {
            title: "llamapool-worker",
            about: "Metrics of one machine, on its `metrics_port`, and next to `/status` if `status_addr` is set.",
            series: llamapool_worker_core::worker::SERIES,
        },
        page::Chapter { title: "Every program", about: common, series: COMMON },
    ];
    let page = page::markdown(INTRODUCTION, &chapters);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(repository("docs/metrics.md"), &page).unwrap();
    }
    assert!(
        read("docs/metrics.md") == page,
        "docs/metrics.md is not current: run this test with UPDATE_DOCS=1 and commit the page"
    );
}

#[test]
fn declarations_are_as_prometheus_wants_them() {
    let names: BTreeSet<_> = ALL.iter().chain(COMMON).map(|series| series.name).collect();
    assert_eq!(names.len(), ALL.len() + COMMON.len(), "no name twice");
    for series in ALL {
        let Series { name, kind, help, .. } = series;
        assert!(name.starts_with("llamapool_"), "{name}");
        assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
        assert_eq!(*kind == Kind::Info, name.ends_with("_info"), "{name}");
        // The writer does not escape them.
        assert!(
            help.ends_with('.') && !help.contains(['\\', '"', '\n']) && !help.contains("  "),
            "{name}: {help}"
        );
    }
}

/// The names of series in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("llamapool_") || word.starts_with("process_")).collect()
}

/// The names that queries may use; for a histogram, those of its parts.
fn queried() -> BTreeSet<String> {
    let parts = |series: &&Series| match series.kind {
        Kind::Histogram(_) => {
            ["_bucket", "_sum", "_count"].map(|part| format!("{}{part}", series.name)).to_vec()
        }
        _ => vec![series.name.to_owned()],
    };
    ALL.iter().chain(COMMON).flat_map(parts).collect()
}

#[test]
fn what_is_drawn_and_alerted_on_exists() {
    for file in ["installers/grafana/llamapool.json", "installers/prometheus/llamapool.rules.yml"] {
        let text = read(file);
        let names = named(&text);
        assert!(names.len() > 5, "{file} names series");
        let queried = queried();
        let unknown: Vec<_> = names.into_iter().filter(|name| !queried.contains(*name)).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
}

#[test]
fn every_panel_of_the_dashboard_asks_something_of_the_chosen_source() {
    let board: serde_json::Value = serde_json::from_str(&read("installers/grafana/llamapool.json")).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{} has an id of its own", panel["title"]);
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        let targets = panel["targets"].as_array().unwrap();
        let asks = |target: &serde_json::Value| !named(target["expr"].as_str().unwrap()).is_empty();
        assert!(!targets.is_empty() && targets.iter().all(asks), "{}", panel["title"]);
    }
}

/// A connected worker with one model.
fn worker(id: &str, model: &str) -> UpstreamSnapshot {
    let model = Model { name: model.to_owned(), ..Model::default() };
    UpstreamSnapshot {
        identity: Arc::new(Identity { id: id.to_owned(), name: id.to_owned(), version: "0".to_owned() }),
        joined: SystemTime::now(),
        heard: SystemTime::now(),
        report: Some(Arc::new(Report::ready(1, vec![model]))),
        latency: None,
        in_flight: 0,
        held: false,
        traffic: None,
        gone: None,
    }
}

#[test]
fn workers_that_are_gone_have_no_series() {
    let mut counters = Counters::new(&[]);
    let names = |counters: &Counters| {
        let workers: Vec<_> = counters.workers.iter().map(|(id, _)| id.to_owned()).collect();
        let models: Vec<_> = counters.models.iter().map(|(name, _)| name.to_owned()).collect();
        (workers.join(" "), models.join(" "))
    };
    counters.track([worker("a", "x"), worker("b", "y")].iter());
    counters.failed_over("a", true);
    assert_eq!(names(&counters), ("a b".to_owned(), "x y".to_owned()));
    counters.track([worker("b", "z")].iter());
    assert_eq!(
        names(&counters),
        ("b".to_owned(), "x y z".to_owned()),
        "models stay as long as there is room"
    );
    counters.track([worker("a", "x")].iter());
    let again = counters.workers.of("a");
    assert_eq!((again.failures, &*again.name), (0, "a"), "its counters start at zero again");
}

#[test]
fn the_number_of_series_is_capped_however_many_workers_there_are() {
    let mut crowd: Vec<_> = (0..500).map(|at| worker(&format!("w{at}"), &format!("m{at}"))).collect();
    crowd[0] = worker(OTHER, OTHER); // a name like any other
    let mut counters = Counters::new(&[]);
    counters.track(crowd.iter());
    let registry =
        RegistryView { workers: crowd, endpoints: Vec::new(), waiting: Vec::new(), is_ready: true };
    let crowd = &registry.workers;
    let mut figures = Figures::new(ALL.iter().copied());
    models(&mut figures, &counters);
    offers(&mut figures, crowd, &counters);
    queues(&mut figures, &registry, &counters);
    counters.workers.iter().for_each(|(id, worker)| worker_counts(&mut figures, id, worker));
    worker_levels(&mut figures, crowd, &counters);
    let text = figures.write(llamapool_telemetry::metrics::Format::Text);
    assert!(text.contains("llamapool_worker_slots{worker_id=\"other\",worker=\"other\"} 400\n"));
    assert!(text.contains("llamapool_workers{state=\"idle\"} 500\n"), "sums count every worker");
    let series: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let unique: BTreeSet<_> =
        series.iter().filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name).collect();
    assert_eq!(unique.len(), series.len(), "no series twice");
    assert!(series.len() < 20_000, "{}", series.len());
}

//! The reference page, and that what is drawn and alerted on is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use llamapool_worker_core::metrics::{COMMON, Kind, page};

use super::*;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_default().replace("\r\n", "\n")
}

/// What stands before the tables.
const INTRODUCTION: &str = include_str!("introduction.md");

#[test]
fn the_reference_page_is_current() {
    let common = "Of the process: all of them on Linux. They stand before the rest.";
    let chapters = [
        page::Chapter {
            title: "llamapool-server",
            about: "What goes through it, and who is there.",
            series: ALL,
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

/// What a query may name: of a histogram its parts.
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

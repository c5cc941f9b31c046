//! The two formats, and which scraper gets which.

use http::HeaderValue;

use super::*;
use crate::metrics::{Histogram, Label};

static REQUESTS: Series = Series::counter("x_requests_total", &["model"], "Requests.");
static CPU: Series = Series::counter("x_cpu_seconds_total", &[], "Time.");
static OPEN: Series = Series::gauge("x_open", &[], "Open ones.");
static SIZE: Series = Series::gauge("x_size_bytes", &["of"], "How large.");
static WAIT: Series = Series::histogram("x_wait_seconds", &["model"], &[0.5, 1.0], "Waiting.");
static BUILD: Series =
    Series { name: "x_build_info", kind: Kind::Info, labels: &["version"], help: "What it is." };
static NOTHING: Series = Series::counter("x_nothing_total", &[], "Never happened.");

fn figures() -> Figures {
    let mut figures = Figures::new([&REQUESTS, &CPU, &OPEN, &SIZE, &WAIT, &BUILD, &NOTHING]);
    figures.add(&REQUESTS, [Label::from("a\"b\\c\nd")], 3u64);
    figures.add(&CPU, [], 1.5);
    figures.add(&OPEN, [], 2u32);
    figures.add(&SIZE, ["disk".into()], 0.25);
    let mut waits = Histogram::of(&WAIT);
    [0.25, 0.75, 7.0].into_iter().for_each(|wait| waits.observe(wait));
    figures.add(&WAIT, ["m".into()], waits);
    figures.add(&BUILD, ["1.2".into()], 1u64);
    figures
}

#[test]
fn the_older_format() {
    let expect = r#"# HELP x_requests_total Requests.
# TYPE x_requests_total counter
x_requests_total{model="a\"b\\c\nd"} 3
# HELP x_cpu_seconds_total Time.
# TYPE x_cpu_seconds_total counter
x_cpu_seconds_total 1.5
# HELP x_open Open ones.
# TYPE x_open gauge
x_open 2
# HELP x_size_bytes How large.
# TYPE x_size_bytes gauge
x_size_bytes{of="disk"} 0.25
# HELP x_wait_seconds Waiting.
# TYPE x_wait_seconds histogram
x_wait_seconds_sum{model="m"} 8.0
x_wait_seconds_count{model="m"} 3
x_wait_seconds_bucket{le="0.5",model="m"} 1
x_wait_seconds_bucket{le="1.0",model="m"} 2
x_wait_seconds_bucket{le="+Inf",model="m"} 3
# HELP x_build_info What it is.
# TYPE x_build_info gauge
x_build_info{version="1.2"} 1
# HELP x_nothing_total Never happened.
# TYPE x_nothing_total counter
"#;
    assert_eq!(figures().write(Format::Text), expect);
}

#[test]
fn open_metrics_names_families_and_units_and_ends() {
    let text = figures().write(Format::OpenMetrics);
    for line in [
        "# TYPE x_requests counter",
        "# TYPE x_cpu_seconds counter",
        "# UNIT x_cpu_seconds seconds",
        "x_cpu_seconds_total 1.5",
        "# UNIT x_size_bytes bytes",
        "# TYPE x_build info",
        "x_build_info{version=\"1.2\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in {text}");
    }
    assert!(text.ends_with("\n# EOF\n"));
}

#[test]
fn the_scraper_chooses() {
    let check = |accept: &'static str, expect: Format| {
        let headers = [(ACCEPT, HeaderValue::from_static(accept))].into_iter().collect();
        assert_eq!(Format::wanted(&headers), expect, "{accept}");
    };
    assert_eq!(Format::wanted(&HeaderMap::new()), Format::Text);
    check("*/*", Format::Text);
    check("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text);
    check("application/json", Format::Text);
    check("application/openmetrics-text", Format::OpenMetrics);
    check("application/openmetrics-text; version=1.0.0; q=0", Format::Text);
    check("text/plain;version=0.0.4;q=0.9, Application/OpenMetrics-Text;q=0.5", Format::Text);
    // The header of Prometheus 2.
    let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    check(prometheus, Format::OpenMetrics);
    // The header of Prometheus 3.
    check(
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;\
         version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,\
         */*;q=0.2",
        Format::OpenMetrics,
    );
}

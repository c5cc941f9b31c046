//! What Prometheus gets to see, as its own tool judges it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use http::Method;
use llamapool_e2e::promtool::Promtool;
use llamapool_e2e::{Ask, End, MODEL, Pace, Pool, Script, until};
use serde_json::Value;

fn installers(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../installers").join(folder)
}

/// A pool that has done a bit of everything is scraped; promtool has no complaints.
#[tokio::test]
async fn metrics_of_a_busy_pool_are_clean() {
    let Some(promtool) = Promtool::find() else { return };
    let mut pool = Pool::with(2, &[("METRICS_PORT", "0")], &[]).await;
    for tokens in [1, 20] {
        pool.server.chat(MODEL, &Script::tokens(tokens)).whole().await.expect_ok();
    }
    let breaks = Script::Stream { tokens: 3, pace: Pace::FlatOut, end: End::Die };
    pool.server.chat(MODEL, &breaks).whole().await;
    pool.server.chat("nobody-has-it", &Script::tokens(1)).whole().await.expect_error(404);
    let mut open = pool.server.chat(MODEL, &Script::paced(100_000, 20)).send().await;
    open.data().await;

    let addr = pool.server.until_address("Metrics on").await.parse().expect("an address");
    let scrape = async || Ask::new(addr, Method::GET, "/metrics").whole().await.expect_ok().text();
    promtool.check_metrics(&scrape().await);
    drop(open);
    let left = format!(r#"llamapool_model_requests_total{{model="{MODEL}",outcome="left"}} 1"#);
    let scraped = until("the client's leaving to be counted", async || {
        let scraped = scrape().await;
        scraped.contains(&left).then_some(scraped)
    })
    .await;
    promtool.check_metrics(&scraped);
    for line in [
        format!(r#"llamapool_model_requests_total{{model="{MODEL}",outcome="success"}} 2"#),
        format!(r#"llamapool_model_requests_total{{model="{MODEL}",outcome="error"}} 1"#),
        r#"llamapool_model_requests_total{model="other",outcome="refused"} 1"#.to_owned(),
        r#"llamapool_workers{state="idle"} 2"#.to_owned(),
    ] {
        assert!(scraped.contains(&line), "{line} in {scraped}");
    }
    assert_eq!(pool.server.get("/metrics").whole().await.status, 404, "they have a port of their own");
    pool.stop().await;
}

/// The alert rules are right, and say what their tests expect.
#[test]
fn alerts_come_when_they_should() {
    let Some(promtool) = Promtool::find() else { return };
    let folder = installers("prometheus");
    promtool.run(&folder, &["check", "rules", "llamapool.rules.yml"]);
    promtool.run(&folder, &["test", "rules", "llamapool.rules.test.yml"]);
}

/// Every query of the dashboard is one that Prometheus understands.
#[test]
fn the_dashboard_asks_what_prometheus_understands() {
    let Some(promtool) = Promtool::find() else { return };
    let board = std::fs::read_to_string(installers("grafana/llamapool.json")).expect("it is there");
    let board: Value = serde_json::from_str(&board).expect("it is JSON");
    let panels = board["panels"].as_array().expect("there are panels").iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut rules = String::from("groups: [{name: board, rules: [\n");
    for (at, target) in targets.enumerate() {
        let query = target["expr"].as_str().expect("a query").replace("$__rate_interval", "5m");
        let query = Value::from(query); // JSON is YAML
        writeln!(rules, "  {{record: \"board:{at}\", expr: {query}}},").expect("a string takes all");
    }
    rules.push_str("]}]\n");
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("board.yml"), rules).expect("a temporary folder takes files");
    promtool.run(folder.path(), &["check", "rules", "board.yml"]);
}

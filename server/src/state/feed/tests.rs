use std::sync::Arc;
use std::time::Instant as StdInstant;

use http::HeaderMap;
use llamapool_telemetry::logs::{LogProblem, RunningLogs};
use llamapool_tunnel::Link;
use llamapool_tunnel::control::Report;
use llamapool_tunnel::mux::{Limits, Role, Windows};
use llamapool_worker_core::runtime::Model;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::accounting::Ledger;
use crate::accounting::ticket::Ticket;
use crate::changes::Changes;
use crate::config::{AliasFallback, Queue};
use crate::drain::Drain;
use crate::pool::{ModelQuery, NoSlot, Registry, SlotPermit, UpstreamId};
use crate::upstream::{Identity, Upstream};

#[test]
fn events_are_rarer_where_they_cost_much() {
    let cheap = Duration::from_millis(1);
    assert_eq!(pace(1, 200_000, cheap), SHORTEST);
    assert_eq!(pace(1_000, 2_000, cheap), SHORTEST);
    assert_eq!(pace(1_000, 50_000, cheap), Duration::from_millis(500));
    assert_eq!(pace(10_000, 80_000, cheap), WHILE_OPEN);
    assert_eq!(pace(1, 1_000_000, Duration::from_millis(20)), Duration::from_millis(400));
    assert_eq!(pace(1, 1_000_000, Duration::from_secs(1)), WHILE_OPEN);
}

fn sources() -> StateSources {
    let changes = Changes::default();
    let queue = Queue { size: 10, timeout: Duration::from_secs(600) };
    StateSources {
        registry: Registry::new(queue, AliasFallback::Off, changes.clone()),
        ledger: Arc::new(Ledger::new(changes.clone(), &[])),
        drain: Drain::new(changes.clone()),
        changes,
        started: StdInstant::now(),
        needs_key: false,
        workers_need_key: false,
        logs: None,
    }
}

/// What a large pool costs: run it with `--nocapture` to see the time.
#[tokio::test]
async fn an_event_of_a_large_pool_has_a_bound_and_its_changes_are_small() {
    let sources = sources();
    for worker in 0..200 {
        let id = join_as(&sources.registry, &format!("worker-{worker}"));
        let model =
            |at| Model { name: format!("model-{worker}-{at}:8b-instruct-q4_K_M"), ..Model::default() };
        let models = (0..20).map(model).collect(); // of more, no more are shown
        sources.registry.report(id, Report { models, ..report() });
    }
    let begun = StdInstant::now();
    let before = snapshot_since(&sources, 1, Since::default());
    let whole = event("update", 1, &before);
    println!("200 workers with 20 models each: {} bytes in {:?}", whole.len(), begun.elapsed());
    assert!(whole.len() < 1_500_000, "{}", whole.len());
    sources.registry.hold("worker-7", true);
    let now = snapshot_since(&sources, 2, Since::default());
    let changes = event("update", 2, &now.changes_since(&before));
    println!("one of them has changed: {} bytes", changes.len());
    assert!(changes.len() < 20_000, "{}", changes.len());
}

/// The data of the next event.
async fn data(reader: &mut Reader) -> serde_json::Value {
    let event = reader.next().await.unwrap();
    let text = std::str::from_utf8(&event).unwrap();
    serde_json::from_str(text.split("data: ").nth(1).unwrap()).unwrap()
}

fn ids(list: &serde_json::Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().or(item.as_str()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_changes_gets_the_workers_that_have_changed() {
    let sources = Arc::new(sources());
    let registry = &sources.registry;
    let [a, b] = ["a", "b"].map(|id| join_as(registry, id));
    let feed = Arc::new(Feed::new(sources.clone()));
    let _publisher = AbortOnDropHandle::new(tokio::spawn(feed.clone().publish()));
    let mut reader = feed.subscribe(Detail::Changes);
    assert_eq!(ids(&data(&mut reader).await["workers"]), ["a", "b"], "the whole state");
    let first = data(&mut reader).await;
    assert_eq!((ids(&first["workers"]), first.get("worker_ids")), (vec!["a", "b"], None), "it may be newer");

    registry.report(b, report());
    let second = data(&mut reader).await;
    assert_eq!((ids(&second["workers"]), ids(&second["worker_ids"])), (vec!["b"], vec!["a", "b"]));
    assert_eq!(second["models"][0]["name"], "m");
    registry.hold("b", true);
    let third = data(&mut reader).await;
    assert_eq!((ids(&third["workers"]), third.get("models")), (vec!["b"], None), "models are as before");
    registry.leave(a);
    let fourth = data(&mut reader).await;
    assert_eq!((ids(&fourth["workers"]), ids(&fourth["worker_ids"])), (vec!["a"], vec!["b", "a"]));
    assert_eq!(fourth["workers"][0]["status"], "gone");
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_changes_that_has_skipped_an_event_begins_anew() {
    let sources = Arc::new(sources());
    let registry = &sources.registry;
    let id = join(registry);
    let feed = Arc::new(Feed::new(sources.clone()));
    let _publisher = AbortOnDropHandle::new(tokio::spawn(feed.clone().publish()));
    let mut reader = feed.subscribe(Detail::Changes);
    for _ in 0..2 {
        data(&mut reader).await;
    }
    for _ in 0..3 {
        registry.report(id, report());
        tokio::time::sleep(2 * SHORTEST).await;
    }
    let mut forms = Vec::new();
    for _ in 0..3 {
        forms.push(data(&mut reader).await.get("worker_ids").is_some());
        registry.report(id, report());
    }
    assert_eq!(forms, [false, false, true], "all, all, changes");
}

#[tokio::test]
async fn logs_that_cannot_be_written_are_a_problem_of_the_server() {
    let (logs, problems, _layer) = RunningLogs::for_testing("info");
    let sources = Arc::new(StateSources { logs: Some(logs), ..sources() });
    let feed = Feed::new(sources.clone());
    let shown = || {
        sources.changes.notify_changed();
        serde_json::from_slice::<serde_json::Value>(&feed.json()).unwrap()["server"]["problems"].clone()
    };
    assert_eq!(shown(), serde_json::json!([]));
    problems.send_replace(Some(LogProblem { what: "No space left".to_owned(), since: SystemTime::now() }));
    assert_eq!(shown(), serde_json::json!(["No space left"]));
    problems.send_replace(None);
    assert_eq!(shown(), serde_json::json!([]));
}

fn join(registry: &Registry) -> UpstreamId {
    join_as(registry, "a")
}

fn join_as(registry: &Registry, id: &str) -> UpstreamId {
    let windows = Windows { initial: 1, max: 1 };
    let link = Link::new(Role::Opener, Limits { windows, credit: 1, max_streams: 1 });
    let identity = Identity { id: id.into(), name: id.into(), version: String::new() };
    registry.join(identity, Upstream::Worker(link))
}

async fn claim(registry: Registry) -> Result<SlotPermit, NoSlot> {
    let mut shortlist = registry.shortlist(ModelQuery { name: "m".to_owned(), ..ModelQuery::default() });
    registry.claim(&mut shortlist, |_| {}).await
}

fn report() -> Report {
    Report::ready(1, vec![Model { name: "m".to_owned(), ..Model::default() }])
}

/// A feed that publishes, with one reader.
struct Watched {
    reader: Reader,
    _publisher: AbortOnDropHandle<()>,
}

impl Watched {
    fn start(sources: &Arc<StateSources>) -> Self {
        let feed = Arc::new(Feed::new(sources.clone()));
        let publisher = AbortOnDropHandle::new(tokio::spawn(feed.clone().publish()));
        Self { reader: feed.subscribe(Detail::Everything), _publisher: publisher }
    }

    /// Waits until all earlier changes are published. The next event that is due without a change is then still [`SHORTEST`] or more away.
    async fn settle(&mut self) {
        while timeout(2 * SHORTEST, self.reader.next()).await.is_ok() {}
    }

    /// Whether there is an event before one would be due without a change.
    async fn is_woken(&mut self) -> bool {
        timeout(SHORTEST, self.reader.next()).await.is_ok()
    }

    /// Checks that a change wakes the feed.
    async fn expect<T>(&mut self, change: &str, make: impl FnOnce() -> T) -> T {
        self.settle().await;
        let made = make();
        assert!(self.is_woken().await, "{change}");
        made
    }
}

#[tokio::test(start_paused = true)]
async fn every_change_of_the_registry_wakes_the_feed() {
    let sources = Arc::new(sources());
    let mut watched = Watched::start(&sources);
    let registry = &sources.registry;
    let id = watched.expect("join", || join(registry)).await;
    watched.expect("report", || registry.report(id, report())).await;
    watched.settle().await;
    registry.measured(id, Duration::from_millis(1));
    assert!(!watched.is_woken().await, "latency is shown with the next change");
    watched.expect("hold", || registry.hold("a", true)).await;
    watched.expect("release of a hold", || registry.hold("a", false)).await;

    let slot = claim(registry.clone()).await.ok().unwrap();
    let waits = || AbortOnDropHandle::new(tokio::spawn(claim(registry.clone())));
    let waiter = watched.expect("a request joins the queue", waits).await;
    watched.expect("a request leaves the queue with a slot", || drop(slot)).await;
    let slot = waiter.await.unwrap();
    assert!(slot.is_ok());
    watched.expect("leave", || registry.leave(id)).await;
}

#[tokio::test(start_paused = true)]
async fn every_change_of_the_ledger_and_the_drain_wake_the_feed() {
    let sources = Arc::new(sources());
    let mut watched = Watched::start(&sources);
    let ledger = &sources.ledger;
    let ticket = watched.expect("open", || Ticket::open(&HeaderMap::new(), ledger.clone())).await;
    watched.expect("queued", || ledger.queued(1)).await;
    watched.expect("failover", || ledger.failed_over("a", "m", Some("it is lost"))).await;
    watched.expect("settle", || drop(ticket)).await;
    watched.expect("drain", || sources.drain.refuse_new_requests()).await;
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shares_reports_and_agrees_with_itself() {
    let sources = sources();
    let registry = &sources.registry;
    let id = join(registry);
    registry.report(id, report());
    let slot = claim(registry.clone()).await.ok().unwrap();
    let mut waiter = std::pin::pin!(claim(registry.clone()));
    assert!(timeout(SHORTEST, waiter.as_mut()).await.is_err(), "there is one slot only");

    let view = registry.view();
    let reports = [&view, &registry.view()].map(|view| view.workers[0].report.clone().unwrap());
    assert!(Arc::ptr_eq(&reports[0], &reports[1]));
    assert_eq!((view.workers[0].in_flight, view.waiting[0].requests), (1, 1));
    assert_eq!((view.model_names(), view.is_ready), (vec!["m"], true));

    drop(slot);
    let view = registry.view();
    assert_eq!((view.workers[0].in_flight, view.waiting.len()), (1, 0), "the slot went to the waiter");
    assert!(waiter.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_state_is_made_once_for_all_who_ask_until_something_changes() {
    let sources = Arc::new(sources());
    let feed = Feed::new(sources.clone());
    let first = feed.json();
    assert_eq!(feed.json().as_ptr(), first.as_ptr(), "shared");
    join(&sources.registry);
    let state: serde_json::Value = serde_json::from_slice(&feed.json()).unwrap();
    assert_eq!(state["workers"][0]["id"], "a", "a change is seen at once");
    let before = feed.json();
    tokio::time::advance(SHORTEST).await;
    assert_ne!(feed.json().as_ptr(), before.as_ptr(), "ages go on");
}

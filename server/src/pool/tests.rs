use llamapool_worker_core::runtime::Model;
use llamapool_worker_core::tunnel::Link;
use llamapool_worker_core::tunnel::control::{Readiness, Report};
use llamapool_worker_core::tunnel::mux::{Limits, Role, Windows};

use super::*;

fn registry(size: usize) -> Registry {
    Registry::new(Queue { size, timeout: Duration::from_secs(60) }, AliasFallback::Busy)
}

fn join(registry: &Registry, id: &str, capacity: u32, models: &[&str]) -> ConnectionId {
    let windows = Windows { initial: 1, max: 1 };
    let link = Link::new(Role::Opener, Limits { windows, credit: 1, max_streams: 1 });
    let seat =
        registry.join(Arc::new(Worker { id: id.into(), name: id.into(), version: String::new(), link }));
    registry.report(seat, report(Readiness::Ready, capacity, models));
    seat
}

fn report(state: Readiness, capacity: u32, models: &[&str]) -> Report {
    let models = models.iter().map(|name| Model { name: (*name).to_owned(), ..Model::default() }).collect();
    Report {
        state,
        reason: None,
        capacity,
        in_flight: 0,
        models,
        runtime: None,
        runtime_version: None,
        host: None,
    }
}

fn want(name: &str) -> ModelQuery {
    ModelQuery { name: name.into() }
}

/// A task that waits for a slot, running until it does wait.
async fn waiting(registry: &Registry, name: &str) -> tokio::task::JoinHandle<Result<Claim, NoSlot>> {
    let (registry, want) = (registry.clone(), want(name));
    let task = tokio::spawn(async move { registry.claim(&want, &[]).await });
    tokio::task::yield_now().await;
    task
}

fn why(claim: Result<Claim, NoSlot>) -> Option<NoSlot> {
    claim.err()
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_called_in_order_of_arrival() {
    let registry = registry(10);
    join(&registry, "a", 1, &["m"]);
    let held = registry.claim(&want("m"), &[]).await.unwrap();
    let first = waiting(&registry, "m").await;
    let second = waiting(&registry, "m:latest").await;
    drop(held);
    let called = first.await.unwrap().unwrap();
    assert!(!second.is_finished());
    drop(called);
    assert!(second.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_line_has_an_end_in_length_and_time() {
    let registry = registry(1);
    join(&registry, "a", 1, &["m", "n"]);
    let _held = registry.claim(&want("m"), &[]).await.unwrap();
    let first = waiting(&registry, "m").await;
    assert_eq!(why(registry.claim(&want("m"), &[]).await), Some(NoSlot::Full));
    let other = waiting(&registry, "n").await;
    assert_eq!(why(first.await.unwrap()), Some(NoSlot::Timeout));
    assert_eq!(why(other.await.unwrap()), Some(NoSlot::Timeout), "each model has a line of its own");
}

#[tokio::test(start_paused = true)]
async fn who_left_the_line_is_not_called_and_takes_no_place() {
    let registry = registry(1);
    join(&registry, "a", 1, &["m"]);
    let held = registry.claim(&want("m"), &[]).await.unwrap();
    let left = waiting(&registry, "m").await;
    left.abort();
    assert!(left.await.is_err());
    let stays = waiting(&registry, "m").await;
    drop(held);
    let called = stays.await.unwrap().unwrap();
    assert_eq!(registry.lock().pool.in_flight(), 1);
    drop(called);
    assert_eq!(registry.lock().pool.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slot_given_to_somebody_who_leaves_in_that_moment_is_not_lost() {
    let registry = registry(2);
    join(&registry, "a", 1, &["m"]);
    let held = registry.claim(&want("m"), &[]).await.unwrap();
    let leaves = waiting(&registry, "m").await;
    let stays = waiting(&registry, "m").await;
    drop(held); // `leaves` has its slot now, but has not run
    leaves.abort();
    assert!(stays.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_joins_or_becomes_ready_serves_those_who_wait() {
    let registry = registry(10);
    join(&registry, "a", 1, &["m"]);
    let _held = registry.claim(&want("m"), &[]).await.unwrap();
    let waits = waiting(&registry, "m").await;
    join(&registry, "b", 1, &["m"]);
    assert_eq!(waits.await.unwrap().unwrap().member().name, "b");
}

#[tokio::test(start_paused = true)]
async fn known_but_not_ready_differs_from_unknown() {
    let registry = registry(10);
    let seat = join(&registry, "a", 1, &["m"]);
    assert!(registry.is_ready());
    for state in [Readiness::NotReady, Readiness::Draining] {
        registry.report(seat, report(state, 1, &["m"]));
        assert_eq!(why(registry.claim(&want("m"), &[]).await), Some(NoSlot::NobodyReady));
    }
    registry.leave(seat);
    assert!(!registry.is_ready());
    assert_eq!(
        why(registry.claim(&want("m"), &[]).await),
        Some(NoSlot::NobodyReady),
        "it was here a moment ago"
    );
    assert_eq!(why(registry.claim(&want("n"), &[]).await), Some(NoSlot::Unknown));
    assert!(registry.models().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_comes_back_closes_its_older_connection() {
    let registry = registry(10);
    join(&registry, "a", 1, &["m"]);
    let older = registry.members().pop().unwrap();
    join(&registry, "a", 1, &["m"]);
    assert!(older.link.is_closed());
    assert_eq!(registry.members().len(), 1);
    assert!(!registry.members()[0].link.is_closed());
}

#[test]
fn a_model_is_found_by_either_name_and_dated() {
    let registry = registry(10);
    join(&registry, "b", 1, &["org/m:latest"]);
    join(&registry, "a", 1, &["org/m"]);
    let listed = registry.model("org/m:latest").unwrap();
    assert_eq!((listed.id.as_str(), listed.workers), ("org/m", vec!["a".into(), "b".into()]));
    assert!(listed.created > 1_700_000_000);
    assert_eq!(registry.model("m"), None);
}

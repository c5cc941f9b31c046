use llamapool_tunnel::Link;
use llamapool_tunnel::control::{Readiness, Report};
use llamapool_tunnel::mux::{Limits, Role, Windows};
use llamapool_worker_core::runtime::Model;

use super::*;
use crate::upstream::endpoint::Client;

fn registry(size: usize) -> Registry {
    Registry::new(Queue { size, timeout: Duration::from_secs(60) }, AliasFallback::Busy, Changes::default())
}

fn identity(id: &str) -> Identity {
    Identity { id: id.into(), name: id.into(), version: String::new() }
}

fn join(registry: &Registry, id: &str, capacity: u32, models: &[&str]) -> UpstreamId {
    let windows = Windows { initial: 1, max: 1 };
    let link = Link::new(Role::Opener, Limits { windows, credit: 1, max_streams: 1 });
    let id = registry.join(identity(id), Upstream::Worker(link));
    registry.report(id, report(Readiness::Ready, capacity, models));
    id
}

fn report(state: Readiness, capacity: u32, models: &[&str]) -> Report {
    let models = models.iter().map(|name| Model { name: (*name).to_owned(), ..Model::default() }).collect();
    Report { state, ..Report::ready(capacity, models) }
}

/// Joins an endpoint, whose capacity is unknown.
fn join_endpoint(registry: &Registry, id: &str, models: &[&str]) -> UpstreamId {
    let base = "http://127.0.0.1:9".parse().unwrap();
    let client = Client::new(&base, Duration::from_secs(1), None).unwrap();
    let id = registry.join(identity(id), Upstream::Endpoint(client));
    registry.report(id, report(Readiness::Ready, 0, models));
    id
}

fn query(name: &str) -> ModelQuery {
    ModelQuery { name: name.into(), ..ModelQuery::default() }
}

async fn claim(registry: &Registry, name: &str) -> Result<SlotPermit, NoSlot> {
    registry.claim(&mut registry.shortlist(query(name)), |_| {}).await
}

/// A task that waits for a slot, running until it does wait.
async fn waiting(registry: &Registry, name: &str) -> tokio::task::JoinHandle<Result<SlotPermit, NoSlot>> {
    let (registry, name) = (registry.clone(), name.to_owned());
    let task = tokio::spawn(async move { claim(&registry, &name).await });
    tokio::task::yield_now().await;
    task
}

fn why(claim: Result<SlotPermit, NoSlot>) -> Option<NoSlot> {
    claim.err()
}

#[tokio::test(start_paused = true)]
async fn slots_are_handed_out_in_order_of_arrival() {
    let registry = registry(10);
    join(&registry, "a", 1, &["m"]);
    let held = claim(&registry, "m").await.unwrap();
    let first = waiting(&registry, "m").await;
    let second = waiting(&registry, "m:latest").await;
    drop(held);
    let called = first.await.unwrap().unwrap();
    assert!(!second.is_finished());
    drop(called);
    assert!(second.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_limited_in_length_and_time() {
    let registry = registry(1);
    join(&registry, "a", 1, &["m", "n"]);
    let _held = claim(&registry, "m").await.unwrap();
    let first = waiting(&registry, "m").await;
    assert_eq!(why(claim(&registry, "m").await), Some(NoSlot::Full));
    let other = waiting(&registry, "n").await;
    assert_eq!(why(first.await.unwrap()), Some(NoSlot::Timeout));
    assert_eq!(why(other.await.unwrap()), Some(NoSlot::Timeout), "each model has a queue of its own");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_left_the_queue_gets_no_slot_and_takes_no_place() {
    let registry = registry(1);
    join(&registry, "a", 1, &["m"]);
    let held = claim(&registry, "m").await.unwrap();
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
async fn a_slot_given_to_a_request_that_leaves_in_that_moment_is_not_lost() {
    let registry = registry(2);
    join(&registry, "a", 1, &["m"]);
    let held = claim(&registry, "m").await.unwrap();
    let leaves = waiting(&registry, "m").await;
    let stays = waiting(&registry, "m").await;
    drop(held); // `leaves` has its slot now, but has not run
    leaves.abort();
    assert!(stays.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn requests_that_nobody_can_serve_any_more_leave_the_queue() {
    let registry = registry(10);
    let id = join(&registry, "a", 1, &["m", "n"]);
    let _held = claim(&registry, "m").await.unwrap();
    let waits = [waiting(&registry, "m").await, waiting(&registry, "m").await, waiting(&registry, "n").await];
    join(&registry, "b", 0, &["n"]);
    registry.leave(id);
    for waits in waits {
        assert_eq!(why(waits.await.unwrap()), Some(NoSlot::NobodyReady));
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_leaves_lets_an_alias_serve_the_queue() {
    let queue = Queue { size: 10, timeout: Duration::from_secs(60) };
    let registry = Registry::new(queue, AliasFallback::Missing, Changes::default());
    let exact = join(&registry, "exact", 1, &["m:7b-q4_0"]);
    join(&registry, "alias", 1, &["m:7b-q8_0"]);
    let _held = claim(&registry, "m:7b-q4_0").await.unwrap();
    let waits = waiting(&registry, "m:7b-q4_0").await;
    assert!(!waits.is_finished());
    registry.leave(exact);
    assert_eq!(waits.await.unwrap().unwrap().identity().name, "alias");
}

#[tokio::test(start_paused = true)]
async fn a_slot_goes_to_the_earliest_request_of_all_queues() {
    let registry = registry(10);
    join(&registry, "a", 1, &["m", "n"]);
    join(&registry, "b", 1, &["o"]);
    let held = claim(&registry, "m").await.unwrap();
    let other = claim(&registry, "o").await.unwrap();
    let blocked = waiting(&registry, "o").await;
    let [n, m, late] =
        [waiting(&registry, "n").await, waiting(&registry, "m").await, waiting(&registry, "n").await];
    drop(held);
    let n = n.await.unwrap().unwrap();
    assert!(!m.is_finished() && !late.is_finished() && !blocked.is_finished());
    drop(n);
    let m = m.await.unwrap().unwrap();
    assert!(!late.is_finished());
    drop(m);
    assert!(late.await.unwrap().is_ok() && !blocked.is_finished());
    drop(other);
    assert!(blocked.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_joins_serves_the_queue() {
    let registry = registry(10);
    join(&registry, "a", 1, &["m"]);
    let _held = claim(&registry, "m").await.unwrap();
    let waits = waiting(&registry, "m").await;
    join(&registry, "b", 1, &["m"]);
    assert_eq!(waits.await.unwrap().unwrap().identity().name, "b");
}

#[tokio::test(start_paused = true)]
async fn known_but_not_ready_differs_from_unknown() {
    let registry = registry(10);
    let id = join(&registry, "a", 1, &["m"]);
    assert!(registry.is_ready());
    for state in [Readiness::NotReady, Readiness::Draining] {
        registry.report(id, report(state, 1, &["m"]));
        assert_eq!(why(claim(&registry, "m").await), Some(NoSlot::NobodyReady));
    }
    join(&registry, "b", 1, &["o"]);
    registry.leave(id);
    assert_eq!(why(claim(&registry, "m").await), Some(NoSlot::NobodyReady), "it was here a moment ago");
    assert_eq!(why(claim(&registry, "n").await), Some(NoSlot::Unknown));
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(why(claim(&registry, "m").await), Some(NoSlot::Unknown), "it does not come back");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_comes_back_closes_its_older_connection() {
    let registry = registry(10);
    join(&registry, "a", 1, &["m"]);
    let older = registry.upstreams().pop().unwrap();
    join(&registry, "a", 1, &["m"]);
    assert!(older.is_closed());
    assert_eq!(registry.upstreams().len(), 1);
    assert!(!registry.upstreams()[0].is_closed());
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

#[tokio::test]
async fn a_shortlist_says_why_a_candidate_cannot_take_the_request() {
    use Unavailable::{Busy, Held, NotReady, Tried};
    let registry = registry(10);
    let [tried, busy] = ["tried", "busy"].map(|name| join(&registry, name, 1, &["m:7b"]));
    let mut shortlist = registry.shortlist(query("m:7b"));
    let first = registry.claim(&mut shortlist, |_| {}).await.unwrap();
    assert_eq!((first.upstream_id(), shortlist.attempts()), (tried, 1));
    let _second = claim(&registry, "m:7b").await.unwrap();
    let held = join(&registry, "held", 1, &["m:7b"]);
    registry.hold("held", true);
    let away = join(&registry, "away", 1, &["m:7b"]);
    registry.report(away, report(Readiness::NotReady, 1, &["m:7b"]));
    let alias = join(&registry, "alias", 1, &["m:7b-q4"]);
    let next = registry.claim(&mut shortlist, |_| {}).await.unwrap();
    assert_eq!((next.upstream_id(), next.model()), (alias, "m:7b-q4"));
    let mut reasons: Vec<_> = shortlist
        .candidates()
        .iter()
        .map(|candidate| (candidate.upstream, candidate.name_match, candidate.unavailable))
        .collect();
    reasons.sort_by_key(|(upstream, ..)| *upstream);
    let exact = |id, why| (id, NameMatch::Exact, Some(why));
    let expect = [exact(tried, Tried), exact(busy, Busy), exact(held, Held), exact(away, NotReady)];
    assert_eq!(reasons[..4], expect);
    assert_eq!(reasons[4], (alias, NameMatch::Alias, None), "it was free when it was claimed");
}

#[tokio::test]
async fn outcomes_are_kept_for_each_upstream() {
    let registry = registry(10);
    let id = join(&registry, "a", 1, &["m"]);
    let outcomes = |registry: &Registry| {
        let Outcomes { successes, failures, consecutive_failures } = registry.outcomes(id).unwrap();
        (successes, failures, consecutive_failures)
    };
    for (outcome, expect) in [
        (SlotOutcome::Success, (1, 0, 0)),
        (SlotOutcome::Failure, (1, 1, 1)),
        (SlotOutcome::Failure, (1, 2, 2)),
        (SlotOutcome::Neutral, (1, 2, 2)),
        (SlotOutcome::Success, (2, 2, 0)),
    ] {
        claim(&registry, "m").await.unwrap().settle(outcome);
        assert_eq!(outcomes(&registry), expect, "after {outcome:?}");
    }
    drop(claim(&registry, "m").await.unwrap());
    assert_eq!(outcomes(&registry), (2, 2, 0), "a client that leaves says nothing about the upstream");
    registry.leave(id);
    assert_eq!(registry.outcomes(id), None);
}

#[tokio::test(start_paused = true)]
async fn after_three_failures_an_upstream_rests() {
    let registry = registry(10);
    let failing = join(&registry, "failing", 9, &["m"]);
    let alone = claim(&registry, "m").await.unwrap();
    assert_eq!(alone.upstream_id(), failing);
    alone.settle(SlotOutcome::Failure);
    for _ in 0..2 {
        claim(&registry, "m").await.unwrap().settle(SlotOutcome::Failure);
    }
    assert_eq!(claim(&registry, "m").await.unwrap().upstream_id(), failing, "there is no other");
    let other = join(&registry, "other", 9, &["m"]);
    let busy: Vec<_> = [claim(&registry, "m").await.unwrap(), claim(&registry, "m").await.unwrap()].into();
    assert!(busy.iter().all(|permit| permit.upstream_id() == other), "one that does not rest comes first");
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(claim(&registry, "m").await.unwrap().upstream_id(), failing, "it has rested");
}

#[tokio::test]
async fn an_endpoint_serves_without_a_limit_and_is_no_worker() {
    let registry = registry(10);
    let id = join_endpoint(&registry, "e", &["m"]);
    assert!(registry.is_ready());
    let mut permits = Vec::new();
    for _ in 0..100 {
        permits.push(claim(&registry, "m").await.unwrap());
    }
    join(&registry, "w", 1, &["m"]);
    assert_eq!(claim(&registry, "m").await.unwrap().identity().name, "w", "it is the less busy one");
    let names =
        |seen: Vec<UpstreamSnapshot>| seen.iter().map(|seen| seen.identity.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        (names(registry.view().workers), names(registry.view().endpoints)),
        (vec!["w".into()], vec!["e".into()])
    );
    assert_eq!(registry.model("m").unwrap().workers, ["e", "w"]);
    registry.leave(id);
    assert_eq!(names(registry.view().workers), ["w"], "an endpoint that left is no worker that left");
}

#[test]
fn a_view_has_the_names_of_the_model_list() {
    let registry = registry(10);
    join(&registry, "a", 1, &["z:latest", "m"]);
    join(&registry, "b", 1, &["z", "n:latest"]);
    let gone = join(&registry, "c", 1, &["x"]);
    registry.leave(gone);
    let view = registry.view();
    assert_eq!(view.model_names(), ["m", "n:latest", "z"]);
    let listed: Vec<_> = registry.models().into_iter().map(|listed| listed.id).collect();
    assert_eq!(view.model_names(), listed);
}

#[test]
fn a_worker_with_the_id_of_an_endpoint_does_not_replace_it() {
    let registry = registry(10);
    join_endpoint(&registry, "same", &["m"]);
    join(&registry, "same", 1, &["n"]);
    join(&registry, "same", 1, &["o"]);
    let models: Vec<_> = registry.models().into_iter().map(|listed| listed.id).collect();
    assert_eq!(models, ["m", "o"]);
}

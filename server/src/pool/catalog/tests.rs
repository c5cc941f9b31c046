use llamapool_tunnel::Link;
use llamapool_tunnel::mux::{Limits, Role, Windows};
use llamapool_worker_core::runtime::Model;
use proptest::prelude::*;

use super::*;

fn tunnel() -> Upstream {
    let windows = Windows { initial: 1, max: 1 };
    Upstream::Worker(Link::new(Role::Opener, Limits { windows, credit: 1, max_streams: 1 }))
}

fn identity(id: &str, name: &str) -> Arc<Identity> {
    Arc::new(Identity { id: id.into(), name: name.into(), version: String::new() })
}

/// Picks an upstream for the model `name`, as a request that has tried `tried` does.
fn pick(
    pool: &mut Catalog,
    name: &str,
    tried: &[UpstreamId],
    fallback: AliasFallback,
) -> Result<Picked, NoCandidate> {
    pool.pick(&ModelQuery { name: name.into(), ..ModelQuery::default() }, tried, fallback, &mut Vec::new())
}

fn report(capacity: u32, models: &[&str]) -> Report {
    let models = models.iter().map(|name| Model { name: (*name).to_owned(), ..Model::default() }).collect();
    Report::ready(capacity, models)
}

/// A pool of workers: name, capacity, models.
fn pool(workers: &[(&str, u32, &[&str])]) -> Catalog {
    let mut pool = Catalog::default();
    for (name, capacity, models) in workers {
        let (id, _) = pool.join(identity(name, name), tunnel());
        pool.report(id, report(*capacity, models));
    }
    pool
}

/// Takes slots until none is free and says whose, with the model's name there if it is another.
fn picks(pool: &mut Catalog, name: &str, fallback: AliasFallback) -> String {
    let mut picked = Vec::new();
    let end = loop {
        match pick(pool, name, &[], fallback) {
            Ok(slot) if *slot.model == *name => picked.push(slot.identity.name.clone()),
            Ok(slot) => picked.push(format!("{}={}", slot.identity.name, slot.model)),
            Err(NoCandidate::Busy) => break "busy",
            Err(NoCandidate::NobodyReady) => break "nobody ready",
            Err(NoCandidate::Unknown) => break "unknown",
        }
    };
    picked.push(end.to_owned());
    picked.join(" ")
}

#[test]
fn the_least_busy_by_share_comes_first_and_ties_rotate() {
    let check = |workers: &[(&str, u32, &[&str])], expect: &str| {
        assert_eq!(picks(&mut pool(workers), "m", AliasFallback::Busy), expect);
    };
    check(&[("a", 2, &["m"]), ("b", 2, &["m"])], "a b a b busy");
    check(&[("a", 4, &["m"]), ("b", 1, &["m"])], "a b a a a busy");
    check(&[("a", 1, &["m"]), ("b", 1, &["other"])], "a busy");
    check(&[("a", 0, &["m"])], "nobody ready");
    check(&[("a", 1, &["n"])], "unknown");
    check(&[], "unknown");
}

#[test]
fn equals_take_turns_even_when_each_is_free_again_at_once() {
    let mut pool = pool(&[("a", 2, &["m"]), ("b", 2, &["m"]), ("c", 2, &["m"])]);
    let mut said = String::new();
    for _ in 0..7 {
        let Ok(picked) = pick(&mut pool, "m", &[], AliasFallback::Off) else { panic!() };
        said.push_str(&picked.identity.name);
        pool.release(picked.id, SlotOutcome::Success);
    }
    assert!(said == "abcabca" || said.chars().collect::<BTreeSet<_>>().len() == 3, "{said}");
    assert_eq!(said[0..3], said[3..6], "a full turn before anybody's second");
}

#[test]
fn names_that_are_one_and_aliases() {
    use AliasFallback::{Busy, Missing, Off};
    let check = |workers: &[(&str, u32, &[&str])], name, fallback, expect: &str| {
        assert_eq!(picks(&mut pool(workers), name, fallback), expect, "{name} {fallback:?}");
    };
    check(&[("a", 1, &["m:latest"])], "m", Off, "a=m:latest busy");
    check(&[("a", 1, &["m"])], "m:latest", Off, "a=m busy");
    let quantized: &[(&str, u32, &[&str])] = &[("a", 1, &["m:7b-q4"]), ("b", 1, &["m:7b-q8"])];
    check(quantized, "m:7b-q8", Busy, "b a=m:7b-q4 busy");
    check(quantized, "m:7b-q8", Missing, "b busy");
    check(quantized, "m:7b-q8", Off, "b busy");
    check(quantized, "m:7b", Missing, "a=m:7b-q4 b=m:7b-q8 busy");
    check(quantized, "m:7b", Off, "unknown");
    check(quantized, "m", Busy, "unknown");
}

#[test]
fn who_has_been_tried_is_not_tried_again() {
    let mut pool = pool(&[("a", 9, &["m"]), ("b", 9, &["m"])]);
    let Ok(first) = pick(&mut pool, "m", &[], AliasFallback::Off) else { panic!() };
    let Ok(second) = pick(&mut pool, "m", &[first.id], AliasFallback::Off) else { panic!() };
    assert_ne!(first.id, second.id);
    let tried = [first.id, second.id];
    assert_eq!(pick(&mut pool, "m", &tried, AliasFallback::Off).err(), Some(NoCandidate::NobodyReady));
}

#[test]
fn the_same_worker_again_replaces_itself_and_nobody_else() {
    let mut pool = pool(&[("a", 1, &["m"]), ("b", 1, &["m"])]);
    let (id, replaced) = pool.join(identity("a", "a2"), tunnel());
    assert_eq!(replaced.len(), 1);
    pool.report(id, report(1, &["m"]));
    assert_eq!(
        picks(&mut pool, "m", AliasFallback::Off).split(' ').collect::<BTreeSet<_>>(),
        ["a2", "b", "busy"].into()
    );
}

#[test]
fn models_are_sorted_and_one_model_is_listed_once() {
    let pool = pool(&[("b", 1, &["z", "llama3:latest"]), ("a", 1, &["llama3"])]);
    let listed: Vec<_> =
        pool.models().into_iter().map(|(name, by)| (name, Vec::from_iter(by).join(","))).collect();
    assert_eq!(listed, [("llama3".to_owned(), "a,b".to_owned()), ("z".to_owned(), "b".to_owned())]);
}

proptest! {
    /// Whatever happens, no worker ever has more than its capacity, the choice is a least busy one, and a free slot is never missed.
    #[test]
    fn the_choice_is_always_a_least_busy_one(
        capacities in prop::collection::vec(0..4u32, 1..6),
        steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..60),
    ) {
        let names: Vec<String> = (0..capacities.len()).map(|n| format!("w{n}")).collect();
        let workers: Vec<_> = names.iter().zip(&capacities).map(|(name, n)| (&**name, *n, &["m"][..])).collect();
        let mut pool = pool(&workers);
        let mut held: Vec<Picked> = Vec::new();
        for (claim, which) in steps {
            if !claim {
                if !held.is_empty() {
                    pool.release(held.swap_remove(which.index(held.len())).id, SlotOutcome::Neutral);
                }
                continue;
            }
            let busy = |name: &str| held.iter().filter(|picked| picked.identity.name == name).count() as u32;
            let shares: Vec<f64> = workers
                .iter()
                .filter(|(name, capacity, _)| busy(name) < *capacity)
                .map(|(name, capacity, _)| f64::from(busy(name)) / f64::from(*capacity))
                .collect();
            match pick(&mut pool, "m", &[], AliasFallback::Off) {
                Ok(picked) => {
                    let (_, capacity, _) = workers.iter().find(|(name, ..)| *name == picked.identity.name).unwrap();
                    let share = f64::from(busy(&picked.identity.name)) / f64::from(*capacity);
                    prop_assert!(shares.iter().all(|other| share <= *other), "{share} of {shares:?}");
                    held.push(picked);
                }
                Err(_) => prop_assert!(shares.is_empty(), "a free slot was missed"),
            }
            prop_assert_eq!(pool.in_flight() as usize, held.len());
        }
    }
}

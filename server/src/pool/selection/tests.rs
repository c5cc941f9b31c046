use proptest::prelude::*;

use super::Strategy::LeastBusy;
use super::*;

fn candidate(upstream: UpstreamId, in_flight: u32, capacity: Option<u32>) -> Candidate {
    Candidate {
        upstream,
        name: "m".into(),
        name_match: NameMatch::Exact,
        unavailable: capacity.is_some_and(|capacity| in_flight >= capacity).then_some(Unavailable::Busy),
        is_preferred: false,
        is_resting: false,
        in_flight,
        capacity,
        last_turn: 0,
        is_loaded: false,
    }
}

fn alias(upstream: UpstreamId, unavailable: Option<Unavailable>) -> Candidate {
    Candidate { name_match: NameMatch::Alias, unavailable, ..candidate(upstream, 0, Some(9)) }
}

#[test]
fn the_least_busy_candidate_is_selected() {
    let check = |candidates: &[(u32, Option<u32>)], expect: Option<usize>| {
        let all: Vec<_> = (0..).zip(candidates).map(|(id, (used, of))| candidate(id, *used, *of)).collect();
        assert_eq!(select(&all, LeastBusy), expect, "{candidates:?}");
    };
    check(&[(1, Some(2)), (1, Some(4))], Some(1));
    check(&[(2, Some(2)), (3, Some(4))], Some(1));
    check(&[(2, Some(2))], None);
    check(&[(0, Some(0))], None);
    check(&[(1, Some(8)), (0, None)], Some(1));
    check(&[(1, Some(2)), (3, None)], Some(0));
    check(&[(1, Some(1)), (500, None)], Some(1));
    check(&[], None);
}

#[test]
fn among_equals_it_is_the_turn_of_the_one_chosen_longest_ago() {
    let at = |last_turn, is_loaded| Candidate { last_turn, is_loaded, ..candidate(0, 1, Some(2)) };
    assert_eq!(select(&[at(3, true), at(2, false), at(5, true)], LeastBusy), Some(1));
    assert_eq!(select(&[at(2, false), at(2, true)], LeastBusy), Some(1), "of one upstream's models");
}

#[test]
fn an_alias_is_chosen_only_as_the_fallback_allows() {
    use AliasFallback::{Busy, Missing};
    let busy = || candidate(1, 1, Some(1));
    let away = || Candidate { unavailable: Some(Unavailable::NotReady), ..candidate(1, 0, Some(1)) };
    let check = |candidates: &[Candidate], fallback, expect| {
        assert_eq!(choose(candidates, fallback, LeastBusy), expect, "{candidates:?} {fallback:?}");
    };
    check(&[candidate(1, 0, Some(1)), alias(2, None)], Busy, Ok(0));
    check(&[busy(), alias(2, None)], Busy, Ok(1));
    check(&[busy(), alias(2, None)], Missing, Err(NoCandidate::Busy));
    check(&[away(), alias(2, None)], Missing, Ok(1));
    check(&[away(), alias(2, Some(Unavailable::Busy))], Missing, Err(NoCandidate::Busy));
    check(&[away(), alias(2, Some(Unavailable::Held))], Busy, Err(NoCandidate::NobodyReady));
    check(&[alias(2, Some(Unavailable::Tried))], Busy, Err(NoCandidate::NobodyReady));
    check(&[], Busy, Err(NoCandidate::Unknown));
}

#[test]
fn a_resting_candidate_is_the_last_resort() {
    use AliasFallback::{Busy, Missing};
    let resting = |in_flight, of| Candidate { is_resting: true, ..candidate(1, in_flight, Some(of)) };
    let resting_alias = || Candidate { is_resting: true, ..alias(2, None) };
    let away = || Candidate { unavailable: Some(Unavailable::NotReady), ..candidate(3, 0, Some(1)) };
    let check = |candidates: &[Candidate], fallback, expect| {
        assert_eq!(choose(candidates, fallback, LeastBusy), expect, "{candidates:?} {fallback:?}");
    };
    check(&[resting(0, 1)], Busy, Ok(0));
    check(&[resting(0, 1), away()], Busy, Ok(0));
    check(&[resting(0, 9), candidate(2, 8, Some(9))], Busy, Ok(1));
    check(&[resting(0, 9), candidate(2, 9, Some(9))], Busy, Err(NoCandidate::Busy));
    check(&[resting(0, 9), alias(2, None)], Busy, Ok(1));
    check(&[resting(0, 9), alias(2, None)], Missing, Ok(1));
    check(&[resting(0, 9), resting_alias()], Busy, Ok(0));
    check(&[resting(1, 1), resting_alias()], Busy, Ok(1));
    check(&[resting(1, 1), resting_alias()], Missing, Err(NoCandidate::Busy));
    check(&[resting(1, 1)], Busy, Err(NoCandidate::Busy));
}

prop_compose! {
    fn any_candidate()(
        upstream in 0..9u64,
        in_flight in 0..6u32,
        capacity in prop::option::of(1..6u32),
        last_turn in 0..4u64,
        is_loaded in any::<bool>(),
        held in any::<bool>(),
    ) -> Candidate {
        let candidate = Candidate { last_turn, is_loaded, ..candidate(upstream, in_flight, capacity) };
        let unavailable = candidate.unavailable.or(held.then_some(Unavailable::Held));
        Candidate { unavailable, ..candidate }
    }
}

proptest! {
    /// An available candidate is never missed, an unavailable one never selected, and no available one is less busy than the selected.
    #[test]
    fn the_selected_candidate_is_available_and_none_is_better(
        candidates in prop::collection::vec(any_candidate(), 0..8),
    ) {
        let share = |of: &Candidate| f64::from(of.in_flight) / f64::from(of.capacity.unwrap_or(ASSUMED_CAPACITY));
        let mut available = candidates.iter().filter(|candidate| candidate.unavailable.is_none());
        match select(&candidates, LeastBusy) {
            None => prop_assert!(available.next().is_none()),
            Some(at) => {
                let selected = &candidates[at];
                prop_assert!(selected.unavailable.is_none());
                for other in available {
                    prop_assert!(share(selected) <= share(other));
                    if share(selected) == share(other) {
                        prop_assert!(selected.last_turn <= other.last_turn);
                    }
                }
            }
        }
    }

    /// The order of the candidates does not matter: the same load and turn are selected.
    #[test]
    fn order_makes_no_difference(mut candidates in prop::collection::vec(any_candidate(), 1..8)) {
        let key = |candidates: &[Candidate]| {
            let selected = select(candidates, LeastBusy).map(|at| &candidates[at]);
            selected.map(|selected| (selected.last_turn, selected.is_loaded))
        };
        let before = key(&candidates);
        candidates.reverse();
        prop_assert_eq!(key(&candidates), before);
    }
}

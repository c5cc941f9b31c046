//! Figures by a name that others choose, of which there must be an end.

use std::collections::BTreeMap;

/// What stands for all names beyond the limit, and for those that nobody knows.
pub(crate) const OTHER: &str = "other";

/// A figure for each of so many names, and one for the rest. A name keeps its place until it is forgotten: counts never move from one to another,
/// which would look as if the process had restarted.
#[derive(Debug, Clone)]
pub(crate) struct CappedLabels<T> {
    most: usize,
    new: fn() -> T,
    known: BTreeMap<Box<str>, T>,
    other: Option<T>,
}

impl<T> CappedLabels<T> {
    /// Nothing yet; room for so many names.
    pub(crate) fn new(most: usize, new: fn() -> T) -> Self {
        Self { most, new, known: BTreeMap::new(), other: None }
    }

    /// The figure of a name. Looking up a known one costs no memory.
    pub(crate) fn of(&mut self, name: &str) -> &mut T {
        if name == OTHER || !self.admit(name) {
            return self.other();
        }
        self.known.get_mut(name).expect("it was admitted")
    }

    /// The figure of all that have none of their own.
    pub(crate) fn other(&mut self) -> &mut T {
        self.other.get_or_insert_with(self.new)
    }

    /// Makes a place for a name, if there is one. Says whether it has one.
    pub(crate) fn admit(&mut self, name: &str) -> bool {
        let known = self.known.contains_key(name);
        if known || self.known.len() >= self.most || name == OTHER {
            return known;
        }
        self.known.insert(name.into(), (self.new)());
        true
    }

    /// Whether a name has a place.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// Forgets names.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.known.retain(|name, _| keep(name));
    }

    /// Everything, the rest last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        let known = self.known.iter().map(|(name, figure)| (&**name, figure));
        known.chain(self.other.iter().map(|figure| (OTHER, figure)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(counts: &CappedLabels<u64>) -> Vec<(&str, u64)> {
        counts.iter().map(|(name, count)| (name, *count)).collect()
    }

    #[test]
    fn names_beyond_the_limit_share_one_figure() {
        let mut counts = CappedLabels::new(2, u64::default);
        ["a", "b", "c", "d", "a", OTHER].into_iter().for_each(|name| *counts.of(name) += 1);
        assert_eq!(all(&counts), [("a", 2), ("b", 1), (OTHER, 3)]);
    }

    #[test]
    fn a_place_is_free_again_and_what_was_counted_for_others_stays_there() {
        let mut counts = CappedLabels::new(1, u64::default);
        ["a", "b"].into_iter().for_each(|name| *counts.of(name) += 1);
        counts.retain(|name| name != "a");
        assert!(!counts.knows("a") && counts.admit("b") && !counts.admit("c"));
        *counts.of("b") += 1;
        assert_eq!(all(&counts), [("b", 1), (OTHER, 1)]);
    }
}

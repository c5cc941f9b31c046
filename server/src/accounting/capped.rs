//! Values labelled by names that others choose, with a cardinality cap.

use std::collections::BTreeMap;

/// The label of all names beyond the limit, and of unknown ones.
pub(crate) const OTHER: &str = "other";

/// A value for each of a limited number of names, and one for all others. A name keeps its value until it is forgotten: counts never move from
/// one name to another, which would look as if the process had restarted.
#[derive(Debug, Clone)]
pub(crate) struct CappedLabels<T> {
    most: usize,
    new: fn() -> T,
    known: BTreeMap<Box<str>, T>,
    other: Option<T>,
}

impl<T> CappedLabels<T> {
    /// No names yet, and room for `most` of them.
    pub(crate) fn new(most: usize, new: fn() -> T) -> Self {
        Self { most, new, known: BTreeMap::new(), other: None }
    }

    /// The value of a name. Looking up a known name allocates nothing.
    pub(crate) fn of(&mut self, name: &str) -> &mut T {
        if name == OTHER || !self.admit(name) {
            return self.other();
        }
        self.known.get_mut(name).expect("it has been admitted")
    }

    /// The value that all names beyond the limit share.
    pub(crate) fn other(&mut self) -> &mut T {
        self.other.get_or_insert_with(self.new)
    }

    /// Adds a name if there is room for it. Returns whether the name has a value of its own.
    pub(crate) fn admit(&mut self, name: &str) -> bool {
        let known = self.known.contains_key(name);
        if known || self.known.len() >= self.most || name == OTHER {
            return known;
        }
        self.known.insert(name.into(), (self.new)());
        true
    }

    /// Whether a name has a value of its own.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// Whether there is no room for another name.
    pub(crate) fn is_full(&self) -> bool {
        self.known.len() >= self.most
    }

    /// Forgets all names but those to `keep`.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.known.retain(|name, _| keep(name));
    }

    /// All names and their values; the shared one comes last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        let known = self.known.iter().map(|(name, value)| (&**name, value));
        known.chain(self.other.iter().map(|value| (OTHER, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(counts: &CappedLabels<u64>) -> Vec<(&str, u64)> {
        counts.iter().map(|(name, count)| (name, *count)).collect()
    }

    #[test]
    fn names_beyond_the_limit_share_one_value() {
        let mut counts = CappedLabels::new(2, u64::default);
        ["a", "b", "c", "d", "a", OTHER].into_iter().for_each(|name| *counts.of(name) += 1);
        assert_eq!(all(&counts), [("a", 2), ("b", 1), (OTHER, 3)]);
    }

    #[test]
    fn a_forgotten_name_makes_room_and_shared_counts_stay_shared() {
        let mut counts = CappedLabels::new(1, u64::default);
        ["a", "b"].into_iter().for_each(|name| *counts.of(name) += 1);
        counts.retain(|name| name != "a");
        assert!(!counts.knows("a") && counts.admit("b") && !counts.admit("c"));
        *counts.of("b") += 1;
        assert_eq!(all(&counts), [("b", 1), (OTHER, 1)]);
    }
}

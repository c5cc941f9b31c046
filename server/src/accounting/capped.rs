//! Values labelled with names that others choose, with a cap on the number of labels.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;

/// The label of all names beyond the limit, and of unknown ones.
pub(crate) const OTHER: &str = "other";

/// A value for each of a limited number of names, and one for all others. A name keeps its value until it is forgotten, so counts never move from
/// one name to another, which would look like a restart of the process.
#[derive(Debug, Clone)]
pub(crate) struct CappedLabels<T> {
    most: usize,
    new: fn() -> T,
    known: BTreeMap<Box<str>, T>,
    other: Option<T>,
    ever: EverShown,
}

/// The values that a label has ever had. Prometheus keeps each series for weeks, so frequently changing names need a limit for the life of the
/// process, in addition to the one on current names.
#[derive(Debug, Clone)]
pub(crate) struct EverShown {
    most: usize,
    /// Hashes, because names are long and only compared.
    hashes: HashSet<u64>,
    hasher: RandomState,
}

/// Over time, a label may have this many times as many names as at one moment.
const TURNOVER: usize = 10;

impl EverShown {
    /// Starts without values, with room for `most` of them.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, hashes: HashSet::new(), hasher: RandomState::new() }
    }

    /// Takes a value if there is room for it. Returns whether it may be shown.
    pub(crate) fn admit(&mut self, value: &str) -> bool {
        let hash = self.hasher.hash_one(value);
        self.hashes.contains(&hash) || (self.hashes.len() < self.most && self.hashes.insert(hash))
    }

    /// The value, or the label of all others if it was not admitted. An absent value is always admitted.
    pub(crate) fn shown<'a>(&self, value: &'a str) -> &'a str {
        let is_known = value.is_empty() || self.hashes.contains(&self.hasher.hash_one(value));
        if is_known { value } else { OTHER }
    }
}

impl<T> CappedLabels<T> {
    /// Starts without names, with room for `most` of them, or for ten times as many over time.
    pub(crate) fn new(most: usize, new: fn() -> T) -> Self {
        Self { most, new, known: BTreeMap::new(), other: None, ever: EverShown::new(most * TURNOVER) }
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
        if known || self.known.len() >= self.most || name == OTHER || !self.ever.admit(name) {
            return known;
        }
        self.known.insert(name.into(), (self.new)());
        true
    }

    /// The value of a name that has its own.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.known.get(name)
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
    fn names_that_change_all_the_time_end_as_others() {
        let mut counts = CappedLabels::new(2, u64::default);
        for name in 0..10_000 {
            *counts.of(&format!("n{name}")) += 1;
            counts.retain(|_| false);
        }
        assert_eq!(all(&counts), [(OTHER, 9_980)]);
        *counts.of("n7") += 1;
        assert_eq!(all(&counts), [("n7", 1), (OTHER, 9_980)], "an old name may come back");

        let mut versions = EverShown::new(3);
        let shown: HashSet<_> = (0..10_000)
            .map(|version| version.to_string())
            .map(|version| {
                versions.admit(&version);
                versions.shown(&version).to_owned()
            })
            .collect();
        assert_eq!(shown, ["0", "1", "2", OTHER].map(str::to_owned).into());
        assert_eq!((versions.shown("1"), versions.shown("")), ("1", ""));
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

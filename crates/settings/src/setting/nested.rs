//! Declarations of sections and of lists of structs.

use std::marker::PhantomData;

use super::{super::Concern, Changes, Declare, Reader};
use crate::changes::Compare;

/// A section of the file: a mapping whose keys are the settings of the concern `T`.
pub struct Section<T> {
    pub(crate) key: &'static str,
    pub(crate) doc: &'static str,
    concern: PhantomData<T>,
}

/// A list of structs, each with the settings of the concern `T`. It can only be given in the file.
pub struct ListOf<T> {
    pub(crate) key: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) live: bool,
    pub(crate) unique: Vec<Unique<T>>,
}

/// A setting whose value must differ between the items of a list.
pub(crate) struct Unique<T> {
    /// The setting's key, also used in messages.
    pub(crate) key: &'static str,
    /// Its value, if any, in the form in which values are compared.
    pub(crate) of: fn(&T) -> Option<String>,
}

impl<T> Section<T> {
    /// The section `key` (snake_case).
    pub fn new(key: &'static str) -> Self {
        Self { key, doc: "", concern: PhantomData }
    }

    /// What the section is for.
    pub fn doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }
}

impl<T> ListOf<T> {
    /// The list `key` (snake_case).
    pub fn new(key: &'static str) -> Self {
        Self { key, doc: "", live: false, unique: Vec::new() }
    }

    /// What the list is for.
    pub fn doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }

    /// A change of the list takes effect without a restart.
    pub fn live(self) -> Self {
        Self { live: true, ..self }
    }

    /// Items must not have the same value of the setting `key`; `of` returns the value to compare, or
    /// `None` for an item without one.
    pub fn unique(mut self, key: &'static str, of: fn(&T) -> Option<String>) -> Self {
        self.unique.push(Unique { key, of });
        self
    }
}

impl<T: Concern + Compare> Declare<T> for Section<T> {
    fn read(self, from: &mut Reader<'_>) -> T {
        from.read_section(self.key, self.doc, T::read)
    }

    fn compare(self, old: &T, new: &T, changes: &mut Changes) {
        changes.section(self.key, |changes| T::compare(old, new, changes));
    }
}

impl<T: Concern + PartialEq> Declare<Vec<T>> for ListOf<T> {
    fn read(self, from: &mut Reader<'_>) -> Vec<T> {
        from.read_list(self)
    }

    fn compare(self, old: &Vec<T>, new: &Vec<T>, changes: &mut Changes) {
        changes.note(self.key, self.live, old == new);
    }
}

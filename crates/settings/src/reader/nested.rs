//! Sections and lists of structs.

use std::mem;

use super::{Notes, ReadSetting, Reader, Scope};
use crate::{
    Concern, KeyPath,
    declaration::Group,
    file::given_twice,
    mistake::{Mistake, SourceSpan},
    setting::{Declare as _, ListOf},
    yaml::{Node, Value},
};

impl<'a> Reader<'a> {
    /// Reads the settings of the section `key` with `read`.
    pub fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.read_section(key, "", read)
    }

    /// The items of the list `key`: a YAML list of mappings, each with the settings of `T`.
    pub fn list_of<T: Concern + PartialEq>(&mut self, key: &'static str) -> Vec<T> {
        ListOf::new(key).read(self)
    }

    pub(crate) fn read_section<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let path = self.declare(key, doc, false);
        let node = self.node(key);
        let entries = match node.map(|node| (&node.value, &node.span)) {
            Some((Value::Mapping(entries), _)) => &entries[..],
            Some((value, span)) if !value.is_empty() => {
                let what =
                    format!("{path}: {} is invalid, expected a section: `key: value` lines", found(value));
                self.notes.mistakes.push(Mistake { place: span.clone(), what });
                &[]
            }
            _ => &[],
        };
        let span = self.scope.span.clone();
        let (value, notes) = self.within(Scope { path, entries, span }, read);
        self.notes.extend(notes);
        value
    }

    pub(crate) fn read_list<T: Concern>(&mut self, list: ListOf<T>) -> Vec<T> {
        let path = self.declare(list.key, list.doc, true);
        let scope = Scope { path: path.item(None), entries: &[], span: None };
        let (_, declared) = self.within(scope, T::read);
        self.notes.read.extend(declared.read);
        self.notes.groups.extend(declared.groups);
        let nodes: &[Node] = match self.node(list.key).map(|node| (&node.value, &node.span)) {
            Some((Value::List(nodes), _)) => nodes,
            Some((value, span)) if !value.is_empty() => {
                let what =
                    format!("{path}: {} is invalid, expected a YAML list, one item for each", found(value));
                self.notes.mistakes.push(Mistake { place: span.clone(), what });
                &[]
            }
            _ => &[],
        };
        let items: Vec<_> =
            nodes.iter().enumerate().filter_map(|(n, node)| self.item(&path, n, node)).collect();
        self.refuse_twins(&path, &list, &items);
        items.into_iter().map(|item| item.value).collect()
    }

    /// One item of a list.
    fn item<T: Concern>(&mut self, list: &KeyPath, n: usize, node: &'a Node) -> Option<Item<T>> {
        let path = list.item(Some(n));
        let Value::Mapping(entries) = &node.value else {
            let what = format!("{path}: {} is invalid, expected `key: value` lines", found(&node.value));
            self.notes.mistakes.push(Mistake { place: node.span.clone(), what });
            return None;
        };
        let span = node.span.clone();
        let scope = Scope { path, entries, span: Some(span.clone()) };
        let (value, notes) = self.within(scope, T::read);
        let is_right = notes.mistakes.is_empty();
        // The declarations of nested lists are known from the declaration of this list.
        let read = notes.read.into_iter().filter(|setting| !setting.declared.parent.is_for_every_item());
        let first = self.notes.in_items.len();
        self.notes.in_items.extend(read.chain(notes.in_items));
        self.notes.mistakes.extend(notes.mistakes);
        self.notes.warnings.extend(notes.warnings);
        Some(Item { n, value, span, is_right, first })
    }

    /// Rejects items that have the same value of a setting that must be unique.
    fn refuse_twins<T>(&mut self, path: &KeyPath, list: &ListOf<T>, items: &[Item<T>]) {
        let right: Vec<_> = items.iter().filter(|item| item.is_right).collect();
        for (at, item) in right.iter().enumerate() {
            for unique in &list.unique {
                let Some(value) = (unique.of)(&item.value) else { continue };
                let Some(twin) =
                    right[..at].iter().find(|other| (unique.of)(&other.value).as_ref() == Some(&value))
                else {
                    continue;
                };
                let key = path.item(Some(item.n)).key(unique.key);
                let setting = self.notes.in_items[item.first..]
                    .iter_mut()
                    .find(|setting| setting.declared.path() == key);
                let is_secret = setting.as_ref().is_some_and(|setting| setting.declared.is_secret());
                let shown = if is_secret { "the value (not shown)".to_owned() } else { format!("{value:?}") };
                let what = format!("{shown} is already used by {}", path.item(Some(twin.n)));
                let written = setting.as_ref().and_then(|setting| setting.written.as_ref());
                let place = written.map_or_else(|| item.span.clone(), |written| written.span.clone());
                if let Some(setting) = setting {
                    setting.problem = Some(Mistake { place: place.clone(), what: what.clone() });
                }
                self.notes.mistakes.push(Mistake { place, what: format!("{key}: {what}") });
            }
        }
    }

    /// Declares a section or a list, and returns its path.
    fn declare(&mut self, key: &'static str, doc: &'static str, is_list: bool) -> KeyPath {
        let path = self.scope.path.key(key);
        self.notes.groups.push(Group { path: path.clone(), is_list, concern: self.concern, doc });
        path
    }

    fn node(&self, key: &str) -> Option<&'a Node> {
        self.scope.entries.iter().find(|entry| entry.is(key)).map(|entry| &entry.node)
    }

    /// Reads in another scope, and returns what was collected there.
    fn within<T>(&mut self, scope: Scope<'a>, read: impl FnOnce(&mut Self) -> T) -> (T, Notes) {
        let twice = given_twice(scope.entries, &scope.path);
        let outer = (mem::replace(&mut self.scope, scope), self.concern, mem::take(&mut self.notes));
        self.notes.mistakes = twice;
        let value = read(self);
        let (scope, concern, notes) = outer;
        (self.scope, self.concern) = (scope, concern);
        (value, mem::replace(&mut self.notes, notes))
    }
}

/// An item that has been read.
struct Item<T> {
    n: usize,
    value: T,
    span: SourceSpan,
    /// Whether it has no mistakes.
    is_right: bool,
    /// Its first setting among [`Notes::in_items`].
    first: usize,
}

impl Notes {
    fn extend(&mut self, other: Self) {
        self.read.extend::<Vec<ReadSetting>>(other.read);
        self.in_items.extend(other.in_items);
        self.groups.extend(other.groups);
        self.mistakes.extend(other.mistakes);
        self.warnings.extend(other.warnings);
    }
}

/// The value that was found, for a message.
fn found(value: &Value) -> String {
    match (value.shape(), value) {
        (Some(shape), _) => shape.to_owned(),
        (None, Value::Scalar(text)) if text.trim().is_empty() => "an empty value".to_owned(),
        // It may be a key of somebody who has misunderstood the format, so it is not shown.
        (None, _) => "a plain value".to_owned(),
    }
}

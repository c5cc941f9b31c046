//! The configuration file.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    KeyPath,
    key_path::Step,
    mistake::{Mistake, SourceSpan},
    text_file,
    yaml::{self, Entry, Value},
};

/// A configuration file that has been read.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) entries: Vec<Entry>,
}

impl File {
    /// Reads the file at `path`, in which a key may be repeated; `Ok(None)` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Mistake> {
        Self::read_unless(path, text_file::is_absent)
    }

    /// The same for the default file; also `Ok(None)` if the file is in a folder that this account may not enter.
    pub(super) fn read_default(path: &Path) -> Result<Option<Self>, Mistake> {
        Self::read_unless(path, |error| text_file::is_absent_or_hidden(path, error))
    }

    fn read_unless(path: &Path, is_absent: impl Fn(&io::Error) -> bool) -> Result<Option<Self>, Mistake> {
        match text_file::read(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => {
                let place = SourceSpan::WholeFile(path.to_owned());
                Err(Mistake { place, what: format!("cannot be read: {error}") })
            }
        }
    }

    /// Parses the text of the file at `path`, in which a key may be repeated.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, Mistake> {
        Ok(Self { path: path.to_owned(), entries: yaml::parse(path, text)? })
    }

    /// A mistake for every repeated key at the top level.
    pub(super) fn given_twice(&self) -> Vec<Mistake> {
        given_twice(&self.entries, &KeyPath::default())
    }

    /// The entries of the mapping at `path`, if there is one.
    pub(super) fn mapping(&self, path: &KeyPath) -> Option<&[Entry]> {
        let (mut entries, mut value): (&[Entry], Option<&Value>) = (&self.entries, None);
        for step in path.steps() {
            let inner = match (step, value) {
                (Step::Key(key), _) => &entries.iter().find(|entry| entry.is(key))?.node.value,
                (Step::Item(Some(index)), Some(Value::List(items))) => &items.get(*index)?.value,
                (Step::Item(_), _) => return None,
            };
            entries = if let Value::Mapping(entries) = inner { entries } else { &[] };
            value = Some(inner);
        }
        matches!(value, None | Some(Value::Mapping(_))).then_some(entries)
    }

    /// All entries, including those of nested mappings.
    pub(super) fn all_entries(&self) -> Vec<&Entry> {
        let mut all = Vec::new();
        collect(&self.entries, &mut all);
        all
    }
}

fn collect<'a>(entries: &'a [Entry], all: &mut Vec<&'a Entry>) {
    for entry in entries {
        all.push(entry);
        collect_in(&entry.node.value, all);
    }
}

fn collect_in<'a>(value: &'a Value, all: &mut Vec<&'a Entry>) {
    match value {
        Value::Mapping(entries) => collect(entries, all),
        Value::List(items) => items.iter().for_each(|item| collect_in(&item.value, all)),
        Value::Scalar(_) | Value::Other => {}
    }
}

/// A mistake for every repeated key in the mapping at `path`.
pub(super) fn given_twice(entries: &[Entry], path: &KeyPath) -> Vec<Mistake> {
    let earlier = |n: usize| entries[..n].iter().any(|entry| entry.is(&entries[n].key));
    let twice = (0..entries.len()).filter(|n| earlier(*n)).map(|n| &entries[n]);
    twice
        .map(|entry| Mistake {
            place: entry.key_span.clone(),
            what: format!("{} was already given above", path.key(&entry.key)),
        })
        .collect()
}

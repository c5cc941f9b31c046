//! Changes of entries, each read back before it is kept.

use super::{Edit, EditError, KeyPath, Plain, SourceSpan, change, layout, plain};
use crate::{
    key_path::Step,
    yaml::{self, Entry, Value, means},
};

impl Edit {
    /// Sets the first entry that is the `same` in the mapping at `parent` to this value, or adds an entry.
    pub(super) fn put(
        &mut self,
        parent: &KeyPath,
        same: impl Fn(&str) -> bool,
        rename: Option<&str>,
        key: &str,
        wanted: Plain,
        path: &str,
    ) -> Result<(), EditError> {
        let mut expected = plain(&self.file().entries);
        let new = layout::of(&self.text).and_then(|layout| {
            let mapping = layout.mapping(parent)?;
            match mapping.items.iter().any(|item| same(&item.key)) {
                true => change::replace(&self.text, mapping, &same, rename, &wanted),
                false => change::add(&self.text, &layout, mapping, key, &wanted),
            }
        });
        if let Some(entries) = mapping_mut(&mut expected, parent) {
            let at = entries.iter().position(|(written, _)| same(written)).unwrap_or(entries.len());
            let becomes =
                rename.or(entries.get(at).map(|(written, _)| written.as_str())).unwrap_or(key).to_owned();
            entries.retain(|(written, _)| !same(written));
            entries.insert(at, (becomes, wanted));
        }
        self.keep(new, &expected, path)
    }

    /// Adds the missing section at `section` with this content, and the missing sections around it.
    pub(super) fn put_section(
        &mut self,
        section: &KeyPath,
        content: Plain,
        path: &str,
    ) -> Result<(), EditError> {
        let file = self.file();
        let unknown = || EditError::Unknown(path.to_owned());
        let (parent, key) = (section.parent().ok_or_else(unknown)?, section.last_key().ok_or_else(unknown)?);
        let Some(entries) = file.mapping(&parent) else {
            return self.put_section(&parent, Plain::Mapping(vec![(key.to_owned(), content)]), path);
        };
        if entries.iter().any(|entry| entry.is(key) && !entry.node.value.is_empty()) {
            return Err(self.entangled(path));
        }
        self.put(&parent, |written| means(written, key), None, key, content, path)
    }

    /// Removes every entry that is `ours` from the mapping at `parent`; if none is left, the section too.
    pub(super) fn cut(
        &mut self,
        parent: &KeyPath,
        ours: &dyn Fn(&str) -> bool,
        path: &str,
    ) -> Result<(), EditError> {
        let file = self.file();
        let Some(entries) = file.mapping(parent) else { return Ok(()) };
        let left = entries.iter().filter(|entry| !ours(&entry.key)).count();
        if left == entries.len() {
            return Ok(());
        }
        if let (0, Some(outer)) = (left, parent.parent()) {
            let Some(section) = parent.last_key() else { return Err(self.entangled(path)) };
            let twins =
                file.mapping(&outer).unwrap_or_default().iter().filter(|entry| entry.is(section)).count();
            if twins != 1 {
                return Err(self.entangled(path));
            }
            return self.cut(&outer, &|written| means(written, section), path);
        }
        let mut expected = plain(&file.entries);
        if let Some(entries) = mapping_mut(&mut expected, parent) {
            entries.retain(|(written, _)| !ours(written));
        }
        let layout = layout::of(&self.text);
        let new = layout.and_then(|layout| change::remove(&self.text, layout.mapping(parent)?, ours));
        self.keep(new, &expected, path)
    }

    /// Keeps a new text, if there is one and it reads as expected.
    pub(super) fn keep(
        &mut self,
        new: Option<String>,
        expected: &[(String, Plain)],
        path: &str,
    ) -> Result<(), EditError> {
        let reads = |text: &String| Some(plain(&yaml::parse(&self.path, text).ok()?));
        match new.filter(|text| reads(text).is_some_and(|entries| entries == expected)) {
            Some(text) => {
                self.text = text;
                Ok(())
            }
            None => Err(self.entangled(path)),
        }
    }

    /// The error for a setting that cannot be changed, with the position of the last existing part of its path.
    pub(super) fn entangled(&self, path: &str) -> EditError {
        let file = self.file();
        let mut span = SourceSpan::WholeFile(self.path.clone());
        let (mut entries, mut items): (&[Entry], &[yaml::Node]) = (&file.entries, &[]);
        for step in KeyPath::parse(path).unwrap_or_default().steps() {
            let node = match step {
                Step::Key(key) => {
                    entries.iter().find(|entry| entry.is(key)).map(|entry| (&entry.node, &entry.key_span))
                }
                Step::Item(index) => index.and_then(|index| items.get(index)).map(|node| (node, &node.span)),
            };
            let Some((node, at)) = node else { break };
            span = at.clone();
            entries = if let Value::Mapping(entries) = &node.value { entries } else { &[] };
            items = if let Value::List(items) = &node.value { items } else { &[] };
        }
        EditError::Entangled { place: span, key: path.to_owned() }
    }
}

/// The mapping at `path`.
pub(super) fn mapping_mut<'a>(
    root: &'a mut Vec<(String, Plain)>,
    path: &KeyPath,
) -> Option<&'a mut Vec<(String, Plain)>> {
    let (mut entries, mut items): (Option<&mut Vec<_>>, Option<&mut Vec<Plain>>) = (Some(root), None);
    for step in path.steps() {
        let value = match step {
            Step::Key(key) => &mut entries?.iter_mut().find(|(written, _)| means(written, key))?.1,
            Step::Item(index) => items?.get_mut((*index)?)?,
        };
        (entries, items) = match value {
            Plain::Mapping(inner) => (Some(inner), None),
            Plain::List(inner) => (None, Some(inner)),
            Plain::Scalar(_) | Plain::Other => (None, None),
        };
    }
    entries
}

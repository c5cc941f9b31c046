//! Unknown keys in the file, with the name that was probably meant.

use crate::{
    KeyPath, Retired,
    file::File,
    nearest::nearest,
    reader::Notes,
    yaml::{Entry, Value},
};

/// A warning for every key that is unknown at its position.
pub(super) fn keys(file: &File, notes: &Notes, retired: &[Retired]) -> Vec<String> {
    let retired = retired.iter().flat_map(|retired| retired.keys).copied().collect();
    let mut search = Search { notes, retired, warnings: Vec::new() };
    search.mapping(&file.entries, &KeyPath::default(), &KeyPath::default());
    search.warnings
}

struct Search<'a> {
    notes: &'a Notes,
    /// Legacy keys, which are valid at the top level only.
    retired: Vec<&'static str>,
    warnings: Vec<String>,
}

impl Search<'_> {
    /// `given` is the path of the mapping, `declared` the same with `[]` for every item.
    fn mapping(&mut self, entries: &[Entry], given: &KeyPath, declared: &KeyPath) {
        let settings = self.notes.read.iter().filter(|setting| setting.declared.parent == *declared);
        let mut known: Vec<String> = settings.flat_map(|setting| setting.declared.keys()).collect();
        let groups: Vec<_> =
            self.notes.groups.iter().filter(|group| group.path.parent().as_ref() == Some(declared)).collect();
        known.extend(groups.iter().map(|group| group.key().to_owned()));
        for entry in entries {
            if let Some(group) = groups.iter().find(|group| entry.is(group.key())) {
                let path = given.key(group.key());
                match (&entry.node.value, group.is_list) {
                    (Value::Mapping(entries), false) => self.mapping(entries, &path, &group.path),
                    (Value::List(items), true) => {
                        for (n, item) in items.iter().enumerate() {
                            let Value::Mapping(entries) = &item.value else { continue };
                            self.mapping(entries, &path.item(Some(n)), &group.path.item(None));
                        }
                    }
                    _ => {} // a mistake, and reported as one
                }
            } else if !known.iter().any(|key| entry.is(key)) && !self.is_retired(entry, given) {
                self.warn(entry, given, &known);
            }
        }
    }

    fn is_retired(&self, entry: &Entry, given: &KeyPath) -> bool {
        given.steps().is_empty() && self.retired.iter().any(|key| entry.is(key))
    }

    fn warn(&mut self, entry: &Entry, given: &KeyPath, known: &[String]) {
        let written = entry.key.replace('-', "_");
        let near = nearest(&written, known.iter().map(String::as_str)).map(|key| given.key(key).to_string());
        let meant = near.or_else(|| self.elsewhere(&entry.key));
        let meant = meant.map(|path| format!("; did you mean {path}?")).unwrap_or_default();
        let path = given.key(&entry.key).to_string();
        self.warnings.push(format!("{}unknown setting {path:?} is ignored{meant}", entry.key_span));
    }

    /// The setting in a section whose flag would have this name: `cache_size` for `cache.size`.
    fn elsewhere(&self, key: &str) -> Option<String> {
        let nested = self.notes.read.iter().map(|setting| &setting.declared);
        let flat = nested.filter(|declared| !declared.parent.steps().is_empty());
        let mut same = flat.filter(|declared| {
            declared.flag(declared.key()).is_some_and(|flag| crate::yaml::means(key, &flag.replace('-', "_")))
        });
        same.next().map(|declared| declared.path().to_string())
    }
}

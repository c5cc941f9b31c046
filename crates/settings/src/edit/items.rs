//! Items of lists of structs.

use super::{Edit, EditError, Plain, Value, change, entries::mapping_mut, layout, plain};
use crate::{KeyPath, key_path::Step, kind::Syntax, yaml::means};

impl Edit {
    /// Adds an item to the end of the list at `path`, such as `endpoints`, with these settings: keys and values as
    /// text. Empty values are left out.
    ///
    /// # Errors
    /// There is no such list or setting, a value is missing or invalid, or the file is written too unusually.
    pub fn push(&mut self, path: &str, settings: &[(&str, &str)]) -> Result<(), EditError> {
        let unknown = || EditError::Unknown(path.to_owned());
        let list = KeyPath::parse(path).filter(|path| !path.is_for_every_item()).ok_or_else(unknown)?;
        let is_list = self.groups.iter().any(|group| group.is_list && group.path.covers(&list));
        let (true, Some(key)) = (is_list, list.last_key()) else { return Err(unknown()) };
        let item = self.new_item(&list, settings)?;
        let (parent, file) = (list.parent().unwrap_or_default(), self.file());
        let Some(entries) = file.mapping(&parent) else {
            let content = Plain::Mapping(vec![(key.to_owned(), Plain::List(vec![item]))]);
            return self.put_section(&parent, content, path);
        };
        let ours = |written: &str| means(written, key);
        match entries.iter().find(|entry| entry.is(key)).map(|entry| &entry.node.value) {
            Some(Value::List(items)) if !items.is_empty() => {
                let mut expected = plain(&file.entries);
                let list_of = mapping_mut(&mut expected, &parent).and_then(|entries| items_mut(entries, key));
                list_of.into_iter().for_each(|items| items.push(item.clone()));
                let new = layout::of(&self.text).and_then(|layout| match &layout.item(&list)?.shape {
                    layout::Shape::List(list) => change::push(&self.text, list, &item),
                    _ => None,
                });
                self.keep(new, &expected, path)
            }
            Some(Value::List(_)) | None => self.put(&parent, ours, None, key, Plain::List(vec![item]), path),
            Some(value) if value.is_empty() => {
                self.put(&parent, ours, None, key, Plain::List(vec![item]), path)
            }
            Some(_) => Err(self.entangled(path)),
        }
    }

    /// Removes an item of a list, such as `endpoints[1]`, with its lines. If it was the last item, the list is removed too.
    ///
    /// # Errors
    /// There is no such item, or the file is written too unusually.
    pub fn remove_item(&mut self, path: &str) -> Result<(), EditError> {
        let unknown = || EditError::Unknown(path.to_owned());
        let item = KeyPath::parse(path).ok_or_else(unknown)?;
        let Some(Step::Item(Some(n))) = item.steps().last() else { return Err(unknown()) };
        let list = item.parent().unwrap_or_default();
        let is_list = self.groups.iter().any(|group| group.is_list && group.path.covers(&list));
        let (true, Some(key)) = (is_list, list.last_key()) else { return Err(unknown()) };
        let (parent, file) = (list.parent().unwrap_or_default(), self.file());
        let mut expected = plain(&file.entries);
        let items = mapping_mut(&mut expected, &parent).and_then(|entries| items_mut(entries, key));
        let items = items.filter(|items| *n < items.len()).ok_or_else(unknown)?;
        if items.len() == 1 {
            return self.cut(&parent, &|written| means(written, key), path);
        }
        items.remove(*n);
        let new = layout::of(&self.text).and_then(|layout| match &layout.item(&list)?.shape {
            layout::Shape::List(list) => change::remove_element(&self.text, list, *n),
            _ => None,
        });
        self.keep(new, &expected, path)
    }

    /// A new item of a list. Its values are valid, and no required one is missing.
    fn new_item(&self, list: &KeyPath, settings: &[(&str, &str)]) -> Result<Plain, EditError> {
        let mut entries = Vec::new();
        for (key, value) in settings.iter().filter(|(_, value)| !value.trim().is_empty()) {
            let path = list.item(Some(0)).key(key).to_string();
            let (_, declared) = self.setting(&path)?;
            (self.fits)(&path, value).map_err(|why| EditError::Wrong { key: (*key).to_owned(), why })?;
            let value = match declared.format.syntax {
                Syntax::List => Plain::texts(super::items(value)),
                Syntax::Value | Syntax::Signed | Syntax::Switch => Plain::Scalar(value.trim().to_owned()),
            };
            entries.push((declared.key().to_owned(), value));
        }
        let ours = self.settings.iter().filter(|declared| declared.parent.covers(&list.item(Some(0))));
        let mut missing = ours
            .filter(|declared| declared.required && !entries.iter().any(|(key, _)| *key == declared.key()));
        match missing.next() {
            None => Ok(Plain::Mapping(entries)),
            Some(declared) => {
                let why = format!("a value is required, expected {}", declared.expected());
                Err(EditError::Wrong { key: declared.key().to_owned(), why })
            }
        }
    }
}

/// The items of the list `key`.
fn items_mut<'a>(entries: &'a mut [(String, Plain)], key: &str) -> Option<&'a mut Vec<Plain>> {
    match entries.iter_mut().find(|(written, _)| means(written, key)).map(|(_, value)| value) {
        Some(Plain::List(items)) => Some(items),
        _ => None,
    }
}

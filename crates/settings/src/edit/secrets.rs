//! The secrets in a settings file.

use super::{Edit, change, layout};
use crate::{
    Declaration, KeyPath,
    file::File,
    yaml::{Entry, Plain, Value},
};

impl Edit {
    /// The text with `instead` in place of every secret value, including those in sections, in lists and below
    /// unknown keys; `None` if it is written too unusually for that.
    pub fn without_secrets(&self, instead: &str) -> Option<String> {
        let instead = Plain::Scalar(instead.to_owned());
        let mut found = Vec::new();
        self.secrets_in(&self.file().entries, &KeyPath::default(), &mut found);
        let text = found.iter().try_fold(self.text.clone(), |text, (parent, key)| {
            let layout = layout::of(&text)?;
            change::replace(&text, layout.mapping(parent)?, |written| written == key, None, &instead)
        })?;
        let file = File::parse(&self.path, &text).ok()?;
        let is_hidden = |entry: &&Entry| !self.is_secret(&entry.key) || entry.node.value.plain() == instead;
        file.all_entries().iter().all(is_hidden).then_some(text)
    }

    /// Whether the text contains a secret.
    pub fn holds_secret(&self) -> bool {
        self.file().all_entries().iter().any(|entry| self.is_secret(&entry.key))
    }

    /// All secrets, each with the path of its mapping.
    fn secrets_in(&self, entries: &[Entry], parent: &KeyPath, found: &mut Vec<(KeyPath, String)>) {
        for entry in entries {
            match self.is_secret(&entry.key) {
                true => found.push((parent.clone(), entry.key.clone())),
                false => self.secrets_below(&entry.node.value, &parent.key(&entry.key), found),
            }
        }
    }

    fn secrets_below(&self, value: &Value, path: &KeyPath, found: &mut Vec<(KeyPath, String)>) {
        match value {
            Value::Mapping(entries) => self.secrets_in(entries, path, found),
            Value::List(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.secrets_below(&item.value, &path.item(Some(n)), found);
                }
            }
            Value::Scalar(_) | Value::Other => {}
        }
    }

    /// Whether a key is that of a secret, in any mapping.
    fn is_secret(&self, key: &str) -> bool {
        let means_it = |declared: &Declaration| declared.ranks(key).is_some_and(|rank| !rank.is_file);
        self.settings.iter().any(|declared| declared.is_secret() && means_it(declared))
    }
}

//! The declaration of a setting: names, default, documentation, format, whether it is secret, whether it is live.

use super::{KeyPath, kind::Format};

/// The declaration of a setting.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The concern it belongs to: the heading in `--help` and on the reference page.
    pub concern: &'static str,
    /// The section or the list item that it belongs to; empty at the top.
    pub parent: KeyPath,
    /// Its names, the current one first.
    pub names: Vec<Name>,
    /// A flag of one letter.
    pub short: Option<char>,
    /// The default, as text that its kind can parse; empty for none.
    pub default: &'static str,
    /// The default in words, if the text alone does not explain it.
    pub default_words: &'static str,
    /// How values are written.
    pub format: Format,
    /// A change takes effect without a restart.
    pub live: bool,
    /// It has no default: the configuration is invalid without it.
    pub required: bool,
    /// What the setting is for.
    pub doc: &'static str,
}

/// A name of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// For a switch that sets a value of this setting (`debug: true` for `log_level: debug`): that value.
    pub key: &'static str,
    /// For a switch that stands for a value of this setting (`debug: true` for `log_level: debug`): the value.
    pub means: Option<&'static str>,
    /// Whether it comes from an older version.
    pub is_older: bool,
}

impl Name {
    /// For a secret: the key of the setting that names a file containing it.
    pub fn file_key(&self) -> String {
        format!("{}_file", self.key)
    }
}

impl Declaration {
    /// Its current key within its section or item.
    pub fn key(&self) -> &'static str {
        self.names[0].key
    }

    /// Its path from the top of the file: `log_level`, `cache.size`, `endpoints[].url`.
    pub fn path(&self) -> KeyPath {
        self.parent.key(self.key())
    }

    /// Whether its values must not be shown.
    pub fn is_secret(&self) -> bool {
        self.format.secret
    }

    /// The default, as shown to people; empty for none.
    pub fn default_in_words(&self) -> &'static str {
        if self.default_words.is_empty() { self.default } else { self.default_words }
    }

    /// The format, with an example: `a duration, for example 30s`.
    pub fn expected(&self) -> String {
        match self.format.example {
            "" => self.format.expected.clone(),
            example => format!("{}, for example {example}", self.format.expected),
        }
    }

    /// The environment variable for one of its keys. `None` within lists, which can only be given in the file.
    pub fn env(&self, key: &str) -> Option<String> {
        Some(self.flat(key)?.to_ascii_uppercase())
    }

    /// The flag for one of its keys, without dashes. `None` within lists, which can only be given in the file.
    pub fn flag(&self, key: &str) -> Option<String> {
        Some(self.flat(key)?.replace('_', "-"))
    }

    /// All keys of this setting, in snake_case.
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> {
        let files = self.names.iter().filter(|_| self.is_secret()).map(Name::file_key);
        self.names.iter().map(|name| name.key.to_owned()).chain(files)
    }

    /// `size` in the section `cache` is `cache_size`.
    fn flat(&self, key: &str) -> Option<String> {
        let path = self.parent.key(key);
        (!path.is_in_list()).then(|| path.to_string().replace('.', "_"))
    }
}

/// The declaration of a section or of a list of structs.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) path: KeyPath,
    /// Whether it is a list of structs; otherwise a section.
    pub(crate) is_list: bool,
    /// The heading of the concern that declares it.
    pub(crate) concern: &'static str,
    pub(crate) doc: &'static str,
}

impl Group {
    /// Its key within its mapping.
    pub(crate) fn key(&self) -> &str {
        self.path.last_key().unwrap_or_default()
    }
}

//! One setting: its names, its kind, its default, what it is for.

use super::kind::{Form, Kind};

/// A setting that gives a `T`. Every name follows from the key: `server_url` is `server_url` (or `serverurl`) in
/// the file, `SERVER_URL` in the environment and `--server-url` as a flag.
pub struct Setting<T> {
    pub(super) kind: Kind<T>,
    pub(super) about: About,
}

/// What people are told of a setting.
#[derive(Clone, Debug)]
pub struct About {
    /// The concern it belongs to: the heading in the help and in the reference page.
    pub concern: &'static str,
    /// Its names, the current one first.
    pub names: Vec<Name>,
    /// A flag of one letter.
    pub short: Option<char>,
    /// What it is without being set, as text that its kind reads; empty for "nothing".
    pub default: &'static str,
    /// The default in words, where the text alone does not tell.
    pub default_words: &'static str,
    /// What values may be given.
    pub allowed: String,
    /// How a value looks.
    pub form: Form,
    /// What stands for a value in the help.
    pub called: &'static str,
    /// The words, where only a few will do.
    pub choices: Vec<&'static str>,
    /// Never to be shown.
    pub secret: bool,
    /// What it is for.
    pub doc: &'static str,
}

/// A name of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// snake_case.
    pub key: &'static str,
    /// For a switch that stands for a value of this setting (`debug: true` for `log_level: debug`): the value.
    pub means: Option<&'static str>,
    /// It is from an older version.
    pub is_older: bool,
}

impl Name {
    /// Its name in the environment.
    pub fn env(&self) -> String {
        self.key.to_ascii_uppercase()
    }

    /// Its name as a flag, without the dashes.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// For a secret: the key of the setting that names a file with it.
    pub fn file_key(&self) -> String {
        format!("{}_file", self.key)
    }
}

impl About {
    /// The default as people are told of it; empty for "nothing".
    pub fn default_in_words(&self) -> &'static str {
        if self.default_words.is_empty() { self.default } else { self.default_words }
    }
}

impl<T: 'static> Setting<T> {
    /// The setting `key` (snake_case) of this kind; without more, its default is "nothing".
    pub fn new(key: &'static str, kind: Kind<T>) -> Self {
        let about = About {
            concern: "",
            names: vec![Name { key, means: None, is_older: false }],
            short: None,
            default: "",
            default_words: "",
            allowed: kind.allowed.clone(),
            form: kind.form,
            called: kind.called,
            choices: kind.choices.clone(),
            secret: kind.secret,
            doc: "",
        };
        Self { kind, about }
    }

    /// What it is without being set.
    pub fn default(mut self, text: &'static str) -> Self {
        self.about.default = text;
        self
    }

    /// The default in words, for a default that is found out or that means something.
    pub fn default_words(mut self, words: &'static str) -> Self {
        self.about.default_words = words;
        self
    }

    /// A name that older versions used and that still works, in the file, the environment and as a flag.
    pub fn formerly(mut self, key: &'static str) -> Self {
        self.about.names.push(Name { key, means: None, is_older: true });
        self
    }

    /// Another name, by which the world knows the same thing; it works in all places too.
    pub fn also(mut self, key: &'static str) -> Self {
        self.about.names.push(Name { key, means: None, is_older: false });
        self
    }

    /// A switch of its own that stands for one value of this setting.
    pub fn shorthand(mut self, key: &'static str, means: &'static str) -> Self {
        self.about.names.push(Name { key, means: Some(means), is_older: false });
        self
    }

    /// A flag of one letter.
    pub fn short(mut self, letter: char) -> Self {
        self.about.short = Some(letter);
        self
    }

    /// What it is for, in a sentence or two.
    pub fn doc(mut self, doc: &'static str) -> Self {
        self.about.doc = doc;
        self
    }
}

/// A setting of older versions that this one accepts and does not use.
#[derive(Clone, Copy, Debug)]
pub struct Retired {
    /// Its names in snake_case.
    pub keys: &'static [&'static str],
    /// What was it for, or what to use now; completes "NAME has no effect: ...".
    pub why: &'static str,
}

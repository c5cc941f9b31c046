//! The declaration of one setting, of a section, and of a list of structs.

mod nested;

pub use self::nested::{ListOf, Section};
use super::{
    Changes, KeyPath, Reader,
    declaration::{Declaration, Name},
    kind::ValueKind,
};

/// Something that can be declared and read: a [`Setting`], a [`Section`] or a [`ListOf`] structs.
pub trait Declare<T> {
    /// Reads the value.
    fn read(self, from: &mut Reader<'_>) -> T;

    /// Adds what differs between two values to `changes`.
    fn compare(self, old: &T, new: &T, changes: &mut Changes);
}

/// A setting of type `T`. All names follow from the key: `server_url` is `server_url` (or `serverurl`) in
/// the file, `SERVER_URL` in the environment and `--server-url` as a flag. In a section `cache`, `size` is
/// `CACHE_SIZE` and `--cache-size`. Settings in a list of structs can only be given in the file.
pub struct Setting<T> {
    pub(crate) kind: ValueKind<T>,
    pub(crate) declared: Declaration,
}

impl<T: 'static> Setting<T> {
    /// The setting `key` (snake_case) of this kind. It has no default unless [`Setting::default`] sets one.
    pub fn new(key: &'static str, kind: ValueKind<T>) -> Self {
        let declared = Declaration {
            concern: "",
            parent: KeyPath::default(),
            names: vec![Name { key, means: None, is_older: false }],
            short: None,
            default: "",
            default_words: "",
            format: kind.format.clone(),
            live: false,
            required: false,
            doc: "",
        };
        Self { kind, declared }
    }

    /// The value if the setting is not given.
    pub fn default(mut self, text: &'static str) -> Self {
        self.declared.default = text;
        self
    }

    /// The default in words, for a default that is detected or has a special meaning.
    pub fn default_words(mut self, words: &'static str) -> Self {
        self.declared.default_words = words;
        self
    }

    /// An example, for the reference page, the form and error messages.
    pub fn example(mut self, text: &'static str) -> Self {
        self.declared.format.example = text;
        self
    }

    /// The setting has no default and must be given. It needs an example, which replaces a missing value
    /// while the remaining mistakes are collected.
    pub fn required(mut self) -> Self {
        self.declared.required = true;
        self
    }

    /// The value must never be shown. Settings of kind [`secret`](super::kind::secret) are secret without this.
    pub fn secret(mut self) -> Self {
        self.declared.format.secret = true;
        self
    }

    /// A change takes effect without a restart.
    pub fn live(mut self) -> Self {
        self.declared.live = true;
        self
    }

    /// A name from older versions. It still works, in the file, the environment and as a flag.
    pub fn formerly(mut self, key: &'static str) -> Self {
        self.declared.names.push(Name { key, means: None, is_older: true });
        self
    }

    /// Another common name for the same setting. It also works everywhere.
    pub fn also(mut self, key: &'static str) -> Self {
        self.declared.names.push(Name { key, means: None, is_older: false });
        self
    }

    /// A switch that stands for one value of this setting.
    pub fn shorthand(mut self, key: &'static str, means: &'static str) -> Self {
        self.declared.names.push(Name { key, means: Some(means), is_older: false });
        self
    }

    /// A flag of one letter.
    pub fn short(mut self, letter: char) -> Self {
        self.declared.short = Some(letter);
        self
    }

    /// What the setting is for, in a sentence or two.
    pub fn doc(mut self, doc: &'static str) -> Self {
        self.declared.doc = doc;
        self
    }
}

impl<T: 'static> Declare<T> for Setting<T> {
    fn read(self, from: &mut Reader<'_>) -> T {
        from.setting(self)
    }

    fn compare(self, old: &T, new: &T, changes: &mut Changes) {
        let (key, live) = (self.declared.key(), self.declared.live);
        changes.note(key, live, self.kind.is_same(old, new));
    }
}

/// A setting of older versions that is accepted and ignored.
#[derive(Clone, Copy, Debug)]
pub struct Retired {
    /// Its names in snake_case.
    pub keys: &'static [&'static str],
    /// What replaces it, or why it has no effect; completes "NAME is ignored: ...".
    pub why: &'static str,
}

impl super::DrainTimeout {
    /// The setting `drain_timeout`, which every program has.
    pub fn setting(default: &'static str) -> Setting<Self> {
        let doc = "How long open requests may continue when the program is stopped.";
        Setting::new("drain_timeout", super::kind::drain_timeout()).default(default).doc(doc)
    }
}

//! The declaration of one setting, of a section, and of a list of structs.

mod nested;

pub use self::nested::{ListOf, Section};
use super::{
    Changes, KeyPath, Reader,
    declaration::{Declaration, Name},
    kind::ValueKind,
};

/// Something that is declared and read: a [`Setting`], a [`Section`] or a [`ListOf`] structs.
pub trait Declare<T> {
    /// Reads the value.
    fn read(self, from: &mut Reader<'_>) -> T;

    /// Notes in `changes` what differs between two values.
    fn compare(self, old: &T, new: &T, changes: &mut Changes);
}

/// A setting that gives a `T`. Every name follows from the key: `server_url` is `server_url` (or `serverurl`) in
/// the file, `SERVER_URL` in the environment and `--server-url` as a flag. In a section `cache`, `size` is
/// `CACHE_SIZE` and `--cache-size`. In a list of structs, settings are given in the file only.
pub struct Setting<T> {
    pub(crate) kind: ValueKind<T>,
    pub(crate) declared: Declaration,
}

impl<T: 'static> Setting<T> {
    /// The setting `key` (snake_case) of this kind. Its default is "nothing" unless [`Setting::default`] says another.
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

    /// The value without being set.
    pub fn default(mut self, text: &'static str) -> Self {
        self.declared.default = text;
        self
    }

    /// The default in words, for a default that is detected or that means something.
    pub fn default_words(mut self, words: &'static str) -> Self {
        self.declared.default_words = words;
        self
    }

    /// A value as an example, for the reference page, the form and error messages.
    pub fn example(mut self, text: &'static str) -> Self {
        self.declared.format.example = text;
        self
    }

    /// There is no default: the setting must be given. It needs an example, which stands in for a missing value
    /// while the remaining mistakes are collected.
    pub fn required(mut self) -> Self {
        self.declared.required = true;
        self
    }

    /// The value must never be shown. Also keys of kind [`secret`](super::kind::secret) are, without this.
    pub fn secret(mut self) -> Self {
        self.declared.format.secret = true;
        self
    }

    /// A change takes effect without a restart.
    pub fn live(mut self) -> Self {
        self.declared.live = true;
        self
    }

    /// A name that older versions used. It still works, in the file, the environment and as a flag.
    pub fn formerly(mut self, key: &'static str) -> Self {
        self.declared.names.push(Name { key, means: None, is_older: true });
        self
    }

    /// Another common name for the same setting. It works in all places too.
    pub fn also(mut self, key: &'static str) -> Self {
        self.declared.names.push(Name { key, means: None, is_older: false });
        self
    }

    /// A switch of its own that stands for one value of this setting.
    pub fn shorthand(mut self, key: &'static str, means: &'static str) -> Self {
        self.declared.names.push(Name { key, means: Some(means), is_older: false });
        self
    }

    /// A flag of one letter.
    pub fn short(mut self, letter: char) -> Self {
        self.declared.short = Some(letter);
        self
    }

    /// What it is for, in a sentence or two.
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
    /// What it was for, or what to use now; completes "NAME is ignored: ...".
    pub why: &'static str,
}

impl super::DrainTimeout {
    /// The setting `drain_timeout`, which every program has.
    pub fn setting(default: &'static str) -> Setting<Self> {
        let doc = "How long open requests may continue when the program is stopped.";
        Setting::new("drain_timeout", super::kind::drain_timeout()).default(default).doc(doc)
    }
}

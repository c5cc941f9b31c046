//! Finds what was given for each setting: flag, then environment, then file, then default.

use std::{fs, path::Path};

use super::{
    Env,
    file::{File, Value},
    kind::{Form, switch},
    load::Flags,
    mistake::{Mistake, Place},
    setting::{About, Name, Retired, Setting},
};

/// Where settings come from, strongest first.
pub(super) struct Given<'a> {
    /// By the flag's name without dashes.
    pub(super) flags: &'a Flags,
    pub(super) env: &'a Env,
    pub(super) file: &'a File,
}

/// Reads settings one by one, and remembers every setting it was asked for and every mistake it met.
pub struct Reader<'a> {
    given: Given<'a>,
    concern: &'static str,
    pub(super) asked: Vec<About>,
    /// What was found for each of `asked`.
    pub(super) found: Vec<Found>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<String>,
}

/// What there was for a setting.
pub(super) struct Found {
    /// Its value as it was given; nothing if it is the default.
    pub(super) written: Option<Written>,
    /// What is wrong with what was given.
    pub(super) mistake: Option<Mistake>,
}

/// A value as it was written.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) place: Place,
}

impl<'a> Reader<'a> {
    /// A reader that already knows of mistakes, in the file as such.
    pub(super) fn new(given: Given<'a>, mistakes: Vec<Mistake>) -> Self {
        Self { given, concern: "", asked: Vec::new(), found: Vec::new(), mistakes, warnings: Vec::new() }
    }

    /// The settings asked for from here on belong under this heading.
    pub fn concern(&mut self, title: &'static str) -> &mut Self {
        self.concern = title;
        self
    }

    /// The value of a setting. A wrong one is noted as a mistake, and its default is returned in its place, so that
    /// the rest can be looked at too.
    pub fn read<T: 'static>(&mut self, setting: Setting<T>) -> T {
        let Setting { kind, mut about } = setting;
        about.concern = self.concern;
        let mistakes = self.mistakes.len();
        let written = self.written(&about);
        let given = written.clone();
        let value = written.and_then(|written| {
            let value = kind.read(&written.text);
            if value.is_none() {
                self.wrong(written.place, &about, &format!("{:?} is given", written.text));
            }
            value
        });
        let value = value.or_else(|| kind.read(about.default));
        let value = value.expect("the default of a setting is a value of its kind: a test reads them all");
        self.asked.push(about);
        self.found.push(Found { written: given, mistake: self.mistakes.get(mistakes).cloned() });
        value
    }

    /// Something that is wrong with several settings together. It is only said if each of them is right by itself:
    /// otherwise it may be nothing but a consequence.
    pub fn refuse(&mut self, what: impl Into<String>) {
        if self.mistakes.is_empty() {
            self.mistake(Place::Together, what.into());
        }
    }

    /// Something that works, and that people should know.
    pub fn warn(&mut self, what: impl Into<String>) {
        self.warnings.push(what.into());
    }

    /// Warns of a setting that has no effect any more, wherever it is given.
    pub(super) fn note_retired(&mut self, retired: &Retired) {
        for key in retired.keys {
            let flag = key.replace('_', "-");
            let env = key.to_ascii_uppercase();
            let flag = self.given.flags.contains_key(&flag).then(|| Place::Flag(format!("--{flag}")));
            let env = (self.given.env)(&env).filter(|value| !value.is_empty()).map(|_| Place::Env(env));
            let entry = self.given.file.entry(key).map(|entry| entry.key_place.clone());
            for place in [flag, env, entry].into_iter().flatten() {
                self.warn(format!("{place}{key} has no effect in this version: {}", retired.why));
            }
        }
    }

    fn mistake(&mut self, place: Place, what: String) {
        self.mistakes.push(Mistake { place, what });
    }

    /// A value that does not fit: what was found, unless it is secret, and what is wanted.
    fn wrong(&mut self, place: Place, about: &About, found: &str) {
        let found = if about.secret { "the value (not shown) does not fit" } else { found };
        // A flag and a variable name the setting; a place in the file does not.
        let key = match place {
            Place::File { .. } => format!("{}: ", about.names[0].key),
            _ => String::new(),
        };
        self.mistake(place, format!("{key}{found}, wanted: {}", about.allowed));
    }

    /// What was given for a setting in the strongest place that has something.
    fn written(&mut self, about: &About) -> Option<Written> {
        let places = [Self::flag, Self::env, Self::entry];
        places.iter().find_map(|place| about.names.iter().find_map(|name| self.by_name(about, name, *place)))
    }

    /// What was given under one name in one place; nothing if it was left empty.
    fn by_name(
        &mut self,
        about: &About,
        name: &Name,
        place: fn(&mut Self, &About, &str) -> Option<Written>,
    ) -> Option<Written> {
        let written = place(self, about, name.key).filter(|written| !written.text.trim().is_empty());
        if let Some(means) = name.means {
            return self.spelled_out(written?, means);
        }
        match written {
            None if about.secret => {
                let file = place(self, about, &name.file_key())?;
                self.secret_in(file)
            }
            written => written,
        }
    }

    fn flag(&mut self, about: &About, key: &str) -> Option<Written> {
        let flag = key.replace('_', "-");
        let text = self.given.flags.get(&flag)?.clone();
        if about.secret && !key.ends_with("_file") {
            let env = key.to_ascii_uppercase();
            self.warn(format!(
                "flag --{flag}: other users of this machine can read it in the list of processes; \
                 {env} or {env}_FILE in the environment keeps it private"
            ));
        }
        Some(Written { text, place: Place::Flag(format!("--{flag}")) })
    }

    fn env(&mut self, _: &About, key: &str) -> Option<Written> {
        let name = key.to_ascii_uppercase();
        let text = (self.given.env)(&name)?;
        Some(Written { text, place: Place::Env(name) })
    }

    fn entry(&mut self, about: &About, key: &str) -> Option<Written> {
        let entry = self.given.file.entry(key)?;
        let place = entry.place.clone();
        let text = match &entry.value {
            Value::One(text) => text.clone(),
            Value::Many(items) if about.form == Form::List => items.join(","),
            Value::Many(_) | Value::Odd => {
                self.wrong(place, about, "something else is given");
                return None;
            }
        };
        Some(Written { text, place })
    }

    /// A shorthand that is on stands for a value; one that is off says nothing.
    fn spelled_out(&mut self, written: Written, means: &str) -> Option<Written> {
        let kind = switch();
        match kind.read(&written.text) {
            Some(on) => on.then(|| Written { text: means.to_owned(), ..written }),
            None => {
                self.mistake(
                    written.place,
                    format!("{:?} is given, {} is wanted", written.text, kind.allowed),
                );
                None
            }
        }
    }

    /// The secret in the file that a `..._file` setting names, without the line break at its end.
    fn secret_in(&mut self, file: Written) -> Option<Written> {
        let path = file.text.trim();
        if path.is_empty() {
            return None;
        }
        match fs::read_to_string(Path::new(path)) {
            Ok(text) if !text.trim().is_empty() => Some(Written { text, place: file.place }),
            Ok(_) => {
                self.mistake(file.place, format!("the file {path} is empty"));
                None
            }
            Err(error) => {
                self.mistake(file.place, format!("the file {path} cannot be read: {error}"));
                None
            }
        }
    }
}

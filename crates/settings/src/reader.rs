//! Finds the given value of each setting: flag, then environment, then file, then default.

mod given;
mod nested;

pub(super) use self::given::{Given, Written};
use super::{
    KeyPath,
    declaration::{Declaration, Group},
    mistake::{Mistake, SourceSpan},
    setting::{Declare, Retired, Setting},
    yaml::Entry,
};

/// Reads settings one by one, and collects all declarations and all mistakes.
pub struct Reader<'a> {
    given: Given<'a>,
    scope: Scope<'a>,
    concern: &'static str,
    pub(super) notes: Notes,
}

/// The path in the file of the settings that are read now.
struct Scope<'a> {
    path: KeyPath,
    /// The entries in the file.
    entries: &'a [Entry],
    /// Its position, for an item of a list.
    span: Option<SourceSpan>,
}

/// What a reader has collected.
#[derive(Default)]
pub(super) struct Notes {
    /// The declared settings, in order; those of lists once, with `[]` in their path.
    pub(super) read: Vec<ReadSetting>,
    /// The settings of the items in the file.
    pub(super) in_items: Vec<ReadSetting>,
    pub(super) groups: Vec<Group>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<String>,
}

/// A setting that was read.
pub(super) struct ReadSetting {
    pub(super) declared: Declaration,
    /// Its value as given; `None` if it is the default.
    pub(super) written: Option<Written>,
    /// What is wrong with it, and where.
    pub(super) problem: Option<Mistake>,
}

impl<'a> Reader<'a> {
    /// A reader that starts with mistakes found in the file.
    pub(super) fn new(given: Given<'a>, mistakes: Vec<Mistake>) -> Self {
        let scope = Scope { path: KeyPath::default(), entries: &given.file.entries, span: None };
        Self { given, scope, concern: "", notes: Notes { mistakes, ..Notes::default() } }
    }

    /// Sets the heading for the settings read from here on.
    pub fn concern(&mut self, title: &'static str) -> &mut Self {
        self.concern = title;
        self
    }

    /// The value of a setting, a section or a list. An invalid value is recorded as a mistake, and the default is returned
    /// in its place, so that the rest can be checked too.
    pub fn read<T>(&mut self, declared: impl Declare<T>) -> T {
        declared.read(self)
    }

    pub(super) fn setting<T: 'static>(&mut self, setting: Setting<T>) -> T {
        let Setting { kind, declared } = setting;
        let declared = Declaration { concern: self.concern, parent: self.scope.path.clone(), ..declared };
        let mut problem = None;
        let written = self.written(&declared).unwrap_or_else(|mistake| {
            problem = Some(mistake);
            None
        });
        let value = written.as_ref().and_then(|written| {
            let value = kind.read(&written.text);
            if value.is_none() {
                problem = Some(invalid(&written.span, &declared, &format!("{:?}", written.text)));
            }
            value
        });
        if declared.required && written.is_none() && problem.is_none() {
            problem = Some(self.missing(&declared));
        }
        let stand_in = if declared.required { declared.format.example } else { declared.default };
        let value = value.or_else(|| kind.read(stand_in));
        let value = value
            .expect("the default (or the example) of a setting is a value of its kind: tests read them all");
        self.notes.mistakes.extend(problem.iter().map(|problem| located(&declared, problem)));
        self.notes.read.push(ReadSetting { declared, written, problem });
        value
    }

    /// Rejects settings that conflict. This is reported only if each of them is valid by itself:
    /// otherwise it may only be a consequence.
    pub fn refuse(&mut self, what: impl Into<String>) {
        if self.notes.mistakes.is_empty() {
            let (place, what) = self.here(what.into());
            self.notes.mistakes.push(Mistake { place, what });
        }
    }

    /// Adds a warning.
    pub fn warn(&mut self, what: impl Into<String>) {
        let (place, what) = self.here(what.into());
        self.notes.warnings.push(format!("{place}{what}"));
    }

    /// Warns about a legacy setting, wherever it is given.
    pub(super) fn note_retired(&mut self, retired: &Retired) {
        for key in retired.keys {
            let flag = key.replace('_', "-");
            let env = key.to_ascii_uppercase();
            let flag = self.given.flags.contains_key(&flag).then(|| SourceSpan::Flag(format!("--{flag}")));
            let env = (self.given.env)(&env).filter(|value| !value.is_empty()).map(|_| SourceSpan::Env(env));
            let entry = self.given.file.entries.iter().find(|entry| entry.is(key));
            let entry = entry.map(|entry| entry.key_span.clone());
            for place in [flag, env, entry].into_iter().flatten() {
                self.warn(format!("{place}{key} has no effect in this version: {}", retired.why));
            }
        }
    }

    /// Adds the path of the current list item to a message, if there is one.
    fn here(&self, what: String) -> (SourceSpan, String) {
        match &self.scope.span {
            Some(span) => (span.clone(), format!("{}: {what}", self.scope.path)),
            None => (SourceSpan::Together, what),
        }
    }

    fn missing(&self, declared: &Declaration) -> Mistake {
        let entry = self.scope.entries.iter().find(|entry| declared.keys().any(|key| entry.is(&key)));
        let place = entry.map(|entry| entry.node.span.clone()).or_else(|| self.scope.span.clone());
        let what = format!("a value is required, expected {}", declared.expected());
        Mistake { place: place.unwrap_or(SourceSpan::Together), what }
    }
}

/// An invalid value: the value, unless it is secret, and what is expected.
fn invalid(place: &SourceSpan, declared: &Declaration, found: &str) -> Mistake {
    let found = if declared.is_secret() { "the value (not shown)" } else { found };
    let what = format!("{found} is invalid, expected {}", declared.expected());
    Mistake { place: place.clone(), what }
}

/// A mistake with the setting's path in front, unless its place already names it: flags and variables do.
fn located(declared: &Declaration, problem: &Mistake) -> Mistake {
    let path = match problem.place {
        SourceSpan::Flag(_) | SourceSpan::Env(_) | SourceSpan::Keychain(_) => String::new(),
        _ => format!("{}: ", declared.path()),
    };
    Mistake { place: problem.place.clone(), what: path + &problem.what }
}

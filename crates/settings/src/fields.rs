//! The settings as a form shows them: what each is for, its value and where that comes from, and what is wrong with it.

mod check;
mod lists;
mod secrets;

use std::path::Path;

pub use self::{
    check::check,
    lists::{ListField, lists},
    secrets::{GivenSecret, given_secrets, secrets},
};
use super::{
    Declaration, Env, Flags, Mistakes, ProgramConfig, SourceSpan,
    file::File,
    kind::Syntax,
    reader::{Given, Notes, ReadSetting, Reader},
};

/// A setting to show and edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its key. For a top-level setting, also its path.
    pub key: &'static str,
    /// Its path, for [`check()`] and [`Edit`](super::edit::Edit): `log_level`, `cache.size`, `endpoints[2].url`.
    pub path: String,
    /// The concern it belongs to.
    pub group: &'static str,
    /// Its label, made from the key: `Server URL`.
    pub label: String,
    /// What it is for, and which values are allowed.
    pub help: String,
    /// The control it is edited with.
    pub input: Input,
    /// The current value as written; `None` if it is secret or not set.
    pub value: Option<String>,
    /// Its default, in words.
    pub default: &'static str,
    /// An example, or empty.
    pub example: &'static str,
    /// The allowed values, if there are only a few.
    pub choices: Vec<&'static str>,
    /// When a change takes effect.
    pub effect: Effect,
    /// Whether it is required and has no default.
    pub required: bool,
    /// Why the current value is invalid.
    pub problem: Option<String>,
    /// Where the value comes from.
    pub origin: Origin,
    /// Whether it is set. The value of a secret is not included.
    pub is_set: bool,
}

/// The control a setting is edited with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A line of text.
    Text,
    /// A line of text that is hidden.
    Secret,
    /// A number.
    Number,
    /// Yes or no.
    Switch,
    /// One of a few values.
    Choice,
    /// A file or folder.
    Path,
    /// A URL.
    Url,
    /// A duration.
    Duration,
    /// A size in bytes.
    Size,
    /// Several texts.
    List,
}

/// When a change of a setting takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Immediately.
    Now,
    /// After a restart of the program.
    Restart,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    File,
    /// It is not set.
    Default,
    /// The environment, which overrides the file: changing the file would have no effect.
    Environment,
}

/// All settings except those of lists, and what is wrong with the file as a whole.
#[derive(Clone, Debug)]
pub struct Fields {
    /// The settings, in the order of the declarations. For lists of structs, see [`lists()`].
    pub fields: Vec<Field>,
    /// Why the file could not be read. The fields are then those of an empty file.
    pub file_problem: Option<Mistakes>,
}

/// The settings of `C` with the values from this file and the environment.
pub fn fields<C: ProgramConfig>(file: &Path, env: &Env) -> Fields {
    let (notes, file_problem) = read::<C>(file, env);
    let settings = notes.read.iter().filter(|setting| !setting.declared.parent.is_in_list());
    Fields { fields: settings.map(field).collect(), file_problem }
}

/// The data for a form, and why the file could not be read.
fn read<C: ProgramConfig>(file: &Path, env: &Env) -> (Notes, Option<Mistakes>) {
    let read = File::read(file).map_err(|mistake| vec![mistake]).and_then(|file| {
        let file = file.unwrap_or_default();
        let twice = file.given_twice();
        if twice.is_empty() { Ok(file) } else { Err(twice) }
    });
    let (file, file_problem) = match read {
        Ok(file) => (file, None),
        Err(mistakes) => (File::default(), Some(Mistakes(mistakes))),
    };
    let flags = Flags::new();
    let mut reader = Reader::new(Given::of(&flags, env, &file), Vec::new());
    C::read(&mut reader);
    (reader.notes, file_problem)
}

fn field(setting: &ReadSetting) -> Field {
    let ReadSetting { declared, written, problem } = setting;
    let place = written.as_ref().map(|written| &written.span);
    let is_missing = declared.required && written.is_none();
    let place = place.or(problem.as_ref().filter(|_| !is_missing).map(|problem| &problem.place));
    let text = written.as_ref().map(|written| written.text.clone());
    let key = declared.key();
    Field {
        key,
        path: declared.path().to_string(),
        group: declared.concern,
        label: label(key),
        help: help(declared),
        input: input(declared),
        value: text.filter(|_| !declared.is_secret()),
        default: declared.default_in_words(),
        example: declared.format.example,
        choices: declared.format.choices.clone(),
        effect: if declared.live { Effect::Now } else { Effect::Restart },
        required: declared.required,
        problem: problem.as_ref().map(|problem| problem.what.clone()),
        origin: match place {
            None => Origin::Default,
            Some(SourceSpan::Env(_)) => Origin::Environment,
            Some(_) => Origin::File,
        },
        is_set: place.is_some(),
    }
}

fn input(declared: &Declaration) -> Input {
    match (declared.format.syntax, declared.format.value_name) {
        _ if declared.is_secret() => Input::Secret,
        (Syntax::List, _) => Input::List,
        (Syntax::Switch, _) => Input::Switch,
        _ if !declared.format.choices.is_empty() => Input::Choice,
        (_, "NUMBER" | "PORT") => Input::Number,
        (_, "PATH") => Input::Path,
        (_, "URL") => Input::Url,
        (_, "DURATION") => Input::Duration,
        (_, "SIZE") => Input::Size,
        _ => Input::Text,
    }
}

fn help(declared: &Declaration) -> String {
    let doc = declared.doc.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "");
    let example = match declared.format.example {
        "" => String::new(),
        example => format!(" Example: {example}"),
    };
    match declared.format.syntax {
        Syntax::Switch => doc,
        _ if !declared.format.choices.is_empty() => doc,
        _ => format!("{doc} Format: {}.{example}", declared.format.expected),
    }
}

/// `server_url` as a label: `Server URL`.
fn label(key: &str) -> String {
    let words = key.split('_').map(|word| match word {
        "api" | "ca" | "id" | "url" => word.to_ascii_uppercase(),
        "dir" => "folder".to_owned(),
        "addr" => "address".to_owned(),
        word => word.to_owned(),
    });
    let label = words.collect::<Vec<_>>().join(" ");
    let first = label.chars().next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(label.chars().skip(1)).collect()
}

#[cfg(test)]
mod tests;

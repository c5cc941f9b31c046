//! The settings as a form shows them: what each is for, what it is now, where that comes from, and what is wrong with it.

use std::path::Path;

use secrecy::SecretString;

use super::{
    Config, Env, Loaded, Mistakes, Place, Reader,
    file::{File, Value},
    kind::Form,
    load::{self, Flags, settings_of},
    reader::{Found, Given},
    setting::About,
};

/// Settings that a running program takes over at once; for all others it is started again.
const AT_ONCE: &[&str] = &["log_level"];

/// A setting, ready to be shown and edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its key, for [`check`] and [`Edit`](super::edit::Edit).
    pub key: &'static str,
    /// The concern it belongs to.
    pub group: &'static str,
    /// Its name for people, made from the key: `Server URL`.
    pub label: String,
    /// What it is for, and what may be given.
    pub help: String,
    /// What it is edited with.
    pub input: Input,
    /// What is given, as it was written; nothing if that is secret or nothing is given.
    pub value: Option<String>,
    /// What it is if nothing is given, in words.
    pub default: &'static str,
    /// The words that may be given, where only a few will do.
    pub choices: Vec<&'static str>,
    /// When a change counts.
    pub effect: Effect,
    /// Why what is given cannot be used.
    pub problem: Option<String>,
    /// Where the value comes from.
    pub origin: Origin,
    /// Whether anything is given. All that is told of the value of a secret.
    pub is_set: bool,
}

/// What a setting is edited with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A line of text.
    Text,
    /// A line that is not shown.
    Secret,
    /// A number.
    Number,
    /// Yes or no.
    Switch,
    /// One of a few words.
    Choice,
    /// A file or folder.
    Path,
    /// An address.
    Url,
    /// A span of time.
    Duration,
    /// A number of bytes.
    Size,
    /// Several texts.
    List,
}

/// When a change of a setting counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// At once.
    Now,
    /// When the program is started again.
    Restart,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    File,
    /// Nothing is given.
    Default,
    /// The environment, which wins over the file: a change of the file would change nothing.
    Environment,
}

/// All settings, and what is wrong with the file as a whole.
#[derive(Clone, Debug)]
pub struct Fields {
    /// The settings, in the order in which they are declared.
    pub fields: Vec<Field>,
    /// Why the file could not be read. The fields are those of an empty one then.
    pub file_problem: Option<Mistakes>,
}

/// The settings of `C` as this file and the environment give them.
pub fn fields<C: Config>(file: &Path, env: &Env) -> Fields {
    let (file, file_problem) = match File::read(file) {
        Ok(file) => (file.unwrap_or_default(), None),
        Err(mistakes) => (File::default(), Some(Mistakes(mistakes))),
    };
    let flags = Flags::new();
    let mut reader = Reader::new(Given { flags: &flags, env, file: &file }, Vec::new());
    C::read(&mut reader);
    let fields = reader.asked.iter().zip(&reader.found).map(|(about, found)| field(about, found));
    Fields { fields: fields.collect(), file_problem }
}

/// Whether a setting of `C` takes this value, as text.
///
/// # Errors
/// What was given and what is wanted instead.
pub fn check<C: Config>(key: &str, value: &str) -> Result<(), String> {
    let settings = settings_of::<C>();
    let about = settings.iter().find(|about| about.names[0].key == key);
    let flag = about.ok_or_else(|| format!("there is no setting {key:?}"))?.names[0].flag();
    let flags = Flags::from([(flag.clone(), value.to_owned())]);
    let file = File::default();
    let mut reader = Reader::new(Given { flags: &flags, env: &|_| None, file: &file }, Vec::new());
    C::read(&mut reader);
    let place = Place::Flag(format!("--{flag}"));
    match reader.mistakes.into_iter().find(|mistake| mistake.place == place) {
        Some(mistake) => Err(mistake.what),
        None => Ok(()),
    }
}

/// Every secret that is given for a setting of `C` anywhere, also where it does not count, in order to recognise it.
pub fn secrets<C: Config>(file: &Path, env: &Env) -> Vec<SecretString> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let file = File::parse_as_written(file, &text).unwrap_or_default();
    let settings = settings_of::<C>();
    let names = settings.iter().filter(|about| about.secret).flat_map(|about| &about.names);
    let mut given = Vec::new();
    for name in names {
        let of = |key: &str| {
            let entries =
                file.entries.iter().filter(|entry| entry.is(key)).flat_map(|entry| match &entry.value {
                    Value::One(text) => vec![text.clone()],
                    Value::Many(items) => items.clone(),
                    Value::Odd => Vec::new(),
                });
            entries.chain(env(&key.to_ascii_uppercase())).collect::<Vec<_>>()
        };
        let in_files =
            of(&name.file_key()).into_iter().filter_map(|path| std::fs::read_to_string(path.trim()).ok());
        given.extend(of(name.key).into_iter().chain(in_files));
    }
    let each = given.iter().flat_map(|text| text.split([',', '\n']).map(str::trim).chain([text.trim()]));
    each.filter(|secret| !secret.is_empty()).map(SecretString::from).collect()
}

/// Loads a configuration from the text of a file and the environment.
pub(super) fn load_text<C: Config>(path: &Path, text: &str, env: &Env) -> Result<Loaded<C>, Mistakes> {
    let file = File::parse(path, text).map_err(Mistakes)?;
    load::load_from(&Flags::new(), env, Some(file), Vec::new())
}

fn field(about: &About, found: &Found) -> Field {
    let place = found.written.as_ref().map(|written| &written.place);
    let place = place.or(found.mistake.as_ref().map(|mistake| &mistake.place));
    let text = found.written.as_ref().map(|written| written.text.clone());
    let key = about.names[0].key;
    Field {
        key,
        group: about.concern,
        label: label(key),
        help: help(about),
        input: input(about),
        value: text.filter(|_| !about.secret),
        default: about.default_in_words(),
        choices: about.choices.clone(),
        effect: if AT_ONCE.contains(&key) { Effect::Now } else { Effect::Restart },
        problem: found.mistake.as_ref().map(|mistake| mistake.what.clone()),
        origin: match place {
            None => Origin::Default,
            Some(Place::Env(_)) => Origin::Environment,
            Some(_) => Origin::File,
        },
        is_set: place.is_some(),
    }
}

fn input(about: &About) -> Input {
    match (about.form, about.called) {
        _ if about.secret => Input::Secret,
        (Form::List, _) => Input::List,
        (Form::Switch, _) => Input::Switch,
        _ if !about.choices.is_empty() => Input::Choice,
        (_, "NUMBER" | "PORT") => Input::Number,
        (_, "PATH") => Input::Path,
        (_, "URL") => Input::Url,
        (_, "DURATION") => Input::Duration,
        (_, "SIZE") => Input::Size,
        _ => Input::Text,
    }
}

fn help(about: &About) -> String {
    let doc = about.doc.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "");
    match about.form {
        Form::Switch => doc,
        Form::Value | Form::Signed | Form::List => format!("{doc} Wanted: {}.", about.allowed),
    }
}

/// `server_url` as people read it: `Server URL`.
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

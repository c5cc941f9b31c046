//! Changes settings in a file as a careful person would: the line in question, and nothing else.
//!
//! Comments, order, unknown keys, quotes, line ends and everything else stay byte for byte. A setting that is there under an
//! older name or spelling is changed where it stands. Each change is read back before it is kept: if anything but
//! that one setting would read differently, it is refused with the line that stands in the way. `layout` knows
//! where everything is, `change` makes the new text, `value` writes values, `store` the file.
//!
//! ```
//! use llamapool_settings::edit::Edit;
//! # use llamapool_settings::{Concern, Reader, Retired, Setting, concern, kind};
//! # concern! {
//! #     /// For the example.
//! #     struct Server: "Server" {
//! #         /// Address of the server.
//! #         url: String = Setting::new("server_url", kind::name()).default("ws://localhost:8080");
//! #         /// Key that lets workers in.
//! #         key: Option<secrecy::SecretString> = Setting::new("client_key", kind::secret().optional());
//! #     }
//! # }
//! # impl llamapool_settings::Config for Server {
//! #     const PROGRAM: &'static str = "worker";
//! #     const ABOUT: &'static str = "";
//! #     const RETIRED: &'static [Retired] = &[];
//! # }
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("worker.yaml");
//! let mut edit = Edit::open::<Server>(&path)?;
//! edit.set("server_url", "wss://pool.example")?;
//! edit.unset("client_key")?;
//! edit.save()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod layout;
mod store;
mod value;

pub use store::replace;

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    Config, Mistake, Mistakes, Place, fields,
    file::{self, Entry, File, Value},
    kind::Form,
    load::settings_of,
    setting::About,
};

/// Larger files than this are no settings.
const LARGEST: usize = 1024 * 1024;

/// A settings file that is being changed. Nothing is written before [`Edit::save`].
#[derive(Debug)]
pub struct Edit {
    path: PathBuf,
    /// The bytes that were read; nothing if there was no file.
    read: Option<Vec<u8>>,
    text: String,
    settings: Vec<About>,
    fits: fn(&str, &str) -> Result<(), String>,
}

/// Why a file was not changed. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It is no YAML, or no list of settings; where, and why.
    #[error("{0}")]
    Broken(Mistake),
    /// There is no such setting.
    #[error("there is no setting {0:?}")]
    Unknown(String),
    /// The value does not fit its setting.
    #[error("{key}: {why}")]
    Wrong {
        /// The setting.
        key: String,
        /// What was given and what is wanted.
        why: String,
    },
    /// The file is written in a way that cannot be changed without touching more.
    #[error("{place}{key} is written in a way that only a text editor can change")]
    Entangled {
        /// Where.
        place: Place,
        /// The setting.
        key: String,
    },
    /// Somebody else has changed the file in the meantime.
    #[error("{} was changed by somebody else in the meantime; nothing was written", .0.display())]
    Changed(PathBuf),
    /// It cannot be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

impl Edit {
    /// Reads the file at `path` with the settings of `C`. A file that does not exist is an empty one.
    ///
    /// # Errors
    /// If it cannot be read, or is no list of settings.
    pub fn open<C: Config>(path: &Path) -> Result<Self, EditError> {
        let io = |error| EditError::Io { path: path.to_owned(), error };
        let read = store::read(path).map_err(io)?;
        let bytes = read.clone().unwrap_or_default();
        if bytes.len() > LARGEST {
            return Err(io(io::Error::other("it is too large for a file of settings")));
        }
        let text = String::from_utf8(bytes).map_err(|_| io(io::Error::other("it is not UTF-8 text")))?;
        File::parse_as_written(path, &text).map_err(EditError::Broken)?;
        let (settings, fits) = (settings_of::<C>(), fields::check::<C> as _);
        Ok(Self { path: path.to_owned(), read, text, settings, fits })
    }

    /// The file as it would be written now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether [`Edit::save`] has something to write.
    pub fn is_changed(&self) -> bool {
        self.read.as_deref().unwrap_or_default() != self.text.as_bytes()
    }

    /// What the file gives for a setting, if it is no secret and no list.
    pub fn value(&self, key: &str) -> Option<String> {
        let about = self.about(key).ok().filter(|about| !about.secret)?;
        let entries = self.entries();
        let ranked = entries.iter().filter_map(|entry| Some((about.ranks(&entry.key)?, &entry.value)));
        match ranked.filter(|(rank, _)| !rank.is_shorthand).min_by_key(|(rank, _)| *rank)?.1 {
            Value::One(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            Value::Many(_) | Value::Odd => None,
        }
    }

    /// Gives a setting a value, as text; several values with commas between. An empty text is [`Edit::unset`].
    ///
    /// # Errors
    /// If there is no such setting, the value does not fit, or the file is too oddly written.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), EditError> {
        let value = value.trim();
        if value.is_empty() {
            return self.unset(key);
        }
        let about = self.about(key)?.clone();
        (self.fits)(key, value).map_err(|why| EditError::Wrong { key: key.to_owned(), why })?;
        let wanted = match about.form {
            Form::List => Value::Many(items(value)),
            Form::Value | Form::Signed | Form::Switch => Value::One(value.to_owned()),
        };
        let before = self.entries();
        let ranked = before.iter().filter_map(|entry| Some((about.ranks(&entry.key)?, entry)));
        // The first of those that count most; what else means the same by the same name goes.
        let winner = ranked.filter(|(rank, _)| !rank.is_shorthand).min_by_key(|(rank, _)| *rank);
        let same =
            |written: &str| winner.as_ref().is_some_and(|(rank, _)| about.ranks(written) == Some(*rank));
        let rename =
            winner.as_ref().filter(|(rank, _)| rank.is_file).map(|(rank, _)| about.names[rank.nth].key);
        let new = match winner {
            Some(_) => change::replace(&self.text, same, rename, &wanted),
            None => change::add(&self.text, key, &wanted),
        };
        let at = before.iter().position(|entry| same(&entry.key)).unwrap_or(before.len());
        let becomes = rename.or(before.get(at).map(|entry| entry.key.as_str())).unwrap_or(key).to_owned();
        let mut expected: Vec<_> = before.iter().filter(|entry| !same(&entry.key)).map(plain).collect();
        expected.insert(at, (becomes, wanted));
        self.keep(new, &expected, key)
    }

    /// Gives a setting its default back: its line goes, under whatever name it stands.
    ///
    /// # Errors
    /// If there is no such setting, or the file is too oddly written.
    pub fn unset(&mut self, key: &str) -> Result<(), EditError> {
        let about = self.about(key)?.clone();
        let is_ours = |written: &str| about.ranks(written).is_some();
        let before = self.entries();
        let expected: Vec<_> = before.iter().filter(|entry| !is_ours(&entry.key)).map(plain).collect();
        if expected.len() == before.len() {
            return Ok(());
        }
        let new = change::remove(&self.text, is_ours);
        self.keep(new, &expected, key)
    }

    /// What would be wrong with the configuration if it were loaded from this text and the environment.
    ///
    /// # Errors
    /// Every mistake.
    pub fn check<C: Config>(&self, env: &super::Env) -> Result<(), Mistakes> {
        fields::load_text::<C>(&self.path, &self.text, env).map(drop)
    }

    /// Writes the file, if it changed: to another file first, which then takes its place. What it holds is on the disk after that, and
    /// nobody else can read it if a key is among it.
    ///
    /// # Errors
    /// If somebody else has changed it since it was read, or it cannot be written.
    pub fn save(&mut self) -> Result<(), EditError> {
        let io = |error| EditError::Io { path: self.path.clone(), error };
        if !self.is_changed() {
            return Ok(());
        }
        if store::read(&self.path).map_err(io)? != self.read {
            return Err(EditError::Changed(self.path.clone()));
        }
        store::replace(&self.path, self.text.as_bytes(), self.holds_secret()).map_err(io)?;
        self.read = Some(self.text.clone().into_bytes());
        Ok(())
    }

    fn about(&self, key: &str) -> Result<&About, EditError> {
        let found = self.settings.iter().find(|about| about.names[0].key == key);
        found.ok_or_else(|| EditError::Unknown(key.to_owned()))
    }

    fn entries(&self) -> Vec<Entry> {
        let file = File::parse_as_written(&self.path, &self.text);
        file.expect("it was read before, and every change is read before it is kept").entries
    }

    /// The text with `instead` in the place of every secret value; nothing if it is too oddly written for that.
    pub fn without_secrets(&self, instead: &str) -> Option<String> {
        let is_secret = |key: &str| {
            let rank = |about: &About| about.ranks(key).is_some_and(|rank| !rank.is_file);
            self.settings.iter().any(|about| about.secret && rank(about))
        };
        let instead = Value::One(instead.to_owned());
        let keys: Vec<_> = self.entries().into_iter().filter(|entry| is_secret(&entry.key)).collect();
        keys.iter().try_fold(self.text.clone(), |text, entry| {
            let text = change::replace(&text, |key| key == entry.key, None, &instead)?;
            let file = File::parse_as_written(&self.path, &text).ok()?;
            file.entries.iter().all(|other| other.key != entry.key || other.value == instead).then_some(text)
        })
    }

    /// Whether a key stands in it.
    pub fn holds_secret(&self) -> bool {
        let secrets = self.settings.iter().filter(|about| about.secret);
        let mut names = secrets.flat_map(|about| about.names.iter());
        let entries = self.entries();
        names.any(|name| entries.iter().any(|entry| entry.is(name.key)))
    }

    /// Keeps a new text, if there is one and it reads as expected.
    fn keep(
        &mut self,
        new: Option<String>,
        expected: &[(String, Value)],
        key: &str,
    ) -> Result<(), EditError> {
        let reads = |text: &String| {
            let file = File::parse_as_written(&self.path, text).ok()?;
            Some(file.entries.iter().map(plain).collect::<Vec<_>>())
        };
        match new.filter(|text| reads(text).is_some_and(|entries| entries == expected)) {
            Some(text) => {
                self.text = text;
                Ok(())
            }
            None => Err(EditError::Entangled { place: self.place_of(key), key: key.to_owned() }),
        }
    }

    fn place_of(&self, key: &str) -> Place {
        let entry = self.entries().into_iter().find(|entry| entry.is(key));
        entry.map_or(Place::WholeFile(self.path.clone()), |entry| entry.key_place)
    }
}

/// How much an entry counts for a setting: what comes first wins, as when the file is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_shorthand: bool,
    /// Which of the setting's names it is.
    nth: usize,
    is_file: bool,
}

impl About {
    /// The rank of an entry with this key; nothing if it means another setting.
    fn ranks(&self, written: &str) -> Option<Rank> {
        self.names.iter().enumerate().find_map(|(nth, name)| {
            let is_file = self.secret && file::means(written, &name.file_key());
            let is_it = is_file || file::means(written, name.key);
            is_it.then_some(Rank { is_shorthand: name.means.is_some(), nth, is_file })
        })
    }
}

/// The values of a list that was given with commas.
fn items(value: &str) -> Vec<String> {
    value.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn plain(entry: &Entry) -> (String, Value) {
    (entry.key.clone(), entry.value.clone())
}

#[cfg(test)]
mod tests;

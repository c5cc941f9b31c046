//! Changes settings in a file as a careful person would: only the line in question.
//!
//! Comments, order, unknown keys, quotes, line breaks and everything else stay the same, byte for byte. A setting under an
//! older name or spelling is changed in place. Settings are named by their paths: `log_level`, `cache.size`,
//! `endpoints[2].url`. Each change is read back before it is kept: if it would change anything but that one setting,
//! it is refused, and the error names the line. `layout` finds where everything is, `change` produces
//! the new text, `entries` reads it back, `value` writes values, `items` changes lists of structs, `secrets` finds secrets, `store` writes the file.
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
//! # impl llamapool_settings::ProgramConfig for Server {
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
mod entries;
mod items;
mod layout;
mod rank;
mod secrets;
mod store;
mod value;

pub use store::replace;

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    Declaration, KeyPath, Mistake, Mistakes, ProgramConfig, SourceSpan,
    declaration::Group,
    fields,
    file::File,
    kind::Syntax,
    load::declared,
    yaml::{Plain, Value, means, plain},
};

/// A larger file is not a settings file.
const LARGEST: usize = 1024 * 1024;

/// A settings file that is being changed. Nothing is written before [`Edit::save`].
#[derive(Debug)]
pub struct Edit {
    path: PathBuf,
    /// The bytes that were read; `None` if there was no file.
    read: Option<Vec<u8>>,
    text: String,
    settings: Vec<Declaration>,
    groups: Vec<Group>,
    fits: fn(&str, &str) -> Result<(), String>,
}

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It is not valid YAML, or not a mapping of settings: where, and why.
    #[error("{0}")]
    Broken(Mistake),
    /// There is no such setting.
    #[error("unknown setting {0:?}")]
    Unknown(String),
    /// The value is invalid.
    #[error("{key}: {why}")]
    Wrong {
        /// The setting.
        key: String,
        /// What is wrong with the value, and what is expected.
        why: String,
    },
    /// The file is written in a way that cannot be changed without changing more.
    #[error("{place}{key} can only be changed in a text editor")]
    Entangled {
        /// The position.
        place: SourceSpan,
        /// The setting.
        key: String,
    },
    /// Another program has changed the file in the meantime.
    #[error("{} was changed by another program in the meantime; nothing was written", .0.display())]
    Changed(PathBuf),
    /// It cannot be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        error: io::Error,
    },
}

impl Edit {
    /// Reads the file at `path` with the settings of `C`. A missing file counts as empty.
    ///
    /// # Errors
    /// It cannot be read, or is not a mapping of settings.
    pub fn open<C: ProgramConfig>(path: &Path) -> Result<Self, EditError> {
        let io = |error| EditError::Io { path: path.to_owned(), error };
        let read = store::read(path).map_err(io)?;
        let bytes = read.clone().unwrap_or_default();
        if bytes.len() > LARGEST {
            return Err(io(io::Error::other("it is too large for a settings file")));
        }
        let text = String::from_utf8(bytes).map_err(|_| io(io::Error::other("it is not UTF-8 text")))?;
        File::parse(path, &text).map_err(EditError::Broken)?;
        let notes = declared::<C>();
        let settings = notes.read.into_iter().map(|setting| setting.declared).collect();
        let (groups, fits) = (notes.groups, fields::check::<C> as _);
        Ok(Self { path: path.to_owned(), read, text, settings, groups, fits })
    }

    /// The text of the file as it would be written now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether [`Edit::save`] would change the file.
    pub fn is_changed(&self) -> bool {
        self.read.as_deref().unwrap_or_default() != self.text.as_bytes()
    }

    /// The value of a setting in the file, unless it is a secret or a list.
    pub fn value(&self, path: &str) -> Option<String> {
        let (parent, declared) = self.setting(path).ok().filter(|(_, declared)| !declared.is_secret())?;
        let file = self.file();
        let entries = file.mapping(&parent)?;
        let ranked =
            entries.iter().filter_map(|entry| Some((declared.ranks(&entry.key)?, &entry.node.value)));
        match ranked.filter(|(rank, _)| !rank.is_shorthand).min_by_key(|(rank, _)| *rank)?.1 {
            Value::Scalar(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            _ => None,
        }
    }

    /// Sets a setting to a value, given as text; several values are separated by commas. An empty text means [`Edit::unset`].
    ///
    /// # Errors
    /// There is no such setting, the value is invalid, or the file is written too unusually.
    pub fn set(&mut self, path: &str, value: &str) -> Result<(), EditError> {
        let value = value.trim();
        if value.is_empty() {
            return self.unset(path);
        }
        let (parent, declared) = self.setting(path)?;
        (self.fits)(path, value).map_err(|why| EditError::Wrong { key: path.to_owned(), why })?;
        let wanted = match declared.format.syntax {
            Syntax::List => Plain::texts(items(value)),
            Syntax::Value | Syntax::Signed | Syntax::Switch => Plain::Scalar(value.to_owned()),
        };
        let file = self.file();
        let Some(before) = file.mapping(&parent) else {
            let wanted = Plain::Mapping(vec![(declared.key().to_owned(), wanted)]);
            return self.put_section(&parent, wanted, path);
        };
        let ranked = before.iter().filter_map(|entry| Some((declared.ranks(&entry.key)?, entry)));
        // Changes the first of the entries that take precedence, and removes others of the same name.
        let winner = ranked.filter(|(rank, _)| !rank.is_shorthand).min_by_key(|(rank, _)| *rank);
        let rank = winner.map(|(rank, _)| rank);
        let same = |written: &str| rank.is_some() && declared.ranks(written) == rank;
        let rename = rank.filter(|rank| rank.is_file).map(|rank| declared.names[rank.nth].key);
        self.put(&parent, same, rename, declared.key(), wanted, path)
    }

    /// Resets a setting to its default by removing its line, under whichever name it is given. The path may also be that of
    /// a whole section or list.
    ///
    /// # Errors
    /// There is no such setting, or the file is written too unusually.
    pub fn unset(&mut self, path: &str) -> Result<(), EditError> {
        if let Some(group) = self.group(path) {
            let parent = group.parent().unwrap_or_default();
            let key = group.last_key().unwrap_or_default().to_owned();
            return self.cut(&parent, &|written| means(written, &key), path);
        }
        let (parent, declared) = self.setting(path)?;
        self.cut(&parent, &|written| declared.ranks(written).is_some(), path)
    }

    /// The mistakes that loading this text and the environment would report.
    ///
    /// # Errors
    /// All mistakes.
    pub fn check<C: ProgramConfig>(&self, env: &super::Env) -> Result<(), Mistakes> {
        super::load_text::<C>(&self.path, &self.text, env).map(drop)
    }

    /// Writes the file if it has changed: first to another file, which then replaces it. After that its content is on the disk, and
    /// other users cannot read it if it contains a secret.
    ///
    /// # Errors
    /// Another program has changed the file since it was read, or it cannot be written.
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

    /// The setting at `path`, and the path of its mapping.
    fn setting(&self, path: &str) -> Result<(KeyPath, Declaration), EditError> {
        let unknown = || EditError::Unknown(path.to_owned());
        let path = KeyPath::parse(path).filter(|path| !path.is_for_every_item()).ok_or_else(unknown)?;
        let declared =
            self.settings.iter().find(|declared| declared.path().covers(&path)).ok_or_else(unknown)?;
        Ok((path.parent().unwrap_or_default(), declared.clone()))
    }

    /// The path, if it is that of a section or a list.
    fn group(&self, path: &str) -> Option<KeyPath> {
        let path = KeyPath::parse(path).filter(|path| !path.is_for_every_item())?;
        self.groups.iter().any(|group| group.path.covers(&path)).then_some(path)
    }

    fn file(&self) -> File {
        let file = File::parse(&self.path, &self.text);
        file.expect("it was read before, and every change is read before it is kept")
    }
}

/// The values of a list that is separated by commas.
fn items(value: &str) -> Vec<String> {
    value.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;

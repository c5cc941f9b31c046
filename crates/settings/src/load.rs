//! Puts a configuration together from everything that was given.

use std::{collections::HashMap, path::PathBuf};

use super::{
    Config, Env, Loaded, Mistake, Mistakes, Place, Reader, Retired, Sources,
    file::File,
    nearest::nearest,
    reader::Given,
    setting::{About, Name},
};

/// The flags that were given, by name without dashes.
pub(super) type Flags = HashMap<String, String>;

/// The flag that names the configuration file.
pub(super) const FILE_FLAG: &str = "config";

/// The variable that names the configuration file.
pub(super) const FILE_ENV: &str = "CONFIG_FILE";

/// The settings a configuration consists of, in the order in which they are declared.
pub(super) fn settings_of<C: Config>() -> Vec<About> {
    let (flags, file) = (Flags::new(), File::default());
    let mut reader = Reader::new(Given { flags: &flags, env: &|_| None, file: &file }, Vec::new());
    C::read(&mut reader);
    reader.asked
}

/// Loads a configuration. It is whole, or every mistake is told.
pub(super) fn load<C: Config>(flags: &Flags, sources: &Sources) -> Result<Loaded<C>, Mistakes> {
    let (file, mistakes) = match chosen_file(flags, sources) {
        Ok(file) => (file, Vec::new()),
        Err(mistakes) => (None, mistakes),
    };
    load_from(flags, &*sources.env, file, mistakes)
}

/// Loads a configuration with a file that was read, and the mistakes that reading it brought.
pub(super) fn load_from<C: Config>(
    flags: &Flags,
    env: &Env,
    file: Option<File>,
    mistakes: Vec<Mistake>,
) -> Result<Loaded<C>, Mistakes> {
    let path = file.as_ref().map(|file| file.path.clone());
    let file = file.unwrap_or_default();
    let mut reader = Reader::new(Given { flags, env, file: &file }, mistakes);
    let config = C::read(&mut reader);
    for retired in C::RETIRED {
        reader.note_retired(retired);
    }
    let Reader { asked, mistakes, mut warnings, .. } = reader;
    warnings.extend(unknown_keys(&file, &asked, C::RETIRED));
    match mistakes.is_empty() {
        true => Ok(Loaded { config, file: path, warnings }),
        false => Err(Mistakes(mistakes)),
    }
}

/// Where the configuration file is, or would be.
#[cfg(feature = "cli")]
pub(super) fn path_of_file(flags: &Flags, sources: &Sources) -> Option<PathBuf> {
    let named = flags.get(FILE_FLAG).cloned().or_else(|| (sources.env)(FILE_ENV));
    named.filter(|path| !path.is_empty()).map(PathBuf::from).or_else(|| sources.default_file.clone())
}

/// The file that was named, which must exist; else the default one, which need not.
fn chosen_file(flags: &Flags, sources: &Sources) -> Result<Option<File>, Vec<Mistake>> {
    let flag = flags.get(FILE_FLAG).map(|path| (path.clone(), Place::Flag(format!("--{FILE_FLAG}"))));
    let env = || (sources.env)(FILE_ENV).map(|path| (path, Place::Env(FILE_ENV.to_owned())));
    let Some((path, place)) = flag.or_else(env).filter(|(path, _)| !path.is_empty()) else {
        return sources.default_file.as_deref().map_or(Ok(None), File::read);
    };
    match File::read(&PathBuf::from(&path))? {
        Some(file) => Ok(Some(file)),
        None => Err(vec![Mistake { place, what: format!("there is no file {path}") }]),
    }
}

/// A line for every key that means nothing here, with the name that may have been meant.
fn unknown_keys(file: &File, asked: &[About], retired: &[Retired]) -> Vec<String> {
    let known: Vec<String> = asked.iter().flat_map(About::keys).collect();
    let retired: Vec<_> = retired.iter().flat_map(|retired| retired.keys).collect();
    let is_known = |entry: &&super::file::Entry| {
        known.iter().any(|key| entry.is(key)) || retired.iter().any(|key| entry.is(key))
    };
    let unknown = file.entries.iter().filter(|entry| !is_known(entry));
    unknown
        .map(|entry| {
            let meant = nearest(&entry.key, known.iter().map(String::as_str));
            let meant = meant.map(|key| format!("; did you mean {key}?")).unwrap_or_default();
            format!("{}there is no setting {:?}, it is ignored{meant}", entry.key_place, entry.key)
        })
        .collect()
}

impl About {
    /// Every key that means something for this setting, in snake_case.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        let files = self.names.iter().filter(|_| self.secret).map(Name::file_key);
        self.names.iter().map(|name| name.key.to_owned()).chain(files)
    }
}

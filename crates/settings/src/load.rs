//! Loads a configuration from all its sources.

mod unknown;

use std::path::PathBuf;

use super::{
    Concern, Flags, Keychain, Loaded, Mistake, Mistakes, ProgramConfig, Reader, Sources,
    declaration::Declaration,
    file::File,
    mistake::SourceSpan,
    reader::{Given, Notes},
};

/// The flag that names the configuration file.
pub(super) const FILE_FLAG: &str = "config";

/// The variable that names the configuration file.
pub(super) const FILE_ENV: &str = "CONFIG_FILE";

/// The declarations of the configuration `C`, in order.
pub(super) fn declared<C: Concern>() -> Notes {
    let (flags, file) = (Flags::new(), File::default());
    let mut reader = Reader::new(Given::of(&flags, &|_| None, &file), Vec::new());
    C::read(&mut reader);
    reader.notes
}

/// The settings of the configuration `C`, in the order of the declarations.
pub(super) fn settings_of<C: Concern>() -> Vec<Declaration> {
    declared::<C>().read.into_iter().map(|setting| setting.declared).collect()
}

/// Loads a configuration, or returns all mistakes.
pub(super) fn load<C: ProgramConfig>(
    flags: &Flags,
    sources: &Sources,
    keychain: &Keychain,
) -> Result<Loaded<C>, Mistakes> {
    load_noted(flags, sources, keychain).map(|(loaded, _)| loaded)
}

/// The same, with the given value of each setting.
pub(super) fn load_noted<C: ProgramConfig>(
    flags: &Flags,
    sources: &Sources,
    keychain: &Keychain,
) -> Result<(Loaded<C>, Notes), Mistakes> {
    let (file, mistakes) = match chosen_file(flags, sources) {
        Ok(file) => (file, Vec::new()),
        Err(mistake) => (None, vec![mistake]),
    };
    let path = file.as_ref().map(|file| file.path.clone());
    let file = file.unwrap_or_default();
    load_from(Given { flags, env: &*sources.env, file: &file, keychain }, path, mistakes)
}

/// Loads a configuration with a file that has been read, and the mistakes found while reading it.
pub(super) fn load_from<C: ProgramConfig>(
    given: Given<'_>,
    path: Option<PathBuf>,
    mut mistakes: Vec<Mistake>,
) -> Result<(Loaded<C>, Notes), Mistakes> {
    let file = given.file;
    mistakes.extend(file.given_twice());
    let mut reader = Reader::new(given, mistakes);
    let config = C::read(&mut reader);
    for retired in C::RETIRED {
        reader.note_retired(retired);
    }
    let mut notes = reader.notes;
    let unknown = unknown::keys(file, &notes, C::RETIRED);
    notes.warnings.extend(unknown);
    match notes.mistakes.is_empty() {
        true => Ok((Loaded { config, file: path, warnings: std::mem::take(&mut notes.warnings) }, notes)),
        false => Err(Mistakes(notes.mistakes)),
    }
}

/// The path of the configuration file, whether it exists or not.
#[cfg(feature = "cli")]
pub(super) fn path_of_file(flags: &Flags, sources: &Sources) -> Option<PathBuf> {
    let named = flags.get(FILE_FLAG).cloned().or_else(|| (sources.env)(FILE_ENV));
    named.filter(|path| !path.is_empty()).map(PathBuf::from).or_else(|| sources.default_file.clone())
}

/// The file that was given, which must exist; else the default one, which need not.
fn chosen_file(flags: &Flags, sources: &Sources) -> Result<Option<File>, Mistake> {
    let flag = flags.get(FILE_FLAG).map(|path| (path.clone(), SourceSpan::Flag(format!("--{FILE_FLAG}"))));
    let env = || (sources.env)(FILE_ENV).map(|path| (path, SourceSpan::Env(FILE_ENV.to_owned())));
    let Some((path, place)) = flag.or_else(env).filter(|(path, _)| !path.is_empty()) else {
        return sources.default_file.as_deref().map_or(Ok(None), File::read_default);
    };
    match File::read(&PathBuf::from(&path))? {
        Some(file) => Ok(Some(file)),
        None => Err(Mistake { place, what: format!("{path} does not exist") }),
    }
}

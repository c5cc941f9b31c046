//! Settings: each is declared once, with its names, kind, default, example and documentation, and whether it is
//! secret or live. Flags, environment, YAML file, `--help`, the form and the reference page follow from that.
//!
//! A program's configuration is a plain struct of concerns. [`concern!`](crate::concern) declares a struct whose
//! fields are settings, sections of them ([`Section`]) or lists of structs ([`ListOf`]); [`load()`] fills it from
//! flag, environment, file and default, in this order of precedence, and returns the whole configuration or every [`Mistake`].
//! [`changes()`] tells which settings differ between two configurations.

pub mod build;
mod changes;
#[cfg(feature = "cli")]
pub mod cli;
pub mod declaration;
pub mod duration;
pub mod edit;
pub mod fields;
mod file;
mod key_path;
pub mod kind;
mod load;
mod mistake;
pub mod nearest;
pub mod page;
pub mod paths;
mod reader;
pub mod setting;
pub mod size;
pub mod text_file;
mod yaml;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

pub use self::{
    changes::{Changes, Compare, changes},
    declaration::Declaration,
    duration::DrainTimeout,
    key_path::KeyPath,
    mistake::{Mistake, Mistakes, SourceSpan},
    reader::Reader,
    setting::{Declare, ListOf, Retired, Section, Setting},
};
use self::{file::File, reader::Given};

/// The flags that were given, by name without dashes.
type Flags = std::collections::HashMap<String, String>;

/// A group of settings that belong together.
pub trait Concern: Sized {
    /// Reads every setting of the group.
    fn read(from: &mut Reader<'_>) -> Self;
}

/// The whole configuration of a program.
pub trait ProgramConfig: Concern {
    /// The program's name, as `llamapool-server`.
    const PROGRAM: &'static str;
    /// What the program does, in a sentence.
    const ABOUT: &'static str;
    /// Legacy settings that are accepted and ignored.
    const RETIRED: &'static [Retired];

    /// All settings of the program, in the order of the declarations. Those of lists are included once, with `[]` in their
    /// path.
    fn settings() -> Vec<Declaration> {
        load::settings_of::<Self>()
    }
}

/// The environment: the value of a variable, if it is set.
pub type Env = dyn Fn(&str) -> Option<String>;

/// Secrets stored outside of the configuration: the secret of the setting at a path, if there is one.
pub type Keychain = dyn Fn(&str) -> Option<SecretString>;

/// Where a program's settings come from. A program uses those of its process; tests make their own.
pub struct Sources {
    /// The command line without the program's name.
    pub args: Vec<OsString>,
    /// The environment.
    pub env: Box<Env>,
    /// The default configuration file, which need not exist.
    pub default_file: Option<PathBuf>,
}

/// A configuration, and the warnings about it.
#[derive(Debug)]
pub struct Loaded<C> {
    /// The configuration.
    pub config: C,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// Warnings: unknown keys, ignored settings, secrets on the command line.
    pub warnings: Vec<String>,
}

/// Loads a configuration from environment and file. With the feature `cli`, [`cli::invoke`] also reads the flags.
pub fn load<C: ProgramConfig>(sources: &Sources) -> Result<Loaded<C>, Mistakes> {
    load::load(&Flags::new(), sources, &|_| None)
}

/// The same with secrets from a keychain, which are used if neither environment nor file contain them.
///
/// # Errors
/// All mistakes.
pub fn load_with_keychain<C: ProgramConfig>(
    sources: &Sources,
    keychain: &Keychain,
) -> Result<Loaded<C>, Mistakes> {
    load::load(&Flags::new(), sources, keychain)
}

/// Loads a configuration from the text of the file at `path`, which need not exist, and the environment.
///
/// # Errors
/// All mistakes.
pub fn load_text<C: ProgramConfig>(path: &Path, text: &str, env: &Env) -> Result<Loaded<C>, Mistakes> {
    let file = File::parse(path, text).map_err(|mistake| Mistakes(vec![mistake]))?;
    let flags = Flags::new();
    let loaded = load::load_from(Given::of(&flags, env, &file), Some(path.to_owned()), Vec::new());
    loaded.map(|(loaded, _)| loaded)
}

/// A configuration, or a part of one, with nothing set.
pub fn defaults<C: Concern>() -> C {
    let (flags, file) = (Flags::new(), File::default());
    C::read(&mut Reader::new(Given::of(&flags, &|_| None, &file), Vec::new()))
}

impl<C> Loaded<C> {
    /// Logs the warnings, once logging has started, and returns the configuration.
    pub fn with_warnings_logged(self) -> C {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
        self.config
    }
}

/// Declares a concern: a struct whose fields are settings. The comment of a field is the setting's documentation.
/// Two values are equal if all their settings are, secrets included.
///
/// ```
/// use llamapool_settings::{Setting, concern, defaults, kind};
///
/// concern! {
///     /// What is kept waiting, and how long.
///     pub struct Queue: "Queue" {
///         /// Requests that wait for a free worker, for each model.
///         size: u64 = Setting::new("queue_size", kind::count(0..=1_000)).default("100");
///     }
/// }
///
/// assert_eq!(defaults::<Queue>().size, 100);
/// ```
///
/// A field may also be a section or a list of structs, whose settings are a concern of their own:
///
/// ```
/// use llamapool_settings::{ListOf, Section, Setting, concern, kind};
///
/// concern! {
///     /// A machine.
///     pub struct Machine: "Machines" {
///         /// Its name.
///         name: String = Setting::new("name", kind::name()).example("studio").required();
///     }
/// }
///
/// concern! {
///     /// What is cached.
///     pub struct Cache: "Cache" {
///         /// Entries that are kept.
///         size: u64 = Setting::new("size", kind::count(0..=1_000)).default("100");
///     }
/// }
///
/// concern! {
///     /// Everything.
///     pub struct All: "All" {
///         /// The machines.
///         machines: Vec<Machine> = ListOf::new("machines").unique("name", |machine: &Machine| Some(machine.name.clone()));
///
///         /// The cache.
///         cache: Cache = Section::new("cache");
///     }
/// }
/// ```
#[macro_export]
macro_rules! concern {
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $Name:ident: $title:literal {
            $( $(#[doc = $doc:literal])+ $field:ident: $Type:ty = $setting:expr; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        $vis struct $Name {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\n`", stringify!($setting), "`")]
                pub $field: $Type,
            )+
        }

        impl $crate::Concern for $Name {
            fn read(from: &mut $crate::Reader<'_>) -> Self {
                from.concern($title);
                Self { $( $field: from.read($setting.doc(concat!($($doc),+))), )+ }
            }
        }

        impl $crate::Compare for $Name {
            fn compare(old: &Self, new: &Self, changes: &mut $crate::Changes) {
                $( $crate::Declare::compare($setting, &old.$field, &new.$field, changes); )+
            }
        }

        impl PartialEq for $Name {
            fn eq(&self, other: &Self) -> bool {
                $crate::changes(self, other).is_empty()
            }
        }
    };
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

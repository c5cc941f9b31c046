//! Settings: one declaration for each gives its names, kind, default and doc; from that come the flags, the
//! environment, the YAML file, `--help` and the reference page.
//!
//! A program's configuration is a plain struct of concerns. [`concern!`](crate::concern) declares a struct whose
//! fields are settings; [`load()`] fills it from flag, environment, file and default, in this order, and either gives
//! the whole configuration or every [`Mistake`] there is.

pub mod build;
#[cfg(feature = "cli")]
pub mod cli;
pub mod duration;
pub mod edit;
pub mod fields;
mod file;
pub mod kind;
mod load;
mod mistake;
mod nearest;
pub mod page;
pub mod paths;
mod reader;
pub mod setting;
pub mod size;

use std::{ffi::OsString, path::PathBuf};

pub use self::{
    duration::DrainTimeout,
    mistake::{Mistake, Mistakes, Place},
    reader::Reader,
    setting::{Retired, Setting},
};
use self::{file::File, load::Flags, reader::Given};

/// A group of settings that belong together.
pub trait Concern: Sized {
    /// Reads every setting of the group.
    fn read(from: &mut Reader<'_>) -> Self;
}

/// The whole configuration of a program.
pub trait Config: Concern {
    /// The program's name, as `llamapool-server`.
    const PROGRAM: &'static str;
    /// What the program does, in a sentence.
    const ABOUT: &'static str;
    /// Settings of older versions that are accepted without effect.
    const RETIRED: &'static [Retired];
}

/// The environment: the value of a variable, if it is set.
pub type Env = dyn Fn(&str) -> Option<String>;

/// Where a program's settings come from. Tests make their own; a program takes those of its process.
pub struct Sources {
    /// The command line without the program's name.
    pub args: Vec<OsString>,
    /// The environment.
    pub env: Box<Env>,
    /// The file that is read if none is named; it need not exist.
    pub default_file: Option<PathBuf>,
}

/// A configuration, and what is to be said of it.
#[derive(Debug)]
pub struct Loaded<C> {
    /// The configuration.
    pub config: C,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// What works but should be known: unknown keys, settings without effect, secrets in plain sight.
    pub warnings: Vec<String>,
}

/// Loads a configuration from environment and file. With the feature `cli`, [`cli::invoke`] takes the flags as well.
pub fn load<C: Config>(sources: &Sources) -> Result<Loaded<C>, Mistakes> {
    load::load(&Flags::new(), sources)
}

/// A configuration, or a part of one, with nothing given.
pub fn defaults<C: Concern>() -> C {
    let (flags, file) = (Flags::new(), File::default());
    C::read(&mut Reader::new(Given { flags: &flags, env: &|_| None, file: &file }, Vec::new()))
}

impl<C> Loaded<C> {
    /// Logs the warnings, once logs are started, and gives the configuration.
    pub fn with_warnings_logged(self) -> C {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
        self.config
    }
}

/// Declares a concern: a struct whose fields are settings. The comment of a field is the setting's doc.
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
    };
}

#[cfg(test)]
#[expect(dead_code, reason = "most of its settings are read through fields and flags")]
mod sample;
#[cfg(test)]
mod tests;

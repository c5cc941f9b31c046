//! Settings: one declaration for each gives its names, kind, default and doc; from that come the flags, the
//! environment, the YAML file, `--help` and the reference page.
//!
//! A program's configuration is a plain struct of concerns. [`concern!`](crate::concern) declares a struct whose
//! fields are settings; [`load`] fills it from flag, environment, file and default, in this order, and either gives
//! the whole configuration or every [`Mistake`] there is.

pub mod duration;
mod file;
pub mod kind;
mod mistake;
mod reader;
pub mod setting;
pub mod size;

use std::{collections::HashMap, ffi::OsString, path::PathBuf};

pub use self::{
    duration::DrainTimeout,
    mistake::{Mistake, Mistakes, Place},
    reader::Reader,
    setting::{Retired, Setting},
};
use self::{file::File, reader::Given};

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

/// Where a program's settings come from. Tests make their own; a program takes those of its process.
pub struct Sources {
    /// The command line without the program's name.
    pub args: Vec<OsString>,
    /// The environment.
    pub env: Box<dyn Fn(&str) -> Option<String>>,
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

/// The configuration with nothing given.
pub fn defaults<C: Config>() -> C {
    let (flags, file) = (HashMap::new(), File::default());
    C::read(&mut Reader::new(Given { flags: &flags, env: &|_| None, file: &file }))
}

/// Declares a concern: a struct whose fields are settings. The comment of a field is the setting's doc.
///
/// ```
/// use llamapool_worker_core::{concern, settings::{Setting, defaults, kind}};
///
/// concern! {
///     /// What is kept waiting, and how long.
///     pub struct Queue: "Queue" {
///         /// Requests that wait for a free worker, for each model.
///         size: u64 = Setting::new("queue_size", kind::count(0..=1_000)).default("100");
///     }
/// }
/// ```
#[macro_export]
macro_rules! concern {
    (
        $(#[doc = $about:literal])+
        pub struct $Name:ident: $title:literal {
            $( $(#[doc = $doc:literal])+ $field:ident: $Type:ty = $setting:expr; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $Name {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\n`", stringify!($setting), "`")]
                pub $field: $Type,
            )+
        }

        impl $crate::settings::Concern for $Name {
            fn read(from: &mut $crate::settings::Reader<'_>) -> Self {
                from.concern($title);
                Self { $( $field: from.read($setting.doc(concat!($($doc),+))), )+ }
            }
        }
    };
}

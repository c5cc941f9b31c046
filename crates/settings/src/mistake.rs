//! Mistakes in the settings, and where they are.

use std::{fmt, path::PathBuf};

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSpan {
    /// A flag, such as `--port`.
    Flag(String),
    /// An environment variable.
    Env(String),
    /// A position in the configuration file; lines and columns start at 1.
    File {
        /// The file.
        path: PathBuf,
        /// Its line.
        line: usize,
        /// The column in that line.
        column: usize,
    },
    /// The system keychain, with the path of a setting.
    Keychain(String),
    /// A file as a whole.
    WholeFile(PathBuf),
    /// No particular place: several settings together.
    Together,
}

/// One mistake in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where the value was given.
    pub place: SourceSpan,
    /// What is wrong, and what is expected.
    pub what: String,
}

/// Every mistake in the configuration, so that all can be fixed in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for SourceSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}: "),
            Self::Env(name) => write!(f, "environment {name}: "),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}: ", path.display()),
            Self::Keychain(path) => write!(f, "keychain, {path}: "),
            Self::WholeFile(path) => write!(f, "{}: ", path.display()),
            Self::Together => Ok(()),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, self.what)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "The configuration has a mistake:\n  {only}"),
            all => {
                write!(f, "The configuration has {} mistakes:", all.len())?;
                all.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
            }
        }
    }
}

impl std::error::Error for Mistakes {}

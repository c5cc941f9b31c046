//! Where a worker lives: the folder that is its own, and what of the program around it it may change.

use std::path::{Path, PathBuf};

use crate::logs::Level;

/// A worker's surroundings. A path is a home where nothing may be changed.
pub struct Home {
    pub(super) folder: PathBuf,
    pub(super) level: Option<Level>,
}

impl Home {
    /// The folder of its configuration file, where its control token is kept unless the configuration names a folder for what it remembers.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), level: None }
    }

    /// Lets its local controls change how much is logged.
    #[must_use]
    pub fn with_level(self, level: Level) -> Self {
        Self { level: Some(level), ..self }
    }
}

impl From<&Path> for Home {
    fn from(folder: &Path) -> Self {
        Self::at(folder)
    }
}

//! Where a worker lives: the folder that is its own, and what of the program around it it may change.

use std::path::{Path, PathBuf};

use llamapool_telemetry::logs::Level;

/// The environment of a worker. A path alone is an environment whose log level cannot be changed.
pub struct WorkerEnv {
    pub(super) folder: PathBuf,
    pub(super) level: Option<Level>,
}

impl WorkerEnv {
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

impl From<&Path> for WorkerEnv {
    fn from(folder: &Path) -> Self {
        Self::at(folder)
    }
}

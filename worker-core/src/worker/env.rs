//! The environment of a worker: its folder, and what it may change in the program around it.

use std::path::{Path, PathBuf};

use llamapool_telemetry::logs::RunningLogs;

/// The environment of a worker. A path alone is an environment without logs of its own.
pub struct WorkerEnv {
    pub(super) folder: PathBuf,
    pub(super) logs: Option<RunningLogs>,
}

impl WorkerEnv {
    /// The folder of its configuration file, where its control token is kept unless the configuration sets a folder for its state.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), logs: None }
    }

    /// Lets its local controls change the log level, and its status show whether the log files can be written.
    #[must_use]
    pub fn with_logs(self, logs: RunningLogs) -> Self {
        Self { logs: Some(logs), ..self }
    }
}

impl From<&Path> for WorkerEnv {
    fn from(folder: &Path) -> Self {
        Self::at(folder)
    }
}

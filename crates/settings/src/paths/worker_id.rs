//! The id of a worker, which stays the same across restarts: a UUID in `worker.id`.
//!
//! Two workers with the same id would each replace the other's connection, so the file is locked while a
//! worker runs, and a second one with the same folder gets a temporary id.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
};

use uuid::Uuid;

/// The name of the file.
pub const FILE: &str = "worker.id";

/// A worker's id. Hold it as long as the worker runs: it keeps others from using the same id.
#[derive(Debug)]
pub struct WorkerId {
    /// The id.
    pub id: Uuid,
    /// Open and locked, if the id is stored in it.
    kept_in: Option<File>,
}

impl WorkerId {
    /// Whether the id is the same after a restart.
    pub fn is_kept(&self) -> bool {
        self.kept_in.is_some()
    }
}

/// The id stored in this folder, created if there is none; a random one if another worker holds it or if it cannot be stored.
pub fn worker_id(state_dir: &Path) -> WorkerId {
    match locked(state_dir) {
        Ok((id, file)) => WorkerId { id, kept_in: Some(file) },
        Err(error) => {
            let path = state_dir.join(FILE);
            tracing::warn!("This worker uses a temporary ID, because {}: {error}", path.display());
            WorkerId { id: Uuid::new_v4(), kept_in: None }
        }
    }
}

fn locked(state_dir: &Path) -> io::Result<(Uuid, File)> {
    fs::create_dir_all(state_dir)?;
    let path = state_dir.join(FILE);
    let mut file = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => io::Error::other("another worker uses the same state folder"),
        TryLockError::Error(error) => error,
    })?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    if let Ok(id) = Uuid::try_parse(text.trim()) {
        return Ok((id, file));
    }
    let id = Uuid::new_v4();
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    Ok((id, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_the_same_over_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let first = worker_id(&dir.path().join("state"));
        let id = first.id;
        assert!(first.is_kept());
        drop(first);
        assert_eq!(worker_id(&dir.path().join("state")).id, id);
    }

    #[test]
    fn a_second_worker_gets_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let first = worker_id(dir.path());
        let second = worker_id(dir.path());
        assert_ne!(first.id, second.id);
        assert!(!second.is_kept());
    }

    #[test]
    fn rubbish_in_the_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "not a uuid, and longer than one would be: much longer").unwrap();
        let id = worker_id(dir.path()).id;
        assert_eq!(worker_id(dir.path()).id, id);
    }

    #[test]
    fn without_a_folder_there_is_an_id_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(!worker_id(&file).is_kept());
    }
}

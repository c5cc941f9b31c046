//! Puts a file in the place of another, whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

#[cfg(windows)]
use crate::paths;
use crate::text_file;

/// What is at `path` now; nothing if there is no file.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if text_file::is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes `bytes` to a new file beside the old one and renames it. A link to a file stays a link. A new file is its
/// owner's alone, and so becomes one that everybody could read, if it is `private` now; who gave it to a group meant it.
///
/// # Errors
/// It cannot be written. The old one is as it was.
pub fn replace(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    let target = resolved(path)?;
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut file = tempfile::Builder::new().prefix(".llamapool-").tempfile_in(dir)?;
    file.write_all(bytes)?;
    like_before(&file, &target, private)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    // A folder cannot be opened everywhere; where it can, the new name is on the disk after this.
    let _ = File::open(dir).and_then(|dir| dir.sync_all());
    Ok(())
}

/// Where a link leads, also if there is nothing yet.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(target) => Ok(target),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => Ok(path.parent().unwrap_or(Path::new("")).join(target)),
            Err(_) => Ok(path.to_owned()),
        },
        Err(error) => Err(error),
    }
}

/// Owner and mode of the file that is replaced.
#[cfg(unix)]
fn like_before(file: &NamedTempFile, target: &Path, private: bool) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let file = file.as_file();
    let Ok(before) = fs::metadata(target) else { return Ok(()) };
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        // Only root may give a file away; for others it is theirs from now on.
        let _ = fchown(file, Some(before.uid()), Some(before.gid()));
    }
    let mode = before.mode() & 0o777;
    let is_open = mode & 0o007 != 0;
    file.set_permissions(fs::Permissions::from_mode(if private && is_open { mode & 0o600 } else { mode }))
}

/// A new file has the rights of its folder.
#[cfg(windows)]
fn like_before(file: &NamedTempFile, _: &Path, private: bool) -> io::Result<()> {
    if private {
        paths::keep_from_others(file.path());
    }
    Ok(())
}

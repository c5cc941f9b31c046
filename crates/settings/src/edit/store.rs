//! Replaces a file in one step.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

#[cfg(windows)]
use crate::paths;
use crate::text_file;

/// The content of the file at `path`; `None` if there is no file.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if text_file::is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes `bytes` to a new file next to the old one and renames it. A symbolic link stays a link. A new file is readable only by its
/// owner, and so is a file that everybody could read, if it is `private` now; access for a group is kept, because it was given on purpose.
///
/// # Errors
/// It cannot be written. The old file is unchanged.
pub fn replace(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    let target = resolved(path)?;
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut file = tempfile::Builder::new().prefix(".llamapool-").tempfile_in(dir)?;
    file.write_all(bytes)?;
    like_before(&file, &target, private)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    // A folder cannot be opened on every system; where it can, this ensures that the new name is on the disk.
    let _ = File::open(dir).and_then(|dir| dir.sync_all());
    Ok(())
}

/// The target of a link, even if it does not exist yet.
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

/// Copies owner and mode of the file that is replaced.
#[cfg(unix)]
fn like_before(file: &NamedTempFile, target: &Path, private: bool) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let file = file.as_file();
    let Ok(before) = fs::metadata(target) else { return Ok(()) };
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        // Only root may change a file's owner; otherwise the file belongs to the current user.
        let _ = fchown(file, Some(before.uid()), Some(before.gid()));
    }
    let mode = before.mode() & 0o777;
    let is_open = mode & 0o007 != 0;
    file.set_permissions(fs::Permissions::from_mode(if private && is_open { mode & 0o600 } else { mode }))
}

/// A new file has the permissions of its folder.
#[cfg(windows)]
fn like_before(file: &NamedTempFile, _: &Path, private: bool) -> io::Result<()> {
    if private {
        paths::keep_from_others(file.path());
    }
    Ok(())
}

//! What a release comes in: a signed `.tar.gz` with the program in it.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use semver::Version;
use zipsign_api::VerifyingKey;
use zipsign_api::verify::verify_tar;

use super::UpdateError;

/// Largest program unpacked: ours are a fifth of it.
const MOST_PROGRAM: u64 = 256 * 1024 * 1024;

/// The name of the archive with `program` for this system: `llamapool-worker-1.2.3-linux-x86_64.tar.gz`.
pub(super) fn name(program: &str, version: &Version) -> String {
    format!("{program}-{version}-{}-{}.tar.gz", std::env::consts::OS, std::env::consts::ARCH)
}

/// The same for a system whose programs run on every processor it has: `...-macos-universal.tar.gz`.
pub(super) fn name_for_any(program: &str, version: &Version) -> String {
    format!("{program}-{version}-{}-universal.tar.gz", std::env::consts::OS)
}

/// Whether the archive was signed with our key, under this name: one of another version, system or program is not taken for it.
pub(super) fn verify(archive: &Path, name: &str, key: &VerifyingKey) -> Result<(), UpdateError> {
    let io = |error| UpdateError::Io { path: archive.to_owned(), error };
    let mut file = BufReader::new(File::open(archive).map_err(io)?);
    verify_tar(&mut file, &[*key], Some(name.as_bytes())).map(drop).map_err(|_| UpdateError::NotSigned)
}

/// Writes the program in a verified archive to `to`, ready to run.
pub(super) fn unpack(archive: &Path, program: &str, to: &Path) -> Result<(), UpdateError> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let unpacked = find(archive, &file).and_then(|mut entry| {
        let _ = fs::remove_file(to);
        let mut out = program_file(to)?;
        io::copy(&mut entry, &mut out)?;
        out.sync_all()
    });
    unpacked.map_err(|error| {
        let _ = fs::remove_file(to);
        UpdateError::Unusable(format!("its archive: {error}"))
    })
}

/// The content of the first file of this name, in whatever folder.
fn find(archive: &Path, name: &str) -> io::Result<impl io::Read> {
    let mut tar = tar::Archive::new(MultiGzDecoder::new(BufReader::new(File::open(archive)?)));
    for entry in tar.entries()? {
        let mut entry = entry?;
        let is_it = entry.header().entry_type().is_file()
            && entry.path()?.file_name().is_some_and(|found| found == name);
        if is_it {
            if entry.size() > MOST_PROGRAM {
                return Err(io::Error::other("the program is too large"));
            }
            let mut program = Vec::new();
            entry.read_to_end(&mut program)?;
            return Ok(io::Cursor::new(program));
        }
    }
    Err(io::Error::other(format!("no {name} is in it")))
}

fn program_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
    options.open(path)
}

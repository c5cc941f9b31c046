//! The token for controlling a worker on its own machine: 64 hexadecimal digits in `worker.token`, readable only by its
//! owner.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use secrecy::SecretString;
use uuid::Uuid;

use crate::text_file;

/// The name of the file.
pub const FILE: &str = "worker.token";

/// A token, and its file.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token itself.
    pub secret: SecretString,
    /// Its file.
    pub path: PathBuf,
}

/// The token of this machine's worker: the one stored next to the configuration file or in the state folder, else
/// a new one, stored in the first of the two that is writable.
///
/// # Errors
/// There is no token, and neither folder is writable.
pub fn token(config_dir: &Path, state_dir: &Path) -> anyhow::Result<Token> {
    let places = [config_dir.join(FILE), state_dir.join(FILE)];
    if let Some(token) = places.iter().find_map(|path| kept(path)) {
        return Ok(token);
    }
    let [beside_config, in_state] = &places;
    read_or_create(beside_config).or_else(|refused| {
        tracing::debug!("No control token in {}: {refused}", beside_config.display());
        read_or_create(in_state).with_context(|| format!("keep a control token in {}", in_state.display()))
    })
}

fn kept(path: &Path) -> Option<Token> {
    let text = text_file::read(path).ok()?;
    usable(&text).map(|secret| Token { secret, path: path.to_owned() })
}

/// Two workers may start at the same time: the lock makes the second one find the token of the first.
fn read_or_create(path: &Path) -> io::Result<Token> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut file = open_private(path)?;
    file.lock()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let secret = match usable(&text) {
        Some(secret) => secret,
        None => {
            let digits = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            #[cfg(windows)]
            super::keep_from_others(path);
            file.write_all(digits.as_bytes())?;
            file.sync_all()?;
            digits.into()
        }
    };
    Ok(Token { secret, path: path.to_owned() })
}

fn usable(text: &str) -> Option<SecretString> {
    let text = text.trim();
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())).then(|| text.into())
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let (config, state) = (dir.path().join("config"), dir.path().join("state"));
        let first = token(&config, &state).unwrap();
        assert_eq!(first.path, config.join(FILE));
        assert_eq!(first.secret.expose_secret().len(), 64);
        assert!(first.secret.expose_secret().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(token(&config, &state).unwrap().secret.expose_secret(), first.secret.expose_secret());
        #[cfg(unix)]
        {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&first.path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn goes_to_the_state_folder_if_the_other_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        // A file where a folder should be: not even root can write below it.
        let config = dir.path().join("config");
        fs::write(&config, "").unwrap();
        let state = dir.path().join("state");
        assert_eq!(token(&config, &state).unwrap().path, state.join(FILE));
        assert!(token(&config, &config).is_err());
    }

    #[test]
    fn an_own_token_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "my-own\n").unwrap();
        assert_eq!(token(dir.path(), dir.path()).unwrap().secret.expose_secret(), "my-own");
    }

    #[test]
    fn an_empty_file_is_filled() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "\n").unwrap();
        let made = token(dir.path(), dir.path()).unwrap();
        assert_eq!(
            token(dir.path(), dir.path()).unwrap().secret.expose_secret(),
            made.secret.expose_secret()
        );
        assert_eq!(made.secret.expose_secret().len(), 64);
    }
}

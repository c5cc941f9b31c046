//! Values of one setting from flags, environment and file.

use std::path::Path;

use secrecy::ExposeSecret as _;

use super::{Reader, invalid};
use crate::{
    Env, Flags, Keychain,
    declaration::{Declaration, Name},
    file::File,
    kind::{Syntax, switch},
    mistake::{Mistake, SourceSpan},
    text_file,
    yaml::Value,
};

/// The sources of settings, in order of precedence.
pub(crate) struct Given<'a> {
    /// By the flag's name without dashes.
    pub(crate) flags: &'a Flags,
    pub(crate) env: &'a Env,
    pub(crate) file: &'a File,
    pub(crate) keychain: &'a Keychain,
}

impl<'a> Given<'a> {
    /// Flags, environment and file, without a keychain.
    pub(crate) fn of(flags: &'a Flags, env: &'a Env, file: &'a File) -> Self {
        Self { flags, env, file, keychain: &|_| None }
    }
}

/// A value as written.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) span: SourceSpan,
}

/// The value in one source under one name, or a mistake if it has a shape that no value has.
type Found = Result<Option<Written>, Mistake>;

impl Reader<'_> {
    /// The given value of a setting, from the source with the highest precedence.
    pub(super) fn written(&mut self, declared: &Declaration) -> Found {
        for place in [Self::flag, Self::env, Self::entry] {
            for name in &declared.names {
                if let Some(written) = self.by_name(declared, name, place)? {
                    return Ok(Some(written));
                }
            }
        }
        Ok(self.kept(declared))
    }

    /// The secret stored outside of the configuration.
    fn kept(&self, declared: &Declaration) -> Option<Written> {
        let path = declared.path().to_string();
        let secret = Some(declared)
            .filter(|declared| declared.is_secret())
            .and_then(|_| (self.given.keychain)(&path))?;
        Some(Written { text: secret.expose_secret().to_owned(), span: SourceSpan::Keychain(path) })
    }

    /// The value given under one name in one source; `None` if it is empty.
    fn by_name(
        &mut self,
        declared: &Declaration,
        name: &Name,
        place: fn(&mut Self, &Declaration, &str) -> Found,
    ) -> Found {
        let written = place(self, declared, name.key)?.filter(|written| !written.text.trim().is_empty());
        match (written, name.means) {
            (Some(written), Some(means)) => spelled_out(written, means),
            (None, None) if declared.is_secret() => match place(self, declared, &name.file_key())? {
                Some(file) => secret_in(&file),
                None => Ok(None),
            },
            (written, _) => Ok(written),
        }
    }

    fn flag(&mut self, declared: &Declaration, key: &str) -> Found {
        let Some(flag) = declared.flag(key) else { return Ok(None) };
        let Some(text) = self.given.flags.get(&flag).cloned() else { return Ok(None) };
        if declared.is_secret() && !key.ends_with("_file") {
            let env = flag.replace('-', "_").to_ascii_uppercase();
            self.notes.warnings.push(format!(
                "flag --{flag}: other users of this machine can read it in the process list; use {env} or {env}_FILE in the environment instead"
            ));
        }
        Ok(Some(Written { text, span: SourceSpan::Flag(format!("--{flag}")) }))
    }

    fn env(&mut self, declared: &Declaration, key: &str) -> Found {
        let Some(name) = declared.env(key) else { return Ok(None) };
        Ok((self.given.env)(&name).map(|text| Written { text, span: SourceSpan::Env(name) }))
    }

    fn entry(&mut self, declared: &Declaration, key: &str) -> Found {
        let Some(entry) = self.scope.entries.iter().find(|entry| entry.is(key)) else { return Ok(None) };
        let span = entry.node.span.clone();
        let text = match (&entry.node.value, entry.node.value.texts()) {
            (Value::Scalar(text), _) => text.clone(),
            (_, Some(items)) if declared.format.syntax == Syntax::List => items.join(","),
            (other, _) => {
                let found = other.shape().unwrap_or_default();
                return Err(invalid(&span, declared, found));
            }
        };
        Ok(Some(Written { text, span }))
    }
}

/// A shorthand that is on stands for a value; one that is off stands for none.
fn spelled_out(written: Written, means: &str) -> Found {
    let kind = switch();
    match kind.read(&written.text) {
        Some(on) => Ok(on.then(|| Written { text: means.to_owned(), ..written })),
        None => {
            let what = format!("{:?} is invalid, expected {}", written.text, kind.format.expected);
            Err(Mistake { place: written.span, what })
        }
    }
}

/// The secret in the file that a `..._file` setting names, without the line break at its end.
fn secret_in(file: &Written) -> Found {
    let path = file.text.trim();
    if path.is_empty() {
        return Ok(None);
    }
    let mistake = |what| Mistake { place: file.span.clone(), what };
    match text_file::read(Path::new(path)) {
        Ok(text) if !text.trim().is_empty() => Ok(Some(Written { text, span: file.span.clone() })),
        Ok(_) => Err(mistake(format!("the file {path} is empty"))),
        Err(error) => Err(mistake(format!("the file {path} cannot be read: {error}"))),
    }
}

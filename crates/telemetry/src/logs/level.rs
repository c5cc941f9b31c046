//! The log level: parsing it, and changing it while the process runs.

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// The allowed values, as text that completes "use ...".
pub(super) const ALLOWED: &str =
    "error, warn, info, debug, trace, off, or directives such as info,hyper=warn";

/// The log level of this process. Clones share it. A change lasts until the process ends and is not written to the configuration.
#[derive(Clone)]
pub struct Level(reload::Handle<EnvFilter, Registry>);

/// Why a level could not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// The text is not a log level.
    #[error("invalid log level; use {ALLOWED}")]
    Unreadable,
    /// Logging has stopped, because the process is ending.
    #[error("logging has stopped")]
    Ended,
}

impl Level {
    pub(super) fn new(handle: reload::Handle<EnvFilter, Registry>) -> Self {
        Self(handle)
    }

    /// Changes the log level: a level or directives, as in the setting `log_level`.
    ///
    /// # Errors
    /// See [`LevelError`]; the level then stays the same.
    pub fn set(&self, level: &str) -> Result<(), LevelError> {
        let filter = filter(level).ok_or(LevelError::Unreadable)?;
        self.0.reload(filter).map_err(|_| LevelError::Ended)
    }

    /// A level for tests, without logs. It can be changed while the second value exists.
    pub fn for_testing(level: &str) -> (Self, Box<dyn std::any::Any + Send>) {
        let (layer, handle) = reload::Layer::<_, Registry>::new(EnvFilter::new(level));
        (Self(handle), Box::new(layer))
    }

    /// The current directives.
    pub fn get(&self) -> String {
        self.0.with_current(ToString::to_string).unwrap_or_default()
    }
}

/// A level or directives; `None` if the text is neither.
pub(super) fn filter(level: &str) -> Option<EnvFilter> {
    EnvFilter::try_new(directives(level)?).ok()
}

/// The text in the form that [`EnvFilter`] accepts, if it is a level; level names of older versions included. `EnvFilter` would take any other single
/// word for the name of a module, and `debgu` would silence everything except that module: modules need `=level`.
pub(super) fn directives(text: &str) -> Option<&str> {
    let text = text.trim();
    let directives = match text.to_ascii_lowercase().as_str() {
        "all" => "trace",
        "fatal" => "error",
        "none" => "off",
        _ => text,
    };
    let is_level = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
    let is_meant = directives.split(',').all(|part| part.contains(['=', '[']) || is_level(part.trim()));
    (is_meant && EnvFilter::try_new(directives).is_ok()).then_some(directives)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_read_and_slips_are_not() {
        let check = |text, expect| assert_eq!(directives(text), expect, "{text}");
        check("info", Some("info"));
        check(" WARN ", Some("WARN"));
        check("All", Some("trace"));
        check("none", Some("off"));
        check("info,hyper=warn", Some("info,hyper=warn"));
        check("[request{id=7}]=debug", Some("[request{id=7}]=debug"));
        check("debgu", None);
        check("info,hyper", None);
        check("info,", None);
        check("", None);
        check("a=b=c", None);
        check("hyper=loud", None);
    }
}

//! Version, commit and date of this build.

/// The version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, if known.
pub const SHA: &str = or_unknown(option_env!("LLAMAPOOL_BUILD_SHA"));

/// The date of the build, if known.
pub const DATE: &str = or_unknown(option_env!("LLAMAPOOL_BUILD_DATE"));

/// The line that `--version` prints.
pub fn line(program: &str) -> String {
    format!("{program} version={VERSION} sha={SHA} date={DATE}\n")
}

const fn or_unknown(told: Option<&'static str>) -> &'static str {
    match told {
        Some(told) => told,
        None => "unknown",
    }
}

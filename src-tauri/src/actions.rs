//! What both the menu and the windows can ask for, beside steering the worker.

use std::path::Path;

use serde::Deserialize;

use crate::desk::Desk;
use crate::ipc::Problem;
use crate::{opener, settings};

/// Where the manual is.
const DOCUMENTATION: &str = "https://github.com/llamapool/llamapool/blob/main/docs/desktop.md";

/// Where the releases and their notes are.
const RELEASES: &str = "https://github.com/llamapool/llamapool/releases";

/// The setting that keeps models from the pool.
pub const WITHHELD: &str = "models_withheld";

/// What can be opened outside of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    ConfigFolder,
    LogFolder,
    ReportFolder,
    Dashboard,
    Documentation,
    ReleaseNotes,
}

/// Opens a folder or a page.
///
/// # Errors
/// There is none, or the system does not open it.
pub fn open(desk: &Desk, place: Place) -> Result<(), Problem> {
    match place {
        Place::ConfigFolder => folder(desk.place.home()),
        Place::LogFolder => match &desk.log_dir {
            Some(dir) => folder(dir),
            None => Err(Problem::new("There are no log files")),
        },
        Place::ReportFolder => folder(&reports(desk)),
        Place::Dashboard => match &desk.snapshot().server.dashboard_url {
            Some(url) => page(url),
            None => Err(Problem::new("There is no server yet")),
        },
        Place::Documentation => page(DOCUMENTATION),
        Place::ReleaseNotes => page(RELEASES),
    }
}

/// Where reports are saved: where people look for what they have just saved, else with the app's own things.
pub fn reports(desk: &Desk) -> std::path::PathBuf {
    desk.place.state_dir().join("reports")
}

fn folder(folder: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Problem::new(format!("There is no folder {}", folder.display())).because(error.to_string())
    })?;
    opener::open(folder).map_err(|error| not_opened(&folder.display().to_string(), &error))
}

fn page(url: &str) -> Result<(), Problem> {
    opener::open(url).map_err(|error| not_opened(url, &error))
}

fn not_opened(what: &str, error: &std::io::Error) -> Problem {
    Problem::new(format!("The system does not open {what}")).because(error.to_string())
}

/// Puts the address of the OpenAI API on the clipboard.
///
/// # Errors
/// There is no server yet, or no clipboard.
pub fn copy_endpoint(desk: &Desk) -> Result<(), Problem> {
    let url = desk.snapshot().server.endpoint_url.clone();
    copy(desk, url.ok_or_else(|| Problem::new("There is no server yet"))?)
}

/// Puts text on the clipboard.
///
/// # Errors
/// There is no clipboard.
pub fn copy(desk: &Desk, text: String) -> Result<(), Problem> {
    desk.clipboard
        .set(text)
        .map_err(|error| Problem::new("The clipboard is not available").because(error.to_string()))
}

/// Lets the pool use a model, or keeps it from it.
///
/// # Errors
/// It is kept from the pool by a pattern, which only its author can change, or the settings cannot be written.
pub fn offer(desk: &Desk, model: &str, offered: bool) -> Result<(), Problem> {
    let withheld = settings::value(&desk.place, WITHHELD).unwrap_or_default();
    let list = self::offered(&withheld, model, offered)?;
    settings::change(desk, &[(WITHHELD.to_owned(), Some(list))]).map(drop)
}

/// The list of models withheld without this model, or with it.
///
/// # Errors
/// It is kept from the pool by a pattern.
pub fn offered(withheld: &str, model: &str, offered: bool) -> Result<String, Problem> {
    let list = withhold(withheld, model, !offered);
    if offered && list == withheld {
        return Err(Problem::new(format!("{model} is kept from the pool by a pattern"))
            .fixed_by("Change the models withheld in the preferences.")
            .about(WITHHELD));
    }
    Ok(list)
}

/// The list with this model, or without it.
fn withhold(list: &str, model: &str, withheld: bool) -> String {
    // As the worker compares names: neither case nor `:latest` matter.
    let is_it = |name: &str| canonical(name) == canonical(model);
    let mut names: Vec<_> =
        list.split(',').map(str::trim).filter(|name| !name.is_empty() && !is_it(name)).collect();
    if withheld {
        names.push(model);
    }
    names.join(",")
}

fn canonical(name: &str) -> String {
    let name = name.to_lowercase();
    name.strip_suffix(":latest").map(str::to_owned).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_comes_and_goes() {
        let check =
            |list: &str, withheld: bool, wanted: &str| assert_eq!(withhold(list, "m", withheld), wanted);
        check("", true, "m");
        check("a, b", true, "a,b,m");
        check("a,m,b", false, "a,b");
        check("m", true, "m");
        check("a*", false, "a*");
        check("M:latest,b", false, "b");
    }
}

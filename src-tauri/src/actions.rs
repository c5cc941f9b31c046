//! Actions that both the menu and the windows offer, besides controlling the worker.

use std::path::Path;

use llamapool_settings::kind;
use llamapool_worker_core::runtime::{Model, NamePattern};
use serde::Deserialize;

use crate::app_state::AppState;
use crate::ipc::Problem;
use crate::{opener, server_urls, settings};

/// The manual.
const DOCUMENTATION: &str = "https://github.com/llamapool/llamapool/blob/main/docs/desktop.md";

/// The releases and their notes.
const RELEASES: &str = "https://github.com/llamapool/llamapool/releases";

/// The setting that lists the hidden models.
pub const HIDDEN_MODELS: &str = "models_withheld";

/// The setting that shares models which the runtime's vendor serves.
const SHARES_REMOTE: &str = "offer_remote_models";

/// A folder or page that opens outside the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalLink {
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
/// There is none, or the system cannot open it.
pub fn open(state: &AppState, link: ExternalLink) -> Result<(), Problem> {
    match link {
        ExternalLink::ConfigFolder => open_folder(state.paths.config_dir()),
        ExternalLink::LogFolder => match &state.log_dir {
            Some(dir) => open_folder(dir),
            None => Err(Problem::new("There are no log files")),
        },
        ExternalLink::ReportFolder => open_folder(&state.paths.reports_dir()),
        ExternalLink::Dashboard => open_page(&server_url(state, server_urls::dashboard)?),
        ExternalLink::Documentation => open_page(DOCUMENTATION),
        ExternalLink::ReleaseNotes => open_page(RELEASES),
    }
}

/// An address of the server.
fn server_url(state: &AppState, derive: impl Fn(&str) -> Option<String>) -> Result<String, Problem> {
    let url = state.supervisor.facts().borrow().server_url();
    url.and_then(|url| derive(&url)).ok_or_else(|| Problem::new("No server is set up yet"))
}

fn open_folder(folder: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Problem::new(format!("Couldn’t create the folder {}", folder.display())).because(error.to_string())
    })?;
    opener::open(folder).map_err(|error| not_opened(&folder.display().to_string(), &error))
}

fn open_page(url: &str) -> Result<(), Problem> {
    opener::open(url).map_err(|error| not_opened(url, &error))
}

fn not_opened(what: &str, error: &std::io::Error) -> Problem {
    Problem::new(format!("Couldn’t open {what}")).because(error.to_string())
}

/// Copies the address of the OpenAI-compatible API.
///
/// # Errors
/// There is no server yet, or no clipboard.
pub fn copy_endpoint(state: &AppState) -> Result<(), Problem> {
    copy(state, server_url(state, server_urls::endpoint)?)
}

/// Copies text.
///
/// # Errors
/// There is no clipboard.
pub fn copy(state: &AppState, text: String) -> Result<(), Problem> {
    state
        .clipboard
        .set(text)
        .map_err(|error| Problem::new("The clipboard is not available").because(error.to_string()))
}

/// Shares a model with the pool, or hides it.
///
/// # Errors
/// A pattern hides it, which is edited by hand only; it is remote, and remote models are not shared; or the settings cannot be written.
pub async fn share_model(state: &AppState, model: &str, shared: bool) -> Result<(), Problem> {
    if shared {
        let setting = settings::value(&state.paths, SHARES_REMOTE);
        let facts = state.supervisor.facts().borrow().clone();
        let models = facts.worker.as_ref().map_or(&[][..], |worker| &worker.models);
        check_remote(models, model, setting.as_deref())?;
    }
    let hidden = settings::value(&state.paths, HIDDEN_MODELS).unwrap_or_default();
    let list = hidden_models(&hidden, model, shared)?;
    let changes = [(HIDDEN_MODELS.to_owned(), Some(list))];
    settings::change(&state.paths, &state.supervisor, &changes).await.map(drop)
}

/// Checks that a model may be shared: it is local, or the setting for remote models has been turned on.
fn check_remote(models: &[Model], name: &str, setting: Option<&str>) -> Result<(), Problem> {
    let is_on = setting.is_some_and(|setting| kind::switch().read(setting) == Some(true));
    if is_on || !models.iter().any(|model| model.remote && model.name == name) {
        return Ok(());
    }
    Err(Problem::new(format!(
        "{name} runs in the cloud of the runtime’s vendor, and such models are not shared"
    ))
    .fixed_by("To share them, turn on the setting for remote models in Preferences.")
    .about(SHARES_REMOTE))
}

/// The list of hidden models without this model, or with it.
///
/// # Errors
/// A pattern hides the model.
pub fn hidden_models(hidden: &str, model: &str, shared: bool) -> Result<String, Problem> {
    let list = with_model(hidden, model, !shared);
    if shared && list == hidden {
        return Err(Problem::new(format!("A pattern hides {model}"))
            .fixed_by("Edit the hidden models in Preferences.")
            .about(HIDDEN_MODELS));
    }
    Ok(list)
}

/// The list with this model, or without it. Names are compared as the worker does.
fn with_model(list: &str, model: &str, hidden: bool) -> String {
    let pattern = NamePattern::read(model);
    let is_model = |name: &str| pattern.is_some() && NamePattern::read(name) == pattern;
    let mut names: Vec<_> =
        list.split(',').map(str::trim).filter(|name| !name.is_empty() && !is_model(name)).collect();
    if hidden {
        names.push(model);
    }
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_model_is_shared_only_if_the_setting_says_so() {
        let model = |name: &str, remote| Model { name: name.to_owned(), remote, ..Model::default() };
        let models = [model("near", false), model("far", true)];
        let field = |name, setting| check_remote(&models, name, setting).err().map(|problem| problem.field);
        assert_eq!(field("near", None), None);
        assert_eq!(field("unknown", None), None);
        assert_eq!(field("far", None), Some(Some(SHARES_REMOTE.to_owned())));
        assert_eq!(field("far", Some("false")), Some(Some(SHARES_REMOTE.to_owned())));
        assert_eq!(field("far", Some("true")), None);
    }

    #[test]
    fn a_model_is_added_and_removed() {
        let check =
            |list: &str, hidden: bool, expect: &str| assert_eq!(with_model(list, "m", hidden), expect);
        check("", true, "m");
        check("a, b", true, "a,b,m");
        check("a,m,b", false, "a,b");
        check("m", true, "m");
        check("a*", false, "a*");
        check("M:latest,b", false, "b");
    }
}

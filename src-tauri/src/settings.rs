//! The worker's settings as the preferences show and change them.

use std::path::Path;

use llamapool_settings::edit::{Edit, EditError};
use llamapool_settings::fields::{self, Field, Fields};
use llamapool_worker_core::config::Config;
use secrecy::ExposeSecret as _;

use crate::config_paths::{ConfigPaths, environment};
use crate::ipc::{self, FieldGroup, FieldKind, Mode, Preferences, Problem, Saved};
use crate::keychain::Changes;
use crate::supervisor::{Order, Supervisor, SupervisorState};

/// All current settings, for a worker of this kind.
pub fn preferences(paths: &ConfigPaths, mode: Mode) -> Preferences {
    let Fields { fields, file_problem } = fields::fields::<Config>(paths.file(), &environment);
    let mut groups: Vec<FieldGroup> = Vec::new();
    for field in fields {
        let name = field.group.to_owned();
        let mut field = view(field);
        field.in_keychain = !field.is_set && paths.keys().is_kept(&field.key);
        field.is_set |= field.in_keychain;
        if mode == Mode::Attached {
            field.effect = ipc::Effect::Service;
        }
        match groups.last_mut().filter(|group| group.name == name) {
            Some(group) => group.fields.push(field),
            None => groups.push(FieldGroup { name, fields: vec![field] }),
        }
    }
    Preferences {
        path: with_tilde(paths.file()),
        exists: paths.file().exists(),
        groups,
        file_problem: file_problem.map(|mistakes| mistakes.to_string()),
        warnings: paths.load().map(|loaded| loaded.warnings).unwrap_or_default(),
    }
}

/// A path with `~` for the user's home folder.
fn with_tilde(path: &Path) -> String {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    match home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if cfg!(unix) => Path::new("~").join(rest).display().to_string(),
        _ => path.display().to_string(),
    }
}

/// The value of a setting, if one is given and it is not a secret.
pub fn value(paths: &ConfigPaths, key: &str) -> Option<String> {
    let fields = fields::fields::<Config>(paths.file(), &environment).fields;
    fields.into_iter().find(|field| field.key == key)?.value
}

/// Why a setting cannot have this value.
pub fn check(key: &str, value: &str) -> Option<String> {
    fields::check::<Config>(key, value).err()
}

/// Changes settings in the file, all or none, and has the worker reload them.
///
/// # Errors
/// Invalid values, or why the file cannot be written.
pub async fn change(
    paths: &ConfigPaths,
    supervisor: &Supervisor,
    changes: &Changes,
) -> Result<Saved, Problem> {
    save(paths, edited(paths, changes)?)?;
    Ok(reload(supervisor, changes).await)
}

/// Like [`change`], but keys are stored in the system keychain if possible. A service reads only the file, so its keys stay there.
///
/// # Errors
/// As for [`change`].
pub async fn change_with_keys(
    paths: &ConfigPaths,
    supervisor: &Supervisor,
    changes: &Changes,
) -> Result<Saved, Problem> {
    // Before the keychain stores a key, so that invalid values leave no trace in it.
    let edit = edited(paths, changes)?;
    let in_file = supervisor.facts().borrow().mode() == Mode::Attached;
    let keys = paths.keys();
    let split = keys
        .keep(changes, in_file)
        .await
        .map_err(|why| Problem::new("Couldn’t remove the key from the system keychain").because(why))?;
    let edit = if split.left == changes { Ok(edit) } else { edited(paths, &split.left) };
    match edit.and_then(|edit| save(paths, edit)) {
        Ok(()) => {
            keys.forget(split).await;
            Ok(reload(supervisor, changes).await)
        }
        Err(problem) => {
            keys.put_back(split);
            Err(problem)
        }
    }
}

/// Orders one reload. Returns when the changes take effect.
async fn reload(supervisor: &Supervisor, changes: &Changes) -> Saved {
    let (mode, state) = {
        let facts = supervisor.facts();
        let facts = facts.borrow();
        (facts.mode(), facts.state.clone())
    };
    let effect = match mode {
        _ if state != SupervisorState::Running => ipc::Effect::Now,
        Mode::Attached => ipc::Effect::Service,
        Mode::Embedded if needs_restart(changes) => ipc::Effect::Restart,
        Mode::Embedded => ipc::Effect::Now,
    };
    supervisor.order(Order::Reload).await;
    Saved { effect, applied: changes.iter().map(|(key, _)| key.clone()).collect() }
}

/// Whether an embedded worker restarts for these changes. This depends on the declarations of the settings only, so no file is read.
fn needs_restart(changes: &Changes) -> bool {
    let declared = fields::fields::<Config>(Path::new(""), &|_| None).fields;
    let restarts =
        |key: &str| declared.iter().any(|field| field.key == key && field.effect == fields::Effect::Restart);
    changes.iter().any(|(key, _)| restarts(key))
}

/// Moves the keys to where the app's settings say: to the keychain or to the file.
///
/// # Errors
/// As for [`change`].
pub async fn move_keys(paths: &ConfigPaths, supervisor: &Supervisor) -> Result<(), Problem> {
    paths.load().map_err(|mistakes| Problem::new("Couldn’t move the keys").because(mistakes.to_string()))?;
    // A key in the environment stays there, and hides the one of the keychain.
    let given = fields::given_secrets::<Config>(paths.file(), &environment);
    let in_keychain =
        paths.keys().all().into_iter().filter(|(name, _)| given.iter().all(|secret| secret.path != *name));
    let in_file = given.iter().filter(|secret| secret.origin == fields::Origin::File);
    let changes: Vec<_> = in_file
        .map(|secret| (secret.path.clone(), secret.value.clone()))
        .chain(in_keychain)
        .map(|(name, key)| (name, Some(key.expose_secret().to_owned())))
        .collect();
    change_with_keys(paths, supervisor, &changes).await.map(drop)
}

/// Changes settings in the file, all or none.
#[cfg(test)]
pub(crate) fn write(paths: &ConfigPaths, changes: &Changes) -> Result<(), Problem> {
    save(paths, edited(paths, changes)?)
}

/// The file with these changes, not yet written.
fn edited(paths: &ConfigPaths, changes: &Changes) -> Result<Edit, Problem> {
    let mut edit = Edit::open::<Config>(paths.file()).map_err(|error| not_saved(paths, &error))?;
    for (key, value) in changes {
        match value {
            Some(value) => edit.set(key, value),
            None => edit.unset(key),
        }
        .map_err(|error| not_saved(paths, &error))?;
    }
    edit.check::<Config>(&environment).map_err(|mistakes| {
        Problem::new("The settings conflict with each other").because(mistakes.to_string())
    })?;
    Ok(edit)
}

fn save(paths: &ConfigPaths, mut edit: Edit) -> Result<(), Problem> {
    let folder = paths.config_dir();
    std::fs::create_dir_all(folder).map_err(|error| {
        Problem::new(format!("Couldn’t create the folder {}", folder.display())).because(error.to_string())
    })?;
    edit.save().map_err(|error| not_saved(paths, &error))
}

fn not_saved(paths: &ConfigPaths, error: &EditError) -> Problem {
    let file = paths.file().display();
    match error {
        EditError::Wrong { key, why } => Problem::new(why.clone()).about(key.clone()),
        EditError::Entangled { key, .. } => Problem::new(error.to_string())
            .fixed_by(format!("Edit {file} in a text editor."))
            .about(key.clone()),
        EditError::Broken(_) => Problem::new(format!("Couldn’t read {file}"))
            .because(error.to_string())
            .fixed_by("Correct it in a text editor. Nothing was saved."),
        EditError::Changed(_) => {
            Problem::new(error.to_string()).fixed_by("Review what has changed, then save again.")
        }
        EditError::Unknown(_) | EditError::Io { .. } => {
            Problem::new(format!("Couldn’t write {file}")).because(error.to_string())
        }
    }
}

fn view(field: Field) -> ipc::Field {
    let choices: Vec<_> = field.choices.iter().map(|choice| (*choice).to_owned()).collect();
    ipc::Field {
        key: field.key.to_owned(),
        label: field.label,
        help: field.help,
        kind: kind(field.input),
        value: field.value,
        default: field.default.to_owned(),
        choices: (!choices.is_empty()).then_some(choices),
        effect: match field.effect {
            fields::Effect::Now => ipc::Effect::Now,
            fields::Effect::Restart => ipc::Effect::Restart,
        },
        problem: field.problem,
        origin: match field.origin {
            fields::Origin::File => ipc::Origin::File,
            fields::Origin::Default => ipc::Origin::Default,
            fields::Origin::Environment => ipc::Origin::Environment,
        },
        is_set: field.is_set,
        in_keychain: false,
    }
}

fn kind(input: fields::Input) -> FieldKind {
    match input {
        fields::Input::Text => FieldKind::Text,
        fields::Input::Secret => FieldKind::Secret,
        fields::Input::Number => FieldKind::Number,
        fields::Input::Switch => FieldKind::Switch,
        fields::Input::Choice => FieldKind::Choice,
        fields::Input::Path => FieldKind::Path,
        fields::Input::Url => FieldKind::Url,
        fields::Input::Duration => FieldKind::Duration,
        fields::Input::Size => FieldKind::Size,
        fields::Input::List => FieldKind::List,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(yaml: Option<&str>) -> (tempfile::TempDir, ConfigPaths) {
        let folder = tempfile::tempdir().unwrap();
        let paths = ConfigPaths::new(&folder.path().join("below/worker.yaml"), folder.path());
        if let Some(yaml) = yaml {
            std::fs::create_dir_all(paths.config_dir()).unwrap();
            std::fs::write(paths.file(), yaml).unwrap();
        }
        (folder, paths)
    }

    fn set(key: &str, value: &str) -> (String, Option<String>) {
        (key.to_owned(), Some(value.to_owned()))
    }

    fn field(preferences: &Preferences, key: &str) -> ipc::Field {
        let mut fields = preferences.groups.iter().flat_map(|group| &group.fields);
        fields.find(|field| field.key == key).unwrap_or_else(|| panic!("no {key}")).clone()
    }

    #[test]
    fn settings_are_grouped_and_secrets_are_hidden() {
        let (_folder, paths) = paths(Some("client_key: hush\nmax_concurrency: 900000\n"));
        let preferences = preferences(&paths, Mode::Embedded);
        let names: Vec<_> = preferences.groups.iter().map(|group| group.name.as_str()).collect();
        let mut once = names.clone();
        once.dedup();
        assert_eq!((names.first(), names.len()), (Some(&"Server"), once.len()));
        let key = field(&preferences, "client_key");
        assert_eq!((key.kind, key.is_set, key.value), (FieldKind::Secret, true, None));
        assert!(field(&preferences, "max_concurrency").problem.unwrap().contains("4096"));
        assert!(!serde_json::to_string(&preferences).unwrap().contains("hush"));
        assert!(preferences.exists && preferences.file_problem.is_none());
    }

    #[test]
    fn an_invalid_file_is_reported() {
        let (_folder, paths) = paths(Some("a: [\n"));
        assert!(preferences(&paths, Mode::Embedded).file_problem.is_some());
        assert!(write(&paths, &[set("client_name", "x")]).unwrap_err().what.contains("Couldn’t read"));
    }

    #[test]
    fn unknown_settings_are_reported() {
        let (_folder, paths) = paths(Some("client_nane: x\n"));
        let shown = preferences(&paths, Mode::Attached);
        assert!(
            shown.warnings[0].contains("client_nane") && shown.warnings.len() == 1,
            "{:?}",
            shown.warnings
        );
        assert_eq!(field(&shown, "client_name").effect, ipc::Effect::Service);
    }

    #[test]
    fn changes_are_written_together_or_not_at_all() {
        let (_folder, paths) = paths(None);
        write(&paths, &[set("client_name", "a"), set("max_concurrency", "3")]).unwrap();
        let wrong = write(&paths, &[set("client_name", "b"), set("max_concurrency", "none")]).unwrap_err();
        assert_eq!(wrong.field.as_deref(), Some("max_concurrency"));
        assert_eq!(value(&paths, "client_name").as_deref(), Some("a"));
        write(&paths, &[("client_name".to_owned(), None)]).unwrap();
        assert_eq!(
            (value(&paths, "client_name"), value(&paths, "max_concurrency").as_deref()),
            (None, Some("3"))
        );
    }

    #[test]
    fn a_value_is_checked_before_it_is_saved() {
        assert_eq!(check("max_concurrency", "3"), None);
        assert!(check("max_concurrency", "0").is_some());
        assert!(check("no_such_thing", "0").is_some());
    }

    #[test]
    fn the_log_level_alone_takes_effect_without_a_restart() {
        assert!(!needs_restart(&[set("log_level", "debug")]));
        assert!(needs_restart(&[set("log_level", "debug"), ("client_name".to_owned(), None)]));
    }
}

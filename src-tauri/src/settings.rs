//! The worker's settings as the preferences show and change them.

use std::collections::BTreeMap;
use std::path::Path;

use llamapool_worker_core::config::Config;
use llamapool_worker_core::settings::edit::{Edit, EditError};
use llamapool_worker_core::settings::fields::{self, Field, Fields};

use secrecy::ExposeSecret as _;

use crate::desk::Desk;
use crate::ipc::{self, FieldGroup, FieldKind, Mode, Preferences, Problem, Saved};
use crate::supervisor::{Order, Place, Stage, environment};

/// Changes of settings: a value, or nothing for the default.
pub type Changes = [(String, Option<String>)];

/// All settings as they are now, for a worker of this kind.
pub fn preferences(place: &Place, mode: Mode) -> Preferences {
    let Fields { fields, file_problem } = fields::fields::<Config>(place.file(), &environment);
    let mut groups: Vec<FieldGroup> = Vec::new();
    for field in fields {
        let name = field.group.to_owned();
        let mut field = view(field);
        field.in_keychain = !field.is_set && place.keys().is_kept(&field.key);
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
        path: shown(place.file()),
        exists: place.file().exists(),
        groups,
        file_problem: file_problem.map(|mistakes| mistakes.to_string()),
        warnings: place.load().map(|loaded| loaded.warnings).unwrap_or_default(),
    }
}

/// A path as people say it: `~` is their own folder.
fn shown(path: &Path) -> String {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    match home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if cfg!(unix) => Path::new("~").join(rest).display().to_string(),
        _ => path.display().to_string(),
    }
}

/// What is given for a setting, if it is no secret.
pub fn value(place: &Place, key: &str) -> Option<String> {
    let fields = fields::fields::<Config>(place.file(), &environment).fields;
    fields.into_iter().find(|field| field.key == key)?.value
}

/// Why a setting cannot have this value.
pub fn check(key: &str, value: &str) -> Option<String> {
    fields::check::<Config>(key, value).err()
}

/// Changes settings in the file, all or none, and has the worker follow.
///
/// # Errors
/// What does not fit, or why the file cannot be written.
pub fn change(desk: &Desk, changes: &Changes) -> Result<Saved, Problem> {
    let effects: BTreeMap<_, _> = fields::fields::<Config>(desk.place.file(), &environment)
        .fields
        .into_iter()
        .map(|field| (field.key, field.effect))
        .collect();
    write(&desk.place, changes)?;
    let is_running = desk.supervisor.facts().borrow().stage == Stage::Running;
    let needs_restart =
        changes.iter().any(|(key, _)| effects.get(key.as_str()) == Some(&fields::Effect::Restart));
    let effect = match desk.snapshot().mode {
        Mode::Attached if is_running => ipc::Effect::Service,
        Mode::Embedded if is_running && needs_restart => ipc::Effect::Restart,
        Mode::Attached | Mode::Embedded => ipc::Effect::Now,
    };
    desk.order(Order::Reload);
    let applied = changes.iter().map(|(key, _)| key.clone()).collect();
    Ok(Saved { effect, applied })
}

/// [`change`], with the keys among it in the system's keychain, where that can be. A service reads the file and nothing else, so its keys stay there.
///
/// # Errors
/// As for [`change`].
pub async fn change_with_keys(desk: &Desk, changes: &Changes) -> Result<Saved, Problem> {
    // Everything that is wrong is told before the keychain has a key of it.
    edited(&desk.place, changes)?;
    let keys = desk.place.keys();
    let in_file = desk.snapshot().mode == Mode::Attached;
    let split = keys
        .keep(changes, in_file)
        .await
        .map_err(|why| Problem::new("The key cannot be taken from the system's keychain").because(why))?;
    match change(desk, &split.left) {
        Ok(saved) => {
            keys.forget(split).await;
            desk.order(Order::Reload);
            Ok(saved)
        }
        Err(problem) => {
            keys.put_back(split);
            Err(problem)
        }
    }
}

/// Moves the keys to where the app's preferences say they belong.
///
/// # Errors
/// As for [`change`].
pub async fn move_keys(desk: &Desk) -> Result<(), Problem> {
    let loaded = desk
        .place
        .load()
        .map_err(|mistakes| Problem::new("The keys stay where they are").because(mistakes.to_string()))?;
    let Config { server, runtime, .. } = loaded.config;
    let keys = [("client_key", server.client_key), ("completion_api_key", runtime.api_key)];
    // What comes from the environment is in neither place.
    let fields = preferences(&desk.place, Mode::Embedded).groups.into_iter().flat_map(|group| group.fields);
    let ours: Vec<_> =
        fields.filter(|field| field.origin != ipc::Origin::Environment).map(|field| field.key).collect();
    let changes: Vec<_> = keys
        .into_iter()
        .filter(|(name, _)| ours.iter().any(|key| key == name))
        .filter_map(|(name, key)| Some((name.to_owned(), Some(key?.expose_secret().to_owned()))))
        .collect();
    change_with_keys(desk, &changes).await.map(drop)
}

/// Changes settings in the file, all or none.
///
/// # Errors
/// What does not fit, or why the file cannot be written.
pub fn write(place: &Place, changes: &Changes) -> Result<(), Problem> {
    let folder = place.home();
    std::fs::create_dir_all(folder).map_err(|error| {
        Problem::new(format!("The folder {} cannot be made", folder.display())).because(error.to_string())
    })?;
    edited(place, changes)?.save().map_err(|error| not_written(place, &error))
}

/// The file with these changes, not yet written.
fn edited(place: &Place, changes: &Changes) -> Result<Edit, Problem> {
    let mut edit = Edit::open::<Config>(place.file()).map_err(|error| not_written(place, &error))?;
    for (key, value) in changes {
        match value {
            Some(value) => edit.set(key, value),
            None => edit.unset(key),
        }
        .map_err(|error| not_written(place, &error))?;
    }
    edit.check::<Config>(&environment)
        .map_err(|mistakes| Problem::new("The settings do not go together").because(mistakes.to_string()))?;
    Ok(edit)
}

fn not_written(place: &Place, error: &EditError) -> Problem {
    let file = place.file().display();
    match error {
        EditError::Wrong { key, why } => Problem::new(why.clone()).about(key.clone()),
        EditError::Entangled { key, .. } => Problem::new(error.to_string())
            .fixed_by(format!("Open {file} with a text editor."))
            .about(key.clone()),
        EditError::Broken(_) => Problem::new(format!("{file} cannot be read"))
            .because(error.to_string())
            .fixed_by("Correct it with a text editor; nothing was written."),
        EditError::Changed(_) => {
            Problem::new(error.to_string()).fixed_by("Look at what has changed, then save again.")
        }
        EditError::Unknown(_) | EditError::Io { .. } => {
            Problem::new(format!("{file} cannot be written")).because(error.to_string())
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

    fn place(yaml: Option<&str>) -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&folder.path().join("below/worker.yaml"), folder.path());
        if let Some(yaml) = yaml {
            std::fs::create_dir_all(place.home()).unwrap();
            std::fs::write(place.file(), yaml).unwrap();
        }
        (folder, place)
    }

    fn set(key: &str, value: &str) -> (String, Option<String>) {
        (key.to_owned(), Some(value.to_owned()))
    }

    fn field(preferences: &Preferences, key: &str) -> ipc::Field {
        let mut fields = preferences.groups.iter().flat_map(|group| &group.fields);
        fields.find(|field| field.key == key).unwrap_or_else(|| panic!("no {key}")).clone()
    }

    #[test]
    fn settings_are_shown_by_concern_and_secrets_are_not() {
        let (_folder, place) = place(Some("client_key: hush\nmax_concurrency: 900000\n"));
        let preferences = preferences(&place, Mode::Embedded);
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
    fn a_file_that_is_none_is_said_to_be() {
        let (_folder, place) = place(Some("a: [\n"));
        assert!(preferences(&place, Mode::Embedded).file_problem.is_some());
        assert!(write(&place, &[set("client_name", "x")]).unwrap_err().what.contains("cannot be read"));
    }

    #[test]
    fn what_counts_for_nothing_is_said() {
        let (_folder, place) = place(Some("client_nane: x\n"));
        let shown = preferences(&place, Mode::Attached);
        assert!(
            shown.warnings[0].contains("client_nane") && shown.warnings.len() == 1,
            "{:?}",
            shown.warnings
        );
        assert_eq!(field(&shown, "client_name").effect, ipc::Effect::Service);
    }

    #[test]
    fn changes_are_written_together_or_not_at_all() {
        let (_folder, place) = place(None);
        write(&place, &[set("client_name", "a"), set("max_concurrency", "3")]).unwrap();
        let wrong = write(&place, &[set("client_name", "b"), set("max_concurrency", "none")]).unwrap_err();
        assert_eq!(wrong.field.as_deref(), Some("max_concurrency"));
        assert_eq!(value(&place, "client_name").as_deref(), Some("a"));
        write(&place, &[("client_name".to_owned(), None)]).unwrap();
        assert_eq!(
            (value(&place, "client_name"), value(&place, "max_concurrency").as_deref()),
            (None, Some("3"))
        );
    }

    #[test]
    fn a_value_is_checked_before_it_is_saved() {
        assert_eq!(check("max_concurrency", "3"), None);
        assert!(check("max_concurrency", "0").is_some());
        assert!(check("no_such_thing", "0").is_some());
    }
}

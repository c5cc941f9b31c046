//! Collects the pages of a report. Nothing leaves here unscrubbed.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use secrecy::SecretString;

use super::Page;
use super::scrub::{REMOVED, Scrub};
use crate::config::Config;
use crate::doctor::{self, Check, Context};
use crate::host::{self, Host};
use llamapool_settings::edit::Edit;
use llamapool_settings::fields::{Field, Origin, fields, secrets};
use llamapool_settings::{Env, build, paths, text_file};

/// Bytes kept from the end of each log: recent problems are there, and mail has size limits.
const MOST_OF_A_LOG: u64 = 256 * 1024;

/// Number of log files: today's, the previous one, and those of other programs in the same folder.
const MOST_LOGS: usize = 6;

pub(super) async fn pages(context: &Context, checks: &[Check], env: &Env) -> Vec<Page> {
    let file = &context.file;
    let scrub = Scrub::new(all_secrets(context, env));
    let mut pages = vec![
        page("about.txt", scrub.known(&about())),
        page("doctor.txt", scrub.known(&doctor::in_words(checks))),
        page("settings.txt", scrub.all(&settings(file, env))),
        page("worker.yaml", config(file, &scrub)),
    ];
    if let Some(status) = running(context).await {
        pages.push(page("status.json", scrub.all(&status)));
    }
    pages.extend(logs(context, &scrub));
    pages
}

fn page(name: &str, text: String) -> Page {
    Page { name: name.to_owned(), text }
}

/// All keys, and the token of the local controls.
fn all_secrets(context: &Context, env: &Env) -> Vec<SecretString> {
    let mut all = secrets::<Config>(&context.file, env);
    let home = context.file.parent().map(Path::to_owned);
    let state = context.loaded.as_ref().ok().and_then(|loaded| loaded.config.control.state_dir.clone());
    let folders = [home, state, Some(paths::state_dir())].into_iter().flatten();
    let tokens = folders.filter_map(|folder| text_file::read(&folder.join(paths::TOKEN_FILE)).ok());
    all.extend(tokens.map(|token| token.trim().to_owned().into()));
    all
}

fn about() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    let host = Host { hostname: None, ..host::this_machine() };
    let host = serde_json::to_string_pretty(&host).unwrap_or_default();
    format!(
        "llamapool worker {} (build {} of {})\n{now}\n\nThis machine: {host}\n\nKeys, tokens and passwords are replaced by {REMOVED}.\n",
        build::VERSION,
        build::SHA,
        build::DATE
    )
}

/// Every setting that is not its default, and where it comes from.
fn settings(file: &Path, env: &Env) -> String {
    let all = fields::<Config>(file, env);
    let problem = all.file_problem.map(|problem| format!("{problem}\n\n")).unwrap_or_default();
    all.fields.iter().filter(|field| field.is_set).fold(problem, |mut text, field| {
        let line = writeln!(text, "{}", setting(field));
        line.expect("writing to a string cannot fail");
        text
    })
}

fn setting(field: &Field) -> String {
    let origin = match field.origin {
        Origin::File => "file",
        Origin::Environment => "environment",
        Origin::Default => "default",
    };
    let value = field.value.as_deref().unwrap_or("set");
    let problem = field.problem.as_ref().map(|problem| format!(" -- {problem}")).unwrap_or_default();
    format!("{} = {value} ({origin}){problem}", field.key)
}

/// The configuration file, including comments, without the values of secret settings.
fn config(file: &Path, scrub: &Scrub) -> String {
    if !file.exists() {
        return "(no file)\n".to_owned();
    }
    match Edit::open::<Config>(file).map(|edit| edit.without_secrets(REMOVED)) {
        Ok(Some(text)) => scrub.all(&text),
        Ok(None) | Err(_) => match text_file::read(file) {
            // A file that cannot be parsed is reduced to its keys.
            Ok(text) => scrub.all(&keys_of(&text)),
            Err(error) => format!("(it cannot be read: {error})\n"),
        },
    }
}

fn keys_of(text: &str) -> String {
    let keys = text.lines().filter_map(|line| line.split_once(':')).map(|(key, _)| key);
    let keys =
        keys.filter(|key| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_- ".contains(&byte)));
    keys.fold("(it cannot be parsed; its keys:)\n".to_owned(), |text, key| text + key + ":\n")
}

async fn running(context: &Context) -> Option<String> {
    let config = &context.loaded.as_ref().ok()?.config;
    serde_json::to_string_pretty(&doctor::status(config).await?).ok()
}

/// The ends of the newest log files.
fn logs(context: &Context, scrub: &Scrub) -> Vec<Page> {
    let own = context.loaded.as_ref().ok().and_then(|loaded| loaded.config.log.dir.clone());
    let Some(dir) = own.or_else(paths::log_dir) else { return Vec::new() };
    let mut files: Vec<(SystemTime, PathBuf)> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let is_log = path.extension().is_some_and(|extension| extension == "log") && path.is_file();
            is_log.then(|| Some((path.metadata().ok()?.modified().ok()?, path)))?
        })
        .collect();
    files.sort();
    let newest = files.into_iter().rev().take(MOST_LOGS);
    newest
        .filter_map(|(_, path)| {
            let name = scrub.known(path.file_name()?.to_str()?);
            Some(page(&format!("logs/{name}"), scrub.all(&end_of(&path).ok()?)))
        })
        .collect()
}

/// The last lines of a file.
fn end_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(MOST_OF_A_LOG);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(MOST_OF_A_LOG).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // A secret cut in two would not be found, so the first, possibly partial line is dropped.
    Ok(if start == 0 {
        text
    } else {
        text.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_owned())
    })
}

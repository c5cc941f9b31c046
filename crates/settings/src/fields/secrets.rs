//! All secrets that are given anywhere, so that they can be recognised and removed.

use std::path::Path;

use secrecy::SecretString;

use super::{Origin, read};
use crate::{
    Env, ProgramConfig, SourceSpan,
    file::File,
    load::settings_of,
    text_file,
    yaml::{Entry, Value},
};

/// Every secret that is given for a setting of `C`, including those without effect, such as below an unknown key.
pub fn secrets<C: ProgramConfig>(file: &Path, env: &Env) -> Vec<SecretString> {
    let text = text_file::read(file).unwrap_or_default();
    let file = File::parse(file, &text).unwrap_or_default();
    let entries = file.all_entries();
    let mut given = Vec::new();
    for declared in settings_of::<C>().iter().filter(|declared| declared.is_secret()) {
        let of = |key: &str| {
            let env = declared.env(key).and_then(|name| env(&name));
            in_entries(&entries, key).into_iter().chain(env).collect::<Vec<_>>()
        };
        for name in &declared.names {
            let paths = of(&name.file_key());
            let in_files = paths.into_iter().filter_map(|path| text_file::read(Path::new(path.trim())).ok());
            given.extend(of(name.key).into_iter().chain(in_files));
        }
    }
    let each = given.iter().flat_map(|text| text.split([',', '\n']).map(str::trim).chain([text.trim()]));
    each.filter(|secret| !secret.is_empty()).map(SecretString::from).collect()
}

/// A secret that is given for a setting.
#[derive(Clone, Debug)]
pub struct GivenSecret {
    /// The path of the setting, for [`Edit`](crate::edit::Edit).
    pub path: String,
    /// The secret as given.
    pub value: SecretString,
    /// Where it comes from.
    pub origin: Origin,
}

/// The secrets that are in effect for the settings of `C`, to move them elsewhere. Invalid ones are left out.
pub fn given_secrets<C: ProgramConfig>(file: &Path, env: &Env) -> Vec<GivenSecret> {
    let (notes, _) = read::<C>(file, env);
    let settings = notes.read.into_iter().chain(notes.in_items);
    let given = settings.filter(|setting| setting.declared.is_secret() && setting.problem.is_none());
    given
        .filter_map(|setting| {
            let written = setting.written?;
            let origin =
                if let SourceSpan::Env(_) = written.span { Origin::Environment } else { Origin::File };
            let value = SecretString::from(written.text.trim());
            Some(GivenSecret { path: setting.declared.path().to_string(), value, origin })
        })
        .collect()
}

/// Every text given for `key`, in any mapping.
fn in_entries(entries: &[&Entry], key: &str) -> Vec<String> {
    let mut texts = Vec::new();
    entries.iter().filter(|entry| entry.is(key)).for_each(|entry| collect(&entry.node.value, &mut texts));
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Scalar(text) => texts.push(text.clone()),
        Value::List(items) => items.iter().for_each(|item| collect(&item.value, texts)),
        Value::Mapping(entries) => entries.iter().for_each(|entry| collect(&entry.node.value, texts)),
        Value::Other => {}
    }
}

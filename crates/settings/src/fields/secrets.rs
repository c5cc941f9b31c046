//! The secrets that are given anywhere, so that they can be recognised and removed.

use std::path::Path;

use secrecy::SecretString;

use crate::{
    Config, Env,
    file::File,
    load::settings_of,
    yaml::{Entry, Value},
};

/// Every secret that is given for a setting of `C`, also where it has no effect, such as below an unknown key.
pub fn secrets<C: Config>(file: &Path, env: &Env) -> Vec<SecretString> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
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
            let in_files = paths.into_iter().filter_map(|path| std::fs::read_to_string(path.trim()).ok());
            given.extend(of(name.key).into_iter().chain(in_files));
        }
    }
    let each = given.iter().flat_map(|text| text.split([',', '\n']).map(str::trim).chain([text.trim()]));
    each.filter(|secret| !secret.is_empty()).map(SecretString::from).collect()
}

/// Every text that is given for `key`, in whatever mapping.
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

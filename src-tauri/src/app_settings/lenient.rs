//! Reads a struct from YAML field by field: invalid fields are skipped, the others apply.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A value that was read, and the fields that are invalid.
#[derive(Debug)]
pub struct Read<T> {
    /// The value. Missing fields have their defaults.
    pub value: T,
    /// The invalid fields, such as `notify.paused`.
    pub wrong: Vec<String>,
}

/// Reads a struct. An invalid field gets its value from `fallback`; an unknown one is ignored.
///
/// # Errors
/// Why the text is not a mapping.
pub fn read<T>(text: &str, fallback: &T) -> Result<Read<T>, String>
where
    T: DeserializeOwned + Serialize + Default,
{
    if text.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) {
        return Ok(Read { value: T::default(), wrong: Vec::new() });
    }
    if let Ok(value) = serde_saphyr::from_str(text) {
        return Ok(Read { value, wrong: Vec::new() });
    }
    // The type of a field is not known yet, and `off` may be a word.
    let options = serde_saphyr::options! { strict_booleans: true };
    let given: Map<String, Value> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())?;
    let plain = |value: &T| serde_json::to_value(value).map_err(|error| error.to_string());
    let mut fields = Fields { whole: plain(&T::default())?, fallback: plain(fallback)?, wrong: Vec::new() };
    for (name, value) in given {
        fields.set::<T>(vec![name], value);
    }
    let value = serde_json::from_value(fields.whole).map_err(|error| error.to_string())?;
    Ok(Read { value, wrong: fields.wrong })
}

struct Fields {
    /// The whole value, which is valid at all times.
    whole: Value,
    fallback: Value,
    wrong: Vec<String>,
}

impl Fields {
    /// Sets a field, or those of its subfields that are valid.
    fn set<T: DeserializeOwned>(&mut self, path: Vec<String>, given: Value) {
        let before = at(&mut self.whole, &path).clone();
        let readings = [Some(given.clone()), as_bool(&given)];
        if readings.into_iter().flatten().any(|reading| self.fits::<T>(&path, reading)) {
            return;
        }
        match given {
            Value::Object(below) if before.is_object() => {
                *at(&mut self.whole, &path) = before;
                for (name, value) in below {
                    self.set::<T>([path.as_slice(), &[name]].concat(), value);
                }
            }
            _ => {
                *at(&mut self.whole, &path) = at(&mut self.fallback, &path).clone();
                self.wrong.push(path.join("."));
            }
        }
    }

    /// Sets a field and returns whether the whole is valid.
    fn fits<T: DeserializeOwned>(&mut self, path: &[String], value: Value) -> bool {
        *at(&mut self.whole, path) = value;
        T::deserialize(&self.whole).is_ok()
    }
}

fn at<'a>(whole: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(whole, |value, name| &mut value[name.as_str()])
}

/// The meaning of a word where a boolean is expected.
fn as_bool(given: &Value) -> Option<Value> {
    match given.as_str()?.to_ascii_lowercase().as_str() {
        "yes" | "on" => Some(Value::Bool(true)),
        "no" | "off" => Some(Value::Bool(false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::AppSettings;
    use super::*;
    use crate::ipc::{TrayIcon, UpdateMode};

    #[test]
    fn an_invalid_field_affects_no_other() {
        let text = "in_keychain: [client_key]\nicon: purple\nupdates: off\nunknown: {a: 1}\nfirst_run_done: yes\n\
                    notify:\n  paused: off\n  server_lost: 7\n  key_refused: no\n";
        let fallback = AppSettings { icon: TrayIcon::Dark, ..AppSettings::default() };
        let Read { value, mut wrong } = read(text, &fallback).unwrap();
        wrong.sort();
        assert_eq!(wrong, ["icon", "notify.server_lost"]);
        assert_eq!(value.in_keychain, ["client_key"]);
        assert_eq!(
            (value.icon, value.updates, value.first_run_done),
            (TrayIcon::Dark, UpdateMode::Off, true)
        );
        assert!(!value.notify.paused && value.notify.server_lost && !value.notify.key_refused);
    }

    #[test]
    fn a_list_of_the_wrong_type_is_one_invalid_field() {
        let Read { value, wrong } =
            read("in_keychain: client_key\nkeychain: false\n", &AppSettings::default()).unwrap();
        assert_eq!(
            (value, wrong),
            (AppSettings { keychain: false, ..AppSettings::default() }, vec!["in_keychain".to_owned()])
        );
    }

    #[test]
    fn other_text_than_a_mapping_is_an_error() {
        for text in ["][", "- a\n- b\n", "word", "notify: {"] {
            assert!(read(text, &AppSettings::default()).is_err(), "{text}");
        }
        assert_eq!(read("# nothing\n\n", &AppSettings::default()).unwrap().value, AppSettings::default());
    }
}

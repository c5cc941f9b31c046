//! Reads a struct from YAML field by field: what cannot be used is left out, and the rest counts.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What was read, and the fields that could not be.
#[derive(Debug)]
pub struct Read<T> {
    /// All that made sense. What is not given is as by default.
    pub value: T,
    /// The fields that are wrong, such as `notify.paused`.
    pub wrong: Vec<String>,
}

/// Reads a struct. A field that is wrong is as it is in `otherwise`; one that is not known is ignored.
///
/// # Errors
/// It is no list of fields at all, and why.
pub fn read<T>(text: &str, otherwise: &T) -> Result<Read<T>, String>
where
    T: DeserializeOwned + Serialize + Default,
{
    if text.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) {
        return Ok(Read { value: T::default(), wrong: Vec::new() });
    }
    if let Ok(value) = serde_saphyr::from_str(text) {
        return Ok(Read { value, wrong: Vec::new() });
    }
    // Nobody knows yet what a word is for: `off` is one.
    let words = serde_saphyr::options! { strict_booleans: true };
    let given: Map<String, Value> =
        serde_saphyr::from_str_with_options(text, words).map_err(|error| error.to_string())?;
    let plain = |value: &T| serde_json::to_value(value).map_err(|error| error.to_string());
    let mut fields = Fields { whole: plain(&T::default())?, otherwise: plain(otherwise)?, wrong: Vec::new() };
    for (name, value) in given {
        fields.take::<T>(vec![name], value);
    }
    let value = serde_json::from_value(fields.whole).map_err(|error| error.to_string())?;
    Ok(Read { value, wrong: fields.wrong })
}

struct Fields {
    /// A whole that can be read, at all times.
    whole: Value,
    otherwise: Value,
    wrong: Vec<String>,
}

impl Fields {
    /// Takes a field over, or those below it that can be.
    fn take<T: DeserializeOwned>(&mut self, path: Vec<String>, given: Value) {
        let before = at(&mut self.whole, &path).clone();
        let meanings = [Some(given.clone()), switch(&given)];
        if meanings.into_iter().flatten().any(|meaning| self.fits::<T>(&path, meaning)) {
            return;
        }
        match given {
            Value::Object(below) if before.is_object() => {
                *at(&mut self.whole, &path) = before;
                for (name, value) in below {
                    self.take::<T>([path.as_slice(), &[name]].concat(), value);
                }
            }
            _ => {
                *at(&mut self.whole, &path) = at(&mut self.otherwise, &path).clone();
                self.wrong.push(path.join("."));
            }
        }
    }

    /// Whether the whole can be read with this value, which is in it now.
    fn fits<T: DeserializeOwned>(&mut self, path: &[String], value: Value) -> bool {
        *at(&mut self.whole, path) = value;
        T::deserialize(&self.whole).is_ok()
    }
}

fn at<'a>(whole: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(whole, |value, name| &mut value[name.as_str()])
}

/// What a word means where a switch is wanted.
fn switch(given: &Value) -> Option<Value> {
    match given.as_str()?.to_ascii_lowercase().as_str() {
        "yes" | "on" => Some(Value::Bool(true)),
        "no" | "off" => Some(Value::Bool(false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Own;
    use super::*;
    use crate::ipc::{TrayIcon, UpdateMode};

    #[test]
    fn one_wrong_field_costs_no_other() {
        let text = "in_keychain: [client_key]\nicon: purple\nupdates: off\nunknown: {a: 1}\nfirst_run_done: yes\n\
                    notify:\n  paused: off\n  server_lost: 7\n  key_refused: no\n";
        let otherwise = Own { icon: TrayIcon::Dark, ..Own::default() };
        let Read { value, mut wrong } = read(text, &otherwise).unwrap();
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
    fn a_list_of_the_wrong_kind_is_one_field() {
        let Read { value, wrong } =
            read("in_keychain: client_key\nkeychain: false\n", &Own::default()).unwrap();
        assert_eq!(
            (value, wrong),
            (Own { keychain: false, ..Own::default() }, vec!["in_keychain".to_owned()])
        );
    }

    #[test]
    fn what_is_no_list_of_fields_is_said_to_be() {
        for text in ["][", "- a\n- b\n", "word", "notify: {"] {
            assert!(read(text, &Own::default()).is_err(), "{text}");
        }
        assert_eq!(read("# nothing\n\n", &Own::default()).unwrap().value, Own::default());
    }
}

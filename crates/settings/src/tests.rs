//! Settings from all sources: which one takes precedence, and how invalid ones are reported.

use std::{collections::HashMap, fs, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::*;

concern! {
    /// A concern for tests.
    struct Sample: "Sample" {
        /// How many.
        many: u64 = Setting::new("how_many", kind::count(1..=9)).formerly("count").default("3");

        /// Whether.
        on: bool = Setting::new("is_on", kind::switch()).default("true").short('o');

        /// How chatty.
        level: String = Setting::new("log_level", kind::name()).shorthand("debug", "debug").default("info");

        /// Who may.
        keys: Vec<SecretString> = Setting::new("api_key", kind::secret().list());
    }
}

impl ProgramConfig for Sample {
    const PROGRAM: &'static str = "sample";
    const ABOUT: &'static str = "A sample.";
    const RETIRED: &'static [Retired] = &[Retired { keys: &["old_port", "old_addr"], why: "it is gone" }];
}

impl Sample {
    fn keys(&self) -> Vec<&str> {
        self.keys.iter().map(ExposeSecret::expose_secret).collect()
    }
}

/// What a test gives: variables, a file, flags (without the feature `cli`, by name).
#[derive(Default)]
struct Given<'a> {
    flags: &'a [(&'a str, &'a str)],
    env: &'a [(&'a str, &'a str)],
    file: &'a str,
}

const FILE: &str = "sample.yaml";

/// Loads, with the file called `sample.yaml` whatever its folder is.
fn load(given: &Given<'_>) -> Result<Loaded<Sample>, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    fs::write(&path, given.file).unwrap();
    let env: HashMap<String, String> = given.env.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let flags = given.flags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let env = Box::new(move |name: &str| env.get(name).cloned());
    let sources = Sources { args: Vec::new(), env, default_file: Some(path) };
    let folder = format!("{}/", dir.path().display());
    let loaded =
        load::load(&flags, &sources, &|_| None).map_err(|mistakes| mistakes.to_string().replace(&folder, ""));
    loaded.map(|mut loaded| {
        loaded.warnings.iter_mut().for_each(|warning| *warning = warning.replace(&folder, ""));
        loaded
    })
}

fn file(text: &str) -> Result<Loaded<Sample>, String> {
    load(&Given { file: text, ..Given::default() })
}

fn env(env: &[(&str, &str)]) -> Result<Loaded<Sample>, String> {
    load(&Given { env, ..Given::default() })
}

#[test]
fn flag_wins_over_environment_over_file_over_default() {
    let mut given = Given { flags: &[("how-many", "6")], env: &[("HOW_MANY", "5")], file: "how_many: 4" };
    assert_eq!(load(&given).unwrap().config.many, 6);
    given.flags = &[];
    assert_eq!(load(&given).unwrap().config.many, 5);
    given.env = &[("HOW_MANY", "")];
    assert_eq!(load(&given).unwrap().config.many, 4, "an empty variable is an unset one");
    given.file = "is_on: no";
    assert!(!load(&given).unwrap().config.on);
    given.file = "how_many:";
    assert_eq!(load(&given).unwrap().config.many, 3, "so is an empty value");
}

#[test]
fn older_names_and_squashed_keys_work() {
    assert_eq!(env(&[("COUNT", "7")]).unwrap().config.many, 7);
    assert_eq!(env(&[("COUNT", "7"), ("HOW_MANY", "8")]).unwrap().config.many, 8);
    for text in
        ["how_many: 7", "howmany: 7", "count: 7", "count: '7'", "{count: 7}", "# hi\ncount: 7 # seven"]
    {
        assert_eq!(file(text).unwrap().config.many, 7, "{text}");
        assert_eq!(file(text).unwrap().warnings, [""; 0], "{text}");
    }
}

#[test]
fn a_shorthand_stands_for_a_value() {
    assert_eq!(env(&[("DEBUG", "true")]).unwrap().config.level, "debug");
    assert_eq!(env(&[("DEBUG", "false")]).unwrap().config.level, "info");
    assert_eq!(env(&[("DEBUG", "1"), ("LOG_LEVEL", "warn")]).unwrap().config.level, "warn");
    assert!(env(&[("DEBUG", "perhaps")]).unwrap_err().contains("environment DEBUG: \"perhaps\" is invalid"));
}

#[test]
fn several_values_come_with_commas_or_as_a_list() {
    for text in ["api_key: a,b", "apikey: [a, b]", "api_key:\n  - a\n  - 'b'", "api_key: a, b"] {
        assert_eq!(file(text).unwrap().config.keys(), ["a", "b"], "{text}");
    }
    assert_eq!(env(&[("API_KEY", "a,b")]).unwrap().config.keys(), ["a", "b"]);
}

#[test]
fn values_are_taken_as_they_were_written() {
    assert_eq!(
        file("api_key: [007, 1e5, true, 12345678901234567890123]").unwrap().config.keys(),
        ["007", "1e5", "true", "12345678901234567890123"]
    );
    assert_eq!(file("api_key: ~").unwrap().config.keys(), [""; 0]);
    assert_eq!(file("api_key: '~'").unwrap().config.keys(), ["~"]);
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let given = Given {
        flags: &[("is-on", "maybe")],
        env: &[("LOG_LEVEL", "a\u{7}b")],
        file: "# sample\nhow_many: many\napi_key: [sk-öffentlich]\n",
    };
    assert_eq!(
        load(&given).unwrap_err(),
        "The configuration has 4 mistakes:\n  \
         sample.yaml:2:11: how_many: \"many\" is invalid, expected a whole number from 1 to 9\n  \
         flag --is-on: \"maybe\" is invalid, expected true or false\n  \
         environment LOG_LEVEL: \"a\\u{7}b\" is invalid, expected 1 to 128 characters without control characters\n  \
         sample.yaml:3:10: api_key: the value (not shown) is invalid, expected 1 to 512 visible ASCII characters \
         without spaces or commas; several separated by commas, or a YAML list"
    );
}

#[test]
fn shapes_that_no_setting_has_are_mistakes() {
    let wanted = "expected a whole number from 1 to 9";
    for text in ["how_many: [1, 2]", "how_many: {a: 1}", "a: &a 1\nhow_many: *a"] {
        assert!(file(text).unwrap_err().contains(wanted), "{text}");
    }
    assert!(file("api_key: [[a]]").unwrap_err().contains("sample.yaml:1:10: api_key"));
    assert!(file("- how_many").unwrap_err().contains("sample.yaml:1:1: expected `key: value` lines"));
    assert!(file("[a]: b").unwrap_err().contains("expected the name of a setting"));
}

#[test]
fn what_is_no_yaml_is_said_with_its_place() {
    let told = file("how_many: 3\nlog_level: 'x").unwrap_err();
    assert!(told.starts_with("The configuration has a mistake:\n  sample.yaml:"), "{told}");
    assert!(told.contains("not valid YAML"), "{told}");
}

#[test]
fn a_key_given_twice_is_a_mistake() {
    let told = file("how_many: 3\nhowmany: 4").unwrap_err();
    assert!(told.contains("sample.yaml:2:1: howmany was already given above"), "{told}");
}

#[test]
fn empty_files_are_fine() {
    for text in ["", "\n", "---\n", "# nothing\n", "{}", "---\n...\n"] {
        assert_eq!(file(text).unwrap().config.many, 3, "{text:?}");
    }
}

#[test]
fn unknown_keys_are_warned_of_with_the_nearest_name() {
    let warnings =
        file("how_mny: 4\nqwertyuiop: 1\nother:\n  how_many: 9\napi_key_file: ''").unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "sample.yaml:1:1: unknown setting \"how_mny\" is ignored; did you mean how_many?",
            "sample.yaml:2:1: unknown setting \"qwertyuiop\" is ignored",
            "sample.yaml:3:1: unknown setting \"other\" is ignored",
        ]
    );
}

#[test]
fn retired_settings_are_warned_of() {
    let given = Given { flags: &[("old-port", "1")], env: &[("OLD_ADDR", "2")], file: "oldport: [3]" };
    assert_eq!(
        load(&given).unwrap().warnings,
        [
            "flag --old-port: old_port has no effect in this version: it is gone",
            "sample.yaml:1:1: old_port has no effect in this version: it is gone",
            "environment OLD_ADDR: old_addr has no effect in this version: it is gone",
        ]
    );
}

#[test]
fn secrets_can_stand_in_a_file_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    fs::write(&path, "first\nsecond\n").unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(env(&[("API_KEY_FILE", path)]).unwrap().config.keys(), ["first", "second"]);
    assert_eq!(file(&format!("api_key_file: {path}")).unwrap().config.keys(), ["first", "second"]);
    assert!(
        env(&[("API_KEY_FILE", "/nowhere")])
            .unwrap_err()
            .contains("environment API_KEY_FILE: the file /nowhere")
    );
    fs::write(path, "\n").unwrap();
    assert!(env(&[("API_KEY_FILE", path)]).unwrap_err().contains("is empty"));
}

#[test]
fn key_files_of_windows_editors_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    let utf16 = "first\r\n".encode_utf16().flat_map(u16::to_le_bytes);
    for bytes in [b"\xef\xbb\xbffirst\r\n".to_vec(), [0xff, 0xfe].into_iter().chain(utf16).collect()] {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(
            env(&[("API_KEY_FILE", path.to_str().unwrap())]).unwrap().config.keys(),
            ["first"],
            "{bytes:?}"
        );
    }
    fs::write(&path, b"k\xe9y").unwrap();
    let told = env(&[("API_KEY_FILE", path.to_str().unwrap())]).unwrap_err();
    assert!(told.contains("keys cannot be read: it is not UTF-8 text"), "{told}");
}

#[test]
fn a_secret_as_a_flag_is_warned_of_and_never_shown() {
    let loaded = load(&Given { flags: &[("api-key", "hush")], ..Given::default() }).unwrap();
    assert_eq!(loaded.config.keys(), ["hush"]);
    assert!(loaded.warnings[0].starts_with("flag --api-key: other users of this machine can read it"));
    assert!(!format!("{loaded:?}").contains("hush"));
}

#[test]
fn a_default_file_below_something_that_is_no_folder_is_absent() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("null");
    fs::write(&home, "").unwrap();
    let sources = |default_file| Sources {
        args: Vec::new(),
        env: Box::new(|_| None),
        default_file: Some(default_file),
    };
    assert!(super::load::<Sample>(&sources(home.join(".config/sample.yaml"))).unwrap().file.is_none());
    let told = super::load::<Sample>(&sources(dir.path().to_owned())).unwrap_err().to_string();
    assert!(told.contains("cannot be read"), "{told}");
}

#[test]
fn a_file_that_was_named_must_exist() {
    let nowhere = || Sources {
        args: Vec::new(),
        env: Box::new(|_| None),
        default_file: Some(PathBuf::from("/nowhere/sample.yaml")),
    };
    assert!(super::load::<Sample>(&nowhere()).unwrap().file.is_none());
    let named =
        Sources { env: Box::new(|name| (name == "CONFIG_FILE").then(|| "/nowhere/x".into())), ..nowhere() };
    let told = super::load::<Sample>(&named).unwrap_err().to_string();
    assert!(told.contains("environment CONFIG_FILE: /nowhere/x does not exist"), "{told}");
}

mod nested;

//! Edits keep everything except the one line: with examples, and with generated YAML.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::{Retired, Setting, defaults, kind};

crate::concern! {
    /// A concern for tests.
    struct Sample: "Sample" {
        /// How many.
        many: u64 = Setting::new("how_many", kind::count(1..=9_999)).formerly("count").default("3");

        /// How chatty.
        level: String = Setting::new("log_level", kind::name()).shorthand("debug", "debug").default("info");

        /// What it is called.
        name: Option<String> = Setting::new("full_name", kind::name().optional());

        /// Who may.
        key: Option<secrecy::SecretString> =
            Setting::new("api_key", kind::secret().optional()).formerly("old_key");

        /// What is kept back.
        kept: Vec<String> = Setting::new("kept_back", kind::name().list());
    }
}

impl ProgramConfig for Sample {
    const PROGRAM: &'static str = "sample";
    const ABOUT: &'static str = "A sample.";
    const RETIRED: &'static [Retired] = &[];
}

/// An edit of a file with this text; it is never saved.
fn edit(text: &str) -> Edit {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sample.yaml");
    fs::write(&path, text).unwrap();
    Edit::open::<Sample>(&path).unwrap()
}

#[track_caller]
fn check_set(text: &str, key: &str, value: &str, expect: &str) {
    let mut edit = edit(text);
    edit.set(key, value).unwrap();
    assert_eq!(edit.text(), expect);
    edit.set(key, value).unwrap();
    assert_eq!(edit.text(), expect, "a second time nothing changes");
}

#[track_caller]
fn check_unset(text: &str, key: &str, expect: &str) {
    let mut edit = edit(text);
    edit.unset(key).unwrap();
    assert_eq!(edit.text(), expect);
}

#[test]
fn the_value_alone_is_replaced() {
    check_set(
        "# hi\nhow_many:   3   # three\nx: 1\n",
        "how_many",
        "4",
        "# hi\nhow_many:   4   # three\nx: 1\n",
    );
    check_set("how_many: '3'", "how_many", "4", "how_many: '4'");
    check_set("how_many: \"3\"\r\nx: y\r\n", "how_many", "4", "how_many: \"4\"\r\nx: y\r\n");
    check_set("how_many:   # none yet\nx: 1\n", "how_many", "4", "how_many: 4   # none yet\nx: 1\n");
    check_set("how_many:\n", "how_many", "4", "how_many: 4\n");
    check_set("how_many: &n 3\nx: 1\n", "how_many", "4", "how_many: 4\nx: 1\n");
    check_set("full_name: |\n  a\n\n# c\nx: 1\n", "full_name", "b", "full_name: b\n\n# c\nx: 1\n");
    check_set("full_name: one\n  two # c\n", "full_name", "b: c", "full_name: 'b: c' # c\n");
    check_set("? how_many\n: 3\n", "how_many", "4", "? how_many\n: 4\n");
    check_set("full_name: [a, # why\n b]\n", "full_name", "c", "# why\nfull_name: c\n");
}

#[test]
fn other_names_and_spellings_are_found() {
    check_set("howmany: 3\n", "how_many", "4", "howmany: 4\n");
    check_set("count: 3\n", "how_many", "4", "count: 4\n");
    check_set("count: 3\nhow_many: 5\n", "how_many", "4", "count: 3\nhow_many: 4\n");
    check_set("api_key_file: /k # there\n", "api_key", "sk-1", "api_key: sk-1 # there\n");
    check_set("oldkey: a\n", "api_key", "sk-1", "oldkey: sk-1\n");
    check_set("debug: true\n", "log_level", "info", "debug: true\nlog_level: info\n");
    check_unset("# l\ndebug: true\nlog_level: info # i\nx: 1\n", "log_level", "# l\nx: 1\n");
    check_unset("old_key: a\nx: 1\nAPI: 2\napi_key_file: b", "api_key", "x: 1\nAPI: 2\n");
}

#[test]
fn a_key_that_stands_twice_stands_once() {
    check_set("how_many: 3\nx: 1\nhowmany: 5 # c\ny: 2\n", "how_many", "4", "how_many: 4\nx: 1\ny: 2\n");
    check_set("x: 1\nx: 2\n", "how_many", "4", "x: 1\nx: 2\nhow_many: 4\n");
}

#[test]
fn a_new_setting_comes_after_the_last() {
    check_set("", "how_many", "4", "how_many: 4\n");
    check_set("\u{feff}", "how_many", "4", "\u{feff}how_many: 4\n");
    check_set("\u{feff}x: 1\r\n# tail", "how_many", "4", "\u{feff}x: 1\r\nhow_many: 4\r\n# tail");
    check_set("# only\n", "how_many", "4", "# only\nhow_many: 4\n");
    check_set("x: 1", "how_many", "4", "x: 1\nhow_many: 4\n");
    check_set("---\nx: 1\n...\n", "how_many", "4", "---\nx: 1\nhow_many: 4\n...\n");
    check_set("--- # s\n# c\n", "how_many", "4", "--- # s\n# c\nhow_many: 4\n");
    check_set("{} # none\n", "how_many", "4", "how_many: 4 # none\n");
    check_set("  x: 1\n", "how_many", "4", "  x: 1\n  how_many: 4\n");
    check_set("x:\n  y: 1\n  # in\n# out\n", "how_many", "4", "x:\n  y: 1\nhow_many: 4\n  # in\n# out\n");
}

#[test]
fn lists_are_changed_line_by_line() {
    let lines = "kept_back: # mine\n  - a # first\n  # and\n  - 'b'\nx: 1\n";
    check_set(
        lines,
        "kept_back",
        "a,b,c",
        "kept_back: # mine\n  - a # first\n  # and\n  - 'b'\n  - c\nx: 1\n",
    );
    check_set(lines, "kept_back", "b", "kept_back: # mine\n  # and\n  - 'b'\nx: 1\n");
    check_set(lines, "kept_back", "z, a", "kept_back: # mine\n  - z\n  - a # first\n  # and\nx: 1\n");
    check_set(lines, "kept_back", "c", "# mine\n# first\n# and\nkept_back: [c]\nx: 1\n");
    check_set("kept_back:\n- a", "kept_back", "a,*,b c", "kept_back:\n- a\n- '*'\n- b c\n");
    check_set("kept_back: [a, b] # c\n", "kept_back", "b", "kept_back: [b] # c\n");
    check_set("kept_back: a,b\n", "kept_back", "b", "kept_back: [b]\n");
    check_unset(lines, "kept_back", "x: 1\n");
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut edit = edit("how_many: 3\n");
    let told = edit.set("how_many", "0").unwrap_err().to_string();
    assert_eq!(told, "how_many: \"0\" is invalid, expected a whole number from 1 to 9999");
    let told = edit.set("api_key", "two words").unwrap_err().to_string();
    assert!(!told.contains("two words"), "{told}");
    assert!(matches!(edit.set("count", "3"), Err(EditError::Unknown(_))), "older names are for files");
    assert!(!edit.is_changed());
}

#[test]
fn what_cannot_be_edited_says_where() {
    let told = |text: &str| edit(text).set("how_many", "4").unwrap_err().to_string();
    assert!(
        told("{x: 1}").contains("sample.yaml: how_many can only be changed in a text editor"),
        "{}",
        told("{x: 1}")
    );
    let aliased = "x: 1\nhow_many: &n 3\ny: *n\n";
    assert!(told(aliased).contains("sample.yaml:2:1: how_many"), "{}", told(aliased));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sample.yaml");
    fs::write(&path, "x: 1\ny: 'z\n").unwrap();
    let told = Edit::open::<Sample>(&path).unwrap_err().to_string();
    assert!(told.contains("sample.yaml:") && told.contains("not valid YAML"), "{told}");
    fs::write(&path, b"x: \xff").unwrap();
    assert!(Edit::open::<Sample>(&path).unwrap_err().to_string().contains("not UTF-8"));
}

#[test]
fn saving_is_all_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deeper/sample.yaml");
    let mut first = Edit::open::<Sample>(&path).unwrap();
    first.save().unwrap();
    assert!(!path.exists(), "nothing changed, nothing written");
    first.set("how_many", "4").unwrap();
    first.save().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "how_many: 4\n");

    let mut second = Edit::open::<Sample>(&path).unwrap();
    first.set("how_many", "5").unwrap();
    first.save().unwrap();
    second.set("how_many", "6").unwrap();
    assert!(matches!(second.save(), Err(EditError::Changed(_))));
    fs::remove_file(&path).unwrap();
    assert!(matches!(second.save(), Err(EditError::Changed(_))), "a file that is gone is changed too");
    assert!(!path.exists());
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0, "nothing is left lying about");
}

#[cfg(unix)]
#[test]
fn links_and_rights_are_kept() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().unwrap();
    let (path, link) = (dir.path().join("real.yaml"), dir.path().join("sample.yaml"));
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    symlink("real.yaml", &link).unwrap();
    let set = |key: &str, value: &str| {
        let mut edit = Edit::open::<Sample>(&link).unwrap();
        edit.set(key, value).unwrap();
        edit.save().unwrap();
    };
    set("how_many", "4");
    assert!(link.is_symlink() && path.is_file());
    assert_eq!(mode(), 0o600, "a new file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    set("how_many", "5");
    assert_eq!(mode(), 0o644, "nothing secret in it");
    set("api_key", "k");
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    set("how_many", "6");
    assert_eq!(mode(), 0o640, "a group that was chosen");
    assert!(link.is_symlink());
}

/// Lines as people write them, some of which are settings.
fn line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-z0-9 ]{0,6}",
        "'[a-z #:]{0,6}'",
        "\"[a-z \\\\n]{0,4}\"",
        Just("[a, 'b' , c]".to_owned()),
        Just("\n  - a # x\n  - b".to_owned()),
        Just("|\n  text\n\n  more\n".to_owned()),
        Just("&x y".to_owned()),
        Just("{p: q}".to_owned()),
    ];
    let key = prop_oneof![
        Just("how_many"),
        Just("count"),
        Just("debug"),
        Just("log_level"),
        Just("api_key_file"),
        Just("keptback"),
        Just("full_name"),
    ];
    let key = prop_oneof![key.prop_map(str::to_owned), "[a-z]{3,5}"];
    prop_oneof![
        3 => (key, value, "( *# [a-z]{1,4})?").prop_map(|(key, value, end)| format!("{key}: {value}{end}")),
        1 => "( {0,3}# [a-z:'\\[]{0,6})?",
    ]
}

fn document() -> impl Strategy<Value = String> {
    let parts = (any::<bool>(), any::<bool>(), any::<bool>(), proptest::collection::vec(line(), 0..7));
    parts.prop_map(|(bom, windows, open, lines)| {
        let text = lines.join("\n") + if open { "" } else { "\n" };
        let text = if windows { text.replace('\n', "\r\n") } else { text };
        if bom { format!("\u{feff}{text}") } else { text }
    })
}

const KEYS: [&str; 4] = ["how_many", "log_level", "full_name", "kept_back"];

/// Everything in the text that does not belong to the setting, value by value.
fn rest(edit: &Edit, key: &str) -> Vec<(String, Plain)> {
    let about = edit.setting(key).unwrap().1;
    let all = plain(&edit.file().entries);
    all.into_iter().filter(|(written, _)| about.ranks(written).is_none()).collect()
}

fn comments(text: &str) -> usize {
    use serde_saphyr::granit_parser::{Event, Parser};
    Parser::new_from_str(text).filter(|event| matches!(event, Ok((Event::Comment(..), _)))).count()
}

fn holds(text: &str, key: &str, value: &str) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sample.yaml");
    fs::write(&path, text).unwrap();
    let Ok(mut edit) = Edit::open::<Sample>(&path) else { return Ok(()) };
    let before = rest(&edit, key);
    if edit.set(key, value).is_err() {
        prop_assert_eq!(edit.text(), text);
        return Ok(());
    }
    prop_assert_eq!(&rest(&edit, key), &before, "nothing else changes");
    let once = edit.text().to_owned();
    edit.set(key, value).unwrap();
    prop_assert_eq!(edit.text(), &once, "a second time nothing changes");
    edit.save().unwrap();
    let shown = fields::fields::<Sample>(&path, &|_| None);
    if shown.file_problem.is_none() {
        let field = shown.fields.iter().find(|field| field.key == key).unwrap();
        let given = field.value.as_deref().unwrap_or_default();
        if key == "kept_back" {
            prop_assert_eq!(items(given), items(value));
        } else {
            prop_assert_eq!(given, value.trim());
        }
    }
    // A line may end the value above it: then it cannot be removed.
    if edit.unset(key).is_err() {
        return Ok(());
    }
    prop_assert_eq!(&rest(&edit, key), &before, "nor when it goes");
    let about = edit.setting(key).unwrap().1;
    prop_assert!(edit.file().entries.iter().all(|entry| about.ranks(&entry.key).is_none()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_else_is_lost(
        text in document(),
        (key, value) in prop_oneof![
            (Just("how_many"), "[1-9][0-9]{0,3}"),
            (Just("log_level"), "[^,\\x00-\\x1f\\x7f-\\x9f]{1,8}"),
            (Just("full_name"), "[^,\\x00-\\x1f\\x7f-\\x9f]{1,8}"),
            (Just("kept_back"), "[^\\x00-\\x1f\\x7f-\\x9f]{1,8}"),
        ],
    ) {
        holds(&text, key, &value)?;
    }

    #[test]
    fn no_comment_is_lost_and_no_other_line_touched(text in document(), key in proptest::sample::select(&KEYS[..])) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sample.yaml");
        fs::write(&path, &text).unwrap();
        let Ok(mut edit) = Edit::open::<Sample>(&path) else { return Ok(()) };
        let about = edit.setting(key).unwrap().1;
        let ours = edit.file().entries.iter().filter(|entry| about.ranks(&entry.key).is_some()).count();
        let is_list = key == "kept_back";
        if edit.set(key, "7").is_err() {
            return Ok(());
        }
        if ours < 2 && !is_list {
            prop_assert_eq!(comments(edit.text()), comments(&text), "{} became {}", text, edit.text());
        }
        if ours == 0 {
            let added = edit.text().lines().filter(|line| line.trim_start_matches('\u{feff}').starts_with(key)).count();
            prop_assert_eq!(added, 1);
            let without: Vec<_> = edit.text().split_inclusive('\n').filter(|line| !line.trim_start_matches('\u{feff}').starts_with(key)).collect();
            let bom = if text == "\u{feff}" { "" } else { &text };
            let without = without.concat();
            prop_assert_eq!(without.trim_end(), bom.trim_end());
        }
    }

    #[test]
    fn whatever_the_text(
        text in "(how_many|kept_back|x|[\\[\\]{}:,&*!|>'\"#?-]|: |- |[ \n\t\r]|\u{feff}|[a-z0-9\u{e9}]{1,3}){0,30}",
        key in proptest::sample::select(&KEYS[..]),
        value in prop_oneof!["[1-9]", "[ -~\u{e9}]{1,6}"],
    ) {
        holds(&text, key, &value)?;
    }
}

#[test]
fn defaults_are_right() {
    let sample = defaults::<Sample>();
    assert_eq!((sample.many, sample.level.as_str(), sample.name, sample.kept.len()), (3, "info", None, 0));
    assert!(sample.key.is_none());
}

mod nested;

//! Edits in sections and lists keep everything else, too.

use super::*;
use crate::sample::Nested;

fn open(text: &str) -> Edit {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sample.yaml");
    fs::write(&path, text).unwrap();
    Edit::open::<Nested>(&path).unwrap()
}

#[track_caller]
fn check(text: &str, change: impl Fn(&mut Edit) -> Result<(), EditError>, expect: &str) {
    let mut edit = open(text);
    change(&mut edit).unwrap();
    assert_eq!(edit.text(), expect);
}

#[track_caller]
fn check_set(text: &str, path: &str, value: &str, expect: &str) {
    check(text, |edit| edit.set(path, value), expect);
    check(expect, |edit| edit.set(path, value), expect);
    assert_eq!(open(expect).value(path), Some(value.to_owned()).filter(|_| !path.ends_with("key")));
}

const FILE: &str = "\
# mine
endpoints: # all of them
  # the first
  - name: one # its name
    url: http://one

  # the second
  - url: http://two # where
    # its name
    name: two
    weight: 7
port: 1
";

#[test]
fn a_value_in_a_list_is_replaced_alone() {
    check_set(FILE, "endpoints[0].name", "uno", &FILE.replace("name: one #", "name: uno #"));
    check_set(FILE, "endpoints[1].url", "http://due", &FILE.replace("http://two", "http://due"));
    check_set(
        "endpoints: [{name: one, url: http://one}]\n",
        "endpoints[0].name",
        "uno",
        "endpoints: [{name: uno, url: http://one}]\n",
    );
    check_set("cache: {size: 1} # c\n", "cache.size", "2", "cache: {size: 2} # c\n");
    check_set("cache:\n  entries: 1\n", "cache.size", "2", "cache:\n  entries: 2\n");
    check_set("cache:\n  key_file: /k\n", "cache.key", "k", "cache:\n  key: k\n");
}

#[test]
fn a_value_is_added_to_its_section_or_item() {
    check_set(FILE, "endpoints[0].wait", "5s", &FILE.replace("http://one\n", "http://one\n    wait: 5s\n"));
    check_set(FILE, "endpoints[1].wait", "5s", &FILE.replace("weight: 7\n", "weight: 7\n    wait: 5s\n"));
    check_set(
        "endpoints:\n- name: one\n  url: http://one",
        "endpoints[0].wait",
        "5s",
        "endpoints:\n- name: one\n  url: http://one\n  wait: 5s\n",
    );
    check_set(
        "endpoints: [{name: one}]\n",
        "endpoints[0].wait",
        "5s",
        "endpoints: [{name: one, wait: 5s}]\n",
    );
    check_set(
        "cache:\n    key: k\nport: 1\n",
        "cache.size",
        "2",
        "cache:\n    key: k\n    size: 2\nport: 1\n",
    );
    check_set("port: 1\n", "cache.size", "2", "port: 1\ncache:\n  size: 2\n");
    check_set("cache: # none\r\nport: 1\r\n", "cache.size", "2", "cache:\r\n  size: 2 # none\r\nport: 1\r\n");
    check_set("cache: {} # none\n", "cache.size", "2", "cache: {size: 2} # none\n");
}

#[test]
fn a_value_goes_with_its_line_and_a_section_with_its_last() {
    let unset = |text: &str, path: &str, expect: &str| check(text, |edit| edit.unset(path), expect);
    unset(FILE, "endpoints[1].name", &FILE.replace("    name: two\n", ""));
    unset(FILE, "endpoints[0].name", &FILE.replace("name: one # its name\n    ", ""));
    unset(FILE, "endpoints[1].url", &FILE.replace("url: http://two # where\n    ", ""));
    unset("cache:\n  # c\n  size: 1\nport: 1\n", "cache.size", "port: 1\n");
    unset("cache: {size: 1, key: k}\n", "cache.size", "cache: {key: k}\n");
    unset("cache: {size: 1, key: k}\n", "cache.key", "cache: {size: 1}\n");
    unset("port: 1\n", "cache.size", "port: 1\n");
    unset("port: 1\ncache:\n  size: 1\n  else: 2\n", "cache", "port: 1\n");
    unset(FILE, "endpoints", "# mine\nport: 1\n");
}

#[test]
fn items_are_added_and_removed() {
    let item = [("name", "three"), ("url", "http://three"), ("models", "a, b"), ("wait", "")];
    let push = |text: &str, expect: &str| {
        check(text, |edit| edit.push("endpoints", &item), expect);
    };
    let lines = "  - name: three\n    url: http://three\n    models: [a, b]\n";
    push(FILE, &FILE.replace("weight: 7\n", &format!("weight: 7\n{lines}")));
    push("port: 1\n", &format!("port: 1\nendpoints:\n{lines}"));
    push("endpoints:\nport: 1\n", &format!("endpoints:\n{lines}port: 1\n"));
    push("endpoints: [] # none\n", &format!("endpoints:\n{} # none\n", lines.trim_end()));
    push(
        "endpoints:\n-   name: a\n    url: http://a",
        "endpoints:\n-   name: a\n    url: http://a\n-   name: three\n    url: http://three\n    models: [a, b]\n",
    );
    push(
        "endpoints: [{name: a}]\n",
        "endpoints: [{name: a}, {name: three, url: 'http://three', models: [a, b]}]\n"
            .replace("'http://three'", "http://three")
            .as_str(),
    );
    let remove = |text: &str, path: &str, expect: &str| check(text, |edit| edit.remove_item(path), expect);
    remove(FILE, "endpoints[0]", &FILE.replace("  - name: one # its name\n    url: http://one\n", ""));
    let second = "  - url: http://two # where\n    # its name\n    name: two\n    weight: 7\n";
    remove(FILE, "endpoints[1]", &FILE.replace(second, ""));
    remove(
        "endpoints: [{name: a}, {name: b}, {name: c}]\n",
        "endpoints[1]",
        "endpoints: [{name: a}, {name: c}]\n",
    );
    remove("endpoints: [{name: a}, {name: b}]\n", "endpoints[0]", "endpoints: [{name: b}]\n");
    remove("# c\nendpoints:\n  - name: a\nport: 1\n", "endpoints[0]", "# c\nport: 1\n");
    check(
        "endpoints:\n  - name: a\n",
        |edit| edit.push("endpoints[0].headers", &[("name", "x")]),
        "endpoints:\n  - name: a\n    headers:\n      - name: x\n",
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut edit = open(FILE);
    let told = |result: Result<(), EditError>| result.unwrap_err().to_string();
    let wrong = told(edit.set("endpoints[0].url", "ftp://x"));
    assert!(wrong.starts_with("endpoints[0].url: \"ftp://x\" is invalid, expected an http://"), "{wrong}");
    for path in [
        "endpoints[2].url",
        "endpoints[].url",
        "endpoints[0].ulr",
        "endpoints.url",
        "url",
        "cache[0].size",
        "endpoints[0]",
    ] {
        assert!(matches!(edit.set(path, "http://x"), Err(EditError::Unknown(_))), "{path}");
    }
    assert!(matches!(edit.push("cache", &[]), Err(EditError::Unknown(_))));
    assert!(matches!(edit.push("endpoints", &[("ulr", "x")]), Err(EditError::Unknown(_))));
    let wrong = told(edit.push("endpoints", &[("name", "x")]));
    assert!(wrong.starts_with("url: a value is required"), "{wrong}");
    assert!(matches!(edit.remove_item("endpoints[2]"), Err(EditError::Unknown(_))));
    assert!(!edit.is_changed());
    let told = told(open("cache: 5\n").set("cache.size", "1"));
    assert!(told.contains("sample.yaml:1:1: cache.size can only be changed in a text editor"), "{told}");
}

#[test]
fn secrets_are_found_wherever_they_are() {
    let text = "cache: {key: hush-1}\nendpoints:\n  - name: a\n    api_key: hush-2 # c\n    headers: [{name: x, value: hush-3}]\n\
                other:\n  - api_key: [hush-4, hush-5]\napi_key_file: /k\n";
    let edit = open(text);
    assert!(edit.holds_secret() && !open("api_key_file: /k\nname: x\n").holds_secret());
    let hidden = edit.without_secrets("(gone)").unwrap();
    let expect = text
        .replace("[hush-4, hush-5]", "hush-4")
        .replace("hush-1", "'(gone)'")
        .replace("hush-2", "'(gone)'")
        .replace("hush-3", "'(gone)'")
        .replace("hush-4", "'(gone)'");
    assert_eq!(hidden, expect);
}

/// A file with endpoints as people write them.
fn document() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-z0-9]{1,6}",
        "'[a-z #:]{0,6}'",
        Just("&x y".to_owned()),
        Just("|\n      text\n\n      more".to_owned()),
        Just("{p: q}".to_owned()),
        Just("[a, b]".to_owned()),
        Just(String::new())
    ];
    let key = prop_oneof![Just("name"), Just("url"), Just("wait"), Just("apikey"), Just("weight")];
    let entry = (key, value, "( # [a-z]{1,4})?").prop_map(|(key, value, end)| {
        let end = if value.contains('|') { String::new() } else { end };
        format!("{key}: {value}{end}\n")
    });
    let item = (proptest::collection::vec((entry, "(    # [a-z]{1,4}\n)?"), 1..4), "(  # [a-z:]{1,4}\n|\n)?");
    let item = item.prop_map(|(entries, before)| {
        let lines = entries.iter().enumerate().map(|(n, (entry, comment))| match n {
            0 => format!("  - {entry}"),
            _ => format!("{comment}    {entry}"),
        });
        before + &lines.collect::<String>()
    });
    let flow = prop_oneof![
        Just("endpoints: [{name: a, url: http://b}, {name: 'c'}]\n"),
        Just("endpoints: []\n"),
        Just("endpoints:\n"),
        Just("")
    ];
    let block = proptest::collection::vec(item, 1..4)
        .prop_map(|items| format!("endpoints: # list\n{}", items.concat()));
    let list = prop_oneof![3 => block, 1 => flow.prop_map(str::to_owned)];
    let cache = prop_oneof![
        Just(""),
        Just("cache:\n  size: 5 # c\n  # d\n  key: k\n"),
        Just("cache: {}\n"),
        Just("cache: {entries: 3}\n")
    ];
    (cache, list, "(port: 1 # x\n)?(# end\n)?", any::<bool>()).prop_map(|(cache, list, tail, crlf)| {
        let text = format!("# top\n{cache}{list}{tail}");
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

/// Every value of a tree with its path, except those below one path.
fn others(edit: &Edit, without: &str) -> Vec<String> {
    fn walk(value: &Plain, path: &str, all: &mut Vec<String>) {
        match value {
            Plain::Mapping(entries) => {
                entries.iter().for_each(|(key, value)| walk(value, &format!("{path}.{key}"), all))
            }
            Plain::List(items) => {
                items.iter().enumerate().for_each(|(n, item)| walk(item, &format!("{path}[{n}]"), all))
            }
            value => all.push(format!("{path} = {value:?}")),
        }
    }
    let mut all = Vec::new();
    walk(&Plain::Mapping(plain(&edit.file().entries)), "", &mut all);
    all.retain(|line| !line.starts_with(&format!(".{without}")));
    all
}

/// Every line of `text` is also in `edited`, in the same order, except those of the changed entry.
fn lines_kept(text: &str, edited: &str, changed: &[&str]) -> bool {
    let mut rest = edited.lines();
    let is_ours = |line: &&str| changed.iter().any(|key| line.contains(key));
    text.lines()
        .filter(|line| !is_ours(line) && !line.trim().is_empty())
        .all(|line| rest.any(|other| other == line))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_else_is_lost_in_lists_and_sections(
        text in document(),
        (path, value) in prop_oneof![
            ((0_usize..3, prop_oneof![Just("name"), Just("wait")]).prop_map(|(n, key)| format!("endpoints[{n}].{key}")), "[1-9]{1,3}"),
            (Just("cache.size".to_owned()), "[1-9]{1,2}"),
            (Just("cache.key".to_owned()), "[ab#:'-]{1,4}"),
        ],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sample.yaml");
        fs::write(&file, &text).unwrap();
        let Ok(mut edit) = Edit::open::<Nested>(&file) else { return Ok(()) };
        let without = path.replace("cache.size", "cache");
        let before = others(&edit, &without);
        if edit.set(&path, &value).is_err() {
            prop_assert_eq!(edit.text(), &text);
            return Ok(());
        }
        prop_assert_eq!(&others(&edit, &without), &before, "{}", edit.text());
        let key = path.rsplit('.').next().unwrap();
        prop_assert!(lines_kept(&text, edit.text(), &[key, "cache: {", "entries", "{name", "text", "more"]), "{} became {}", text, edit.text());
        let once = edit.text().to_owned();
        edit.set(&path, &value).unwrap();
        prop_assert_eq!(edit.text(), &once, "a second time nothing changes");
        edit.save().unwrap();
        let again = Edit::open::<Nested>(&file).unwrap();
        if !path.ends_with("key") {
            prop_assert_eq!(again.value(&path), Some(value), "{}", once);
        }
        if edit.unset(&path).is_ok() {
            prop_assert_eq!(edit.value(&path), None);
        }
    }

    #[test]
    fn an_item_that_is_added_can_be_removed(text in document(), name in "[^\\x00-\\x1f\\x7f-\\x9f]{1,8}") {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sample.yaml");
        fs::write(&file, &text).unwrap();
        let Ok(mut edit) = Edit::open::<Nested>(&file) else { return Ok(()) };
        let before = others(&edit, "nothing");
        let list = |edit: &Edit| edit.file().entries.iter().find(|entry| entry.is("endpoints")).map(|entry| match &entry.node.value {
            Value::List(items) => items.len(),
            _ => 0,
        });
        let count = list(&edit).unwrap_or(0);
        if edit.push("endpoints", &[("name", &name), ("url", "http://new")]).is_err() {
            prop_assert_eq!(edit.text(), &text);
            return Ok(());
        }
        prop_assert_eq!(list(&edit), Some(count + 1));
        let given = edit.value(&format!("endpoints[{count}].name"));
        prop_assert_eq!(given, Some(name.trim().to_owned()), "{}", edit.text());
        prop_assert!(lines_kept(&text, edit.text(), &["endpoints:"]), "{} became {}", text, edit.text());
        edit.remove_item(&format!("endpoints[{count}]")).unwrap();
        if count > 0 {
            prop_assert_eq!(&others(&edit, "nothing"), &before);
            prop_assert_eq!(edit.text().trim_end(), text.trim_end());
        }
    }

    #[test]
    fn whatever_the_text_nested(
        text in "(endpoints|cache|name|url|size|[\\[\\]{}:,&*!|>'\"#?-]|: |- |\n  |\n  - |\n    |[ \n\t\r]|[a-z0-9\u{e9}]{1,3}){0,30}",
        path in proptest::sample::select(&["endpoints[0].name", "endpoints[1].wait", "cache.size", "port"][..]),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sample.yaml");
        fs::write(&file, &text).unwrap();
        let Ok(mut edit) = Edit::open::<Nested>(&file) else { return Ok(()) };
        let _ = edit.set(path, "7");
        let _ = edit.push("endpoints", &[("name", "n"), ("url", "http://u")]);
        let _ = edit.remove_item("endpoints[0]");
        let _ = edit.unset(path);
        let _ = edit.without_secrets("gone");
        let _ = fields::fields::<Nested>(&file, &|_| None);
        let _ = fields::lists::<Nested>(&file, &|_| None);
    }
}

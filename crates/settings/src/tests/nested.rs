//! Sections and lists of structs: their values, and how mistakes in them are reported.

use super::*;
use crate::sample::Nested;

fn nested_from(text: &str, env: &'static [(&str, &str)]) -> Result<Loaded<Nested>, String> {
    let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    load_text(Path::new(FILE), text, &env).map_err(|mistakes| mistakes.to_string())
}

fn nested(text: &str) -> Result<Loaded<Nested>, String> {
    nested_from(text, &[])
}

#[track_caller]
fn check_mistakes(text: &str, expect: &[&str]) {
    let told = nested(text).unwrap_err();
    let lines: Vec<_> = told.lines().skip(1).map(str::trim).collect();
    assert_eq!(lines, expect, "{text}");
}

const ENDPOINTS: &str = "\
port: 1
cache:
  size: 5
endpoints:
  - name: one
    url: http://one/v1
    models: [a, b]
  - {name: two, url: 'https://two', api_key: k2, wait: 5m, headers: [{name: x}, {name: y, value: z}]}
";

#[test]
fn sections_and_lists_are_read() {
    let Loaded { config, warnings, .. } = nested(ENDPOINTS).unwrap();
    assert_eq!(warnings, [""; 0]);
    let port = config.port;
    assert_eq!((port.port, port.cache.size, port.endpoints.len()), (1, 5, 2));
    let [one, two] = &port.endpoints[..] else { panic!("two endpoints") };
    assert_eq!((one.name.as_str(), one.url.as_str(), one.wait.as_secs()), ("one", "http://one/v1", 30));
    assert_eq!((one.models.clone(), one.api_key.is_none()), (vec!["a".to_owned(), "b".to_owned()], true));
    assert_eq!((two.name.as_str(), two.wait.as_secs(), two.models.len()), ("two", 300, 0));
    assert_eq!(two.api_key.as_ref().unwrap().expose_secret(), "k2");
    let headers: Vec<_> =
        two.headers.iter().map(|header| (header.name.as_str(), header.value.as_str())).collect();
    assert_eq!(headers, [("x", "1"), ("y", "z")]);
    for text in ["", "endpoints:", "endpoints: []", "cache:", "cache: {}", "cache: ~\nendpoints: ~"] {
        let port = nested(text).unwrap().config.port;
        assert_eq!((port.cache.size, port.endpoints.len()), (100, 0), "{text}");
    }
}

#[test]
fn settings_of_a_section_have_flags_and_variables_and_those_of_a_list_do_not() {
    let size = |env| nested_from("cache: {entries: 5}", env).unwrap().config.port.cache.size;
    assert_eq!(size(&[]), 5, "an older name within the section");
    assert_eq!(size(&[("CACHE_SIZE", "7")]), 7);
    assert_eq!(size(&[("SIZE", "7"), ("URL", "8"), ("NAME", "9")]), 5);
    let told = nested_from("", &[("CACHE_SIZE", "many")]).unwrap_err();
    assert!(told.contains("environment CACHE_SIZE: \"many\" is invalid, expected a whole number"), "{told}");
    let key = nested_from("", &[("CACHE_KEY", "hush")]).unwrap();
    assert!(key.config.port.cache.key.is_some() && !format!("{key:?}").contains("hush"));
}

#[test]
fn every_mistake_is_told_with_its_path_and_place() {
    check_mistakes(
        "port: many\ncache:\n  size: -1\nendpoints:\n  - url: ftp://x\n    wait: long\n  - name: b\n    url: http://b\n    headers:\n      - value: v\n  - c\n  -\n",
        &[
            "sample.yaml:1:7: port: \"many\" is invalid, expected a port from 0 (any free one) to 65535",
            "sample.yaml:3:9: cache.size: \"-1\" is invalid, expected a whole number from 0 to 1000",
            "sample.yaml:5:5: endpoints[0].name: a value is required, expected 1 to 128 characters without control \
             characters, for example gpu-box",
            "sample.yaml:5:10: endpoints[0].url: \"ftp://x\" is invalid, expected an http:// or https:// address \
             without user and password, for example http://gpu-box:8000/v1",
            "sample.yaml:6:11: endpoints[0].wait: \"long\" is invalid, expected a duration, for example 30s",
            "sample.yaml:10:9: endpoints[1].headers[0].name: a value is required, expected 1 to 128 characters \
             without control characters, for example x-team",
            "sample.yaml:11:5: endpoints[2]: a plain value is invalid, expected `key: value` lines",
            "sample.yaml:12:4: endpoints[3]: an empty value is invalid, expected `key: value` lines",
        ],
    );
}

#[test]
fn shapes_that_do_not_fit_are_mistakes() {
    check_mistakes(
        "cache: 5\nendpoints: {name: a}",
        &[
            "sample.yaml:1:8: cache: a plain value is invalid, expected a section: `key: value` lines",
            "sample.yaml:2:12: endpoints: a mapping is invalid, expected a YAML list, one item for each",
        ],
    );
    check_mistakes(
        "endpoints: [{name: [a], url: http://a}]",
        &[
            "sample.yaml:1:20: endpoints[0].name: a list is invalid, expected 1 to 128 characters without control \
           characters, for example gpu-box",
        ],
    );
    check_mistakes(
        "a: &a [1]\nendpoints: *a",
        &[
            "sample.yaml:2:12: endpoints: an alias or an unusual key is invalid, expected a YAML list, one item for each",
        ],
    );
}

#[test]
fn secrets_are_not_shown_in_mistakes() {
    let text = "cache: {key: 'hush hush'}\nendpoints: [{name: a, url: http://a, api_key: 'hush hush'}, hush]";
    let told = nested(text).unwrap_err();
    assert!(!told.contains("hush") && told.contains("endpoints[0].api_key: the value (not shown)"), "{told}");
    let text =
        "endpoints: [{name: a, url: http://a, api_key: hush}, {name: b, url: http://b, api_key: hush}]";
    let told = nested(text).unwrap_err();
    assert!(
        told.contains("endpoints[1].api_key: the value (not shown) is already used by endpoints[0]"),
        "{told}"
    );
    assert!(!told.contains("hush"), "{told}");
}

#[test]
fn duplicates_are_mistakes() {
    let item = |name| format!("  - name: {name}\n    url: http://a\n");
    check_mistakes(
        &format!("endpoints:\n{}{}{}", item("a"), item("b"), item("a")),
        &["sample.yaml:6:11: endpoints[2].name: \"a\" is already used by endpoints[0]"],
    );
    check_mistakes(
        "port: 1\nport: 2\ncache: {size: 1, size: 2}\nendpoints:\n  - name: a\n    name: b\n    url: http://a\n",
        &[
            "sample.yaml:2:1: port was already given above",
            "sample.yaml:3:18: cache.size was already given above",
            "sample.yaml:6:5: endpoints[0].name was already given above",
        ],
    );
}

#[test]
fn unknown_keys_are_told_with_their_paths() {
    let text = "cach: {}\ncache_size: 1\ncache:\n  sise: 1\nendpoints:\n  - name: a\n    url: http://a\n    weight: 3\n    mdels: [b]\n    \
                headers: [{name: x, valu: 1}]\nother: {size: 1, name: {a: 1, a: 2}}\n";
    assert_eq!(
        nested(text).unwrap().warnings,
        [
            "sample.yaml:1:1: unknown setting \"cach\" is ignored; did you mean cache?",
            "sample.yaml:2:1: unknown setting \"cache_size\" is ignored; did you mean cache.size?",
            "sample.yaml:4:3: unknown setting \"cache.sise\" is ignored; did you mean cache.size?",
            "sample.yaml:8:5: unknown setting \"endpoints[0].weight\" is ignored",
            "sample.yaml:9:5: unknown setting \"endpoints[0].mdels\" is ignored; did you mean endpoints[0].models?",
            "sample.yaml:10:25: unknown setting \"endpoints[0].headers[0].valu\" is ignored; did you mean \
             endpoints[0].headers[0].value?",
            "sample.yaml:11:1: unknown setting \"other\" is ignored",
        ]
    );
}

#[test]
fn secrets_of_a_list_can_stand_in_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    fs::write(&path, "first\n").unwrap();
    let text = format!("endpoints: [{{name: a, url: http://a, api_key_file: '{}'}}]", path.display());
    let config = nested(&text).unwrap().config;
    assert_eq!(config.port.endpoints[0].api_key.as_ref().unwrap().expose_secret(), "first");
    let told = nested("endpoints: [{name: a, url: http://a, api_key_file: /nowhere}]").unwrap_err();
    assert!(
        told.contains("sample.yaml:1:52: endpoints[0].api_key: the file /nowhere cannot be read"),
        "{told}"
    );
}

#[test]
fn a_keychain_has_what_nobody_else_gives() {
    let keychain = |path: &str| match path {
        "cache.key" => Some(SecretString::from("kept")),
        "cache.size" => panic!("that is no secret"),
        _ => None,
    };
    let key = |env: &'static [(&str, &str)]| {
        let value =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let sources = Sources { args: Vec::new(), env: Box::new(value), default_file: None };
        let loaded = load_with_keychain::<Nested>(&sources, &keychain).unwrap();
        loaded.config.port.cache.key.unwrap().expose_secret().to_owned()
    };
    assert_eq!(key(&[]), "kept");
    assert_eq!(key(&[("CACHE_KEY", "given")]), "given");
    let wrong = |path: &str| (path == "cache.key").then(|| SecretString::from("hush hush"));
    let sources = Sources { args: Vec::new(), env: Box::new(|_| None), default_file: None };
    let told = load_with_keychain::<Nested>(&sources, &wrong).unwrap_err().to_string();
    assert!(
        told.contains("keychain, cache.key: the value (not shown) is invalid") && !told.contains("hush"),
        "{told}"
    );
}

#[test]
fn changes_are_told_by_setting() {
    let config = |text: &str| nested(text).unwrap().config;
    let told = |old: &str, new: &str| {
        let (old, new) = (config(old), config(new));
        let changes = changes(&old, &new);
        assert_eq!(changes.is_empty(), old == new);
        (changes.restart, changes.live)
    };
    let none = || (Vec::<String>::new(), Vec::<String>::new());
    assert_eq!(told(ENDPOINTS, ENDPOINTS), none());
    assert_eq!(told("cache: {size: 100}", "# the default\nport: 8080"), none());
    assert_eq!(told("", "port: 1"), (vec![], vec!["port".to_owned()]));
    assert_eq!(told("", "cache: {size: 1}"), (vec!["cache.size".to_owned()], vec![]));
    assert_eq!(told("cache: {key: a}", "cache: {key: b}"), (vec!["cache.key".to_owned()], vec![]));
    assert_eq!(told("cache: {key: a}", ""), (vec!["cache.key".to_owned()], vec![]));
    let endpoint = |key: &str| format!("endpoints: [{{name: a, url: http://a, api_key: {key}}}]");
    assert_eq!(told(&endpoint("a"), &endpoint("b")), (vec!["endpoints".to_owned()], vec![]));
    assert_eq!(told(&endpoint("a"), &endpoint("a")), none());
}

#[test]
fn declarations_say_what_there_is() {
    let told: Vec<_> = Nested::settings()
        .iter()
        .map(|declared| format!("{}{}", declared.path(), if declared.is_secret() { " secret" } else { "" }))
        .collect();
    assert_eq!(
        told,
        [
            "port",
            "cache.size",
            "cache.key secret",
            "endpoints[].name",
            "endpoints[].url",
            "endpoints[].api_key secret",
            "endpoints[].models",
            "endpoints[].wait",
            "endpoints[].headers[].name",
            "endpoints[].headers[].value secret",
        ]
    );
    let live: Vec<_> =
        Nested::settings().iter().filter(|declared| declared.live).map(Declaration::key).collect();
    assert_eq!(live, ["port", "api_key"]);
}

#[test]
fn the_page_shows_sections_and_lists() {
    let page = page::markdown("", &[page::Chapter::of::<Nested>()]);
    for part in [
        "### Listening\n\n| setting",
        "| `port`<br>`PORT`<br>`--port` | `8080` | Where to listen.<br>Format: a port from 0 (any free one) to 65535.\
         <br>A change takes effect without a restart. |",
        "### Cache\n\nWhat is cached. `cache` is a section of the configuration file with these keys:\n",
        "| `cache.size`<br>`CACHE_SIZE`<br>`--cache-size` | `100` |",
        "### Endpoints\n\nHTTP servers that take requests. `endpoints` is a YAML list. It can be given in the \
         configuration file only. Each item has these keys:\n\n```yaml\nendpoints:\n  - name: gpu-box\n    \
         url: http://gpu-box:8000/v1\n",
        "| `url` | required | Where it is.<br>Format: an http:// or https:// address without user and password.\
         <br>Example: `http://gpu-box:8000/v1` |",
        "Or in a file: `api_key_file`.",
        "### Headers\n\nHeaders to add. `endpoints[].headers` is a YAML list.",
    ] {
        assert!(page.contains(part), "{part}\nis not in\n{page}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_file_makes_it_panic(text in "(port|endpoints|cache|headers|name|url|api_key|is_on|how_many|[\\[\\]{}:,&*!|>'\"#-]|: |\n  |\n  - |\n- |[ \n\t]|http://a|[a-z0-9\u{e9}]{1,3}){0,40}") {
        if let Err(told) = nested(&text) {
            proptest::prop_assert!(told.contains(FILE), "{}", told);
        }
        let _ = file(&text);
        let _ = (duration::parse(&text), size::parse(&text));
    }

    #[test]
    fn no_shape_makes_it_panic(value in arbitrary(3), at in proptest::sample::select(&["port", "cache", "endpoints", "other"][..])) {
        let text = format!("{at}: {value}\n");
        match nested(&text) {
            Ok(_) => {}
            Err(told) => proptest::prop_assert!(told.contains("sample.yaml:1:") && told.contains("expected"), "{}: {}", text, told),
        }
    }
}

/// Any value on one line, with keys that mean something and without.
fn arbitrary(depth: u32) -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        "'[a-z:/ ]{0,6}'",
        Just("http://a".to_owned()),
        Just("30s".to_owned()),
        Just("5".to_owned())
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        let key = proptest::sample::select(
            &["name", "url", "size", "headers", "value", "wait", "models", "else"][..],
        );
        let mapping = proptest::collection::vec((key, inner.clone()), 0..4);
        let mapping = mapping.prop_map(|entries| {
            let mut once: Vec<(&str, String)> = Vec::new();
            for (key, value) in entries {
                if once.iter().all(|(other, _)| *other != key) {
                    once.push((key, value));
                }
            }
            let entries: Vec<_> = once.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", entries.join(", "))
        });
        let list = proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", ")));
        prop_oneof![mapping, list]
    })
}

//! Form fields of sections and lists.

use super::*;
use crate::sample::Nested;

fn all(text: &str) -> (Fields, Vec<ListField>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sample.yaml");
    fs::write(&path, text).unwrap();
    (fields::<Nested>(&path, &|_| None), lists::<Nested>(&path, &|_| None))
}

#[test]
fn settings_of_a_section_are_fields_with_their_paths() {
    let (fields, _) = all("cache: {size: many, key: hush}\n");
    let shown: Vec<_> =
        fields.fields.iter().map(|field| (field.path.as_str(), field.group, field.effect)).collect();
    assert_eq!(
        shown,
        [
            ("port", "Listening", Effect::Now),
            ("cache.size", "Cache", Effect::Restart),
            ("cache.key", "Cache", Effect::Restart),
        ]
    );
    let size = &fields.fields[1];
    assert_eq!((size.key, size.value.as_deref(), size.origin), ("size", Some("many"), Origin::File));
    assert_eq!(size.problem.as_deref(), Some("\"many\" is invalid, expected a whole number from 0 to 1000"));
    assert!(fields.fields[2].is_set && fields.fields[2].value.is_none());
}

#[test]
fn a_list_has_a_template_and_the_fields_of_its_items() {
    let (_, lists) =
        all("endpoints:\n  - name: a\n    url: ftp://a\n    api_key: hush\n  - b\n  - url: http://c\n");
    let [list] = &lists[..] else { panic!("one list: {lists:?}") };
    assert_eq!(
        (list.path.as_str(), list.group, list.label.as_str()),
        ("endpoints", "Listening", "Endpoints")
    );
    assert_eq!(list.help, "HTTP servers that take requests.");
    let template: Vec<_> =
        list.template.iter().map(|field| (field.path.as_str(), field.input, field.required)).collect();
    assert_eq!(
        template,
        [
            ("endpoints[].name", Input::Text, true),
            ("endpoints[].url", Input::Url, true),
            ("endpoints[].api_key", Input::Secret, false),
            ("endpoints[].models", Input::List, false),
            ("endpoints[].wait", Input::Duration, false),
        ]
    );
    assert!(list.template.iter().all(|field| field.problem.is_none() && !field.is_set));
    assert_eq!(list.template[1].example, "http://gpu-box:8000/v1");
    let [first, third] = &list.items[..] else { panic!("two mappings: {:?}", list.items) };
    assert_eq!((first[0].path.as_str(), first[0].value.as_deref()), ("endpoints[0].name", Some("a")));
    assert!(first[1].problem.as_deref().unwrap().contains("http://") && first[2].is_set);
    assert_eq!(third[0].path, "endpoints[2].name");
    assert!(third[0].problem.as_deref().unwrap().contains("required") && !third[0].is_set);
    assert!(!format!("{lists:?}").contains("hush"));
}

#[test]
fn values_within_are_checked_by_their_paths() {
    assert_eq!(check::<Nested>("endpoints[3].url", "http://a"), Ok(()));
    assert_eq!(check::<Nested>("endpoints[].headers[].name", "x"), Ok(()));
    assert!(check::<Nested>("endpoints[0].url", "ftp://a").unwrap_err().contains("\"ftp://a\" is invalid"));
    assert!(check::<Nested>("endpoints[0].url", "").unwrap_err().contains("required"));
    assert!(check::<Nested>("cache.size", "1001").unwrap_err().contains("from 0 to 1000"));
    for unknown in ["url", "cache", "endpoints", "endpoints.url", "cache[0].size", "endpoints[", ""] {
        assert!(check::<Nested>(unknown, "1").unwrap_err().contains("unknown setting"), "{unknown}");
    }
}

#[test]
fn secrets_are_known_wherever_they_are() {
    use secrecy::ExposeSecret as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sample.yaml");
    let text = "cache: {key: k1}\nendpoints: [{api_key: k2, headers: [{value: k3}]}]\nother: {deep: [{api_key: [k4, k5]}]}\n";
    fs::write(&path, text).unwrap();
    let env = |name: &str| (name == "CACHE_KEY").then(|| "k6".to_owned());
    let mut all: Vec<_> =
        secrets::<Nested>(&path, &env).iter().map(|key| key.expose_secret().to_owned()).collect();
    all.sort();
    all.dedup();
    assert_eq!(all, ["k1", "k2", "k3", "k4", "k5", "k6"]);
}

#[test]
fn secrets_that_count_are_given_with_their_paths() {
    use secrecy::ExposeSecret as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sample.yaml");
    fs::write(
        &path,
        "cache: {key: k1}\nendpoints: [{api_key: k2}, {api_key: 'k 3'}]\nother: {api_key: k4}\n",
    )
    .unwrap();
    let env = |name: &str| (name == "CACHE_KEY").then(|| "k5".to_owned());
    let given = given_secrets::<Nested>(&path, &env);
    let told: Vec<_> =
        given.iter().map(|key| (key.path.as_str(), key.value.expose_secret(), key.origin)).collect();
    assert_eq!(
        told,
        [("cache.key", "k5", Origin::Environment), ("endpoints[0].api_key", "k2", Origin::File)]
    );
    assert!(!format!("{given:?}").contains("k2"));
}

//! Form fields, with the worker's own settings.

use std::fs;

use super::*;
use crate::sample::Worker;

fn of(text: &str, env: &'static [(&str, &str)]) -> Fields {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("worker.yaml");
    fs::write(&path, text).unwrap();
    let env =
        move |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    fields::<Worker>(&path, &env)
}

fn field(fields: &Fields, key: &str) -> Field {
    fields.fields.iter().find(|field| field.key == key).unwrap_or_else(|| panic!("no {key}")).clone()
}

#[test]
fn every_setting_has_a_field() {
    let all = of("", &[]);
    assert_eq!(all.fields.len(), Worker::settings().len());
    assert!(all.fields.iter().all(|field| !field.help.is_empty() && !field.label.is_empty()));
    let check = |key, input, label: &str| {
        let field = field(&all, key);
        assert_eq!(
            (field.input, field.label.as_str(), field.origin),
            (input, label, Origin::Default),
            "{key}"
        );
        assert!(!field.is_set && field.value.is_none() && field.problem.is_none(), "{key}");
    };
    check("server_url", Input::Url, "Server URL");
    check("client_key", Input::Secret, "Client key");
    check("ca_file", Input::Path, "CA file");
    check("reconnect", Input::Switch, "Reconnect");
    check("max_concurrency", Input::Number, "Max concurrency");
    check("runtime_kind", Input::Choice, "Runtime kind");
    check("model_poll_interval", Input::Duration, "Model poll interval");
    check("log_max_size", Input::Size, "Log max size");
    check("client_name", Input::Text, "Client name");
    assert_eq!(field(&all, "runtime_kind").choices[..2], ["auto", "ollama"]);
    assert_eq!((field(&all, "log_level").effect, field(&all, "demo").effect), (Effect::Now, Effect::Restart));
    assert_eq!(field(&all, "client_name").default, "the name of this machine");
}

#[test]
fn values_come_with_where_they_are_from() {
    let all = of("serverurl: pool:80\nmax_concurrency: 5\n", &[("MAX_CONCURRENCY", "7")]);
    let url = field(&all, "server_url");
    assert_eq!((url.value.as_deref(), url.origin), (Some("pool:80"), Origin::File));
    let most = field(&all, "max_concurrency");
    assert_eq!((most.value.as_deref(), most.origin), (Some("7"), Origin::Environment));
}

#[test]
fn a_secret_is_set_and_no_more_is_said() {
    let all = of("client_key: hush\n", &[("COMPLETION_API_KEY", "quiet please")]);
    let key = field(&all, "client_key");
    assert!(key.is_set && key.value.is_none() && key.problem.is_none());
    let wrong = field(&all, "completion_api_key");
    assert!(wrong.is_set && wrong.problem.is_some());
    assert!(!format!("{all:?}").contains("hush") && !format!("{all:?}").contains("quiet"));
}

#[test]
fn what_is_wrong_is_said_at_its_field() {
    let all = of("max_concurrency: many\nclient_name: [a, b]\nreconnect: no\n", &[]);
    let most = field(&all, "max_concurrency");
    assert_eq!(most.value.as_deref(), Some("many"));
    assert!(most.problem.unwrap().contains("a whole number from 1 to 4096"));
    let name = field(&all, "client_name");
    assert!(name.is_set && name.problem.is_some() && name.origin == Origin::File);
    assert_eq!(field(&all, "reconnect").problem, None);

    let broken = of("max_concurrency: 5\nx: 'y\n", &[("CLIENT_NAME", "me")]);
    assert!(broken.file_problem.clone().unwrap().to_string().contains("not valid YAML"));
    assert_eq!(field(&broken, "client_name").origin, Origin::Environment);
}

#[test]
fn a_value_is_checked_by_its_own_kind() {
    assert_eq!(check::<Worker>("max_concurrency", "4"), Ok(()));
    assert_eq!(check::<Worker>("max_concurrency", ""), Ok(()));
    assert!(check::<Worker>("max_concurrency", "0").unwrap_err().contains("from 1 to 4096"));
    assert!(check::<Worker>("server_url", "ftp://x").unwrap_err().contains("wss://"));
    assert!(!check::<Worker>("client_key", "two words").unwrap_err().contains("two"));
    assert!(check::<Worker>("colour", "red").is_err());
}

mod nested;

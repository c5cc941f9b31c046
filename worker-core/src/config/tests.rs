//! The worker's settings: defaults, older names, and accepted values.

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;
use crate::runtime::Kind;
use llamapool_settings::{Loaded, Mistakes, Sources};

fn load(env: &'static [(&str, &str)]) -> Result<Loaded<Config>, Mistakes> {
    let value = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    settings::load(&Sources { args: Vec::new(), env: Box::new(value), default_file: None })
}

fn config(env: &'static [(&str, &str)]) -> Config {
    load(env).unwrap().config
}

fn refused(name: &'static str, value: &'static str) -> String {
    let given: &'static [_] = Box::leak(Box::new([(name, value)]));
    load(given).unwrap_err().to_string()
}

#[test]
fn defaults() {
    let config = config(&[]);
    assert_eq!(config.server.url.as_str(), "ws://localhost:8080/api/workers/connect");
    assert!(config.server.client_key.is_none() && config.server.ca_file.is_none() && config.server.reconnect);
    assert_eq!(config.server.keepalive_timeout, Duration::from_secs(15));
    assert!(config.identity.id.is_none() && !config.identity.name.is_empty());
    assert!(config.runtime.base_url.is_none() && config.runtime.api_key.is_none() && !config.runtime.demo);
    assert_eq!((config.runtime.kind, config.runtime.max_concurrency), (Kind::Auto, 2));
    assert_eq!(config.runtime.poll_interval, Duration::from_secs(30));
    assert_eq!(config.runtime.connect_timeout, Duration::from_secs(10));
    assert_eq!(config.runtime.request_timeout, None);
    assert!(config.control.status_addr.is_none() && config.control.state_dir.is_none());
    assert_eq!(config.drain_timeout, DrainTimeout::After(Duration::from_secs(60)));
    assert_eq!((config.log.level.as_str(), config.log.max_size, config.log.keep), ("info", 50 << 20, 7));
}

#[test]
fn server_addresses_are_completed() {
    for (given, url) in [
        ("ws://pool:8080", "ws://pool:8080/api/workers/connect"),
        ("https://pool.example/", "wss://pool.example/api/workers/connect"),
        ("http://pool:1/other/path?x=1", "ws://pool:1/other/path?x=1"),
        ("pool:8080", "ws://pool:8080/api/workers/connect"),
        ("[::1]:8080", "ws://[::1]:8080/api/workers/connect"),
        ("wss://pool/api/workers/connect", "wss://pool/api/workers/connect"),
    ] {
        let given: &'static [_] = Box::leak(Box::new([("SERVER_URL", given)]));
        assert_eq!(config(given).server.url.as_str(), url);
    }
    for wrong in ["ftp://pool", "ws://", "pool:99999", "ws://pool/#x", "wss://me:hush@pool"] {
        assert!(refused("SERVER_URL", wrong).contains("ws://, wss://"), "{wrong}");
    }
}

#[test]
fn names_of_older_versions() {
    let old = config(&[
        ("WORKER_KEY", "k1"),
        ("WORKER_ID", "id-1"),
        ("WORKER_NAME", "Mac Studio"),
        ("OLLAMA_URL", "http://127.0.0.1:11434"),
        ("OLLAMA_API_KEY", "k2"),
        ("API_STYLE", "ollama"),
        ("DEBUG", "true"),
    ]);
    assert_eq!(old.server.client_key.unwrap().expose_secret(), "k1");
    assert_eq!((old.identity.id.as_deref(), old.identity.name.as_str()), (Some("id-1"), "Mac Studio"));
    assert_eq!(old.runtime.base_url.unwrap().port(), Some(11434));
    assert_eq!(old.runtime.api_key.unwrap().expose_secret(), "k2");
    assert_eq!(old.runtime.kind, Kind::Ollama);
    assert_eq!(old.log.level, "debug");
    let both = config(&[("OLLAMA_URL", "http://one"), ("OLLAMA_BASE_URL", "http://two")]);
    assert_eq!(both.runtime.base_url.unwrap().host_str(), Some("two"));
}

#[test]
fn values_of_older_versions() {
    let old = config(&[
        ("DRAIN_TIMEOUT", "-1s"),
        ("REQUEST_TIMEOUT", "300"),
        ("MODEL_POLL_INTERVAL", "1m0s"),
        ("LOG_LEVEL", "ALL"),
        ("STATUS_ADDR", "localhost:4555"),
    ]);
    assert_eq!(old.drain_timeout, DrainTimeout::Never);
    assert_eq!(old.runtime.request_timeout, Some(Duration::from_secs(300)));
    assert_eq!(old.runtime.poll_interval, Duration::from_secs(60));
    assert_eq!(old.log.level, "trace");
    assert_eq!(old.control.status_addr.unwrap().to_string(), "127.0.0.1:4555");
}

#[test]
fn wrong_values() {
    for (name, value, told) in [
        ("STATUS_ADDR", "0.0.0.0:4555", "a loopback address"),
        ("MAX_CONCURRENCY", "0", "from 1 to 4096"),
        ("MAX_CONCURRENCY", "4097", "from 1 to 4096"),
        ("MODEL_POLL_INTERVAL", "10ms", "at least 1s"),
        ("KEEPALIVE_TIMEOUT", "1", "at least 3s"),
        ("RUNTIME_KIND", "llama", "one of auto, ollama, llama_cpp, lm_studio, vllm, openai"),
        ("COMPLETION_BASE_URL", "127.0.0.1:11434", "an http:// or https:// address"),
        ("COMPLETION_BASE_URL", "http://me:hush@gpu", "without user and password"),
        ("CLIENT_NAME", "two\nlines", "without control characters"),
        ("LOG_LEVEL", "info,=,", "directives such as"),
        ("LOG_MAX_SIZE", "1KB", "from 64 KiB"),
    ] {
        let said = refused(name, value);
        assert!(said.contains(told) && said.contains(&format!("environment {name}: {value:?}")), "{said}");
    }
    let said = refused("CLIENT_KEY", "two words");
    assert!(!said.contains("two words"), "{said}");
}

#[test]
fn every_setting_has_a_doc_and_a_concern() {
    let fields = settings::fields::fields::<Config>(std::path::Path::new("worker.yaml"), &|_| None).fields;
    for field in &fields {
        assert!(!field.help.trim().is_empty() && !field.group.is_empty(), "{}", field.key);
    }
    assert!(fields.len() > 20, "{} settings", fields.len());
}

#[test]
fn a_key_over_plain_ws_to_another_machine_is_warned_of() {
    let warned = |url: &'static str, key: &'static str| {
        let value = move |name: &str| match name {
            "SERVER_URL" => Some(url.to_owned()),
            "CLIENT_KEY" => Some(key.to_owned()),
            _ => None,
        };
        let sources = settings::Sources { args: Vec::new(), env: Box::new(value), default_file: None };
        let loaded = settings::load::<Config>(&sources).unwrap();
        let is_noted = loaded.config.server.plaintext_warning().is_some();
        assert_eq!(is_noted, !loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        is_noted && loaded.warnings[0].contains("not encrypted") && !loaded.warnings[0].contains("secret")
    };
    for far in ["ws://pool.example.com", "192.168.1.20:8080", "http://[2001:db8::1]:8080"] {
        assert!(warned(far, "secret"), "{far}");
        assert!(!warned(far, ""), "nothing secret goes to {far}");
    }
    let fine = [
        "wss://pool.example.com",
        "https://192.168.1.20",
        "ws://localhost:8080",
        "127.0.0.2:80",
        "ws://[::1]:1",
    ];
    for fine in fine {
        assert!(!warned(fine, "secret"), "{fine}");
    }
}

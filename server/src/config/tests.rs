//! The server's settings, and the reference page of all settings.

use std::{fs, path::Path, time::Duration};

use llamapool_settings::{
    Loaded, Mistakes, Sources,
    cli::{self, Invocation},
    page,
};
use secrecy::ExposeSecret as _;

use super::*;

fn load(env: &'static [(&str, &str)]) -> Result<Loaded<Config>, Mistakes> {
    let value = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    settings::load(&Sources { args: Vec::new(), env: Box::new(value), default_file: None })
}

fn config(env: &'static [(&str, &str)]) -> Config {
    load(env).unwrap().config
}

fn addresses(env: &'static [(&str, &str)]) -> Vec<String> {
    config(env).addresses().iter().map(ToString::to_string).collect()
}

fn refused(env: &'static [(&str, &str)]) -> String {
    load(env).unwrap_err().to_string()
}

#[test]
fn defaults() {
    let config = config(&[]);
    assert_eq!((config.limits.max_body, config.limits.max_headers), (100 << 20, 64 << 10));
    assert_eq!((config.limits.max_requests, config.limits.header_timeout), (10_000, Duration::from_secs(10)));
    assert_eq!((config.queue.size, config.queue.timeout), (100, Duration::from_secs(60)));
    assert_eq!(config.timeouts.first_byte, Some(Duration::from_secs(600)));
    assert_eq!(config.timeouts.chunk, Some(Duration::from_secs(120)));
    assert_eq!(config.timeouts.heartbeat, Some(Duration::from_secs(15)));
    assert_eq!(
        (config.timeouts.keepalive, config.timeouts.body),
        (Duration::from_secs(15), Duration::from_secs(60))
    );
    assert_eq!(config.routing.alias_fallback, AliasFallback::Busy);
    assert_eq!(config.drain_timeout, DrainTimeout::After(Duration::from_secs(300)));
}

#[test]
fn without_keys_it_listens_on_loopback_only() {
    assert_eq!(addresses(&[]), ["127.0.0.1:8080"]);
    assert_eq!(addresses(&[("API_KEY", "a")]), ["127.0.0.1:8080"], "workers could come in without a key");
    assert_eq!(addresses(&[("API_KEY", "a"), ("CLIENT_KEY", "b")]), ["[::]:8080", "0.0.0.0:8080"]);
    assert_eq!(addresses(&[("USER_KEY", "a"), ("CLIENT_KEY", "b")]), ["[::]:8080", "0.0.0.0:8080"]);
    assert_eq!(addresses(&[("VIEWER_KEY", "a"), ("CLIENT_KEY", "b")]), ["[::]:8080", "0.0.0.0:8080"]);
    assert_eq!(addresses(&[("USER_KEY", "a")]), ["127.0.0.1:8080"], "workers could come in without a key");
    assert_eq!(addresses(&[("ALLOW_ANONYMOUS", "1"), ("PORT", "9000")]), ["[::]:9000", "0.0.0.0:9000"]);
    assert_eq!(Config::for_testing().addresses()[0].to_string(), "127.0.0.1:0");
}

#[test]
fn an_address_may_bring_its_port() {
    assert_eq!(addresses(&[("LISTEN_ADDR", "127.0.0.1:9000")]), ["127.0.0.1:9000"]);
    assert_eq!(addresses(&[("LISTEN_ADDR", "[::1]:9000"), ("PORT", "9001")]), ["[::1]:9001"]);
    assert_eq!(addresses(&[("LISTEN_ADDR", "localhost")]), ["127.0.0.1:8080"]);
    assert_eq!(addresses(&[("LISTEN_ADDR", "::1"), ("PORT", "0")]), ["[::1]:0"]);
    assert_eq!(addresses(&[("LISTEN_ADDR", ":9000")]), ["127.0.0.1:9000"]);
    assert_eq!(addresses(&[("LISTEN_ADDR", "0.0.0.0:9000"), ("ALLOW_ANONYMOUS", "true")]), ["0.0.0.0:9000"]);
    assert!(refused(&[("LISTEN_ADDR", "example.com")]).contains("an IP address"));
    assert!(refused(&[("PORT", "65536")]).contains("a port from 0"));
}

#[test]
fn being_open_to_strangers_has_to_be_asked_for() {
    let message = refused(&[("LISTEN_ADDR", "0.0.0.0"), ("API_KEY", "a")]);
    assert!(message.contains("there is no CLIENT_KEY") && message.contains("--allow-anonymous"), "{message}");
    assert!(refused(&[("LISTEN_ADDR", "::")]).contains("there are no keys"));
    assert!(refused(&[("LISTEN_ADDR", "192.168.1.2"), ("CLIENT_KEY", "a")]).contains("there is no API_KEY"));
    assert!(load(&[("LISTEN_ADDR", "0.0.0.0"), ("API_KEY", "a"), ("CLIENT_KEY", "b")]).is_ok());
    let message = refused(&[("LISTEN_ADDR", "0.0.0.0"), ("API_KEY", "a b"), ("CLIENT_KEY", "b")]);
    assert!(
        message.contains("API_KEY") && !message.contains("--allow-anonymous"),
        "a mistake is reported without its consequences: {message}"
    );
}

#[test]
fn keys_without_tls_are_warned_of_where_others_can_reach_the_server() {
    let warned = |env| load(env).unwrap().warnings.iter().any(|warning| warning.contains("without TLS"));
    assert!(warned(&[("API_KEY", "a"), ("CLIENT_KEY", "b")]), "all interfaces");
    assert!(warned(&[("LISTEN_ADDR", "192.168.1.2"), ("API_KEY", "a"), ("CLIENT_KEY", "b")]));
    assert!(!warned(&[("LISTEN_ADDR", "127.0.0.1"), ("API_KEY", "a"), ("CLIENT_KEY", "b")]));
    assert!(!warned(&[("API_KEY", "a")]), "loopback");
    assert!(!warned(&[("ALLOW_ANONYMOUS", "true")]), "there is no key to lose");
}

#[test]
fn headers_are_no_larger_than_a_tunnel_takes() {
    assert!(load(&[("MAX_HEADERS", "64KiB")]).is_ok());
    assert!(refused(&[("MAX_HEADERS", "65KiB")]).contains("MAX_HEADERS"));
}

#[test]
fn a_key_is_in_one_list_only() {
    let check = |env, one: &str, other: &str| {
        let message = refused(env);
        assert!(message.contains(&format!("{one} and {other} have a key in common")), "{message}");
    };
    check(&[("API_KEY", "a,b"), ("USER_KEY", "c,b")], "api_key", "user_key");
    check(&[("API_KEY", "a"), ("CLIENT_KEY", "a")], "api_key", "client_key");
    check(&[("USER_KEY", "a"), ("VIEWER_KEY", "a")], "user_key", "viewer_key");
    check(&[("VIEWER_KEY", "a"), ("CLIENT_KEY", "b,a")], "viewer_key", "client_key");
    assert!(!refused(&[("API_KEY", "secret"), ("USER_KEY", "secret")]).contains("secret"));
    assert!(load(&[("API_KEY", "a"), ("USER_KEY", "b"), ("VIEWER_KEY", "c"), ("CLIENT_KEY", "d")]).is_ok());
}

#[test]
fn older_names_and_values() {
    let old = config(&[
        ("API_KEY", "one, two"),
        ("WORKER_KEY", "w"),
        ("REQUEST_TIMEOUT", "0"),
        ("QUEUE_SIZE", "0"),
    ]);
    let api: Vec<_> = old.keys.api.iter().map(|key| key.expose_secret()).collect();
    assert_eq!(api, ["one", "two"]);
    assert_eq!(old.keys.client[0].expose_secret(), "w");
    assert_eq!((old.timeouts.chunk, old.queue.size), (None, 0));
}

#[test]
fn settings_without_effect_are_warned_of() {
    let warnings = load(&[("WS_PATH", "/x"), ("REDIS_ADDR", "redis://x"), ("BROKER_MAX_REQ_BYTES", "1")]);
    let warnings = warnings.unwrap().warnings;
    assert_eq!(warnings.len(), 3);
    assert!(
        warnings.iter().any(|warning| warning.starts_with("environment WS_PATH: ws_path has no effect")),
        "{warnings:?}"
    );
}

#[test]
fn flags() {
    let invoke = |args: &[&str]| {
        let args = args.iter().map(Into::into).collect();
        cli::invoke::<Config>(&Sources { args, env: Box::new(|_| None), default_file: None })
    };
    let Invocation::Run(loaded) = invoke(&["--port=0", "--api-key", "a", "--api-key=b", "--allow-anonymous"])
    else {
        panic!("these flags are fine");
    };
    assert_eq!((loaded.config.keys.api.len(), loaded.config.listen.port), (2, 0));
    assert!(loaded.config.listen.allow_anonymous);
    let Invocation::Print(answer) = invoke(&["--check-config", "--listen-addr", "0.0.0.0"]) else {
        panic!("a check does not run");
    };
    assert_eq!(answer.code, cli::EXIT_USAGE);
}

#[test]
fn metrics_have_a_port_of_their_own_or_the_api_s() {
    let addr = |env| config(env).metrics.addr.map(|addr| addr.to_string());
    assert_eq!(addr(&[]), None);
    assert_eq!(addr(&[("METRICS_PORT", "9090")]).as_deref(), Some("127.0.0.1:9090"));
    assert_eq!(addr(&[("METRICS_ADDR", "0.0.0.0:9090")]).as_deref(), Some("0.0.0.0:9090"));
    assert_eq!(addr(&[("METRICS_PORT", "0"), ("PORT", "0")]).as_deref(), Some("127.0.0.1:0"));
    let same = load(&[("METRICS_PORT", ":8080")]).unwrap();
    assert_eq!(same.config.metrics.addr, None);
    assert!(same.warnings[0].contains("the API's own port"), "{:?}", same.warnings);
}

/// The text before the tables.
const INTRODUCTION: &str = include_str!("introduction.md");

#[test]
fn the_reference_page_is_current() {
    let chapters =
        [page::Chapter::of::<Config>(), page::Chapter::of::<llamapool_worker_core::config::Config>()];
    let page = page::markdown(INTRODUCTION, &chapters);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/config.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        written == page,
        "docs/config.md is not current: run this test with UPDATE_DOCS=1 and commit the page"
    );
}

//! Command lines of the worker.

use std::fs;

use super::*;
use crate::{config::Config, settings::DrainTimeout};

fn invoked(args: &[&str]) -> Invocation<Config> {
    let args = args.iter().map(Into::into).collect();
    invoke(&Sources { args, env: Box::new(|_| None), default_file: None })
}

fn run(args: &[&str]) -> Loaded<Config> {
    match invoked(args) {
        Invocation::Run(loaded) => loaded,
        Invocation::Print(answer) => panic!("{}", answer.text),
    }
}

fn answer(args: &[&str]) -> Answer {
    match invoked(args) {
        Invocation::Run(loaded) => panic!("runs: {loaded:?}"),
        Invocation::Print(answer) => answer,
    }
}

#[test]
fn values_come_after_a_space_or_an_equals_sign() {
    for args in [&["--max-concurrency", "7"][..], &["--max-concurrency=7"], &["-max-concurrency", "7"]] {
        assert_eq!(run(args).config.runtime.max_concurrency, 7, "{args:?}");
    }
    assert_eq!(run(&["--worker-name", "old"]).config.identity.name, "old");
    assert_eq!(run(&["--max-concurrency=7", "--max-concurrency=8"]).config.runtime.max_concurrency, 8);
}

#[test]
fn switches_can_be_turned_either_way() {
    let reconnects = |args: &[&str]| run(args).config.server.reconnect;
    assert!(
        reconnects(&[])
            && reconnects(&["-r"])
            && reconnects(&["--reconnect"])
            && reconnects(&["--reconnect=true"])
    );
    assert!(
        !reconnects(&["--no-reconnect"]) && !reconnects(&["--reconnect=false"]) && !reconnects(&["-r=false"])
    );
    assert!(reconnects(&["--no-reconnect", "--reconnect"]), "the last one counts");
    assert!(!reconnects(&["--reconnect", "--no-reconnect"]), "the last one counts");
    assert!(run(&["--demo"]).config.runtime.demo);
    assert_eq!(run(&["--debug"]).config.log.level, "debug");
}

#[test]
fn a_drain_may_be_negative() {
    assert_eq!(run(&["--drain-timeout", "-1"]).config.drain_timeout, DrainTimeout::Never);
    assert_eq!(run(&["--drain-timeout=-1s"]).config.drain_timeout, DrainTimeout::Never);
}

#[test]
fn retired_flags_are_accepted() {
    let loaded = run(&["--embedding-batch-size", "9", "--demo"]);
    assert!(loaded.config.runtime.demo);
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn bad_usage_exits_64() {
    for (args, said) in [
        (&["--max-concurency", "7"][..], "--max-concurrency"),
        (&["serve"], "serve"),
        (&["--max-concurrency"], "a value is required"),
        (
            &["--max-concurrency", "0"],
            "flag --max-concurrency: \"0\" is given, wanted: a whole number from 1 to 4096",
        ),
        (&["--config", "/nowhere"], "flag --config: there is no file /nowhere"),
        (&["--check-config", "--port", "1"], "--port"),
    ] {
        let Answer { text, code } = answer(args);
        assert_eq!(code, EXIT_USAGE, "{args:?}");
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn version_is_one_line() {
    let Answer { text, code } = answer(&["--version"]);
    assert_eq!((code, text.lines().count()), (0, 1));
    assert!(
        text.starts_with(concat!("llamapool-worker version=", env!("CARGO_PKG_VERSION"), " sha=")),
        "{text}"
    );
    assert!(text.contains(" date="), "{text}");
}

#[test]
fn help_is_short_and_hides_what_is_old() {
    let Answer { text, code } = answer(&["--help"]);
    assert_eq!(code, 0);
    for wanted in ["Server:", "--server-url", "-r, --reconnect", "--check-config", "Logs:"] {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
    for hidden in ["worker-key", "ollama-url", "embedding-batch-size", "no-reconnect"] {
        assert!(!text.contains(hidden), "{hidden} in\n{text}");
    }
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(text.lines().count() < 80 && longest <= Some(120), "{longest:?}\n{text}");
}

#[test]
fn a_configuration_can_be_checked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("worker.yaml");
    fs::write(&path, "max_concurrency: 4\nclient_nam: x\n").unwrap();
    let path = path.to_str().unwrap();
    let Answer { text, code } = answer(&["--check-config", "--config", path]);
    assert_eq!(code, 0);
    assert!(text.contains(path) && text.contains("did you mean client_name?"), "{text}");
    assert!(text.ends_with("configuration is fine\n"), "{text}");
    fs::write(path, "max_concurrency: none\nstatus_addr: 0.0.0.0:4555\n").unwrap();
    let Answer { text, code } = answer(&["--check-config", "--config", path]);
    assert_eq!(code, EXIT_USAGE);
    assert!(text.contains("2 mistakes"), "{text}");
}

#[test]
fn every_setting_has_a_doc_and_a_concern() {
    for about in settings_of::<Config>() {
        assert!(!about.doc.trim().is_empty() && !about.concern.is_empty(), "{:?}", about.names);
    }
}

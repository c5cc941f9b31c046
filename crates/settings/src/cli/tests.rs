//! Command lines of the worker.

use std::fs;

use super::*;
use crate::{DrainTimeout, sample::Worker};

fn invoked(args: &[&str]) -> Invocation<Worker> {
    let args = args.iter().map(Into::into).collect();
    invoke(&Sources { args, env: Box::new(|_| None), default_file: None })
}

fn run(args: &[&str]) -> Loaded<Worker> {
    match invoked(args) {
        Invocation::Run(loaded) => loaded,
        Invocation::Print(answer) => panic!("{}", answer.text),
        Invocation::Command(called) => panic!("calls: {called:?}"),
    }
}

/// With a command that takes one argument.
fn called(args: &[&str]) -> Result<Box<Called<Worker>>, Answer> {
    let args = args.iter().map(Into::into).collect();
    let sources = Sources { args, env: Box::new(|_| None), default_file: Some("worker.yaml".into()) };
    let look = Command::new("look").about("Looks at something").arg(clap::Arg::new("THING"));
    match invoke_with(&sources, vec![look]) {
        Invocation::Run(loaded) => panic!("runs: {loaded:?}"),
        Invocation::Print(answer) => Err(answer),
        Invocation::Command(called) => Ok(called),
    }
}

#[test]
fn a_command_takes_the_flags_of_settings_before_and_after_it() {
    for args in [&["look", "moon", "--max-concurrency", "7"][..], &["--max-concurrency=7", "look", "moon"]] {
        let called = called(args).unwrap();
        assert_eq!((called.name.as_str(), called.file), ("look", Some("worker.yaml".into())));
        assert_eq!(called.args.get_one::<String>("THING").map(String::as_str), Some("moon"));
        assert_eq!(called.loaded.unwrap().config.runtime.max_concurrency, 7, "{args:?}");
    }
    let wrong = called(&["look", "--max-concurrency=0", "--demo"]).unwrap();
    assert!(
        wrong.loaded.unwrap_err().to_string().contains("from 1 to 4096"),
        "that is for the command to say"
    );
    let named = called(&["look", "--config", "other.yaml"]).unwrap();
    assert!(named.file == Some("other.yaml".into()) && named.loaded.is_err());
}

#[test]
fn commands_are_in_the_help_and_have_their_own() {
    let help = |args| called(args).unwrap_err();
    assert!(help(&["--help"]).text.contains("Looks at something"));
    let own = help(&["look", "--help"]);
    assert!(
        own.code == 0 && own.text.contains("THING") && !own.text.contains("max-concurrency"),
        "{}",
        own.text
    );
    for wrong in [&["lock"][..], &["look", "a", "b"], &["look", "--nothing"]] {
        assert_eq!(help(wrong).code, EXIT_USAGE, "{wrong:?}");
    }
}

fn answer(args: &[&str]) -> Answer {
    match invoked(args) {
        Invocation::Run(loaded) => panic!("runs: {loaded:?}"),
        Invocation::Print(answer) => answer,
        Invocation::Command(called) => panic!("calls: {called:?}"),
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
            "flag --max-concurrency: \"0\" is invalid, expected a whole number from 1 to 4096",
        ),
        (&["--config", "/nowhere"], "flag --config: /nowhere does not exist"),
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
    assert!(text.ends_with("the configuration is valid\n"), "{text}");
    fs::write(path, "max_concurrency: none\nstatus_addr: 0.0.0.0:4555\n").unwrap();
    let Answer { text, code } = answer(&["--check-config", "--config", path]);
    assert_eq!(code, EXIT_USAGE);
    assert!(text.contains("2 mistakes"), "{text}");
}

#[test]
fn a_configuration_can_be_printed_without_its_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nested.yaml");
    let text = "cache: {size: 5, key: hush}\nendpoints:\n  - name: a\n    url: http://a\n    api_key: hush\n    headers: [{name: x, value: hush}]\n";
    fs::write(&path, text).unwrap();
    let args =
        ["--print-config", "--config", path.to_str().unwrap(), "--port=1"].iter().map(Into::into).collect();
    let sources = Sources { args, env: Box::new(|_| None), default_file: None };
    let Invocation::Print(Answer { text, code }) = invoke::<crate::sample::Nested>(&sources) else {
        panic!("it is printed");
    };
    let file = path.display();
    assert_eq!(code, 0);
    assert_eq!(
        text,
        format!(
            "# configuration file: {file}\nport = 1 (flag --port)\ncache.size = 5 ({file}:1:15)\n\
             cache.key = (set, hidden) ({file}:1:23)\nendpoints[0].name = a ({file}:3:11)\n\
             endpoints[0].url = http://a ({file}:4:10)\nendpoints[0].api_key = (set, hidden) ({file}:5:14)\n\
             endpoints[0].models = none (default)\nendpoints[0].wait = 30s (default)\n\
             endpoints[0].headers[0].name = x ({file}:6:22)\n\
             endpoints[0].headers[0].value = (set, hidden) ({file}:6:32)\n"
        )
    );
}

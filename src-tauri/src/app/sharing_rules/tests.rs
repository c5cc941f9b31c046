//! Rules and supervisor together.

use std::time::Duration;

use chrono::{Local, TimeDelta};
use tokio::sync::watch;

use super::*;
use crate::config_paths::ConfigPaths;
use crate::log_buffer::LogBuffer;
use crate::serve::{ALL_DAYS, Hours, Reason, Rules};
use crate::supervisor::Facts;

/// Longer than listing all processes takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn until(facts: &mut watch::Receiver<Facts>, is_so: impl FnMut(&Facts) -> bool) {
    let found = tokio::time::timeout(PATIENCE, facts.wait_for(is_so)).await;
    drop(found.expect("in time").expect("the supervisor is running"));
}

fn settings(serve: Rules) -> AppSettings {
    AppSettings { serve, ..AppSettings::default() }
}

/// A rule that always applies: it names this test's program.
fn while_we_run() -> (Rules, Reason) {
    let here = std::env::current_exe().expect("a test is a program");
    let name = here.file_name().expect("with a name").to_string_lossy().into_owned();
    (Rules { pause_while: vec![name.clone()], ..Rules::default() }, Reason::Program(name))
}

/// Another that applies: hours that start later.
fn at_other_hours() -> Rules {
    let later = |hours| (Local::now() + TimeDelta::hours(hours)).time();
    let hours = Hours { days: ALL_DAYS.to_vec(), from: later(2), to: later(3) };
    Rules { only_in_hours: true, hours, ..Rules::default() }
}

#[tokio::test]
async fn rules_apply_and_are_overridden() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ConfigPaths::new(&folder.path().join("worker.yaml"), folder.path());
    let (supervisor, life) = Supervisor::new(paths, None, LogBuffer::default());
    let (wanted, changes) = watch::channel(settings(Rules::default()));
    let mut facts = supervisor.facts();
    let (rules, reason) = while_we_run();
    let story = async {
        wanted.send_replace(settings(rules.clone()));
        until(&mut facts, |facts| facts.rule.as_ref() == Some(&reason)).await;
        supervisor.order(Order::Resume).await;
        until(&mut facts, |facts| facts.rule.is_none()).await;
        wanted.send_replace(settings(at_other_hours()));
        until(&mut facts, |facts| matches!(facts.rule, Some(Reason::Hours { .. }))).await;
        // The override has ended, since the rule did not apply meanwhile.
        wanted.send_replace(settings(rules));
        until(&mut facts, |facts| facts.rule.as_ref() == Some(&reason)).await;
        wanted.send_replace(settings(Rules::default()));
        until(&mut facts, |facts| facts.rule.is_none()).await;
    };
    tokio::select! {
        () = life => panic!("the supervisor is running"),
        () = run(changes, supervisor.clone()) => panic!("it runs until the app ends"),
        () = story => {}
    }
}

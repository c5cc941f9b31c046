//! The rules and the supervisor together.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;

use super::hours::Hours;
use super::*;
use crate::logbook::Logbook;
use crate::supervisor::{Facts, Place};

/// Longer than a look at every process takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn until(facts: &mut watch::Receiver<Facts>, is_so: impl FnMut(&Facts) -> bool) {
    let found = tokio::time::timeout(PATIENCE, facts.wait_for(is_so)).await;
    drop(found.expect("in time").expect("the supervisor goes on"));
}

fn own(serve: Rules) -> Own {
    Own { serve, ..Own::default() }
}

/// A rule that always says no: this very test runs.
fn while_we_run() -> (Rules, Reason) {
    let here = std::env::current_exe().expect("a test is a program");
    let name = here.file_name().expect("with a name").to_string_lossy().into_owned();
    (Rules { pause_while: vec![name.clone()], ..Rules::default() }, Reason::Program(name))
}

/// Another: hours that are not now, nor soon.
fn at_other_hours() -> Rules {
    let later = |hours| (Local::now() + TimeDelta::hours(hours)).time();
    let hours = Hours { days: Day::ALL.to_vec(), from: later(2), to: later(3) };
    Rules { only_in_hours: true, hours, ..Rules::default() }
}

#[tokio::test]
async fn rules_come_and_go_and_are_overruled() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder.path().join("worker.yaml"), folder.path());
    let (supervisor, life) = Supervisor::new(place, None, Logbook::default());
    let (wanted, owns) = watch::channel(own(Rules::default()));
    let mut facts = supervisor.facts();
    let (rules, reason) = while_we_run();
    let story = async {
        wanted.send_replace(own(rules.clone()));
        until(&mut facts, |facts| facts.rule.as_ref() == Some(&reason)).await;
        supervisor.order(Order::Resume).await;
        until(&mut facts, |facts| facts.rule.is_none()).await;
        wanted.send_replace(own(at_other_hours()));
        until(&mut facts, |facts| matches!(facts.rule, Some(Reason::Hours { .. }))).await;
        // It did not apply meanwhile, so it counts once more.
        wanted.send_replace(own(rules));
        until(&mut facts, |facts| facts.rule.as_ref() == Some(&reason)).await;
        wanted.send_replace(own(Rules::default()));
        until(&mut facts, |facts| facts.rule.is_none()).await;
    };
    tokio::select! {
        () = life => panic!("the supervisor goes on"),
        () = follow(owns, supervisor.clone()) => panic!("it is followed on"),
        () = story => {}
    }
}

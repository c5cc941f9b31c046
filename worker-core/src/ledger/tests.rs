//! Tests of the whole ledger.

use std::time::Duration;

use super::*;
use crate::usage::Usage;

fn asked(model: &str) -> Asked {
    Asked { path: "/v1/chat/completions".to_owned(), model: Some(model.to_owned()), bytes: 10 }
}

const ANSWER: &[u8] = br#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;

#[tokio::test(start_paused = true)]
async fn a_request_is_seen_from_its_slot_to_its_end() {
    let ledger = Ledger::default();
    let mut job = ledger.enter(asked("llama3"));
    assert_eq!(ledger.running(), 1);
    tokio::time::advance(Duration::from_millis(1_500)).await;
    let seen = ledger.activity().live.remove(0);
    assert_eq!((seen.number, seen.model.as_deref(), seen.age_ms), (1, Some("llama3"), 1_500));
    assert_eq!((seen.state, seen.bytes_out), (JobState::Waiting, 0));
    job.answered(http::StatusCode::OK);
    job.pass(ANSWER);
    let seen = ledger.activity().live.remove(0);
    assert_eq!((seen.state, seen.bytes_out), (JobState::Streaming, ANSWER.len() as u64));
    job.end(Outcome::Succeeded);
    let after = ledger.activity();
    assert_eq!((after.started, after.succeeded, after.live.len(), ledger.running()), (1, 1, 0, 0));
    assert_eq!((after.requests_today, after.longest_job_ms), (1, 1_500));
    assert_eq!((after.tokens.tokens_in, after.tokens_today.tokens_out), (3, 4));
    assert_eq!(after.history.iter().map(|bin| bin.tokens_out).sum::<u64>(), 4);
    assert_eq!(after.history.iter().map(|bin| bin.running).max(), Some(1));
}

#[test]
fn each_end_is_counted_once_and_a_dropped_job_is_cancelled() {
    let ledger = Ledger::default();
    drop(ledger.enter(asked("a")));
    let mut failed = ledger.enter(asked("b"));
    failed.answered(http::StatusCode::INTERNAL_SERVER_ERROR);
    failed.pass(ANSWER);
    failed.end(Outcome::Failed);
    let running = ledger.enter(asked("c"));
    let now = ledger.activity();
    assert_eq!((now.started, now.succeeded, now.failed, now.cancelled), (3, 0, 1, 1));
    assert_eq!(now.live.iter().map(|job| job.number).collect::<Vec<_>>(), [3]);
    assert_eq!(now.tokens, Usage::default(), "an error tells no tokens");
    drop(running);
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_taken_when_one_is_free() {
    let ledger = Ledger::default();
    let first = ledger.enter_when_free(1, asked("a")).await;
    let second = ledger.enter_when_free(1, asked("b"));
    tokio::pin!(second);
    let waited = tokio::time::timeout(Duration::from_secs(1), &mut second).await;
    assert!(waited.is_err(), "there is one slot");
    assert_eq!(ledger.activity().started, 1, "who waits has not begun");
    drop(first);
    let second = second.await;
    assert_eq!(ledger.activity().live[0].model.as_deref(), Some("b"));
    drop(second);
}

#[tokio::test]
async fn readers_are_rung_for_the_start_the_first_byte_and_the_end() {
    let ledger = Ledger::default();
    let mut watch = ledger.watch();
    let mut is_new = || {
        let new = watch.has_changed().unwrap();
        watch.mark_unchanged();
        new
    };
    assert!(!is_new());
    let mut job = ledger.enter(asked("a"));
    assert!(is_new());
    job.pass(b"x");
    assert!(is_new());
    job.pass(b"y");
    assert!(!is_new(), "not for every chunk");
    job.end(Outcome::Succeeded);
    assert!(is_new());
}

//! Long polling of the status, so that clients need not poll in a loop: `If-None-Match` with the tag of the last response, and
//! `Prefer: wait=SECONDS`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use http::HeaderMap;
use http::header::IF_NONE_MATCH;
use serde_json::Value;
use tokio::time::Instant;

use super::view;
use crate::ledger::Activity;
use crate::worker::status::{self, StatusPublisher};

/// Longest wait: programs in between, even on one machine, close silent connections, but not within a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// Requests may begin and end far faster than anyone reads: changes within this time are reported together.
const GAP: Duration = Duration::from_millis(250);

/// The header of RFC 7240.
const PREFER: &str = "prefer";

/// Fields that change continuously and do not count as a change.
const RESTLESS: [&str; 2] = ["last_heartbeat", "reconnect_in_s"];

/// The same within each running request.
const RESTLESS_OF_REQUESTS: [&str; 2] = ["age_ms", "bytes_out"];

/// The status and its tag, which changes when anything other than clocks and counters changes.
fn tagged(status: status::Status, activity: Activity) -> (view::StatusPage, String) {
    let mut hasher = DefaultHasher::new();
    // The time of the next attempt; the seconds until then change continuously.
    format!("{:?}", status.connection).hash(&mut hasher);
    let view = view::status(status, activity);
    let mut essence = serde_json::to_value(&view).expect("names and numbers are JSON");
    forget(&mut essence, &RESTLESS);
    for request in essence["requests"].as_array_mut().into_iter().flatten() {
        forget(request, &RESTLESS_OF_REQUESTS);
    }
    essence.to_string().hash(&mut hasher);
    (view, format!("\"{:016x}\"", hasher.finish()))
}

fn forget(value: &mut Value, names: &[&str]) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
}

/// The status as soon as its tag differs from the caller's; `None` if it is still the same after the time that the caller wants to wait.
pub(super) async fn next(
    publisher: &StatusPublisher,
    headers: &HeaderMap,
) -> Option<(view::StatusPage, String)> {
    let known = headers.get(IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    let until = Instant::now() + wait(headers);
    // Subscribed before the first look, so that no change is missed.
    let (mut status, mut jobs) = (publisher.watch(), publisher.ledger().watch());
    loop {
        let (view, tag) = tagged(publisher.now(), publisher.ledger().activity());
        if known != Some(tag.as_str()) {
            return Some((view, tag));
        }
        tokio::select! {
            Ok(()) = status.changed() => {}
            Ok(()) = jobs.changed() => {}
            () = tokio::time::sleep_until(until) => return None,
        }
        tokio::time::sleep_until(until.min(Instant::now() + GAP)).await;
    }
}

/// How long the caller wants to wait; not at all by default.
fn wait(headers: &HeaderMap) -> Duration {
    let prefer = headers.get_all(PREFER).into_iter().filter_map(|value| value.to_str().ok());
    let mut wishes = prefer.flat_map(|value| value.split([',', ';'])).map(str::trim);
    let seconds = wishes.find_map(|wish| wish.strip_prefix("wait=")?.trim().parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs).min(LONGEST_WAIT)
}

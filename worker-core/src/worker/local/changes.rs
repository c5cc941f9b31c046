//! Long polling of the status, so that clients need not poll in a loop: `If-None-Match` with the tag of the last answer, and
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

/// Nobody is kept waiting for longer: what stands between two programs of one machine closes silent connections after a minute at the earliest.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// Requests may come and go far faster than anybody reads: what comes within this time is told at once.
const GAP: Duration = Duration::from_millis(250);

/// The header of RFC 7240.
const PREFER: &str = "prefer";

/// Fields that change continuously and do not count as a change.
const RESTLESS: [&str; 2] = ["last_heartbeat", "reconnect_in_s"];

/// The same within each running request.
const RESTLESS_OF_REQUESTS: [&str; 2] = ["age_ms", "bytes_out"];

/// The status, and its tag, which is another one when anything else has changed than clocks and counters.
fn tagged(status: status::Status, activity: Activity) -> (view::StatusPage, String) {
    let mut hasher = DefaultHasher::new();
    // When the next try is due: the seconds until then change by themselves.
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

/// The status as soon as its tag is another one than the caller's; nothing if it is still the same after the time the caller wants to wait.
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

/// For how long the caller wants to wait: not at all, unless it says so.
fn wait(headers: &HeaderMap) -> Duration {
    let prefer = headers.get_all(PREFER).into_iter().filter_map(|value| value.to_str().ok());
    let mut wishes = prefer.flat_map(|value| value.split([',', ';'])).map(str::trim);
    let seconds = wishes.find_map(|wish| wish.strip_prefix("wait=")?.trim().parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs).min(LONGEST_WAIT)
}

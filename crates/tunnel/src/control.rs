//! Control messages: one JSON object per text message, with the type in the field `t`. Unknown messages and fields are ignored, so that
//! versions can evolve.

use serde::{Deserialize, Deserializer, Serialize};

use crate::lenient;
use crate::model::{self, Model};
use crate::{Host, RuntimeKind};

/// The subprotocol that both ends must offer in the upgrade.
pub const SUBPROTOCOL: &str = "llamapool.v2";

/// Where workers connect.
pub const CONNECT_PATH: &str = "/api/workers/connect";

/// The peer must send its hello within this time.
pub const HELLO_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// A report is sent at least this often, even without a change.
pub const REPORT_INTERVAL: std::time::Duration = std::time::Duration::from_secs(5);

/// Initial window that a worker grants for request bodies, bytes: a prompt with an image fits.
pub const REQUEST_WINDOW: u32 = 1024 * 1024;

/// Initial window that a server grants for response bodies, bytes: small, because thousands of streams have one.
pub const RESPONSE_WINDOW: u32 = 64 * 1024;

/// Most streams of one worker's tunnel at the same time.
pub const MAX_STREAMS: usize = 4096;

/// Longest reason in a message, bytes: a sentence for a log line and the dashboard.
pub const MAX_REASON: usize = 500;

/// Messages from a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromWorker {
    /// The first message: who the worker is.
    Hello(WorkerHello),
    /// The complete state of the worker: after every change, and at least every [`REPORT_INTERVAL`].
    Report(Report),
    /// Why the worker closes the tunnel.
    Bye(Bye),
    /// A message type of a newer worker.
    #[serde(other)]
    Unknown,
}

/// Messages from the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromServer {
    /// The response to the worker's hello.
    Hello(ServerHello),
    /// The server is about to stop, and opens no more streams.
    Drain,
    /// Why the server closes the tunnel.
    Bye(Bye),
    /// A message type of a newer server.
    #[serde(other)]
    Unknown,
}

/// Who a worker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerHello {
    /// Stable across restarts. A new tunnel with the same id replaces the old one.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// The version of the worker.
    pub version: String,
    /// The id of this run of the process: new at each start, the same for all its connections. Workers that do not send `resumed` send
    /// a new one with each connection.
    pub instance: String,
    /// Whether this process has been connected before. `None` from workers that do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::lenient::optional")]
    pub resumed: Option<bool>,
    /// The most streams at the same time.
    pub max_streams: usize,
    /// Initial credit for request bodies, bytes.
    pub recv_window: u32,
}

/// The server's side of the introduction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerHello {
    /// The id of the tunnel, in the logs of both ends.
    #[serde(deserialize_with = "line")]
    pub tunnel: String,
    /// The version of the server.
    #[serde(deserialize_with = "line")]
    pub version: String,
    /// The number of tunnels that the server asks this worker to keep, one for each of its threads.
    pub shards: usize,
    /// Initial credit for response bodies, bytes.
    pub recv_window: u32,
    /// The worker's id on this tunnel, if it is not the one in its hello, because another process uses that. `None` from older servers.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_line")]
    pub assigned_id: Option<String>,
}

/// The state of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whether it can serve.
    pub state: Readiness,
    /// Why it cannot, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_line")]
    pub reason: Option<String>,
    /// Maximum number of concurrent requests.
    pub capacity: u32,
    /// Requests in flight.
    pub in_flight: u32,
    /// Its models. Entries that cannot be parsed are left out.
    #[serde(default, deserialize_with = "crate::lenient::list")]
    pub models: Vec<Model>,
    /// The kind of its runtime, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RuntimeKind>,
    /// The version of its runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<String>,
    /// Its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
}

impl Report {
    /// A report that contains only these models.
    pub fn ready(capacity: u32, models: Vec<Model>) -> Self {
        Self {
            state: Readiness::Ready,
            reason: None,
            capacity,
            in_flight: 0,
            models,
            runtime: None,
            runtime_version: None,
            host: None,
        }
    }

    /// Limits capacity, models, runtime version and host to what a correct worker can report.
    pub fn tidy(&mut self) {
        self.capacity = self.capacity.min(MAX_STREAMS as u32);
        model::tidy(&mut self.models);
        self.runtime_version.take_if(|text| !model::is_sane(text, model::MAX_DETAIL));
        if let Some(host) = &mut self.host {
            host.tidy();
        }
    }
}

/// Whether a worker can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// It can serve.
    Ready,
    /// Its runtime is unavailable.
    NotReady,
    /// It finishes its requests and accepts no new ones.
    Draining,
    /// A state of a newer worker, treated as not ready.
    #[serde(other)]
    Other,
}

/// Why an end closes the tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// The code, for programs.
    pub code: ByeCode,
    /// The reason, as a sentence.
    #[serde(deserialize_with = "line")]
    pub reason: String,
}

/// What the receiver of a [`Bye`] should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByeCode {
    /// The process stops regularly: reconnect soon, it may restart.
    Stopping,
    /// Another tunnel has the same worker id: reconnect slowly, if at all.
    Replaced,
    /// The receiver broke the protocol: reconnect slowly.
    Refused,
    /// A code of a newer peer.
    #[serde(other)]
    Other,
}

/// A text of the peer, as one line of at most [`MAX_REASON`] bytes.
fn line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(lenient::line(&String::deserialize(deserializer)?, MAX_REASON))
}

/// The same, if there is one.
fn optional_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(|text| lenient::line(&text, MAX_REASON)))
}

impl Bye {
    /// This process stops regularly.
    pub fn stopping(reason: &str) -> Self {
        Self { code: ByeCode::Stopping, reason: reason.to_owned() }
    }

    /// The peer is refused.
    pub fn refused(reason: String) -> Self {
        Self { code: ByeCode::Refused, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_by_t_and_unknown_ones_are_ignored() {
        let said = serde_json::to_string(&FromServer::Bye(Bye::stopping("restart"))).unwrap();
        assert_eq!(said, r#"{"t":"bye","code":"stopping","reason":"restart"}"#);
        assert_eq!(
            serde_json::from_str::<FromServer>(&said).unwrap(),
            FromServer::Bye(Bye::stopping("restart"))
        );
        assert_eq!(
            serde_json::from_str::<FromServer>(r#"{"t":"song","key":1}"#).unwrap(),
            FromServer::Unknown
        );
        let newer = r#"{"t":"bye","code":"eclipse","reason":"dark","since":3}"#;
        let FromServer::Bye(bye) = serde_json::from_str(newer).unwrap() else { panic!("not a bye") };
        assert_eq!(bye.code, ByeCode::Other);
    }

    #[test]
    fn a_hello_without_resumed_is_of_an_older_worker() {
        let older = r#"{"t":"hello","id":"a","name":"a","version":"0","instance":"i","max_streams":1,"recv_window":1}"#;
        let FromWorker::Hello(hello) = serde_json::from_str(older).unwrap() else { panic!("not a hello") };
        assert_eq!(hello.resumed, None);
        assert_eq!(serde_json::to_string(&FromWorker::Hello(hello)).unwrap(), older);
        let newer = older.replace(r#""max_streams""#, r#""resumed":true,"max_streams""#);
        let FromWorker::Hello(hello) = serde_json::from_str(&newer).unwrap() else { panic!("not a hello") };
        assert_eq!(hello.resumed, Some(true));
    }

    #[test]
    fn a_peers_words_are_one_line_and_bounded() {
        let said =
            format!(r#"{{"t":"bye","code":"stopping","reason":"a\nWorker b joined{}"}}"#, "x".repeat(2_000));
        let FromWorker::Bye(bye) = serde_json::from_str(&said).unwrap() else { panic!("not a bye") };
        assert!(bye.reason.starts_with("a Worker b joinedxxx"), "{}", bye.reason);
        assert_eq!(bye.reason.len(), MAX_REASON);
        let said = r#"{"t":"report","state":"not_ready","reason":"a\u001b[2J","capacity":2,"in_flight":0}"#;
        let FromWorker::Report(report) = serde_json::from_str(said).unwrap() else { panic!("not a report") };
        assert_eq!(report.reason.as_deref(), Some("a [2J"));
        let said = r#"{"t":"hello","tunnel":"t\n","version":"1\r2","shards":1,"recv_window":1}"#;
        let FromServer::Hello(hello) = serde_json::from_str(said).unwrap() else { panic!("not a hello") };
        assert_eq!((hello.tunnel.as_str(), hello.version.as_str(), hello.assigned_id), ("t ", "1 2", None));
    }

    #[test]
    fn a_short_report_is_enough_and_an_absurd_one_is_not_taken() {
        let short = r#"{"t":"report","state":"ready","capacity":2,"in_flight":0,"models":[{"name":"a"}]}"#;
        let FromWorker::Report(report) = serde_json::from_str(short).unwrap() else { panic!("not a report") };
        assert_eq!((report.capacity, report.models[0].name.as_str()), (2, "a"));
        for absurd in [r#""capacity":-1"#, r#""capacity":1e99"#, r#""capacity":"two""#] {
            let said = short.replace(r#""capacity":2"#, absurd);
            assert!(serde_json::from_str::<FromWorker>(&said).is_err(), "{said}");
        }
    }
}

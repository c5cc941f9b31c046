//! Control messages: JSON in text messages, one object each, told apart by the field `t`. What is not known is ignored, so that versions can
//! grow.

use serde::{Deserialize, Serialize};

use crate::model::{self, Model};
use crate::{Host, RuntimeKind};

/// The subprotocol both ends must name at the upgrade.
pub const SUBPROTOCOL: &str = "llamapool.v2";

/// Where workers connect.
pub const CONNECT_PATH: &str = "/api/workers/connect";

/// The peer must have introduced itself by then.
pub const HELLO_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// A report comes at least so often, changed or not.
pub const REPORT_INTERVAL: std::time::Duration = std::time::Duration::from_secs(5);

/// Window a worker grants for request bodies at first, bytes: a prompt with an image fits.
pub const REQUEST_WINDOW: u32 = 1024 * 1024;

/// Window a server grants for response bodies at first, bytes: small, because thousands of streams have one.
pub const RESPONSE_WINDOW: u32 = 64 * 1024;

/// Streams one worker's tunnel carries at once.
pub const MAX_STREAMS: usize = 4096;

/// What a worker says to the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromWorker {
    /// First of all: who it is.
    Hello(WorkerHello),
    /// How it is, the whole of it: at every change and at least every [`REPORT_INTERVAL`].
    Report(Report),
    /// Why it leaves.
    Bye(Bye),
    /// Something a newer worker says.
    #[serde(other)]
    Unknown,
}

/// What the server says to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromServer {
    /// The answer to the worker's hello.
    Hello(ServerHello),
    /// The server is about to stop: it opens no more streams.
    Drain,
    /// Why it closes the tunnel.
    Bye(Bye),
    /// Something a newer server says.
    #[serde(other)]
    Unknown,
}

/// Who a worker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerHello {
    /// Stable across restarts. A tunnel with the id of another one replaces it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Of the worker's software.
    pub version: String,
    /// Of this run of the process.
    pub instance: String,
    /// Most streams at once.
    pub max_streams: usize,
    /// Initial credit for request bodies, bytes.
    pub recv_window: u32,
}

/// What the server grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerHello {
    /// Names the tunnel in both ends' logs.
    pub tunnel: String,
    /// Of the server's software.
    pub version: String,
    /// Tunnels the server would like this worker to keep, one for each of its threads.
    pub shards: usize,
    /// Initial credit for response bodies, bytes.
    pub recv_window: u32,
}

/// How a worker is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whether it can serve.
    pub state: Readiness,
    /// Why not, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Requests it will run at once.
    pub capacity: u32,
    /// Requests it runs now.
    pub in_flight: u32,
    /// What it serves, with what is known of each. An entry that is not understood is left out.
    #[serde(default, deserialize_with = "crate::lenient::list")]
    pub models: Vec<Model>,
    /// What its runtime is, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RuntimeKind>,
    /// Of its runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<String>,
    /// The machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
}

impl Report {
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
    /// It can.
    Ready,
    /// Its runtime is away.
    NotReady,
    /// It finishes what it has and takes nothing new.
    Draining,
    /// What only a newer worker can be: not ready for us.
    #[serde(other)]
    Other,
}

/// Why an end closes the tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// For the machine.
    pub code: ByeCode,
    /// For people, a sentence.
    pub reason: String,
}

/// What the peer of a [`Bye`] should make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByeCode {
    /// A process stops as it should: connect again soon, a successor may be there.
    Stopping,
    /// Another tunnel came with the same worker id: connect again slowly, if at all.
    Replaced,
    /// The peer said something this end cannot accept: connect again slowly.
    Refused,
    /// A newer peer's reason.
    #[serde(other)]
    Other,
}

impl Bye {
    /// A process stops as it should.
    pub fn stopping(reason: &str) -> Self {
        Self { code: ByeCode::Stopping, reason: reason.to_owned() }
    }

    /// The peer is not wanted.
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

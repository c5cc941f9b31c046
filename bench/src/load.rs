//! `bench load`: the client. One process for each round, told what to do by its argument, when to begin by
//! its input.
//!
//! It warms up, says [`READY`], waits for [`GO`], works, and says what came of it as one line of JSON. The
//! bench reads the clocks of the processes under test right before `GO` and right after the answer.

mod held;
mod readers;
mod requests;
mod stalled;
mod wire;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::io::{self, BufRead as _, Write as _};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio::{runtime, task};

use crate::process::{Dialogue, ourselves};

/// First argument of this program when it is the client.
pub(crate) const ROLE: &str = "load";
const READY: &str = "ready";
const GO: &str = "go";
/// Longest life of one round, warm-up included. Rounds take seconds; this one hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// What to ask of whom.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) addr: SocketAddr,
    pub(crate) work: Work,
}

/// What one round does.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Requests in a closed loop on `connections` that are kept alive: each asks again as soon as it is
    /// answered.
    Requests { connections: usize, warm_up: u64, requests: u64 },
    /// Open streams that bring an event each `gap_us`; counts what arrives in `measure_ms`.
    Streams { streams: usize, gap_us: u64, measure_ms: u64 },
    /// Readers of the server's state, held as long as the bench likes.
    Readers { readers: usize },
    /// Streams of `bytes`-sized events, flat out, that nobody reads.
    Stalled { streams: usize, bytes: usize },
}

/// What came of a round.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Requests answered, or events received.
    pub(crate) items: u64,
    pub(crate) elapsed_ns: u64,
    /// Time from question to answer, or of an event from backend to client.
    pub(crate) p50_ns: u64,
    pub(crate) p99_ns: u64,
}

impl Outcome {
    fn of(items: u64, elapsed: Duration, mut latencies_ns: Vec<u64>) -> Self {
        latencies_ns.sort_unstable();
        let at = |percent: usize| {
            latencies_ns.get(latencies_ns.len() * percent / 100).copied().unwrap_or_default()
        };
        Self { items, elapsed_ns: elapsed.as_nanos() as u64, p50_ns: at(50), p99_ns: at(99) }
    }
}

/// A client process that has warmed up; ends when dropped.
pub(crate) struct Load(Dialogue);

impl Load {
    /// Starts a client and waits until it is ready.
    pub(crate) fn start(order: &Order) -> Result<Self> {
        let process = Dialogue::spawn("bench load", ourselves(ROLE)?.arg(serde_json::to_string(order)?))?;
        let line = process.hear(LIMIT)?;
        ensure!(line == READY, "the client said {line:?}");
        Ok(Self(process))
    }

    /// Lets it work, and waits until it is done.
    pub(crate) fn go(&mut self) -> Result<Outcome> {
        self.0.say(GO)?;
        Ok(serde_json::from_str(&self.0.hear(LIMIT)?)?)
    }
}

/// The whole life of the client process.
pub(crate) fn run(order: &OsStr) -> Result<()> {
    let order = order.to_str().context("an order in UTF-8")?;
    let order: Order = serde_json::from_str(order).with_context(|| format!("an order, not {order:?}"))?;
    let all = async move {
        let local = task::LocalSet::new();
        timeout(LIMIT, local.run_until(carry_out(order, Cue::new()))).await.context("took too long")?
    };
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(all)
}

async fn carry_out(Order { addr, work }: Order, cue: Cue) -> Result<()> {
    let outcome = match work {
        Work::Requests { connections, warm_up, requests } => {
            requests::run(addr, connections, warm_up, requests, cue).await?
        }
        Work::Streams { streams, gap_us, measure_ms } => {
            held::run(addr, streams, gap_us, Duration::from_millis(measure_ms), cue).await?
        }
        Work::Readers { readers } => readers::run(addr, readers, cue).await?,
        Work::Stalled { streams, bytes } => stalled::run(addr, streams, bytes, cue).await?,
    };
    if let Some(outcome) = outcome {
        writeln!(io::stdout(), "{}", serde_json::to_string(&outcome)?)?;
    }
    Ok(())
}

/// The bench's word that it is time.
struct Cue(mpsc::Receiver<()>);

impl Cue {
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel(1);
        // Blocked on our input until that closes, which is when we end anyway.
        thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                if !matches!(line.as_deref(), Ok(GO)) || sender.blocking_send(()).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// Says that we are ready and waits; false if the bench wants nothing more of us.
    async fn ready_then_go(&mut self) -> Result<bool> {
        writeln!(io::stdout(), "{READY}")?;
        Ok(self.0.recv().await.is_some())
    }
}

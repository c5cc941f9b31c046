//! Streams held open, each bringing an event now and then.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::wire::{Ask, Wire};
use super::{Cue, Outcome};
use crate::exchange::{self, Script, TOKEN_BYTES};
use crate::meter;

/// Bytes received on all streams, and how long some of them were on the way.
#[derive(Default)]
struct Tally {
    bytes: Cell<u64>,
    latencies_ns: RefCell<Vec<u64>>,
}

impl Tally {
    fn take(&self, data: &[u8]) {
        self.bytes.set(self.bytes.get() + data.len() as u64);
        if let Some(sent_ns) = exchange::stamp(data) {
            self.latencies_ns.borrow_mut().push(meter::now_ns().saturating_sub(sent_ns));
        }
    }

    /// Events since the last call, and their times.
    fn settle(&self) -> (u64, Vec<u64>) {
        (self.bytes.take() / TOKEN_BYTES as u64, self.latencies_ns.take())
    }
}

/// Opens `streams` one after the other, which spreads their ticks; then counts what they bring in `measure`.
/// `None` if that was not wanted and they were only to be held.
pub(super) async fn run(
    addr: SocketAddr,
    streams: usize,
    gap_us: u64,
    measure: Duration,
    mut cue: Cue,
) -> Result<Option<Outcome>> {
    let ask = Ask::new(addr, Some(&Script { bytes: TOKEN_BYTES, gap_us }))?;
    let tally = Rc::new(Tally::default());
    let mut open = JoinSet::new();
    for _ in 0..streams {
        let stream = Stream::open(addr, &ask).await?;
        open.spawn_local(stream.read(Rc::clone(&tally)));
    }
    let measured = async {
        if !cue.ready_then_go().await? {
            return Ok(None);
        }
        tally.settle();
        let begin = Instant::now();
        sleep(measure).await;
        let (events, latencies_ns) = tally.settle();
        Ok(Some(Outcome::of(events, begin.elapsed(), latencies_ns)))
    };
    tokio::select! {
        outcome = measured => outcome,
        Some(ended) = open.join_next() => bail!("a stream ended: {:?}", ended?),
    }
}

/// A stream that has begun.
pub(super) struct Stream {
    _wire: Wire,
    body: Incoming,
}

impl Stream {
    /// Opens a stream and waits for its first event.
    pub(super) async fn open(addr: SocketAddr, ask: &Ask) -> Result<Self> {
        let mut wire = Wire::connect(addr).await?;
        let body = wire.ask(ask).await?.into_body();
        let mut stream = Self { _wire: wire, body };
        let first = stream.next().await?;
        ensure!(exchange::stamp(&first).is_some(), "the first event was {first:?}");
        Ok(stream)
    }

    /// Reads for ever; an end of any kind is an error.
    async fn read(mut self, tally: Rc<Tally>) -> Result<()> {
        loop {
            tally.take(&self.next().await?);
        }
    }

    pub(super) async fn next(&mut self) -> Result<Bytes> {
        let frame = self.body.frame().await.context("the answer is over")??;
        frame.into_data().map_err(|_| anyhow::anyhow!("trailers"))
    }
}

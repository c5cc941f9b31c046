//! Requests in a closed loop.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Result;
use tokio::task::JoinSet;

use super::wire::{Ask, Wire};
use super::{Cue, Outcome};

/// `warm_up` requests, then `requests` that count, on `connections` at once; `None` if they were not wanted.
pub(super) async fn run(
    addr: SocketAddr,
    connections: usize,
    warm_up: u64,
    requests: u64,
    mut cue: Cue,
) -> Result<Option<Outcome>> {
    let ask = Rc::new(Ask::new(addr, None)?);
    let mut wires = Vec::with_capacity(connections);
    for _ in 0..connections {
        wires.push(Wire::connect(addr).await?);
    }
    let (wires, _) = all(wires, &ask, warm_up).await?;
    if !cue.ready_then_go().await? {
        return Ok(None);
    }
    let begin = Instant::now();
    let (_wires, latencies_ns) = all(wires, &ask, requests).await?;
    Ok(Some(Outcome::of(requests, begin.elapsed(), latencies_ns)))
}

/// `count` requests, taken by the wires as each becomes free; gives the wires back, and how long each answer
/// took.
pub(super) async fn all(wires: Vec<Wire>, ask: &Rc<Ask>, count: u64) -> Result<(Vec<Wire>, Vec<u64>)> {
    let left = Rc::new(Cell::new(count));
    let mut askers = JoinSet::new();
    for wire in wires {
        askers.spawn_local(one(wire, Rc::clone(ask), Rc::clone(&left)));
    }
    let (mut wires, mut latencies_ns) = (Vec::new(), Vec::new());
    while let Some(done) = askers.join_next().await {
        let (wire, mut took) = done??;
        wires.push(wire);
        latencies_ns.append(&mut took);
    }
    Ok((wires, latencies_ns))
}

async fn one(mut wire: Wire, ask: Rc<Ask>, left: Rc<Cell<u64>>) -> Result<(Wire, Vec<u64>)> {
    let mut latencies_ns = Vec::new();
    while let Some(rest) = left.get().checked_sub(1) {
        left.set(rest);
        let begin = Instant::now();
        wire.ask_whole(&ask).await?;
        latencies_ns.push(begin.elapsed().as_nanos() as u64);
    }
    Ok((wire, latencies_ns))
}

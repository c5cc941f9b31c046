//! Readers of the server's state: they follow its event stream as dashboards do, and ask nothing else.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Cue, Outcome};

/// A whole event of a busy pool has some hundred KiB; read in pieces that stay in the cache.
const PIECE: usize = 32 * 1024;

/// Opens `readers` streams and reads them until the bench has had enough.
pub(super) async fn run(addr: SocketAddr, readers: usize, mut cue: Cue) -> Result<Option<Outcome>> {
    let mut open = JoinSet::new();
    for _ in 0..readers {
        let stream = follow(addr).await?;
        open.spawn_local(read(stream));
    }
    tokio::select! {
        wanted = cue.ready_then_go() => wanted.map(|_| None),
        Some(ended) = open.join_next() => bail!("a reader ended: {:?}", ended?),
    }
}

/// A stream whose first event has begun.
async fn follow(addr: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(addr).await.with_context(|| format!("connect to {addr}"))?;
    let ask = format!("GET /api/state/stream HTTP/1.1\r\nhost: {addr}\r\naccept: text/event-stream\r\n\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut piece = vec![0; PIECE];
    let first = stream.read(&mut piece).await?;
    ensure!(
        piece[..first].starts_with(b"HTTP/1.1 200"),
        "answered {:?}",
        String::from_utf8_lossy(&piece[..first.min(64)])
    );
    Ok(stream)
}

/// Reads for ever; an end of any kind is an error.
async fn read(mut stream: TcpStream) -> Result<()> {
    let mut piece = vec![0; PIECE];
    while stream.read(&mut piece).await? > 0 {}
    bail!("the stream is over")
}

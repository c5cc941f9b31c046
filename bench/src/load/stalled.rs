//! Streams that nobody reads: a client that has gone to sleep with its connection open.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::wire::Ask;
use super::{Cue, Outcome};
use crate::exchange::Script;

/// What the kernel may take in for us: little, so that the other side feels at once that nobody reads.
const RECEIVE_BUFFER: u32 = 16 * 1024;

/// Opens `streams`, reads a first piece of each and no more, and holds them until the bench has seen enough.
pub(super) async fn run(
    addr: SocketAddr,
    streams: usize,
    bytes: usize,
    mut cue: Cue,
) -> Result<Option<Outcome>> {
    let text = Ask::new(addr, Some(&Script { bytes, gap_us: 0 }))?.to_text();
    let mut open = Vec::with_capacity(streams);
    for _ in 0..streams {
        open.push(stall(addr, &text).await?);
    }
    cue.ready_then_go().await?;
    Ok(None)
}

/// A stream that has begun and of which nothing more is read.
pub(super) async fn stall(addr: SocketAddr, request: &[u8]) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    let mut stream = socket.connect(addr).await?;
    stream.write_all(request).await?;
    let mut first = [0; 256];
    let read = stream.read(&mut first).await?;
    ensure!(
        first[..read].starts_with(b"HTTP/1.1 200"),
        "answered {:?}",
        first[..read].escape_ascii().to_string()
    );
    Ok(stream)
}

//! Asking a path whether it is there yet.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::START;
use crate::process::Process;

const POLL: Duration = Duration::from_millis(50);
/// Longer than any of the small pages asked for takes, and short enough to try again.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of a page that are looked at.
const PAGE: u64 = 64 * 1024;

/// Waits until `GET path` is answered with 200 and a page that says `word`, while all of `processes` live.
pub(super) fn wait_for(
    addr: SocketAddr,
    path: &str,
    word: &str,
    processes: &mut [&mut Process],
) -> Result<()> {
    let deadline = Instant::now() + START;
    loop {
        for process in &mut *processes {
            process.ensure_running()?;
        }
        let page = get(addr, path);
        match page {
            Ok(page) if page.starts_with("HTTP/1.1 200 ") && page.contains(word) => return Ok(()),
            _ if Instant::now() < deadline => thread::sleep(POLL),
            Ok(page) => bail!("{path} does not say {word:?} but: {page}"),
            Err(error) => return Err(error).with_context(|| format!("no answer to {path}")),
        }
    }
}

fn get(addr: SocketAddr, path: &str) -> Result<String> {
    let mut socket = TcpStream::connect_timeout(&addr, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    write!(socket, "GET {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n")?;
    let mut page = Vec::new();
    socket.take(PAGE).read_to_end(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

//! Cables that break and peers that vanish: both ends find out, and nothing is left.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use llamapool_tunnel::mux::Lost;
use llamapool_tunnel::{End, Exchange, Incoming, ReplyBody};

use crate::support::answer::{next, status};
use crate::support::cable::{Cable, State};
use crate::support::pattern::pattern;
use crate::support::{Terms, Tunnel, in_time, tcp, until};

/// One exchange at each stage, as the server holds them.
struct Open {
    waiting: Exchange,
    answered: ReplyBody,
    uploading: Exchange,
}

impl Open {
    async fn on(tunnel: &Tunnel) -> Self {
        let waiting = tunnel.server.get("/wait");
        let uploading = tunnel.server.ask("/upload", pattern(0, 8 * 1024 * 1024), true);
        let mut answered = tunnel.server.get("/answer");
        in_time(answered.head()).await.unwrap();
        let mut answered = answered.into_body();
        in_time(answered.frame()).await.unwrap().unwrap();
        until(|| tunnel.worker.link.streams() == 3).await;
        Self { waiting, answered, uploading }
    }

    /// None of them looks finished.
    async fn lose(mut self) {
        let closed = |lost: &Lost| matches!(lost, Lost::Closed(_));
        assert!(closed(&in_time(self.waiting.head()).await.unwrap_err()));
        assert!(closed(&in_time(self.uploading.head()).await.unwrap_err()));
        assert!(closed(&in_time(self.answered.frame()).await.unwrap().unwrap_err()));
    }
}

/// Answers until the tunnel goes; a task that does not end fails [`Tunnel::settled`].
async fn stages(mut incoming: Incoming) {
    match incoming.head.target.as_str() {
        "/upload" => {
            next(&mut incoming.body).await.unwrap().unwrap();
            incoming.responder.stopped().await;
            while let Some(Ok(_)) = next(&mut incoming.body).await {}
        }
        "/answer" => incoming.responder.respond(status(200), Bytes::from_static(b"half an ans"), false),
        _ => {}
    }
    incoming.responder.stopped().await;
}

fn is_broken(end: &End) -> bool {
    matches!(end, End::Closed(_) | End::Failed(_))
}

#[tokio::test]
async fn the_cable_is_cut() {
    let (cable, wire) = Cable::new().await;
    let mut tunnel = Tunnel::with(Terms::default(), wire, stages).await;
    let open = Open::on(&tunnel).await;
    cable.turn(State::Cut);
    open.lose().await;
    let ends = (tunnel.server.ended().await, tunnel.worker.ended().await);
    assert!(is_broken(&ends.0) && is_broken(&ends.1), "{ends:?}");
    tunnel.settled().await;
}

#[tokio::test]
async fn the_worker_is_killed() {
    let mut tunnel = Tunnel::with(Terms::default(), tcp().await, stages).await;
    let open = Open::on(&tunnel).await;
    tunnel.worker.kill();
    open.lose().await;
    let end = tunnel.server.ended().await;
    assert!(is_broken(&end), "{end:?}");
    tunnel.settled().await;
}

#[tokio::test]
async fn the_server_is_killed() {
    let mut tunnel = Tunnel::with(Terms::default(), tcp().await, stages).await;
    let open = Open::on(&tunnel).await;
    tunnel.server.kill();
    open.lose().await;
    let end = tunnel.worker.ended().await;
    assert!(is_broken(&end), "{end:?}");
    tunnel.settled().await;
}

#[tokio::test]
async fn a_cable_that_swallows_everything_is_noticed_at_both_ends() {
    let keepalive = Duration::from_secs(1);
    let (cable, wire) = Cable::new().await;
    let mut tunnel = Tunnel::with(Terms { keepalive, ..Terms::default() }, wire, stages).await;
    let open = Open::on(&tunnel).await;
    cable.turn(State::Black);
    let ends = (tunnel.server.ended().await, tunnel.worker.ended().await);
    assert_eq!(ends, (End::Silent(keepalive), End::Silent(keepalive)));
    open.lose().await;
    tunnel.settled().await;
}

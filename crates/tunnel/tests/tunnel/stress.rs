//! Many exchanges at once on two threads, of random sizes and fates, from seeds: nothing is lost, mixed up or left behind.

use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use http_body_util::BodyExt;
use llamapool_tunnel::frame::Code;
use llamapool_tunnel::mux::Lost;
use llamapool_tunnel::{Incoming, Responder, Stopped};
use tokio::task::JoinSet;

use crate::support::answer::status;
use crate::support::pattern::{compare, pattern};
use crate::support::{Side, Tunnel, in_time};

const CLIENTS: u64 = 256;
const ROUNDS: usize = 80;

/// What becomes of one exchange; it travels as the path.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// Both bodies arrive whole.
    Whole,
    /// The client leaves before it has seen the head.
    LeftAtOnce,
    /// The client leaves after some of the answer.
    Left,
    /// The worker gives up after some of the answer.
    Failed,
}

/// One exchange: where its bodies begin in the pattern, how long they are, and what becomes of it.
#[derive(Debug, Clone, Copy)]
struct Plan {
    from: usize,
    up: usize,
    down: usize,
    fate: Fate,
}

impl Plan {
    fn random(rng: &mut Rng) -> Self {
        let fate = match rng.u8(..10) {
            0 => Fate::LeftAtOnce,
            1 => Fate::Left,
            2 => Fate::Failed,
            _ => Fate::Whole,
        };
        Self { from: rng.usize(..1_000_000), up: size(rng), down: size(rng), fate }
    }

    fn path(self) -> String {
        format!("/{}/{}/{}/{}", self.from, self.up, self.down, self.fate as u8)
    }

    fn parse(path: &str) -> Self {
        let mut numbers = path.split('/').skip(1).map(|number| number.parse().unwrap());
        let mut next = || numbers.next().unwrap();
        let (from, up, down) = (next(), next(), next());
        let fate = [Fate::Whole, Fate::LeftAtOnce, Fate::Left, Fate::Failed][next()];
        Self { from, up, down, fate }
    }
}

/// Mostly small, sometimes larger than every window but the largest.
fn size(rng: &mut Rng) -> usize {
    match rng.u8(..20) {
        0 => 0,
        1 => rng.usize(..700_000),
        2..6 => rng.usize(..70_000),
        _ => rng.usize(..1_000),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_exchanges_at_once_on_two_threads() {
    let tunnel = Arc::new(Tunnel::new(serve).await);
    let mut clients = JoinSet::new();
    for seed in 0..CLIENTS {
        let tunnel = tunnel.clone();
        clients.spawn(async move {
            let mut rng = Rng::with_seed(seed);
            for _ in 0..ROUNDS {
                run(&tunnel.server, Plan::random(&mut rng), &mut rng).await;
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    Arc::into_inner(tunnel).unwrap().finish().await;
}

/// The client's side of an exchange.
async fn run(server: &Side, plan: Plan, rng: &mut Rng) {
    let mut exchange = server.ask(&plan.path(), pattern(plan.from, plan.up), rng.bool());
    if plan.fate == Fate::LeftAtOnce {
        for _ in 0..rng.u8(..4) {
            tokio::task::yield_now().await;
        }
        return;
    }
    if plan.fate == Fate::Left {
        in_time(exchange.head()).await.unwrap();
        let _ = in_time(exchange.into_body().frame()).await;
        return;
    }
    let compared = match in_time(exchange.head()).await {
        Ok(_) => compare(exchange.into_body(), plan.from).await,
        Err(lost) => Err(lost), // the worker may give up before its head has gone out
    };
    match plan.fate {
        Fate::Failed => assert_eq!(compared, Err(Lost::Reset(Code::Backend, "it gave up".into()))),
        _ => assert_eq!(compared, Ok(plan.down), "{plan:?}"),
    }
}

/// The worker's side: it reads and writes at once, and ends the answer when it has seen the whole request.
async fn serve(Incoming { head, body, mut responder }: Incoming) {
    let plan = Plan::parse(&head.target);
    responder.respond(status(200), Bytes::new(), false);
    let (compared, sent) = tokio::join!(compare(body, plan.from), send(&mut responder, plan));
    match plan.fate {
        Fate::Whole => assert_eq!((compared, sent), (Ok(plan.up), Ok(()))),
        Fate::Failed => return responder.fail(Code::Backend, "it gave up"),
        Fate::Left | Fate::LeftAtOnce => {}
    }
    if responder.ready().await.is_ok() {
        responder.send(Bytes::new(), true);
    }
}

async fn send(responder: &mut Responder, plan: Plan) -> Result<(), Stopped> {
    let mut left = pattern(plan.from, plan.down);
    while !left.is_empty() {
        responder.ready().await?;
        responder.send(left.split_to(left.len().min(1 + plan.from % 40_000)), false);
    }
    Ok(())
}

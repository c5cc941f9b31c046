//! The client against the backend, both in this process: every kind of work comes to what it should.

use std::net::Ipv4Addr;
use std::rc::Rc;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, LocalSet};

use super::wire::{Ask, Wire};
use super::*;
use crate::exchange::{Script, TOKEN_BYTES};

async fn backend() -> (SocketAddr, JoinHandle<Result<()>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    (addr, tokio::spawn(crate::backend::serve(listener)))
}

#[tokio::test]
async fn requests_are_counted_one_by_one() {
    let (addr, _backend) = backend().await;
    let ask = Rc::new(Ask::new(addr, None).unwrap());
    let wires = vec![Wire::connect(addr).await.unwrap(), Wire::connect(addr).await.unwrap()];
    let (wires, took) = LocalSet::new().run_until(requests::all(wires, &ask, 11)).await.unwrap();
    assert_eq!((wires.len(), took.len()), (2, 11));
}

#[tokio::test]
async fn a_held_stream_brings_whole_events() {
    let (addr, _backend) = backend().await;
    let ask = Ask::new(addr, Some(&Script { bytes: TOKEN_BYTES, gap_us: 1_000 })).unwrap();
    let mut stream = held::Stream::open(addr, &ask).await.unwrap();
    let mut bytes = 0;
    while bytes < 5 * TOKEN_BYTES {
        bytes += stream.next().await.unwrap().len();
    }
    assert_eq!(bytes % TOKEN_BYTES, 0);
}

#[tokio::test]
async fn a_stalled_stream_begins() {
    let (addr, _backend) = backend().await;
    let ask = Ask::new(addr, Some(&Script { bytes: 20, gap_us: 0 })).unwrap();
    stalled::stall(addr, &ask.to_text()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_an_error_that_says_so() {
    let (addr, _backend) = backend().await;
    let mut wire = Wire::connect(addr).await.unwrap();
    let error = wire.ask(&Ask::with_body(addr, "{}".into()).unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("400"), "{error}");
}

#[test]
fn percentiles_of_what_came() {
    let outcome = Outcome::of(100, Duration::from_secs(1), (1..=100).rev().collect());
    assert_eq!((outcome.p50_ns, outcome.p99_ns), (51, 100));
    let nothing = Outcome::of(0, Duration::ZERO, Vec::new());
    assert_eq!((nothing.p50_ns, nothing.p99_ns), (0, 0));
}

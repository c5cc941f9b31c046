//! Many at once.

use futures_util::future::join_all;
use llamapool_e2e::fake_llm::sse_whole;
use llamapool_e2e::{MODEL, Pool, Script};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A thousand open streams, all of them whole and right.
#[tokio::test]
async fn a_thousand_concurrent_streams() {
    const STREAMS: usize = 1000;
    // Clients and runtime are both in this process: two sockets for each stream.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .expect("the soft limit may be raised");
    let pool = Pool::with(1, &[], &[("MAX_CONCURRENCY", "2000")]).await;
    let streams = (0..STREAMS).map(|_| pool.server.chat(MODEL, &Script::stepped(5)).whole());
    let everybody = async {
        pool.llm().until_open(STREAMS).await;
        // All are open at once; now each gets its tokens and its `[DONE]`.
        pool.llm().step(6 * STREAMS);
    };
    let (replies, ()) = tokio::join!(join_all(streams), everybody);
    for reply in replies {
        assert!(reply.expect_ok().body == sse_whole(MODEL, 5), "{}", reply.text());
    }
    assert_eq!(pool.server.owners(MODEL).await, 1);
    pool.stop().await;
}

/// A burst of small requests over four workers: none is lost, and all four do their part.
#[tokio::test]
async fn a_burst_is_spread_over_the_workers() {
    let pool = Pool::with(4, &[("QUEUE_SIZE", "200")], &[("MAX_CONCURRENCY", "8")]).await;
    let burst = (0..200).map(|_| pool.server.chat(MODEL, &Script::tokens(3)).whole());
    for reply in join_all(burst).await {
        reply.expect_ok();
    }
    for llm in &pool.llms {
        assert!(
            llm.seen().len() >= 10,
            "uneven: {:?}",
            pool.llms.iter().map(|llm| llm.seen().len()).collect::<Vec<_>>()
        );
    }
    pool.stop().await;
}

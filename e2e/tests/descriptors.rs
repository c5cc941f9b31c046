//! The only test of its file, because it changes what its whole process may open.
#![cfg(unix)]

use futures_util::future::join_all;
use llamapool_e2e::{MODEL, Pool, Script};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What macOS gives a process that does not ask for more; many Linux systems give 1024.
const USUAL: u64 = 256;

/// More streams than a process may usually have files: the programs ask the system for more by themselves.
#[tokio::test]
async fn the_usual_number_of_open_files_is_not_the_limit() {
    const STREAMS: usize = 400;
    let whole = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(USUAL), ..whole }).expect("a limit may be lowered");
    let pool = Pool::with(1, &[], &[("MAX_CONCURRENCY", "1000")]).await;
    setrlimit(Resource::Nofile, Rlimit { current: whole.maximum, ..whole }).expect("and raised again");
    let streams = (0..STREAMS).map(|_| pool.server.chat(MODEL, &Script::stepped(1)).whole());
    let everybody = async {
        pool.llm().until_open(STREAMS).await;
        pool.llm().step(2 * STREAMS);
    };
    let (replies, ()) = tokio::join!(join_all(streams), everybody);
    for reply in replies {
        reply.expect_ok();
    }
    pool.stop().await;
}

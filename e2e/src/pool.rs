//! The usual rig: a server, and workers each with a fake runtime of its own.

use crate::fake_llm::FakeLlm;
use crate::server::Server;
use crate::worker::Worker;

/// The model that every fake runtime of a [`Pool`] has.
pub const MODEL: &str = "llama3:8b";

/// A server with workers that all offer [`MODEL`].
pub struct Pool {
    /// The server.
    pub server: Server,
    /// The runtimes, the first worker's first.
    pub llms: Vec<FakeLlm>,
    /// The workers, called `w0`, `w1`, ...
    pub workers: Vec<Worker>,
}

impl Pool {
    /// One worker.
    pub async fn start() -> Self {
        Self::with(1, &[], &[]).await
    }

    /// `n` workers, with settings for the server and for each worker.
    pub async fn with(n: usize, server: &[(&str, &str)], worker: &[(&str, &str)]) -> Self {
        let server = Server::with(server).await;
        let mut pool = Self { server, llms: Vec::new(), workers: Vec::new() };
        for at in 0..n {
            let llm = FakeLlm::start(&[MODEL]).await;
            let url = pool.server.worker_url();
            pool.workers.push(Worker::with(&format!("w{at}"), &url, &llm, worker));
            pool.llms.push(llm);
        }
        pool.server.until_owners(MODEL, n).await;
        pool
    }

    /// The first runtime.
    pub fn llm(&self) -> &FakeLlm {
        &self.llms[0]
    }

    /// Ends the server and asserts that nothing was open.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

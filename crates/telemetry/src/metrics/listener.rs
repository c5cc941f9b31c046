//! A separate port for Prometheus. Metrics reveal the names of models and workers, so it listens on loopback unless configured otherwise.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::HeaderMap;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::{PATH, Source, respond};

/// Most connections at the same time: a scraper keeps one, and a few people may look. For a further one, the oldest is closed: a scrape takes
/// milliseconds, so only connections with an incomplete request, or none, last that long.
const MAX_CONNECTIONS: usize = 32;

/// Longest time for the head of a request, and between two requests. A scraper with a longer interval reconnects.
const SILENCE: Duration = Duration::from_secs(15);

/// Pause after a failed accept, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound listener that is not served yet.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Listener {
    /// Binds the port.
    ///
    /// # Errors
    /// The port is in use, or the machine does not have the address.
    pub async fn bind(addr: SocketAddr) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(addr).await.with_context(|| format!("listen on metrics_port {addr}"))?;
        let addr = listener.local_addr()?;
        tracing::info!(metrics.addr = %addr, "Metrics on http://{addr}{PATH}");
        if !addr.ip().is_loopback() {
            tracing::warn!(
                "Metrics on {addr} require no key: anyone who can reach this address can read them"
            );
        }
        Ok(Self { listener, addr })
    }

    /// The address, including the port that was chosen.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until it is dropped.
    pub async fn serve<S: Source>(self, source: Arc<S>) {
        let scrape =
            async |State(source): State<Arc<S>>, headers: HeaderMap| respond(&source, &headers).await;
        let router = Router::new().route(PATH, get(scrape)).with_state(source);
        let mut connections = JoinSet::new();
        let mut oldest = VecDeque::new();
        loop {
            if connections.len() >= MAX_CONNECTIONS {
                oldest.pop_front().inspect(AbortHandle::abort);
            }
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        oldest.push_back(connections.spawn(connection(stream, router.clone())));
                    }
                    Err(error) => {
                        tracing::warn!("Cannot accept a metrics connection: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => oldest.retain(|connection| !connection.is_finished()),
            }
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(SILENCE);
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
    if let Err(error) = served {
        tracing::debug!("A metrics connection failed: {error}");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_util::task::AbortOnDropHandle;

    use super::*;
    use crate::metrics::{Figures, Series};

    struct Answer;

    static ANSWER: Series = Series::gauge("x_answer", &[], "The answer.");

    impl Source for Answer {
        const COMPONENT: &'static str = "test";
        const SERIES: &'static [&'static Series] = &[&ANSWER];

        fn gather(&self, figures: &mut Figures) {
            figures.add(&ANSWER, [], 42u64);
        }
    }

    #[tokio::test]
    async fn metrics_are_served_and_nothing_else() {
        let _ = rustls::crypto::ring::default_provider().install_default(); // `reqwest` needs one
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = format!("http://{}", listener.addr());
        let serving = AbortOnDropHandle::new(tokio::spawn(listener.serve(Arc::new(Answer))));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let get = async |path: &str, accept: &str| {
            client.get(format!("{url}{path}")).header("accept", accept).send().await.unwrap()
        };
        let answer = get("/metrics", "*/*").await;
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        let text = answer.text().await.unwrap();
        assert!(
            text.contains("\nx_answer 42\n") && text.contains(r#"llamapool_build_info{component="test","#),
            "{text}"
        );
        let open = get("/metrics", "application/openmetrics-text").await;
        assert!(open.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
        assert!(open.text().await.unwrap().ends_with("# EOF\n"));
        assert_eq!(get("/", "*/*").await.status(), 404);
        drop(serving);
    }

    #[tokio::test]
    async fn half_requests_keep_no_scraper_out() {
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let addr = listener.addr();
        let serving = AbortOnDropHandle::new(tokio::spawn(listener.serve(Arc::new(Answer))));
        let mut half = Vec::new();
        for _ in 0..3 * MAX_CONNECTIONS {
            let mut stream = TcpStream::connect(addr).await.unwrap();
            stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: loc").await.unwrap();
            half.push(stream);
        }
        let mut scraper = TcpStream::connect(addr).await.unwrap();
        scraper
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut text = String::new();
        let scrape = tokio::time::timeout(SILENCE / 2, scraper.read_to_string(&mut text)).await;
        scrape.expect("no answer").unwrap();
        assert!(text.contains("\nx_answer 42\n"), "{text}");
        drop((serving, half));
    }
}

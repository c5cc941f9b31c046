//! A worker service that already runs on this computer, watched and controlled over its status port.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use llamapool_settings::paths;
use llamapool_worker_core::worker::{StatusPage, is_control_proof};
use reqwest::StatusCode;
use reqwest::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::WorkerExit;
use super::worker_snapshot::WorkerSnapshot;

/// The status address that docs and packages use, for services without a configured one.
const DEFAULT_ADDR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4555);

/// The timeout for a response on this computer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long a service may wait for a change before it responds anyway (long polling).
const LONG_POLL: Duration = Duration::from_secs(45);

/// The polling interval for a service that does not support long polling or does not respond.
const INTERVAL: Duration = Duration::from_secs(3);

/// After this many failed polls in a row the service counts as unresponsive.
const MAX_MISSES: u32 = 3;

/// Most bytes that are read of a proof, which has 64.
const MAX_PROOF: usize = 256;

const TOKEN_HEADER: &str = "x-auth-token";

/// A service that has our control token.
pub(super) struct Attached {
    http: reqwest::Client,
    addr: SocketAddr,
    token: SecretString,
    snapshot: WorkerSnapshot,
    /// The ETag of the last status page. Older services send none.
    tag: Option<HeaderValue>,
    misses: u32,
}

/// What answers at the status port.
pub(super) enum ServiceLookup {
    /// No worker.
    Nothing,
    /// A worker that has our control token.
    Ours(Box<Attached>),
    /// A worker, or something that looks like one, that does not prove that it has our control token.
    Foreign(SocketAddr),
}

impl Attached {
    /// Looks for a service at the configured status address, else at the default one.
    pub(super) async fn find(
        status_addr: Option<SocketAddr>,
        config_dir: &Path,
        state_dir: &Path,
    ) -> ServiceLookup {
        let addr = status_addr.unwrap_or(DEFAULT_ADDR);
        let Ok(http) = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build() else {
            return ServiceLookup::Nothing;
        };
        let Ok(Some((page, tag))) = page(&http, addr, None).await else {
            return ServiceLookup::Nothing;
        };
        let snapshot = WorkerSnapshot::of_page(page, SystemTime::now());
        let token = paths::token(config_dir, state_dir).map(|token| token.secret);
        let Ok(token) = token else {
            return ServiceLookup::Foreign(addr);
        };
        let attached = Self { http, addr, token, snapshot, tag, misses: 0 };
        match attached.prove().await {
            Ok(()) => ServiceLookup::Ours(Box::new(attached)),
            Err(error) => {
                tracing::debug!("The worker on {addr} is not ours: {error:#}");
                ServiceLookup::Foreign(addr)
            }
        }
    }

    /// Has the service prove that it knows our token. Only then may the token be sent: any program of this computer can listen on the port.
    async fn prove(&self) -> anyhow::Result<()> {
        let nonce = Uuid::new_v4().simple().to_string();
        let request = self.http.get(format!("{}?nonce={nonce}", self.control_url("proof")));
        let response = request.send().await.and_then(reqwest::Response::error_for_status);
        let mut proof = response.context("ask for a proof")?;
        let mut given = Vec::new();
        while let Some(bytes) = proof.chunk().await.context("read the proof")? {
            given.extend_from_slice(&bytes);
            anyhow::ensure!(given.len() <= MAX_PROOF, "the proof is too long");
        }
        let is_proof = std::str::from_utf8(&given)
            .is_ok_and(|given| is_control_proof(&self.token, self.addr.port(), &nonce, given));
        anyhow::ensure!(is_proof, "it does not have the control token");
        Ok(())
    }

    fn control_url(&self, command: &str) -> String {
        format!("http://{}/control/{command}", self.addr)
    }

    /// Waits for a change, or for the end.
    pub(super) async fn changed(&mut self) -> Option<WorkerExit> {
        loop {
            if self.tag.is_none() || self.misses > 0 {
                tokio::time::sleep(INTERVAL).await;
            }
            match page(&self.http, self.addr, self.tag.as_ref()).await {
                Ok(None) => self.misses = 0,
                Ok(Some(page)) => {
                    self.misses = 0;
                    if self.update(page) {
                        return None;
                    }
                }
                Err(_) => {
                    self.misses += 1;
                    if self.misses >= MAX_MISSES {
                        return Some(WorkerExit::Unresponsive);
                    }
                }
            }
        }
    }

    /// Returns whether the status has changed.
    fn update(&mut self, (page, tag): Tagged) -> bool {
        self.tag = tag;
        let snapshot = WorkerSnapshot::of_page(page, SystemTime::now());
        std::mem::replace(&mut self.snapshot, snapshot) != self.snapshot
    }

    pub(super) fn snapshot(&self) -> WorkerSnapshot {
        self.snapshot.clone()
    }

    /// Sends `drain`, `undrain` or `shutdown`.
    pub(super) async fn send(&mut self, command: &str) -> anyhow::Result<()> {
        // Each time: since the last one, the service may have ended and another program may listen there.
        self.prove().await.context("recognise the worker service")?;
        let request =
            self.http.post(self.control_url(command)).header(TOKEN_HEADER, self.token.expose_secret());
        request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .context("control the worker service")?;
        if let Ok(Some(page)) = page(&self.http, self.addr, None).await {
            self.update(page);
        }
        Ok(())
    }
}

/// A status page and its ETag.
type Tagged = (StatusPage, Option<HeaderValue>);

/// Fetches the status page. If the one with this tag is known, waits for one that differs; `None` if there was none within [`LONG_POLL`].
async fn page(
    http: &reqwest::Client,
    addr: SocketAddr,
    known: Option<&HeaderValue>,
) -> reqwest::Result<Option<Tagged>> {
    let mut request = http.get(format!("http://{addr}/status"));
    if let Some(tag) = known {
        let wait = format!("wait={}", LONG_POLL.as_secs());
        request = request.header(IF_NONE_MATCH, tag).header("prefer", wait).timeout(LONG_POLL + TIMEOUT);
    }
    let response = request.send().await?.error_for_status()?;
    if response.status() == StatusCode::NOT_MODIFIED {
        return Ok(None);
    }
    let tag = response.headers().get(ETAG).cloned();
    Ok(Some((response.json().await?, tag)))
}

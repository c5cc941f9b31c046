//! A worker service that already runs on this machine: watched and steered over its status port.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use llamapool_worker_core::paths;
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};

use super::seen::{Seen, StatusPage};
use super::worker::End;

/// Where a service listens unless its configuration says otherwise: what `docs` and packages use.
const CUSTOMARY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4555);

/// A program on this machine that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a service is asked how it is. It cannot tell by itself, so this is the price of not running a second worker.
const LOOK: Duration = Duration::from_secs(2);

/// A service that is silent so often in a row has gone.
const MISSES: u32 = 3;

const TOKEN_HEADER: &str = "x-auth-token";

/// A service that takes our orders.
pub(super) struct Attached {
    http: reqwest::Client,
    addr: SocketAddr,
    token: SecretString,
    seen: Seen,
    misses: u32,
}

/// Who is at the status port.
pub(super) enum Found {
    /// Nobody, or nobody of ours.
    Nobody,
    /// A worker that takes our orders.
    Ours(Box<Attached>),
    /// A worker that does not know our token.
    Foreign(SocketAddr),
}

impl Attached {
    /// Looks for a service at the configured status address, else at the customary one.
    pub(super) async fn find(status_addr: Option<SocketAddr>, home: &Path, state_dir: &Path) -> Found {
        let addr = status_addr.unwrap_or(CUSTOMARY);
        let Ok(http) = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build() else {
            return Found::Nobody;
        };
        let Ok(page) = page(&http, addr).await else {
            return Found::Nobody;
        };
        let seen = Seen::of_page(page, SystemTime::now());
        let token = paths::token(home, state_dir).map(|token| token.secret);
        let Ok(token) = token else {
            return Found::Foreign(addr);
        };
        let attached = Self { http, addr, token, seen, misses: 0 };
        if attached.is_ours().await { Found::Ours(Box::new(attached)) } else { Found::Foreign(addr) }
    }

    /// Whether it knows our token: a control that is asked in the wrong way tells, and does nothing.
    async fn is_ours(&self) -> bool {
        let asked = self.http.get(self.control("drain")).header(TOKEN_HEADER, self.token.expose_secret());
        asked.send().await.is_ok_and(|answer| answer.status() == StatusCode::METHOD_NOT_ALLOWED)
    }

    fn control(&self, what: &str) -> String {
        format!("http://{}/control/{what}", self.addr)
    }

    /// Waits for something new, or for the end.
    pub(super) async fn changed(&mut self) -> Option<End> {
        loop {
            tokio::time::sleep(LOOK).await;
            match page(&self.http, self.addr).await {
                Ok(page) => {
                    self.misses = 0;
                    let seen = Seen::of_page(page, SystemTime::now());
                    if std::mem::replace(&mut self.seen, seen) != self.seen {
                        return None;
                    }
                }
                Err(_) => {
                    self.misses += 1;
                    if self.misses >= MISSES {
                        return Some(End::Gone);
                    }
                }
            }
        }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.clone()
    }

    /// Says `drain`, `undrain` or `shutdown`.
    pub(super) async fn say(&mut self, what: &str) -> anyhow::Result<()> {
        let asked = self.http.post(self.control(what)).header(TOKEN_HEADER, self.token.expose_secret());
        asked
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .context("steer the worker service")?;
        if let Ok(page) = page(&self.http, self.addr).await {
            self.seen = Seen::of_page(page, SystemTime::now());
        }
        Ok(())
    }
}

async fn page(http: &reqwest::Client, addr: SocketAddr) -> reqwest::Result<StatusPage> {
    http.get(format!("http://{addr}/status")).send().await?.error_for_status()?.json().await
}

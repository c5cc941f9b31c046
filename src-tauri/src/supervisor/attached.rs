//! A worker service that already runs on this machine: watched and steered over its status port.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use llamapool_worker_core::paths;
use reqwest::StatusCode;
use reqwest::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use secrecy::{ExposeSecret as _, SecretString};

use super::seen::{Seen, StatusPage};
use super::worker::End;

/// Where a service listens unless its configuration says otherwise: what `docs` and packages use.
const CUSTOMARY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4555);

/// A program on this machine that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(2);

/// A service answers when something has changed, or after this time, which tells that it is still there.
const WAIT: Duration = Duration::from_secs(45);

/// How often a service is asked that answers at once, changed or not: an older one, or one that does not answer at all.
const LOOK: Duration = Duration::from_secs(3);

/// A service that is silent so often in a row has gone.
const MISSES: u32 = 3;

const TOKEN_HEADER: &str = "x-auth-token";

/// A service that takes our orders.
pub(super) struct Attached {
    http: reqwest::Client,
    addr: SocketAddr,
    token: SecretString,
    seen: Seen,
    /// What the service calls the state in which it was seen; nothing if it is an older one.
    tag: Option<HeaderValue>,
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
        let Ok(Some((page, tag))) = page(&http, addr, None).await else {
            return Found::Nobody;
        };
        let seen = Seen::of_page(page, SystemTime::now());
        let token = paths::token(home, state_dir).map(|token| token.secret);
        let Ok(token) = token else {
            return Found::Foreign(addr);
        };
        let attached = Self { http, addr, token, seen, tag, misses: 0 };
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
            if self.tag.is_none() || self.misses > 0 {
                tokio::time::sleep(LOOK).await;
            }
            match page(&self.http, self.addr, self.tag.as_ref()).await {
                Ok(None) => self.misses = 0,
                Ok(Some(page)) => {
                    self.misses = 0;
                    if self.take(page) {
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

    /// Gives whether that is news.
    fn take(&mut self, (page, tag): Tagged) -> bool {
        self.tag = tag;
        let seen = Seen::of_page(page, SystemTime::now());
        std::mem::replace(&mut self.seen, seen) != self.seen
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
        if let Ok(Some(page)) = page(&self.http, self.addr, None).await {
            self.take(page);
        }
        Ok(())
    }
}

/// A status page, and what the service calls it.
type Tagged = (StatusPage, Option<HeaderValue>);

/// The page of this moment, or, if the one with this tag is known, the next that differs; nothing if there was none for [`WAIT`].
async fn page(
    http: &reqwest::Client,
    addr: SocketAddr,
    known: Option<&HeaderValue>,
) -> reqwest::Result<Option<Tagged>> {
    let mut asked = http.get(format!("http://{addr}/status"));
    if let Some(tag) = known {
        let wait = format!("wait={}", WAIT.as_secs());
        asked = asked.header(IF_NONE_MATCH, tag).header("prefer", wait).timeout(WAIT + PATIENCE);
    }
    let answer = asked.send().await?.error_for_status()?;
    if answer.status() == StatusCode::NOT_MODIFIED {
        return Ok(None);
    }
    let tag = answer.headers().get(ETAG).cloned();
    Ok(Some((answer.json().await?, tag)))
}

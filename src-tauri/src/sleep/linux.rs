//! Linux: systemd-logind announces sleep and waits a moment for those who hold a delay lock. Automatic sleep is mostly up to the desktop.

use futures_util::StreamExt as _;
use serde::Serialize;
use zbus::proxy::MethodFlags;
use zbus::zvariant::{OwnedFd, Type};
use zbus::{Connection, Proxy};

use super::quiesce::{settle, wake};
use super::{WHO, WHY_AWAKE};
use crate::supervisor::Supervisor;

/// The reason that logind shows for the delay.
const WHY_DELAY: &str = "Finishing requests";

/// GNOME's flag against automatic suspend. Its other flags would keep the screen on or the session open.
const AUTOMATIC_SLEEP: u32 = 4;

/// The window id of an app without a window.
const NO_WINDOW: u32 = 0;

/// Follows logind as long as there is a system bus, also if logind starts later or restarts.
pub(super) async fn run(supervisor: &Supervisor) -> zbus::Result<()> {
    let bus = Connection::system().await?;
    let logind = logind(&bus).await?;
    // Subscribed before the lock is taken, so that no signal is missed.
    let mut signals = logind.receive_signal("PrepareForSleep").await?;
    let mut owners = logind.receive_owner_changed().await?;
    let mut lock = delay_lock(&logind).await;
    loop {
        tokio::select! {
            Some(signal) = signals.next() => match signal.body().deserialize() {
                Ok(true) => {
                    settle(supervisor).await;
                    lock.take(); // releasing it lets the computer sleep
                }
                Ok(false) => {
                    lock = delay_lock(&logind).await;
                    wake(supervisor).await;
                }
                Err(error) => tracing::debug!("Unexpected PrepareForSleep signal: {error}"),
            },
            Some(owner) = owners.next() => if owner.is_some() {
                // The previous logind's announcement no longer counts.
                lock = delay_lock(&logind).await;
                wake(supervisor).await;
            },
            else => return Ok(()),
        }
    }
}

/// Keeps the computer awake until it is dropped.
pub(super) struct Awake {
    /// The desktop drops the request when the connection closes.
    _desktop: Option<Connection>,
    _logind: Option<OwnedFd>,
}

/// Asks the desktop first, then logind: GNOME and its relatives ignore logind's idle inhibitors, and Plasma keeps the screen on for one. The user can still
/// suspend the computer or close the lid.
pub(super) async fn stay_awake() -> Option<Awake> {
    if let Some(bus) = desktop().await {
        return Some(Awake { _desktop: Some(bus), _logind: None });
    }
    let idle = async {
        let bus = Connection::system().await?;
        inhibit(&logind(&bus).await?, "idle", WHY_AWAKE, "block").await
    };
    match idle.await {
        Ok(lock) => Some(Awake { _desktop: None, _logind: Some(lock) }),
        Err(error) => {
            tracing::debug!("Couldn't keep the computer awake: {error}");
            None
        }
    }
}

/// The connection to a desktop that keeps the computer awake while it is open.
async fn desktop() -> Option<Connection> {
    let bus = Connection::session().await.ok()?;
    let is_held = ask_gnome(&bus).await.is_ok() || ask_others(&bus).await.is_ok();
    is_held.then_some(bus)
}

/// GNOME, Cinnamon, MATE, Budgie.
async fn ask_gnome(bus: &Connection) -> zbus::Result<()> {
    let (name, path) = ("org.gnome.SessionManager", "/org/gnome/SessionManager");
    ask(&Proxy::new(bus, name, path, name).await?, &(WHO, NO_WINDOW, WHY_AWAKE, AUTOMATIC_SLEEP)).await
}

/// Plasma, Xfce.
async fn ask_others(bus: &Connection) -> zbus::Result<()> {
    let (name, path) = ("org.freedesktop.PowerManagement", "/org/freedesktop/PowerManagement/Inhibit");
    let power = Proxy::new(bus, name, path, "org.freedesktop.PowerManagement.Inhibit").await?;
    ask(&power, &(WHO, WHY_AWAKE)).await
}

/// Asks a service if it is running. It is not started for this.
async fn ask(desktop: &Proxy<'_>, what: &(impl Serialize + Type)) -> zbus::Result<()> {
    let cookie: Option<u32> =
        desktop.call_with_flags("Inhibit", MethodFlags::NoAutoStart.into(), what).await?;
    tracing::debug!(cookie, "{} keeps the computer awake", desktop.destination());
    Ok(())
}

async fn logind(bus: &Connection) -> zbus::Result<Proxy<'static>> {
    Proxy::new(bus, "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
        .await
}

/// Takes a lock that delays sleep until it is dropped.
async fn delay_lock(logind: &Proxy<'_>) -> Option<OwnedFd> {
    let lock = inhibit(logind, "sleep", WHY_DELAY, "delay").await;
    lock.inspect_err(|error| tracing::debug!("Couldn't delay sleep: {error}")).ok()
}

async fn inhibit(logind: &Proxy<'_>, what: &str, why: &str, mode: &str) -> zbus::Result<OwnedFd> {
    logind.call("Inhibit", &(what, WHO, why, mode)).await
}

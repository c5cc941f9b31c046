//! Linux: systemd-logind says when the machine sleeps, and waits a moment for those who have asked for it. Whether it falls asleep by itself is decided by
//! the desktop, mostly.

use futures_util::StreamExt as _;
use serde::Serialize;
use zbus::proxy::MethodFlags;
use zbus::zvariant::{OwnedFd, Type};
use zbus::{Connection, Proxy};

use super::rest::{settle, wake};
use super::{WHO, WHY_AWAKE};
use crate::supervisor::Supervisor;

/// Why logind is to wait a moment, as it shows it to whoever asks.
const WHY_A_MOMENT: &str = "The server is told, and requests are finished";

/// GNOME's flag for what suspends the machine. Its other flags would keep the screen on, or the session open.
const AUTOMATIC_SLEEP: u32 = 4;

/// An app that does without a window to show for it.
const NO_WINDOW: u32 = 0;

/// Obeys logind, for as long as there is a system bus. A logind that comes later, or again, is asked then.
pub(super) async fn follow(supervisor: &Supervisor) -> zbus::Result<()> {
    let bus = Connection::system().await?;
    let logind = logind(&bus).await?;
    // Listened for before the moment is asked for, so that nothing is missed.
    let mut words = logind.receive_signal("PrepareForSleep").await?;
    let mut owners = logind.receive_owner_changed().await?;
    let mut moment = a_moment(&logind).await;
    loop {
        tokio::select! {
            Some(word) = words.next() => match word.body().deserialize() {
                Ok(true) => {
                    settle(supervisor).await;
                    moment.take(); // which lets the machine sleep
                }
                Ok(false) => {
                    moment = a_moment(&logind).await;
                    wake(supervisor).await;
                }
                Err(error) => tracing::debug!("What logind says of sleep was not understood: {error}"),
            },
            Some(owner) = owners.next() => if owner.is_some() {
                // What the one before has said counts no more.
                moment = a_moment(&logind).await;
                wake(supervisor).await;
            },
            else => return Ok(()),
        }
    }
}

/// Keeps the machine awake until it is dropped.
pub(super) struct Awake {
    /// The desktop forgets who is not on the bus any more.
    _desktop: Option<Connection>,
    _logind: Option<OwnedFd>,
}

/// Asks whoever decides here. GNOME and its relatives do not look at logind's inhibitors of idleness, and Plasma keeps the screen on for one, so the
/// desktop is asked first. None of these keeps a person from suspending the machine, or from closing the lid.
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
            tracing::debug!("Nobody here keeps the machine awake: {error}");
            None
        }
    }
}

/// The bus of a desktop that keeps the machine awake as long as we are on it.
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

/// Asks one who need not be there, and who is not started for that.
async fn ask(desktop: &Proxy<'_>, what: &(impl Serialize + Type)) -> zbus::Result<()> {
    let cookie: Option<u32> =
        desktop.call_with_flags("Inhibit", MethodFlags::NoAutoStart.into(), what).await?;
    tracing::debug!(cookie, "{} keeps the machine awake", desktop.destination());
    Ok(())
}

async fn logind(bus: &Connection) -> zbus::Result<Proxy<'static>> {
    Proxy::new(bus, "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
        .await
}

/// A moment before the machine sleeps, which is over when this is dropped.
async fn a_moment(logind: &Proxy<'_>) -> Option<OwnedFd> {
    let lock = inhibit(logind, "sleep", WHY_A_MOMENT, "delay").await;
    lock.inspect_err(|error| tracing::debug!("The machine will sleep without waiting: {error}")).ok()
}

async fn inhibit(logind: &Proxy<'_>, what: &str, why: &str, mode: &str) -> zbus::Result<OwnedFd> {
    logind.call("Inhibit", &(what, WHO, why, mode)).await
}

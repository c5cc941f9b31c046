//! What stands for systemd-logind, and for the session manager of GNOME: it says when the machine sleeps, and keeps who asks for a moment before that,
//! or wants the machine to stay awake.

use std::io::{PipeReader, Read as _};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use zbus::message::Header;
use zbus::names::OwnedUniqueName;
use zbus::{Connection, connection, interface, zvariant};

use super::session::Session;
use crate::wait::until;

const PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const NAME: &str = "org.freedesktop.login1";

/// An inhibitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// `sleep`, `idle`.
    pub what: String,
    /// Whose.
    pub who: String,
    /// `delay`, `block`.
    pub mode: String,
    /// Whether its owner has it still.
    pub is_held: bool,
}

/// Every inhibitor that was ever taken, in that order.
#[derive(Clone, Default)]
struct Locks(Arc<Mutex<Vec<Lock>>>);

impl Locks {
    fn with<T>(&self, then: impl FnOnce(&mut Vec<Lock>) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The test is logind.
pub struct Login {
    connection: Connection,
    locks: Locks,
}

impl Login {
    /// Takes its name on this bus.
    ///
    /// # Panics
    /// If somebody else has it.
    pub async fn start(bus: &str) -> Self {
        let locks = Locks::default();
        let started = async {
            connection::Builder::address(bus)?
                .serve_at(PATH, Manager(locks.clone()))?
                .name(NAME)?
                .build()
                .await
        };
        Self { connection: started.await.expect("the bus is ours"), locks }
    }

    /// Every inhibitor that was ever taken.
    pub fn locks(&self) -> Vec<Lock> {
        self.locks.with(|locks| locks.clone())
    }

    /// The inhibitors of this kind that are held.
    pub fn held(&self, what: &str) -> usize {
        self.locks.with(|locks| locks.iter().filter(|lock| lock.what == what && lock.is_held).count())
    }

    /// Waits until so many inhibitors of this kind are held.
    pub async fn until_held(&self, what: &str, n: usize) {
        until(&format!("{n} inhibitors of {what}: {:?}", self.locks()), async || {
            (self.held(what) == n).then_some(())
        })
        .await;
    }

    /// Tells everybody that the machine is about to sleep, or awake.
    ///
    /// # Panics
    /// If the bus is gone.
    pub async fn prepare_for_sleep(&self, starts: bool) {
        let told = self.connection.emit_signal(None::<&str>, PATH, MANAGER, "PrepareForSleep", &starts);
        told.await.expect("the bus is ours");
    }

    /// Ends, as a service does that is started again.
    ///
    /// # Panics
    /// If the bus is gone.
    pub async fn end(self) {
        self.connection.release_name(NAME).await.expect("the name is ours");
    }
}

struct Manager(Locks);

#[interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    async fn inhibit(
        &self,
        what: &str,
        who: &str,
        why: &str,
        mode: &str,
    ) -> zbus::fdo::Result<zvariant::OwnedFd> {
        assert!(!why.is_empty(), "people are told why");
        let failed = |error: std::io::Error| zbus::fdo::Error::IOError(error.to_string());
        let (ours, theirs) = std::io::pipe().map_err(failed)?;
        let lock = Lock { what: what.to_owned(), who: who.to_owned(), mode: mode.to_owned(), is_held: true };
        let number = self.0.with(|locks| {
            locks.push(lock);
            locks.len() - 1
        });
        let locks = self.0.clone();
        std::thread::spawn(move || wait(ours, &locks, number));
        Ok(OwnedFd::from(theirs).into())
    }
}

/// Its owner never writes: when there is nothing more to read, the owner has closed it, or has ended.
fn wait(mut pipe: PipeReader, locks: &Locks, number: usize) {
    let _ = pipe.read(&mut [0]);
    locks.with(|locks| locks[number].is_held = false);
}

/// The test is the session manager of GNOME.
pub struct SessionManager {
    connection: Connection,
    callers: Callers,
}

/// Who has asked for the machine to stay awake, by their names on the bus.
type Callers = Arc<Mutex<Vec<OwnedUniqueName>>>;

impl SessionManager {
    /// Takes its name in this session.
    ///
    /// # Panics
    /// If somebody else has it.
    pub async fn start(session: &Session) -> Self {
        let callers = Callers::default();
        let started = async {
            connection::Builder::address(session.bus())?
                .serve_at("/org/gnome/SessionManager", Gnome(callers.clone()))?
                .name("org.gnome.SessionManager")?
                .build()
                .await
        };
        Self { connection: started.await.expect("the bus is ours"), callers }
    }

    /// How many there are who have asked, and are on the bus still.
    ///
    /// # Panics
    /// If the bus is gone.
    pub async fn holders(&self) -> usize {
        let bus = zbus::fdo::DBusProxy::new(&self.connection).await.expect("the bus is ours");
        let callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut holders = 0;
        for caller in callers {
            let is_there = bus.name_has_owner(caller.as_ref().into()).await;
            holders += usize::from(is_there.expect("the bus is ours"));
        }
        holders
    }
}

struct Gnome(Callers);

#[interface(name = "org.gnome.SessionManager")]
impl Gnome {
    async fn inhibit(
        &self,
        #[zbus(header)] header: Header<'_>,
        _app: &str,
        _window: u32,
        why: &str,
        flags: u32,
    ) -> u32 {
        assert!(!why.is_empty() && flags == 4, "sleep, and nothing else");
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        callers.push(header.sender().expect("calls have a sender").to_owned().into());
        callers.len() as u32
    }
}

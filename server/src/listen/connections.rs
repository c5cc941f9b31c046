//! Connections of clients: how many there may be, and which of them has to make room.
//!
//! Until a connection has shown a valid key, it counts as a stranger's. If all places are taken, the stranger that has been idle longest is closed,
//! then the longest idle connection of a caller. The last places are for workers and administrators.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// One in this many places is kept for workers and administrators, up to [`MAX_RESERVED`].
const RESERVED_SHARE: usize = 8;
const MAX_RESERVED: usize = 64;

/// The share of all places that one address may have before it shows a key. Loopback may have all: a reverse proxy connects from there.
const ADDRESS_SHARE: usize = 4;

/// A head within this size is received without further checks. The heads of official SDKs and of browsers are far smaller.
pub(super) const SMALL_HEAD: usize = 8 * 1024;

/// Larger heads that strangers may be sending at once: each can take as much memory as `max_headers` allows.
const LARGE_HEADS: usize = 64;

/// All connections, and the limits on them.
#[derive(Debug)]
pub(super) struct Connections {
    open: Mutex<Open>,
    most: usize,
    reserved: usize,
    times: Times,
    large_heads: Arc<Semaphore>,
}

/// The time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// For the head of a request.
    pub(super) head: Duration,
    /// Between a response and the next request.
    pub(super) idle: Duration,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: BTreeMap<u64, Arc<Connection>>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    address: IpAddr,
    /// Whether it has one of the places kept for workers and administrators.
    pub(super) is_reserved: bool,
    is_known: AtomicBool,
    /// Whether it closes before the client has sent everything.
    is_cut_short: AtomicBool,
    phase: Mutex<Phase>,
    evicted: Notify,
}

#[derive(Debug)]
enum Phase {
    /// Waits for a request.
    Idle { since: Instant },
    /// Receives a head.
    Head { since: Instant, bytes: usize, large: Option<OwnedSemaphorePermit> },
    /// Serves a request.
    Serving,
}

/// A connection's place, released on drop.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    number: u64,
    pub(super) connection: Arc<Connection>,
}

impl Connections {
    /// No connections yet, and at most `most`.
    pub(super) fn new(most: usize, times: Times) -> Self {
        let reserved = (most / RESERVED_SHARE).min(MAX_RESERVED);
        let large_heads = Arc::new(Semaphore::new(LARGE_HEADS));
        Self { open: Mutex::default(), most, reserved, times, large_heads }
    }

    /// A place for a new connection from `address`, if one is free or another connection can make room.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut open = lock(&self.open);
        let share = (self.most / ADDRESS_SHARE).max(1);
        if !address.is_loopback() && open.strangers(address).count() >= share {
            open.evict(|connection| connection.address == address && !connection.is_known())?;
        }
        if open.connections.len() >= self.most - self.reserved {
            let _ = open.evict(|connection| !connection.is_known()).or_else(|| open.evict(|_| true));
        }
        let taken = open.connections.len();
        if taken >= self.most {
            return None;
        }
        open.next += 1;
        let number = open.next;
        let connection = Arc::new(Connection {
            address,
            is_reserved: taken >= self.most - self.reserved,
            is_known: AtomicBool::new(false),
            is_cut_short: AtomicBool::new(false),
            phase: Mutex::new(Phase::Head { since: Instant::now(), bytes: 0, large: None }),
            evicted: Notify::new(),
        });
        open.connections.insert(number, connection.clone());
        Some(Place { connections: self.clone(), number, connection })
    }
}

impl Open {
    fn strangers(&self, address: IpAddr) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.values().filter(move |open| open.address == address && !open.is_known())
    }

    /// Closes the one among `which` that has been idle longest.
    fn evict(&mut self, which: impl Fn(&Connection) -> bool) -> Option<()> {
        let candidates = self.connections.iter().filter(|(_, connection)| which(connection));
        let idle = candidates.filter_map(|(number, connection)| Some((connection.waiting_since()?, *number)));
        let (_, number) = idle.min()?;
        self.connections.remove(&number)?.evicted.notify_one();
        Some(())
    }
}

impl Connection {
    /// The connection has shown a valid key.
    pub(super) fn set_known(&self) {
        self.is_known.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }

    /// The next response is the last one, although the client may still be sending.
    pub(super) fn cut_short(&self) {
        self.is_cut_short.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cut_short(&self) -> bool {
        self.is_cut_short.load(Ordering::Relaxed)
    }

    /// Waits until the connection has to make room for another one.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// A head is complete, and its request is served now.
    pub(super) fn serve(&self) {
        *lock(&self.phase) = Phase::Serving;
    }

    /// The response is complete.
    pub(super) fn rest(&self) {
        *lock(&self.phase) = Phase::Idle { since: Instant::now() };
    }

    fn waiting_since(&self) -> Option<Instant> {
        match &*lock(&self.phase) {
            Phase::Idle { since } | Phase::Head { since, .. } => Some(*since),
            Phase::Serving => None,
        }
    }
}

impl Place {
    /// The time at which the connection has been silent or slow for too long; `None` while a request is served.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let Times { head, idle } = self.connections.times;
        match &*lock(&self.connection.phase) {
            Phase::Idle { since } => since.checked_add(idle),
            Phase::Head { since, .. } => since.checked_add(head),
            Phase::Serving => None,
        }
    }

    /// Whether more may be read. A stranger with a large head needs one of a few permits.
    pub(super) fn may_read(&self) -> bool {
        match &mut *lock(&self.connection.phase) {
            Phase::Head { bytes, large, .. }
                if *bytes > SMALL_HEAD && large.is_none() && !self.connection.is_known() =>
            {
                *large = self.connections.large_heads.clone().try_acquire_owned().ok();
                large.is_some()
            }
            _ => true,
        }
    }

    /// Records that bytes have been read.
    pub(super) fn has_read(&self, read: usize) {
        let mut phase = lock(&self.connection.phase);
        match &mut *phase {
            Phase::Idle { .. } => *phase = Phase::Head { since: Instant::now(), bytes: read, large: None },
            Phase::Head { bytes, .. } => *bytes += read,
            Phase::Serving => {}
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.connections.open).connections.remove(&self.number);
    }
}

/// The network whose addresses one machine can choose from: a /64 with IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        other => other,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(most: usize) -> Arc<Connections> {
        let times = Times { head: Duration::from_secs(10), idle: Duration::from_secs(90) };
        Arc::new(Connections::new(most, times))
    }

    fn host(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn is_evicted(place: &Place) -> bool {
        use futures_util::FutureExt;
        place.connection.evicted().now_or_never().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn the_stranger_that_waits_longest_makes_room_and_callers_keep_their_places() {
        let connections = connections(8);
        let mut places = Vec::new();
        for last in 0..7 {
            places.push(connections.admit(host(last)).unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        places[0].connection.set_known();
        places[1].connection.serve();
        let next = connections.admit(host(9)).unwrap();
        assert!(!next.connection.is_reserved);
        let evicted: Vec<_> = places.iter().map(is_evicted).collect();
        assert_eq!(evicted, [false, false, true, false, false, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_places_are_for_workers_and_then_there_is_none() {
        let connections = connections(8);
        let serving = |last| {
            let place = connections.admit(host(last)).unwrap();
            place.connection.serve();
            place
        };
        let ordinary: Vec<_> = (0..7).map(serving).collect();
        assert!(ordinary.iter().all(|place| !place.connection.is_reserved));
        let reserved = serving(7);
        assert!(reserved.connection.is_reserved);
        assert!(connections.admit(host(8)).is_none());
        drop(reserved);
        assert!(connections.admit(host(8)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_of_one_network_have_a_share_of_their_own() {
        let connections = connections(16);
        let of_network = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        let strangers: Vec<_> = (0..4).map(|last| connections.admit(of_network(last)).unwrap()).collect();
        let fifth = connections.admit(of_network(5)).unwrap();
        assert_eq!(strangers.iter().filter(|place| is_evicted(place)).count(), 1);
        assert!(!is_evicted(&fifth));
        assert!(connections.admit(host(1)).is_some(), "other networks are not affected");
        let local: Vec<_> =
            (0..8).map(|_| connections.admit(IpAddr::from([127, 0, 0, 1])).unwrap()).collect();
        assert!(local.iter().all(|place| !is_evicted(place)), "a reverse proxy has many clients");
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_few_strangers_may_send_large_heads() {
        let connections = connections(1_000);
        let large = |last| {
            let place = connections.admit(host(last)).unwrap();
            assert!(place.may_read());
            place.has_read(SMALL_HEAD + 1);
            place
        };
        let mut allowed: Vec<_> = (0..64).map(large).collect();
        assert!(allowed.iter().all(Place::may_read));
        let next = large(65);
        assert!(!next.may_read());
        allowed.pop();
        assert!(next.may_read(), "the permit is back");
        let known = large(66);
        known.connection.set_known();
        assert!(known.may_read());
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_less_time_than_an_idle_connection() {
        let place = connections(8).admit(host(1)).unwrap();
        let left = |place: &Place| place.deadline().map(|deadline| (deadline - Instant::now()).as_secs());
        assert_eq!(left(&place), Some(10));
        place.connection.serve();
        assert_eq!(left(&place), None);
        place.connection.rest();
        assert_eq!(left(&place), Some(90));
        place.has_read(1);
        assert_eq!(left(&place), Some(10));
    }
}

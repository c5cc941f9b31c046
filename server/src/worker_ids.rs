//! Which worker id belongs to which process. A process that connects again replaces its older connection; a second live process with the same id,
//! such as one from a copied folder or a cloned disk, gets an id of its own, so that the two do not keep disconnecting each other. When another
//! process asks for an id that is in use, its holder is checked: a worker that was restarted gets its id back even if the server has not yet noticed
//! that its older connection is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use llamapool_tunnel::Link;
use llamapool_tunnel::control::REPORT_INTERVAL;
use tokio::time::Instant;

/// A connection that has been silent for longer has lost its worker: a working one reports every [`REPORT_INTERVAL`].
const SILENT: Duration = REPORT_INTERVAL.saturating_add(Duration::from_secs(2));

/// A live process responds within this time. It is much longer than any round trip, and shorter than a worker waits for the server's hello.
const ANSWER: Duration = Duration::from_secs(3);

/// How often older workers, which do not say which process they are, may take an id from a live connection within [`TAKEN_SPAN`]. A few are
/// reconnects; more are two workers that disconnect each other.
const MAX_TAKEN: u32 = 3;

/// Span of [`MAX_TAKEN`].
const TAKEN_SPAN: Duration = Duration::from_secs(300);

/// The longest id, in characters, including the added suffix.
pub(crate) const MAX_ID: usize = 128;

/// The ids of the connected workers. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct WorkerIds(Arc<Mutex<Ids>>);

#[derive(Default)]
struct Ids {
    holders: HashMap<String, Holder>,
    last_claim: u64,
}

/// The connection that has an id.
struct Holder {
    claim: u64,
    instance: String,
    /// Its tunnel, once it is up.
    link: Option<Link>,
    heard: Instant,
    /// How often the id was taken from a live connection, and since when this is counted.
    taken: (u32, Instant),
}

/// A claimed id, as long as this exists or until a newer connection of the same process takes it over.
pub(crate) struct ClaimedId {
    ids: WorkerIds,
    /// The id.
    pub(crate) id: String,
    claim: u64,
}

/// The id is in use by another worker.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the worker id {0} is in use by another connected worker; set CLIENT_ID to a different id on one of them"
)]
pub(crate) struct IdInUse(pub(crate) String);

impl WorkerIds {
    /// Sends a PING to the process that has this id, unless it is `instance`. The process loses the id if it does not respond.
    pub(crate) async fn ask_holder(&self, id: &str, instance: &str) {
        let holder = {
            let ids = self.lock();
            let other = ids.holders.get(id).filter(|holder| holder.instance != instance);
            other.and_then(|holder| Some((holder.claim, holder.link.clone()?)))
        };
        if let Some((claim, link)) = holder
            && !link.is_alive(ANSWER).await
        {
            self.release(id, claim);
        }
    }

    /// The id is free, unless another connection has claimed it since.
    fn release(&self, id: &str, claim: u64) {
        let mut ids = self.lock();
        if ids.holders.get(id).is_some_and(|holder| holder.claim == claim) {
            ids.holders.remove(id);
        }
    }

    /// Claims an id for a connection of the process `instance`, or a derived one if a live process has it already. `is_renamable` says that the
    /// worker states its process; other workers get the id as it is.
    ///
    /// # Errors
    /// Several workers that cannot be told apart use the id.
    pub(crate) fn claim(
        &self,
        wanted: &str,
        instance: &str,
        is_renamable: bool,
    ) -> Result<ClaimedId, IdInUse> {
        let mut ids = self.lock();
        let now = Instant::now();
        let is_free = |ids: &Ids, id: &str| {
            ids.holders
                .get(id)
                .is_none_or(|holder| holder.instance == instance || holder.heard + SILENT < now)
        };
        let mut taken = (0, now);
        let id = if is_free(&ids, wanted) {
            wanted.to_owned()
        } else if is_renamable {
            let mut numbered = (2..).map(|number: usize| with_number(wanted, number));
            // There are finitely many holders, so one id is free.
            numbered.find(|id| is_free(&ids, id)).unwrap_or_else(|| wanted.to_owned())
        } else {
            let before = ids.holders.get(wanted).map_or(taken, |holder| holder.taken);
            taken = if before.1 + TAKEN_SPAN < now { (1, now) } else { (before.0 + 1, before.1) };
            if taken.0 > MAX_TAKEN {
                return Err(IdInUse(wanted.to_owned()));
            }
            wanted.to_owned()
        };
        ids.last_claim += 1;
        let claim = ids.last_claim;
        let holder = Holder { claim, instance: instance.to_owned(), link: None, heard: now, taken };
        ids.holders.insert(id.clone(), holder);
        Ok(ClaimedId { ids: self.clone(), id, claim })
    }

    fn lock(&self) -> MutexGuard<'_, Ids> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClaimedId {
    /// Records that the worker has been heard from.
    pub(crate) fn heard(&self) {
        self.with_holder(|holder| holder.heard = Instant::now());
    }

    /// The worker's tunnel is this one.
    pub(crate) fn connected(&self, link: &Link) {
        self.with_holder(|holder| holder.link = Some(link.clone()));
    }

    fn with_holder(&self, change: impl FnOnce(&mut Holder)) {
        let mut ids = self.ids.lock();
        ids.holders.get_mut(&self.id).filter(|holder| holder.claim == self.claim).map(change);
    }
}

impl Drop for ClaimedId {
    fn drop(&mut self) {
        self.ids.release(&self.id, self.claim);
    }
}

/// `desk-2`, within the length limit of an id.
fn with_number(id: &str, number: usize) -> String {
    let suffix = format!("-{number}");
    let base: String = id.chars().take(MAX_ID - suffix.len()).collect();
    base + &suffix
}

#[cfg(test)]
mod tests {
    use llamapool_tunnel::control::{FromServer, REQUEST_WINDOW};
    use llamapool_tunnel::mux::{Limits, Role, Windows};
    use llamapool_tunnel::{Driver, Event};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol as socket;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_keeps_its_id_over_its_connections() {
        let ids = WorkerIds::default();
        let first = ids.claim("desk", "p1", true).unwrap();
        let second = ids.claim("desk", "p1", true).unwrap();
        assert_eq!((first.id.as_str(), second.id.as_str()), ("desk", "desk"));
        drop(first);
        assert_eq!(ids.claim("desk", "p2", true).unwrap().id, "desk-2", "the newer connection still has it");
        drop(second);
        assert_eq!(ids.claim("desk", "p2", true).unwrap().id, "desk");
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_live_process_gets_an_id_of_its_own_and_keeps_it() {
        let ids = WorkerIds::default();
        let _one = ids.claim("desk", "p1", true).unwrap();
        let two = ids.claim("desk", "p2", true).unwrap();
        let three = ids.claim("desk", "p3", true).unwrap();
        assert_eq!((two.id.as_str(), three.id.as_str()), ("desk-2", "desk-3"));
        assert_eq!(ids.claim("desk", "p2", true).unwrap().id, "desk-2", "its reconnect");
        let long = "x".repeat(MAX_ID);
        let _long = ids.claim(&long, "p1", true).unwrap();
        let other = ids.claim(&long, "p2", true).unwrap();
        assert!(other.id.ends_with("x-2") && other.id.len() == MAX_ID);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_gives_its_id_up() {
        let ids = WorkerIds::default();
        let one = ids.claim("desk", "p1", true).unwrap();
        tokio::time::advance(SILENT).await;
        one.heard();
        tokio::time::advance(SILENT).await;
        assert_eq!(ids.claim("desk", "p2", true).unwrap().id, "desk-2", "heard of lately");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(ids.claim("desk", "p3", true).unwrap().id, "desk");
    }

    fn link(role: Role) -> Link {
        let windows = Windows { initial: REQUEST_WINDOW, max: REQUEST_WINDOW };
        Link::new(role, Limits { windows, credit: REQUEST_WINDOW, max_streams: 1 })
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_gives_no_sign_of_life_loses_its_id_to_the_next() {
        let ids = WorkerIds::default();
        let lost = ids.claim("desk", "p1", true).unwrap();
        lost.connected(&link(Role::Opener)); // nobody drives it
        ids.ask_holder("desk", "p1").await;
        ids.ask_holder("other", "p2").await;
        assert_eq!(ids.claim("desk", "p2", true).unwrap().id, "desk-2", "it was not asked");
        let begun = Instant::now();
        ids.ask_holder("desk", "p2").await;
        assert_eq!(begun.elapsed(), ANSWER);
        let next = ids.claim("desk", "p2", true).unwrap();
        assert_eq!(next.id, "desk");
        drop(lost);
        assert_eq!(ids.claim("desk", "p3", true).unwrap().id, "desk-2", "the next one still has it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_answers_keeps_its_id() {
        let ids = WorkerIds::default();
        let (near, far) = tokio::io::duplex(1 << 16);
        let held = ids.claim("desk", "p1", true).unwrap();
        let ours = link(Role::Opener);
        held.connected(&ours);
        let mut tasks = tokio::task::JoinSet::new();
        for (stream, role, link) in
            [(near, socket::Role::Server, ours), (far, socket::Role::Client, link(Role::Acceptor))]
        {
            let socket = WebSocketStream::from_raw_socket(stream, role, None).await;
            tasks.spawn(Driver::new(socket, link, ANSWER * 10, |_: Event<FromServer>| {}));
        }
        let begun = Instant::now();
        ids.ask_holder("desk", "p2").await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(ids.claim("desk", "p2", true).unwrap().id, "desk-2");
    }

    #[tokio::test(start_paused = true)]
    async fn older_workers_take_an_id_a_few_times_and_not_for_ever() {
        let ids = WorkerIds::default();
        let mut held = vec![ids.claim("desk", "c0", false).unwrap()];
        for connection in ["c1", "c2", "c3"] {
            held.push(ids.claim("desk", connection, false).unwrap());
        }
        assert_eq!(ids.claim("desk", "c4", false).err(), Some(IdInUse("desk".to_owned())));
        for _ in 0..100 {
            tokio::time::advance(REPORT_INTERVAL).await;
            held[3].heard();
        }
        assert!(ids.claim("desk", "c5", false).is_ok(), "counted anew");
    }
}

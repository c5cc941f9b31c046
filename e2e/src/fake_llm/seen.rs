//! What a fake runtime remembers.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use sha2::{Digest, Sha256};

/// Bodies up to this size are kept whole, larger ones only as their hash.
const KEPT_BODY: usize = 1 << 20;

/// One request as the runtime saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method, then path with query.
    pub line: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, if it was not too large to keep.
    pub body: Bytes,
    /// The length of the body.
    pub length: u64,
    /// SHA-256 of the body, once it was read to its end.
    pub hash: Option<String>,
    /// When the head came.
    pub begun: Instant,
    /// How it ended, if it has.
    pub ending: Option<(Ending, Instant)>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All of the answer was handed over.
    Finished,
    /// The other side closed the connection before that.
    Dropped,
}

impl Seen {
    /// A header as text, empty if absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// When the other side left early, if it did.
    pub fn dropped_at(&self) -> Option<Instant> {
        self.ending.and_then(|(ending, at)| (ending == Ending::Dropped).then_some(at))
    }
}

/// SHA-256 in hex.
pub fn hash(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// All requests of a runtime.
#[derive(Default)]
pub(super) struct Record(Mutex<Vec<Seen>>);

impl Record {
    pub(super) fn all(&self) -> Vec<Seen> {
        super::lock(&self.0).clone()
    }

    pub(super) fn count(&self, which: impl FnMut(&&Seen) -> bool) -> usize {
        super::lock(&self.0).iter().filter(which).count()
    }

    pub(super) fn begin(self: &Arc<Self>, head: &http::request::Parts) -> Visit {
        let line = format!("{} {}", head.method, head.uri);
        let mut all = super::lock(&self.0);
        all.push(Seen {
            line,
            headers: head.headers.clone(),
            body: Bytes::new(),
            length: 0,
            hash: None,
            begun: Instant::now(),
            ending: None,
        });
        Visit { record: Arc::clone(self), at: all.len() - 1, digest: Sha256::new(), kept: Vec::new() }
    }
}

/// One request being served. Dropped before [`Visit::finish`], it counts as left by the other side.
pub(super) struct Visit {
    record: Arc<Record>,
    at: usize,
    digest: Sha256,
    kept: Vec<u8>,
}

impl Visit {
    fn note<T>(&self, write: impl FnOnce(&mut Seen) -> T) -> T {
        write(&mut super::lock(&self.record.0)[self.at])
    }

    pub(super) fn read(&mut self, piece: &[u8]) {
        self.digest.update(piece);
        if self.kept.len() + piece.len() <= KEPT_BODY {
            self.kept.extend_from_slice(piece);
        }
        self.note(|seen| seen.length += piece.len() as u64);
    }

    /// The body was read to its end; gives back what was kept of it.
    pub(super) fn read_all(&mut self) -> Bytes {
        let body = Bytes::from(std::mem::take(&mut self.kept));
        let hash = hex(self.digest.finalize_reset().as_slice());
        self.note(|seen| (seen.body, seen.hash) = (body.clone(), Some(hash)));
        body
    }

    pub(super) fn finish(&self) {
        self.note(|seen| seen.ending = Some((Ending::Finished, Instant::now())));
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.note(|seen| {
            seen.ending.get_or_insert((Ending::Dropped, Instant::now()));
        });
    }
}

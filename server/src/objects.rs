//! Which upstream made which object: responses, conversations and stored chat completions exist only where they were made, so requests that name
//! one by its id go there.

mod scanner;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::{Caller, Role};
use crate::upstream::Identity;

pub(crate) use scanner::ObjectScanner;

/// Most objects that are remembered, the newest ones: a few hours of a busy pool, and at most a few tens of megabytes.
const MAX_OBJECTS: usize = 50_000;

/// Longest id, bytes; OpenAI's have about 60.
const MAX_ID: usize = 256;

/// The objects that upstreams have made. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct ObjectMemory(Arc<Mutex<Objects>>);

#[derive(Default)]
struct Objects {
    origins: HashMap<Arc<str>, Origin>,
    /// Ids, the oldest first.
    order: VecDeque<Arc<str>>,
}

/// Where an object was made, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The upstream that has it.
    pub(crate) upstream: Arc<Identity>,
    /// The upstream's name for the model that made it.
    pub(crate) model: Arc<str>,
    /// The name of the key that asked for it; `None` on a server without keys.
    pub(crate) owner: Option<Arc<str>>,
}

/// The object belongs to another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotYours;

/// The id of an object in the path of a request.
#[derive(Debug, Clone)]
pub(crate) struct ObjectId(pub(crate) String);

/// Whether this may be the id of an object. No character of it has a meaning in a path.
pub(crate) fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_plain) && !matches!(id, "." | "..")
}

impl ObjectMemory {
    /// Remembers where an object was made. The oldest one is forgotten for it if there are too many.
    fn remember(&self, id: &str, origin: Origin) {
        let mut objects = self.lock();
        let id: Arc<str> = id.into();
        if objects.origins.insert(id.clone(), origin).is_some() {
            return;
        }
        objects.order.push_back(id);
        if objects.order.len() > MAX_OBJECTS
            && let Some(oldest) = objects.order.pop_front()
        {
            objects.origins.remove(&oldest);
        }
    }

    /// Where an object was made; `None` if that is not known.
    ///
    /// # Errors
    /// The object was made for another key, and the caller is no administrator.
    pub(crate) fn origin(&self, id: &str, caller: &Caller) -> Result<Option<Origin>, NotYours> {
        let origin = self.lock().origins.get(id).cloned();
        let may_see = |origin: &Origin| caller.role() == Role::Admin || origin.owner == caller.key_name();
        if origin.as_ref().is_none_or(may_see) { Ok(origin) } else { Err(NotYours) }
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(model: &str) -> Origin {
        let identity = Identity { id: "a".into(), name: "a".into(), version: String::new() };
        Origin { upstream: Arc::new(identity), model: model.into(), owner: None }
    }

    #[test]
    fn the_newest_objects_are_remembered() {
        let memory = ObjectMemory::default();
        for n in 0..=MAX_OBJECTS {
            memory.remember(&format!("resp_{n}"), origin("m"));
        }
        memory.remember("resp_1", origin("other"));
        let objects = memory.lock();
        assert_eq!((objects.origins.len(), objects.order.len()), (MAX_OBJECTS, MAX_OBJECTS));
        assert_eq!(objects.origins.get("resp_0"), None);
        assert_eq!(objects.origins.get("resp_1"), Some(&origin("other")));
    }

    #[test]
    fn an_id_has_no_meaning_in_a_path() {
        for id in ["resp_68af-0.1:2", "chatcmpl-1"] {
            assert!(is_id(id), "{id}");
        }
        let long = "x".repeat(MAX_ID + 1);
        for id in ["", ".", "..", "a/b", "a%2Fb", "a?b", "ä", "a b", &*long] {
            assert!(!is_id(id), "{id}");
        }
    }
}

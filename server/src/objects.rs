//! Which upstream made which object: responses, conversations, files and stored chat completions exist only where they were made, so requests that
//! name one by its id go there.

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
    /// The upstream that served the last request of each key.
    last_used: HashMap<Option<Arc<str>>, Arc<Identity>>,
}

/// Where an object was made, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The upstream that has it.
    pub(crate) upstream: Arc<Identity>,
    /// The upstream's name for the model that made it.
    pub(crate) model: Arc<str>,
    /// Whose it is.
    pub(crate) owner: Owner,
}

/// The owner of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// That of the key with this name; `None` on a server without keys.
    Key(Option<Arc<str>>),
    /// Unknown: the object was made before this server started, and has been found since. As at the runtime itself, any caller that knows its id may
    /// use it.
    Unknown,
}

/// The object belongs to another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotYours;

/// The ids in the path of a request: of an object, and perhaps of a part of it.
#[derive(Debug, Clone)]
pub(crate) struct ObjectIds(pub(crate) Vec<String>);

/// Whether this may be the id of an object. No character of it has a meaning in a path.
pub(crate) fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_plain) && !matches!(id, "." | "..")
}

impl ObjectMemory {
    /// Remembers where an object was made. If there are too many, the oldest one is forgotten.
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

    /// An upstream has an object that was unknown so far, for example because it was made before this server started.
    pub(crate) fn found(&self, id: &str, upstream: &Arc<Identity>, model: &str) {
        if is_id(id) && !self.lock().origins.contains_key(id) {
            let origin = Origin { upstream: upstream.clone(), model: model.into(), owner: Owner::Unknown };
            self.remember(id, origin);
        }
    }

    /// Records that an upstream has served a request of this caller.
    pub(crate) fn note_use(&self, caller: &Caller, upstream: &Arc<Identity>) {
        let mut objects = self.lock();
        let last = objects.last_used.entry(caller.key_name()).or_insert_with(|| upstream.clone());
        if !Arc::ptr_eq(last, upstream) {
            *last = upstream.clone();
        }
    }

    /// The id of the upstream that served the caller's last request, if there was one.
    pub(crate) fn last_used(&self, caller: &Caller) -> Option<String> {
        self.lock().last_used.get(&caller.key_name()).map(|upstream| upstream.id.clone())
    }

    /// Where an object was made; `None` if that is not known.
    ///
    /// # Errors
    /// The object was made for another key, and the caller is no administrator.
    pub(crate) fn origin(&self, id: &str, caller: &Caller) -> Result<Option<Origin>, NotYours> {
        let origin = self.lock().origins.get(id).cloned();
        let may_see = |origin: &Origin| match &origin.owner {
            Owner::Unknown => true,
            Owner::Key(name) => caller.role() == Role::Admin || *name == caller.key_name(),
        };
        if origin.as_ref().is_none_or(may_see) { Ok(origin) } else { Err(NotYours) }
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::KeyInfo;

    fn origin(model: &str) -> Origin {
        let identity = Identity { id: "a".into(), name: "a".into(), version: String::new() };
        Origin { upstream: Arc::new(identity), model: model.into(), owner: Owner::Key(None) }
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
    fn what_is_found_belongs_to_nobody_and_what_was_made_keeps_its_owner() {
        let memory = ObjectMemory::default();
        let other = Caller { key: Some(Arc::new(KeyInfo { name: "other".into(), role: Role::User })) };
        memory.remember("resp_made", origin("m"));
        for id in ["resp_made", "resp_found", "a/b"] {
            memory.found(id, &origin("m").upstream, "m");
        }
        assert_eq!(memory.origin("resp_made", &other), Err(NotYours));
        assert_eq!(memory.origin("resp_found", &other).unwrap().unwrap().owner, Owner::Unknown);
        assert_eq!(memory.origin("a/b", &other), Ok(None));
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

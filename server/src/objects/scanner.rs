//! Finds the ids of objects at the beginning of a reply as it is passed on.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{ObjectMemory, Origin, is_id};

/// The part of a reply that is searched. The id is near its beginning, before any content.
const SEARCHED: usize = 16 * 1024;

/// Most chunks of a reply that are searched. Each search reads the beginning again.
const MAX_LOOKS: usize = 256;

/// Searches one reply for the ids of the objects that it makes.
pub(crate) struct ObjectScanner {
    memory: ObjectMemory,
    origin: Origin,
    /// Whether the reply is a stream of events, whose first event has the ids.
    is_events: bool,
    /// The beginning of the reply, as long as it is needed.
    seen: Vec<u8>,
    looks: usize,
}

impl ObjectScanner {
    pub(crate) fn new(memory: ObjectMemory, origin: Origin, is_events: bool) -> Self {
        Self { memory, origin, is_events, seen: Vec::new(), looks: 0 }
    }

    /// Searches a chunk. Returns whether the search is over.
    pub(crate) fn pass(&mut self, chunk: &[u8]) -> bool {
        self.looks += 1;
        let ids = if self.seen.is_empty() {
            find(chunk, self.is_events)
        } else {
            self.keep(chunk);
            find(&self.seen, self.is_events)
        };
        let found = [ids.own, ids.conversation].into_iter().flatten().filter(|id| is_id(id));
        let found: Vec<_> = found.inspect(|id| self.memory.remember(id, self.origin.clone())).collect();
        if found.is_empty() && self.seen.is_empty() {
            self.keep(chunk);
        }
        !found.is_empty() || self.seen.len() >= SEARCHED || self.looks >= MAX_LOOKS
    }

    fn keep(&mut self, chunk: &[u8]) {
        let room = SEARCHED - self.seen.len();
        self.seen.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
}

/// The ids in a reply.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ids {
    own: Option<String>,
    conversation: Option<String>,
}

/// The ids in the beginning of a reply: of its object, or of the object in its first event.
fn find(beginning: &[u8], is_events: bool) -> Ids {
    let json = if is_events { first_data(beginning).unwrap_or_default() } else { beginning };
    let mut ids = Ids::default();
    // The text is cut off somewhere, so parsing ends in an error; what was found before is kept.
    let _ = serde_json::Deserializer::from_slice(json).deserialize_map(Object { ids: &mut ids });
    ids
}

/// The data of the first event, as far as it has arrived.
fn first_data(events: &[u8]) -> Option<&[u8]> {
    let mut lines = events.split(|byte| *byte == b'\n' || *byte == b'\r');
    lines.find_map(|line| line.strip_prefix(b"data:"))
}

/// The object of a reply, or of the `response` in an event.
struct Object<'a> {
    ids: &'a mut Ids,
}

/// An object, of which only the id matters, or the id itself.
struct IdOf<'a>(&'a mut Option<String>);

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<Cow<'_, str>>()? {
            match &*name {
                "id" => fields.next_value_seed(IdOf(&mut self.ids.own))?,
                "conversation" => fields.next_value_seed(IdOf(&mut self.ids.conversation))?,
                "response" => fields.next_value_seed(Object { ids: self.ids })?,
                _ => fields.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> DeserializeSeed<'de> for IdOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for IdOf<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an id, an object with one, or null")
    }

    fn visit_str<E>(self, id: &str) -> Result<(), E> {
        *self.0 = Some(id.to_owned());
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<Cow<'_, str>>()? {
            match &*name {
                "id" => *self.0 = Some(fields.next_value()?),
                _ => fields.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Owner;
    use super::*;
    use crate::upstream::Identity;

    fn check(is_events: bool, reply: &str, expect: &[&str]) {
        for size in [1, 7, usize::MAX] {
            let identity = Identity { id: "a".into(), name: "a".into(), version: String::new() };
            let origin = Origin { upstream: Arc::new(identity), model: "m".into(), owner: Owner::Key(None) };
            let memory = ObjectMemory::default();
            let mut scanner = ObjectScanner::new(memory.clone(), origin, is_events);
            let _ = reply.as_bytes().chunks(size.min(reply.len())).any(|chunk| scanner.pass(chunk));
            let ids: Vec<_> = memory.lock().order.iter().map(ToString::to_string).collect();
            assert_eq!(ids, expect, "{reply} in pieces of {size}");
        }
    }

    #[test]
    fn the_id_is_found_wherever_runtimes_write_it() {
        check(false, r#"{"id":"resp_1","object":"response","output":[{"id":"msg_1"}]}"#, &["resp_1"]);
        check(false, r#"{"completed_at":1,"a":{"id":"no"},"id":"resp_1","output":["#, &["resp_1"]);
        let created = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"object\":\"response\"}}\n\ndata: {";
        check(true, created, &["resp_1"]);
        check(
            true,
            ": ping\r\n\r\ndata: {\"response\":{\"id\":\"resp_1\"},\"type\":\"response.created\"}\r\n",
            &["resp_1"],
        );
        check(true, "data: {\"id\":\"chatcmpl-1\",\"choices\":[]}\n\n", &["chatcmpl-1"]);
    }

    #[test]
    fn replies_without_an_id_are_no_trouble() {
        check(false, r#"{"error":{"id":"no"}}"#, &[]);
        check(false, r#"{"id":7}"#, &[]);
        check(false, r#"{"id":"a/b"}"#, &[]);
        check(false, r#"[{"id":"no"}]"#, &[]);
        check(false, "plain text", &[]);
        check(true, "data: [DONE]\n\n", &[]);
        let late = format!(r#"{{"text":"{}","id":"late"}}"#, "x".repeat(SEARCHED));
        let origin = Origin {
            upstream: Arc::new(Identity { id: "a".into(), name: "a".into(), version: String::new() }),
            model: "m".into(),
            owner: Owner::Key(None),
        };
        let mut scanner = ObjectScanner::new(ObjectMemory::default(), origin, false);
        let (first, rest) = late.as_bytes().split_at(10);
        assert!(!scanner.pass(first));
        assert!(scanner.pass(rest), "the search ends");
    }

    #[test]
    fn a_conversation_is_an_object_too() {
        let ids = find(br#"{"id":"resp_1","conversation":{"id":"conv_1"},"output":["#, false);
        assert_eq!((ids.own.as_deref(), ids.conversation.as_deref()), (Some("resp_1"), Some("conv_1")));
        let ids = find(br#"{"conversation":"conv_1","id":"resp_1"}"#, false);
        assert_eq!((ids.own.as_deref(), ids.conversation.as_deref()), (Some("resp_1"), Some("conv_1")));
        assert_eq!(find(br#"{"conversation":null,"id":"resp_1"}"#, false).own.as_deref(), Some("resp_1"));
    }
}

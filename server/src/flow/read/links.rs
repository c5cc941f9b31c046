//! Finds out which earlier object a request continues, and whether its own reply becomes an object that later requests can name.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::Value;

use super::INLINE_PEEK;
use crate::objects::is_id;
use crate::protocol::{Keeps, Service};

static STORE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"store\""));

/// The key of a file in a message.
static FILE_ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"file_id\""));

/// Most files of a request that are checked: all of them must be on one machine for the request to be served.
const MAX_FILES: usize = 8;

/// How a request relates to objects that upstreams keep.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::flow) struct Links {
    /// The ids of objects that it names, the most specific first.
    pub(in crate::flow) named: Vec<String>,
    /// Whether its reply is kept under an id.
    pub(in crate::flow) is_kept: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    previous_response_id: Option<Value>,
    conversation: Option<Value>,
    store: Option<Value>,
}

/// Reads the body of a request for this service, if its API keeps objects.
pub(super) async fn find(service: Service, body: &Bytes) -> Links {
    let keeps = service.keeps();
    if keeps == Keeps::Nothing {
        return Links::default();
    }
    if body.len() <= INLINE_PEEK {
        return look(keeps, body);
    }
    let body = body.clone();
    tokio::task::spawn_blocking(move || look(keeps, &body)).await.unwrap_or_default()
}

fn look(keeps: Keeps, body: &[u8]) -> Links {
    let has_fields = keeps == Keeps::UnlessRefused || STORE.find(body).is_some();
    let mut links = if has_fields { links(keeps, fields(body)) } else { Links::default() };
    links.named.extend(files(body));
    links
}

/// The files that a message names. A quote inside a string is escaped, so this is a key wherever it stands.
fn files(body: &[u8]) -> impl Iterator<Item = String> {
    let keys = FILE_ID.find_iter(body).map(|at| &body[at + FILE_ID.needle().len()..]);
    keys.filter_map(text_value).filter(|id| is_id(id)).map(str::to_owned).take(MAX_FILES)
}

/// The text after a key; none of an id's characters has to be escaped.
fn text_value(after_key: &[u8]) -> Option<&str> {
    let value = after_key.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', value)?;
    std::str::from_utf8(&value[..end]).ok()
}

/// The fields, as far as they can be read. The body has been validated before.
fn fields(body: &[u8]) -> Fields {
    serde_json::from_slice(body).unwrap_or_default()
}

fn links(keeps: Keeps, fields: Fields) -> Links {
    let id = |value: Option<Value>| match value? {
        Value::String(id) => Some(id),
        Value::Object(mut object) => match object.remove("id")? {
            Value::String(id) => Some(id),
            _ => None,
        },
        _ => None,
    };
    let named = match keeps {
        Keeps::UnlessRefused => [id(fields.previous_response_id), id(fields.conversation)],
        Keeps::IfAsked | Keeps::Nothing => [None, None],
    };
    let is_kept = match (keeps, fields.store) {
        (Keeps::Nothing, _) => false,
        (Keeps::IfAsked, store) => store == Some(Value::Bool(true)),
        (Keeps::UnlessRefused, store) => store != Some(Value::Bool(false)),
    };
    Links { named: named.into_iter().flatten().collect(), is_kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_names_what_it_continues() {
        let check = async |path: &str, body: &'static str, named: &[&str], is_kept| {
            let service = Service::ALL.iter().find(|service| service.path() == path).unwrap();
            let links = find(*service, &Bytes::from_static(body.as_bytes())).await;
            let expect = Links { named: named.iter().map(|id| (*id).to_owned()).collect(), is_kept };
            assert_eq!(links, expect, "{path} {body}");
        };
        let responses = "/v1/responses";
        check(responses, r#"{"model":"m"}"#, &[], true).await;
        check(responses, r#"{"store":false,"previous_response_id":null}"#, &[], false).await;
        check(responses, r#"{"previous_response_id":"resp_1"}"#, &["resp_1"], true).await;
        check(responses, r#"{"conversation":{"id":"conv_1"}}"#, &["conv_1"], true).await;
        check(responses, r#"{"conversation":"conv_1","previous_response_id":7}"#, &["conv_1"], true).await;
        let chat = "/v1/chat/completions";
        check(chat, r#"{"store":true,"previous_response_id":"resp_1"}"#, &[], true).await;
        check(chat, r#"{"store":false}"#, &[], false).await;
        check(chat, r#"{"messages":[{"content":"\"store\""}]}"#, &[], false).await;
        let file = r#"{"messages":[{"content":[{"type":"file","file":{"file_id" : "file-1"}}]}]}"#;
        check(chat, file, &["file-1"], false).await;
        check(chat, r#"{"messages":[{"content":"\"file_id\":\"file-1\""}]}"#, &[], false).await;
        let both = r#"{"input":[{"file_id":"file-1"},{"file_id":"a/b"},{"file_id":7}],"previous_response_id":"resp_1"}"#;
        check(responses, both, &["resp_1", "file-1"], true).await;
        check("/v1/embeddings", r#"{"store":true}"#, &[], false).await;
    }
}

//! The operations that the pool may use on a runtime: methods and paths of known APIs. Everything else (deleting models, loading adapters, shutting
//! down) is reserved for the runtime's owner.

use http::Method;

/// Longest id of an object in a path, bytes; OpenAI's have about 60.
const MAX_ID: usize = 256;

/// An operation of a known API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    method: &'static str,
    /// Its path; `{id}` stands for one segment.
    path: &'static str,
    names_model: bool,
}

/// The operations whose body names a model. Two are not OpenAI's: `messages` is Anthropic's, `rerank` is Cohere's and Jina's.
const FOR_A_MODEL: &[Operation] = &[
    Operation::for_a_model("/v1/chat/completions"),
    Operation::for_a_model("/v1/completions"),
    Operation::for_a_model("/v1/embeddings"),
    Operation::for_a_model("/v1/responses"),
    Operation::for_a_model("/v1/responses/compact"),
    Operation::for_a_model("/v1/responses/input_tokens"),
    Operation::for_a_model("/v1/messages"),
    Operation::for_a_model("/v1/messages/count_tokens"),
    Operation::for_a_model("/v1/rerank"),
    Operation::for_a_model("/v1/score"),
    Operation::for_a_model("/v1/classify"),
    Operation::for_a_model("/v1/tokenize"),
    Operation::for_a_model("/v1/detokenize"),
    Operation::for_a_model("/v1/moderations"),
    Operation::for_a_model("/v1/images/generations"),
    Operation::for_a_model("/v1/images/edits"),
    Operation::for_a_model("/v1/images/variations"),
    Operation::for_a_model("/v1/audio/speech"),
    Operation::for_a_model("/v1/audio/transcriptions"),
    Operation::for_a_model("/v1/audio/translations"),
];

/// The operations on an object that the runtime keeps: making it, or using it by its id. A model is named nowhere.
const ON_AN_OBJECT: &[Operation] = &[
    Operation::on_an_object("GET", "/v1/responses/{id}"),
    Operation::on_an_object("DELETE", "/v1/responses/{id}"),
    Operation::on_an_object("POST", "/v1/responses/{id}/cancel"),
    Operation::on_an_object("GET", "/v1/responses/{id}/input_items"),
    Operation::on_an_object("GET", "/v1/chat/completions/{id}"),
    Operation::on_an_object("POST", "/v1/chat/completions/{id}"),
    Operation::on_an_object("DELETE", "/v1/chat/completions/{id}"),
    Operation::on_an_object("GET", "/v1/chat/completions/{id}/messages"),
    Operation::on_an_object("POST", "/v1/conversations"),
    Operation::on_an_object("GET", "/v1/conversations/{id}"),
    Operation::on_an_object("POST", "/v1/conversations/{id}"),
    Operation::on_an_object("DELETE", "/v1/conversations/{id}"),
    Operation::on_an_object("GET", "/v1/conversations/{id}/items"),
    Operation::on_an_object("POST", "/v1/conversations/{id}/items"),
    Operation::on_an_object("GET", "/v1/conversations/{id}/items/{id}"),
    Operation::on_an_object("DELETE", "/v1/conversations/{id}/items/{id}"),
    Operation::on_an_object("POST", "/v1/files"),
    Operation::on_an_object("GET", "/v1/files/{id}"),
    Operation::on_an_object("DELETE", "/v1/files/{id}"),
    Operation::on_an_object("GET", "/v1/files/{id}/content"),
];

impl Operation {
    const fn for_a_model(path: &'static str) -> Self {
        Self { method: "POST", path, names_model: true }
    }

    const fn on_an_object(method: &'static str, path: &'static str) -> Self {
        Self { method, path, names_model: false }
    }

    /// The operation that this request asks for; `None` if it is not relayed. Paths are compared segment by segment, and must not contain
    /// percent-encoding, which a proxy in front of the runtime may decode.
    #[must_use]
    pub fn find(method: &Method, path_and_query: &str) -> Option<Self> {
        let path = path_and_query.split('?').next().unwrap_or_default();
        let mut all = FOR_A_MODEL.iter().chain(ON_AN_OBJECT);
        all.find(|operation| operation.method == method.as_str() && fits(operation.path, path)).copied()
    }

    /// Whether the body names the model.
    #[must_use]
    pub fn names_model(self) -> bool {
        self.names_model
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("{id}"), Some(id)) if is_id(id) => {}
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return false,
        }
    }
}

fn is_id(segment: &str) -> bool {
    (1..=MAX_ID).contains(&segment.len())
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
        && !matches!(segment, "." | "..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(method: &str, path: &str, expect: Option<bool>) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(Operation::find(&method, path).map(Operation::names_model), expect, "{method} {path}");
    }

    #[test]
    fn what_the_apis_have() {
        for path in [
            "chat/completions",
            "completions?x=%2F..",
            "embeddings",
            "responses",
            "messages/count_tokens",
            "rerank",
        ] {
            check("POST", &format!("/v1/{path}"), Some(true));
        }
        check("POST", "/v1/audio/transcriptions", Some(true));
        check("GET", "/v1/responses/resp_68af-0.1:2?stream=true", Some(false));
        check("DELETE", "/v1/responses/resp_1", Some(false));
        check("POST", "/v1/responses/resp_1/cancel", Some(false));
        check("GET", "/v1/chat/completions/chatcmpl-1/messages", Some(false));
        check("POST", "/v1/conversations/conv_1/items", Some(false));
        check("POST", "/v1/files", Some(false));
        check("GET", "/v1/files/file-1/content", Some(false));
    }

    #[test]
    fn what_is_the_owners() {
        for (method, path) in [
            ("DELETE", "/v1/models/m"),
            ("DELETE", "/v1/chat/completions"),
            ("GET", "/v1/chat/completions"),
            ("PUT", "/v1/responses/resp_1"),
            ("FOO", "/v1/chat/completions"),
            ("CONNECT", "/v1/chat/completions"),
            ("GET", "/v1/files"),
            ("PUT", "/v1/files/file-1"),
            ("POST", "/v1/load_lora_adapter"),
            ("POST", "/v1/admin/shutdown"),
            ("POST", "/api/delete"),
            ("POST", "/v1"),
            ("POST", "/v1/"),
            ("POST", "/v1/chat/completions/"),
            ("POST", "//v1/chat/completions"),
            ("POST", "/v1/chat//completions"),
            ("POST", "/v1/Chat/completions"),
        ] {
            check(method, path, None);
        }
    }

    #[test]
    fn an_id_cannot_lead_elsewhere() {
        let long = "x".repeat(MAX_ID + 1);
        for id in ["", ".", "..", "..%2fapi%2fdelete", "%2e%2e", "a%2Fb", "a\\b", "a b", "a;b", "é", &long] {
            check("DELETE", &format!("/v1/responses/{id}"), None);
            check("GET", &format!("/v1/responses/{id}/input_items"), None);
        }
        check("DELETE", "/v1/responses/../models/m", None);
    }

    proptest! {
        #[test]
        fn no_path_that_passes_can_be_resolved_to_another(path in "(/v1)?(/(responses|chat|completions|[a-z.%2]{0,4})){0,5}") {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                if Operation::find(&method, &path).is_some() {
                    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains('%');
                    prop_assert!(path.starts_with("/v1/") && path[1..].split('/').all(is_plain), "{}", path);
                }
            }
        }
    }
}

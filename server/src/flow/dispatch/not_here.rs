//! Recognises replies that report that the object named by the request is not on this machine, so another one may have it. They matter only if the
//! server does not know which machine has it; if it does, there is no other candidate.

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

/// Phrases in such an error, besides the id.
const PHRASES: [&str; 5] = ["not found", "not exist", "not find", "no such", "unknown"];

/// The code of OpenAI's own error.
const CODE: &str = "previous_response_not_found";

/// LM Studio responds to an unknown path with 200 and this message.
const UNKNOWN_PATH: &[u8] = b"Unexpected endpoint or method";

/// Whether this status means that for a path that names no model: the object, the path or the method is unknown. Older workers respond to unknown
/// paths with 404, and some proxies in front of a runtime with 403.
pub(super) fn is_said_by(status: StatusCode) -> bool {
    matches!(status.as_u16(), 403 | 404 | 405 | 501)
}

/// Whether the beginning of a body says that a path is unknown.
pub(super) fn is_unknown_path(body: &[u8]) -> bool {
    memchr::memmem::find(body, UNKNOWN_PATH).is_some()
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    message: Option<Value>,
}

/// Whether the body of a 400 or 404 reports that one of the request's ids is unknown.
pub(super) fn says_so(body: &[u8], named: &[String]) -> bool {
    if named.is_empty() {
        return false;
    }
    let Ok(body) = serde_json::from_slice::<Body>(body) else { return false };
    let Some(error) = body.error.or(body.message) else { return false };
    let message = error.as_str().or_else(|| error.get("message")?.as_str()).unwrap_or_default();
    let lower = message.to_ascii_lowercase();
    error.get("code").and_then(Value::as_str) == Some(CODE)
        || (named.iter().any(|id| message.contains(id.as_str()))
            && PHRASES.iter().any(|phrase| lower.contains(phrase)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_errors_of_runtimes_for_a_missing_object_are_recognised() {
        let named = ["resp_1".to_owned(), "file-1".to_owned()];
        let check = |body: &str, expect| assert_eq!(says_so(body.as_bytes(), &named), expect, "{body}");
        check(
            r#"{"error":{"message":"Previous response with id 'resp_1' not found.","code":"previous_response_not_found"}}"#,
            true,
        );
        check(r#"{"error":{"message":"It expired.","code":"previous_response_not_found"}}"#, true);
        check(
            r#"{"error":{"message":"Response with id 'resp_1' not found.","param":"response_id","code":404}}"#,
            true,
        );
        check(r#"{"error":"Could not find previous response resp_1"}"#, true);
        check(r#"{"object":"error","message":"No such File object: file-1"}"#, true);
        check(r#"{"error":{"message":"resp_1 is still in progress."}}"#, false);
        check(r#"{"error":{"message":"The tool was not found."}}"#, false);
        check(r#"{"error":{"message":"resp_2 not found"}}"#, false);
        check("not found: resp_1", false);
        assert!(!says_so(br#"{"error":{"message":"resp_1 not found"}}"#, &[]));
    }
}

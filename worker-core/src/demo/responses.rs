//! `/v1/responses`: the newer API; a response has output items, and its stream has named events.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Ask, Fault};
use super::chat::Content;
use super::echo::Echo;
use super::{MODEL, fresh_id, now, sse};

#[derive(Deserialize)]
pub(super) struct Request {
    input: Input,
    #[serde(default)]
    instructions: Option<String>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    max_output_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Items(Vec<Item>),
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    content: Option<Content>,
}

pub(super) async fn answer(Ask(asked): Ask<Request>) -> Result<Response, Fault> {
    let limit = asked.max_output_tokens;
    let said = match asked.input {
        Input::Text(text) => text,
        Input::Items(items) => last_said(items)?,
    };
    let draft = Draft {
        id: fresh_id("resp_"),
        message_id: fresh_id("msg_"),
        created: now(),
        instructions: asked.instructions,
        limit,
        echo: Echo::of(&said, limit),
    };
    Ok(if asked.stream == Some(true) { draft.stream() } else { Json(draft.whole()).into_response() })
}

fn last_said(items: Vec<Item>) -> Result<String, Fault> {
    let said =
        items.into_iter().rev().find(|item| item.role.as_deref() == Some("user") && item.content.is_some());
    let content = said.and_then(|item| item.content);
    content.map(Content::text).ok_or_else(|| Fault::bad(Some("input"), "there is no user message".to_owned()))
}

/// A response being generated.
struct Draft {
    id: String,
    message_id: String,
    created: u64,
    instructions: Option<String>,
    limit: Option<u64>,
    echo: Echo,
}

impl Draft {
    fn whole(&self) -> Value {
        let status = if self.echo.is_cut { "incomplete" } else { "completed" };
        let mut whole =
            self.response(status, json!([self.message(status, json!([part(&self.echo.text())]))]));
        let (heard, said) = (self.echo.heard, self.echo.words.len());
        whole["usage"] = json!({
            "input_tokens": heard,
            "input_tokens_details": { "cached_tokens": 0 },
            "output_tokens": said,
            "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": heard + said,
        });
        if self.echo.is_cut {
            whole["incomplete_details"] = json!({ "reason": "max_output_tokens" });
        }
        whole
    }

    fn response(&self, status: &str, output: Value) -> Value {
        json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": false,
            "error": null,
            "incomplete_details": null,
            "instructions": self.instructions,
            "max_output_tokens": self.limit,
            "metadata": {},
            "model": MODEL,
            "output": output,
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "reasoning": { "effort": null, "summary": null },
            "store": false,
            "temperature": 1.0,
            "text": { "format": { "type": "text" } },
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": null,
            "user": null,
        })
    }

    fn message(&self, status: &str, content: Value) -> Value {
        json!({ "id": self.message_id, "type": "message", "status": status, "role": "assistant", "content": content })
    }

    /// The events, numbered, in the order that clients rely on.
    fn stream(self) -> Response {
        let begun = self.response("in_progress", json!([]));
        let whole = self.whole();
        let ending = if self.echo.is_cut { "response.incomplete" } else { "response.completed" };
        let text = self.echo.text();
        let before = [
            json!({ "type": "response.created", "response": begun }),
            json!({ "type": "response.in_progress", "response": begun }),
            json!({ "type": "response.output_item.added", "output_index": 0,
                "item": self.message("in_progress", json!([])) }),
            self.of_part("response.content_part.added", "part", part("")),
        ];
        let after = [
            self.of_part("response.output_text.done", "text", json!(text)),
            self.of_part("response.content_part.done", "part", part(&text)),
            json!({ "type": "response.output_item.done", "output_index": 0, "item": whole["output"][0] }),
            json!({ "type": ending, "response": whole }),
        ];
        let blank = self.of_part("response.output_text.delta", "delta", json!(""));
        let words = self.echo.words.into_iter().map(move |word| {
            let mut event = blank.clone();
            event["delta"] = json!(word);
            event
        });
        let numbered = before.into_iter().chain(words).chain(after).enumerate().map(|(number, mut event)| {
            event["sequence_number"] = json!(number);
            sse::named(&event)
        });
        sse::paced(numbered)
    }

    fn of_part(&self, kind: &str, field: &str, value: Value) -> Value {
        let mut event =
            json!({ "type": kind, "item_id": self.message_id, "output_index": 0, "content_index": 0 });
        event[field] = value;
        if kind.starts_with("response.output_text") {
            event["logprobs"] = json!([]);
        }
        event
    }
}

fn part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

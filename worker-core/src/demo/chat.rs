//! `/v1/chat/completions`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Ask, Fault};
use super::echo::Echo;
use super::{MODEL, fresh_id, now, sse};

#[derive(Deserialize)]
pub(super) struct Chat {
    messages: Vec<Message>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    pub(super) stream_options: Option<StreamOptions>,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(default)]
    max_completion_tokens: Option<u64>,
    #[serde(default)]
    n: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct StreamOptions {
    #[serde(default)]
    pub(super) include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Option<Content>,
}

/// A text, or parts of which some are text; the Responses API has the same.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
pub(super) struct Part {
    #[serde(default)]
    text: Option<String>,
}

impl Content {
    pub(super) fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => {
                parts.into_iter().filter_map(|part| part.text).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

pub(super) async fn answer(Ask(chat): Ask<Chat>) -> Result<Response, Fault> {
    if chat.n.is_some_and(|n| n != 1) {
        return Err(Fault::bad(Some("n"), "the demo supports one choice only".to_owned()));
    }
    let streams = chat.stream == Some(true);
    let with_usage = chat.stream_options.as_ref().is_some_and(|options| options.include_usage == Some(true));
    let limit = chat.max_completion_tokens.or(chat.max_tokens);
    let echo = Echo::of(&last_said(chat.messages)?, limit);
    Ok(if streams { stream(echo, with_usage) } else { Json(whole(&echo)).into_response() })
}

/// The user's last message, or else the last message of any role.
fn last_said(mut messages: Vec<Message>) -> Result<String, Fault> {
    let by_user = messages.iter().rposition(|message| message.role == "user");
    let place = by_user.or(messages.len().checked_sub(1));
    let place = place.ok_or_else(|| Fault::bad(Some("messages"), "`messages` is empty".to_owned()))?;
    Ok(messages.swap_remove(place).content.map(Content::text).unwrap_or_default())
}

fn whole(echo: &Echo) -> Value {
    json!({
        "id": fresh_id("chatcmpl-"),
        "object": "chat.completion",
        "created": now(),
        "model": MODEL,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": echo.text(), "refusal": null },
            "logprobs": null,
            "finish_reason": echo.finish_reason(),
        }],
        "usage": usage(echo),
        "system_fingerprint": "demo",
    })
}

fn stream(echo: Echo, with_usage: bool) -> Response {
    let (id, created) = (fresh_id("chatcmpl-"), now());
    let chunk = move |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({
            "id": id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": MODEL,
            "system_fingerprint": "demo",
            "choices": choices,
        });
        if with_usage {
            chunk["usage"] = usage.unwrap_or_default();
        }
        sse::data(&chunk)
    };
    let choice = |delta: Value, reason: Option<&str>| json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason }]);
    let first = choice(json!({ "role": "assistant", "content": "", "refusal": null }), None);
    let last = choice(json!({}), Some(echo.finish_reason()));
    let usage = with_usage.then(|| (json!([]), Some(usage(&echo))));
    let words = echo.words.into_iter().map(move |word| (choice(json!({ "content": word }), None), None));
    let parts = std::iter::once((first, None)).chain(words).chain([(last, None)]).chain(usage);
    sse::paced(parts.map(move |(choices, usage)| chunk(choices, usage)).chain([sse::DONE.to_owned()]))
}

/// Chat and completions count one token per word.
pub(super) fn usage(echo: &Echo) -> Value {
    let (heard, said) = (echo.heard, echo.words.len());
    json!({ "prompt_tokens": heard, "completion_tokens": said, "total_tokens": heard + said })
}

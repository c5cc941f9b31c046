//! `/v1/completions`: the API that preceded chat; one choice per prompt.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Ask, Fault, Input};
use super::chat::StreamOptions;
use super::echo::Echo;
use super::{MODEL, fresh_id, now, sse};

/// Most prompts in one request: enough to try it, and a stream of them ends within the hour.
const MAX_PROMPTS: usize = 64;

#[derive(Deserialize)]
pub(super) struct Completion {
    prompt: Input,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    max_tokens: Option<u64>,
}

pub(super) async fn answer(Ask(asked): Ask<Completion>) -> Result<Response, Fault> {
    let prompts = asked.prompt.texts();
    if prompts.is_empty() || prompts.len() > MAX_PROMPTS {
        return Err(Fault::bad(Some("prompt"), format!("send 1 to {MAX_PROMPTS} prompts")));
    }
    let echoes: Vec<Echo> = prompts.iter().map(|prompt| Echo::of(prompt, asked.max_tokens)).collect();
    if asked.stream == Some(true) {
        let with_usage = asked.stream_options.is_some_and(|options| options.include_usage == Some(true));
        return Ok(stream(echoes, with_usage));
    }
    let choices = echoes
        .iter()
        .enumerate()
        .map(|(index, echo)| choice(index, &echo.text(), Some(echo.finish_reason())))
        .collect();
    let mut whole = body(&fresh_id("cmpl-"), now(), choices);
    whole["usage"] = usage(&echoes);
    Ok(Json(whole).into_response())
}

fn stream(echoes: Vec<Echo>, with_usage: bool) -> Response {
    let (id, created) = (fresh_id("cmpl-"), now());
    let usage = with_usage.then(|| (Value::Array(Vec::new()), Some(usage(&echoes))));
    let words = echoes.into_iter().enumerate().flat_map(|(index, echo)| {
        let end = choice(index, "", Some(echo.finish_reason()));
        let words = echo.words.into_iter().map(move |word| choice(index, &word, None));
        words.chain([end]).map(|choice| (json!([choice]), None))
    });
    let chunk = move |(choices, usage): (Value, Option<Value>)| {
        let mut chunk = body(&id, created, choices);
        if with_usage {
            chunk["usage"] = usage.unwrap_or_default();
        }
        sse::data(&chunk)
    };
    sse::paced(words.chain(usage).map(chunk).chain([sse::DONE.to_owned()]))
}

fn body(id: &str, created: u64, choices: Value) -> Value {
    json!({ "id": id, "object": "text_completion", "created": created, "model": MODEL, "choices": choices })
}

fn choice(index: usize, text: &str, reason: Option<&str>) -> Value {
    json!({ "index": index, "text": text, "logprobs": null, "finish_reason": reason })
}

fn usage(echoes: &[Echo]) -> Value {
    let heard: usize = echoes.iter().map(|echo| echo.heard).sum();
    let said: usize = echoes.iter().map(|echo| echo.words.len()).sum();
    json!({ "prompt_tokens": heard, "completion_tokens": said, "total_tokens": heard + said })
}

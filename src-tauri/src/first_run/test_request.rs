//! One real request, all the way round: to the server, through the tunnel, to the runtime, and back.

use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::ipc::{Phase, Problem, TestAnswer};

/// A model may have to be loaded first, which takes minutes from a slow disk.
const PATIENCE: Duration = Duration::from_secs(180);

/// The worker has just been started; it is ready sooner than this, or not at all.
const UNTIL_READY: Duration = Duration::from_secs(20);

/// Enough to see how fast it writes, and soon over.
const TOKENS: u32 = 64;

/// More than [`TOKENS`] can be, whatever the model does.
const LONGEST: usize = 64 * 1024;

const QUESTION: &str = "Say hello to your new pool in one short sentence.";

/// Asks a model of this worker, with this key of the server's, which is not kept.
///
/// # Errors
/// Where the way round is broken.
pub async fn test_request(
    desk: &Desk,
    model: Option<String>,
    api_key: Option<SecretString>,
) -> Result<TestAnswer, Problem> {
    ready(desk).await?;
    let shown = desk.snapshot();
    let offered = shown.models.iter().find(|model| model.offered).map(|model| model.name.clone());
    let model = model.or(offered).ok_or_else(|| {
        Problem::new("The runtime has no model yet")
            .fixed_by("Pull one, for example with: ollama pull llama3.2")
    })?;
    let endpoint = shown.server.endpoint_url.clone().ok_or_else(|| Problem::new("There is no server yet"))?;
    let asked = Instant::now();
    let response = ask(&endpoint, &model, key(desk, api_key).as_ref()).await?;
    let answer = Answer::read(response, asked).await?;
    Ok(answer.result(model, asked.elapsed()))
}

/// Waits until the worker takes requests.
async fn ready(desk: &Desk) -> Result<(), Problem> {
    let mut shown = desk.shown.clone();
    let is_ready = shown.wait_for(|shown| matches!(shown.phase, Phase::Ready | Phase::Busy));
    if let Ok(Ok(_)) = tokio::time::timeout(UNTIL_READY, is_ready).await {
        return Ok(());
    }
    let shown = desk.snapshot();
    let problem = Problem::new(format!("The worker is not ready: {}", shown.headline));
    Err(match &shown.trouble {
        Some(trouble) => problem.because(&trouble.what).fixed_by(trouble.fix.clone().unwrap_or_default()),
        None => problem,
    })
}

/// The key that was typed; else the worker's own, since some servers know one key for everything.
fn key(desk: &Desk, typed: Option<SecretString>) -> Option<SecretString> {
    let typed = typed.filter(|key| !key.expose_secret().trim().is_empty());
    let config = desk.supervisor.facts().borrow().config.clone();
    typed.or_else(|| config?.config.server.client_key.clone())
}

async fn ask(endpoint: &str, model: &str, key: Option<&SecretString>) -> Result<Response, Problem> {
    let unreachable = |error: reqwest::Error| {
        Problem::new("The server does not answer").because(error.without_url().to_string())
    };
    let client = reqwest::Client::builder().connect_timeout(Duration::from_secs(10)).read_timeout(PATIENCE);
    let client = client.build().map_err(unreachable)?;
    let body = json!({
        "model": model,
        "messages": [{ "role": "user", "content": QUESTION }],
        "max_tokens": TOKENS,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    let mut request = client.post(format!("{endpoint}/chat/completions")).json(&body);
    if let Some(key) = key {
        request = request.bearer_auth(key.expose_secret().trim());
    }
    let response = request.send().await.map_err(unreachable)?;
    match response.status() {
        status if status.is_success() => Ok(response),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Problem::new(
            "This machine is in the pool, but the server wants an API key from whoever asks",
        )
        .because(format!("{endpoint} answered {}: the key of workers lets nobody ask", response.status()))
        .fixed_by("Enter one of the server's API keys. It is used for this test and not kept; you may also leave it at that.")
        .about("api_key")),
        status => Err(Problem::new(format!("The server answered {status}")).because(reason(response).await)),
    }
}

/// What the server says is wrong.
async fn reason(response: Response) -> String {
    let text = response.text().await.unwrap_or_default();
    let told = serde_json::from_str::<Value>(&text).ok();
    let message = told.as_ref().and_then(|value| value["error"]["message"].as_str());
    message.map_or_else(|| text.chars().take(300).collect(), str::to_owned)
}

#[derive(Default)]
struct Answer {
    text: String,
    model: Option<String>,
    first_byte: Option<Duration>,
    tokens: Option<u64>,
    pieces: u64,
}

impl Answer {
    async fn read(mut response: Response, asked: Instant) -> Result<Self, Problem> {
        let broken = |error: reqwest::Error| {
            Problem::new("The answer broke off").because(error.without_url().to_string())
        };
        let (mut answer, mut rest) = (Self::default(), Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            answer.first_byte.get_or_insert_with(|| asked.elapsed());
            rest.extend_from_slice(&chunk);
            if rest.len() > LONGEST || answer.text.len() > LONGEST {
                return Err(Problem::new("The answer does not end"));
            }
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                answer.line(&String::from_utf8_lossy(&line))?;
            }
        }
        Ok(answer)
    }

    /// A line of the event stream.
    fn line(&mut self, line: &str) -> Result<(), Problem> {
        let Some(data) = line.trim().strip_prefix("data:") else {
            return Ok(());
        };
        let Ok(event) = serde_json::from_str::<Value>(data.trim()) else {
            return Ok(()); // `[DONE]`
        };
        if let Some(message) = event["error"]["message"].as_str() {
            return Err(Problem::new("The answer broke off").because(message));
        }
        let delta = &event["choices"][0]["delta"];
        let written =
            ["content", "reasoning_content", "reasoning"].iter().find_map(|key| delta[*key].as_str());
        if let Some(written) = written.filter(|written| !written.is_empty()) {
            self.text.push_str(written);
            self.pieces += 1;
        }
        self.tokens = event["usage"]["completion_tokens"].as_u64().or(self.tokens);
        self.model = event["model"].as_str().map(str::to_owned).or(self.model.take());
        Ok(())
    }

    fn result(self, asked: String, total: Duration) -> TestAnswer {
        let first = self.first_byte.unwrap_or(total);
        // A runtime that does not count its tokens sends them one by one.
        let tokens = self.tokens.unwrap_or(self.pieces);
        let writing = total.saturating_sub(first).as_secs_f64();
        TestAnswer {
            model: self.model.unwrap_or(asked),
            text: self.text,
            first_byte_ms: first.as_millis() as u64,
            tokens_per_second: (tokens > 1 && writing > 0.0).then(|| (tokens - 1) as f64 / writing),
            total_ms: total.as_millis() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(lines: &[&str]) -> Result<Answer, Problem> {
        let mut answer = Answer::default();
        lines.iter().try_for_each(|line| answer.line(line))?;
        Ok(answer)
    }

    #[test]
    fn the_stream_is_put_together() {
        let mut whole = answer(&[
            ": keepalive",
            r#"data: {"model":"m2","choices":[{"delta":{"role":"assistant","content":""}}]}"#,
            r#"data: {"choices":[{"delta":{"content":"Hel"}}]}"#,
            r#"data: {"choices":[{"delta":{"content":"lo"}}]}"#,
            r#"data: {"choices":[],"usage":{"completion_tokens":11}}"#,
            "data: [DONE]",
        ])
        .unwrap();
        whole.first_byte = Some(Duration::from_millis(500));
        let result = whole.result("m".into(), Duration::from_millis(1_500));
        assert_eq!((result.text.as_str(), result.model.as_str()), ("Hello", "m2"));
        assert_eq!(
            (result.first_byte_ms, result.total_ms, result.tokens_per_second),
            (500, 1_500, Some(10.0))
        );
    }

    #[test]
    fn a_runtime_that_does_not_count_is_counted() {
        let lines = [r#"data: {"choices":[{"delta":{"content":"x"}}]}"#; 5];
        let mut whole = answer(&lines).unwrap();
        whole.first_byte = Some(Duration::ZERO);
        assert_eq!(whole.result("m".into(), Duration::from_secs(2)).tokens_per_second, Some(2.0));
        let nothing = answer(&[]).unwrap().result("m".into(), Duration::from_secs(2));
        assert_eq!((nothing.tokens_per_second, nothing.model.as_str()), (None, "m"));
    }

    #[test]
    fn an_error_in_the_stream_is_one() {
        let problem = answer(&[r#"data: {"error":{"message":"runtime lost"}}"#]).err().unwrap();
        assert_eq!(problem.why.as_deref(), Some("runtime lost"));
    }
}

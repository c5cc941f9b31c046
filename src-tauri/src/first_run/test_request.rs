//! A test request: to the server, through the tunnel, to the runtime, and back.

use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::app_state::AppState;
use crate::ipc::{Phase, Problem, TestAnswer};
use crate::supervisor::{Facts, Supervisor};
use crate::{server_urls, snapshot, worker_state};

/// The timeout for a response: loading a model from a slow disk takes minutes.
const READ_TIMEOUT: Duration = Duration::from_secs(180);

/// How long to wait for a worker that has just been started.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// The length of the response: enough to measure its speed.
const MAX_TOKENS: u32 = 64;

/// The limit of a response, far above [`MAX_TOKENS`]. Bytes.
const MAX_LEN: usize = 64 * 1024;

const QUESTION: &str = "Say hello to your new pool in one short sentence.";

/// Sends a request for a model of this worker through the server, with this API key, which is not kept.
///
/// # Errors
/// Why the request failed.
pub async fn test_request(
    state: &AppState,
    model: Option<String>,
    api_key: Option<SecretString>,
) -> Result<TestAnswer, Problem> {
    let facts = ready(&state.supervisor).await?;
    let models = facts.worker.iter().flat_map(|worker| &worker.models);
    let shared = models.filter(|model| !model.withheld).map(|model| model.name.clone()).next();
    let model = model.or(shared).ok_or_else(|| {
        Problem::new("The runtime has no models yet")
            .fixed_by("Download one, for example with: ollama pull llama3.2")
    })?;
    let endpoint = facts.server_url().and_then(|url| server_urls::endpoint(&url));
    let endpoint = endpoint.ok_or_else(|| Problem::new("No server is set up yet"))?;
    let sent = Instant::now();
    let response = ask(&endpoint, &model, key(&facts, api_key).as_ref()).await?;
    let answer = Answer::read(response, sent).await?;
    Ok(answer.result(model, sent.elapsed()))
}

/// Waits until the worker accepts requests.
async fn ready(supervisor: &Supervisor) -> Result<Facts, Problem> {
    let mut facts = supervisor.facts();
    let is_ready = |facts: &Facts| matches!(worker_state::phase(facts), Phase::Ready | Phase::Busy);
    if let Ok(Ok(facts)) = tokio::time::timeout(READY_TIMEOUT, facts.wait_for(is_ready)).await {
        return Ok(facts.clone());
    }
    let facts = facts.borrow();
    let phase = worker_state::phase(&facts);
    let countdown = worker_state::countdown(&facts, tokio::time::Instant::now());
    let headline = worker_state::headline(&facts, phase, countdown, 0);
    let problem = Problem::new(format!("The worker is not ready: {headline}"));
    Err(match snapshot::problem(&facts, phase) {
        Some(cause) => problem.because(cause.what).fixed_by(cause.fix.unwrap_or_default()),
        None => problem,
    })
}

/// The key that was typed. Without one the worker's own is tried, since some servers use one key for everything.
fn key(facts: &Facts, typed: Option<SecretString>) -> Option<SecretString> {
    let typed = typed.filter(|key| !key.expose_secret().trim().is_empty());
    typed.or_else(|| facts.config.as_ref()?.config.server.client_key.clone())
}

async fn ask(endpoint: &str, model: &str, key: Option<&SecretString>) -> Result<Response, Problem> {
    let unreachable = |error: reqwest::Error| {
        Problem::new("The server didn’t respond").because(error.without_url().to_string())
    };
    let client =
        reqwest::Client::builder().connect_timeout(Duration::from_secs(10)).read_timeout(READ_TIMEOUT);
    let client = client.build().map_err(unreachable)?;
    let body = json!({
        "model": model,
        "messages": [{ "role": "user", "content": QUESTION }],
        "max_tokens": MAX_TOKENS,
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
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Err(Problem::new("You’re connected. To send a test, enter an API key")
                .because(format!("{endpoint} responded with {status}. Worker keys can’t send requests."))
                .fixed_by("Enter one of the server’s API keys, or skip the test. The key is not saved.")
                .about("api_key"))
        }
        status => {
            Err(Problem::new(format!("The server responded with {status}")).because(reason(response).await))
        }
    }
}

/// The error message in the response.
async fn reason(response: Response) -> String {
    let text = response.text().await.unwrap_or_default();
    let body = serde_json::from_str::<Value>(&text).ok();
    let message = body.as_ref().and_then(|value| value["error"]["message"].as_str());
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
    async fn read(mut response: Response, sent: Instant) -> Result<Self, Problem> {
        let broken = |error: reqwest::Error| {
            Problem::new("The response was interrupted").because(error.without_url().to_string())
        };
        let (mut answer, mut rest) = (Self::default(), Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            answer.first_byte.get_or_insert_with(|| sent.elapsed());
            rest.extend_from_slice(&chunk);
            if rest.len() > MAX_LEN || answer.text.len() > MAX_LEN {
                return Err(Problem::new("The response is too long"));
            }
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                answer.line(&String::from_utf8_lossy(&line))?;
            }
        }
        Ok(answer)
    }

    /// Reads a line of the event stream.
    fn line(&mut self, line: &str) -> Result<(), Problem> {
        let Some(data) = line.trim().strip_prefix("data:") else {
            return Ok(());
        };
        let Ok(event) = serde_json::from_str::<Value>(data.trim()) else {
            return Ok(()); // `[DONE]`
        };
        if let Some(message) = event["error"]["message"].as_str() {
            return Err(Problem::new("The response was interrupted").because(message));
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

    fn result(self, model: String, total: Duration) -> TestAnswer {
        let first = self.first_byte.unwrap_or(total);
        // A runtime that reports no token count sends about one token per event.
        let tokens = self.tokens.unwrap_or(self.pieces);
        let writing = total.saturating_sub(first).as_secs_f64();
        TestAnswer {
            model: self.model.unwrap_or(model),
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
    fn a_stream_is_assembled() {
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
    fn events_are_counted_if_the_runtime_reports_no_tokens() {
        let lines = [r#"data: {"choices":[{"delta":{"content":"x"}}]}"#; 5];
        let mut whole = answer(&lines).unwrap();
        whole.first_byte = Some(Duration::ZERO);
        assert_eq!(whole.result("m".into(), Duration::from_secs(2)).tokens_per_second, Some(2.0));
        let nothing = answer(&[]).unwrap().result("m".into(), Duration::from_secs(2));
        assert_eq!((nothing.tokens_per_second, nothing.model.as_str()), (None, "m"));
    }

    #[test]
    fn an_error_event_is_an_error() {
        let problem = answer(&[r#"data: {"error":{"message":"runtime lost"}}"#]).err().unwrap();
        assert_eq!(problem.why.as_deref(), Some("runtime lost"));
    }
}

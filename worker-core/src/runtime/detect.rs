//! Finds out which kind of runtime is at an address.

use http::header::SERVER;

use super::listing::Entry;
use super::probe_client::{Answer, ProbeClient, ProbeError};
use super::{Kind, Target, listing, lm_studio, ollama};

/// Every kind serves `/v1/models`, and some can be recognised by it; the others are recognised by their own paths.
pub(super) async fn detect(client: &ProbeClient, target: &Target) -> Result<Kind, ProbeError> {
    let answer = client.get(&target.native("/v1/models")).await;
    let listing = answer.as_ref().map_err(Clone::clone).and_then(listing::read);
    if let (Ok(answer), Ok(entries)) = (&answer, &listing)
        && let Some(kind) = shown(answer, entries)
    {
        return Ok(kind);
    }
    match &listing {
        // Other paths would fail in the same way.
        Err(error) if error.is_silence() || error.is_locked() || *error == ProbeError::OurServer => {
            return Err(error.clone());
        }
        Err(ProbeError::Status(status, said)) if status.is_server_error() => {
            return Err(ProbeError::Status(*status, said.clone()));
        }
        _ => {}
    }
    if lm_studio::is_there(client, target).await {
        return Ok(Kind::LmStudio);
    }
    if ollama::is_there(client, target).await {
        return Ok(Kind::Ollama);
    }
    listing.map(|_| Kind::OpenAi)
}

fn shown(answer: &Answer, entries: &[Entry]) -> Option<Kind> {
    let server = answer.headers.get(SERVER).and_then(|name| name.to_str().ok()).unwrap_or_default();
    if server.starts_with("llama.cpp") || entries.iter().any(|entry| entry.is_owned_by("llamacpp")) {
        return Some(Kind::LlamaCpp);
    }
    entries.iter().any(|entry| entry.is_owned_by("vllm")).then_some(Kind::Vllm)
}

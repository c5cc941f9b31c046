//! Finding out which kind of runtime answers at an address.

use http::header::SERVER;

use super::ask::{Answer, Asker, Miss};
use super::listing::Entry;
use super::{Kind, Target, listing, lm_studio, ollama};

/// Every kind answers `/v1/models`, and some show there who they are; the others are known by their own paths.
pub(super) async fn detect(asker: &Asker, target: &Target) -> Result<Kind, Miss> {
    let answer = asker.get(&target.native("/v1/models")).await;
    let listing = answer.as_ref().map_err(Clone::clone).and_then(listing::read);
    if let (Ok(answer), Ok(entries)) = (&answer, &listing)
        && let Some(kind) = shown(answer, entries)
    {
        return Ok(kind);
    }
    match &listing {
        // Another path would be answered no better.
        Err(miss) if miss.is_silence() || miss.is_locked() || *miss == Miss::OurServer => {
            return Err(miss.clone());
        }
        Err(Miss::Status(status, said)) if status.is_server_error() => {
            return Err(Miss::Status(*status, said.clone()));
        }
        _ => {}
    }
    if lm_studio::is_there(asker, target).await {
        return Ok(Kind::LmStudio);
    }
    if ollama::is_there(asker, target).await {
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

//! Why there is no usable runtime, said so that its owner knows what to do.

use url::Url;

use super::Kind;
use super::probe_client::ProbeError;

/// Why the runtime cannot be used now: one readable sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unready {
    /// What is wrong, where, and if possible what to do.
    pub reason: String,
}

impl Unready {
    pub(super) fn because(error: &ProbeError, kind: Kind, base: &Url, has_key: bool) -> Self {
        let who = format!("{} at {}", kind.title(), shown(base));
        let reason = match error {
            ProbeError::Refused => format!("{who} refuses connections: is it running?"),
            ProbeError::Unreachable(why) => format!("{who} cannot be reached: {why}"),
            ProbeError::Slow => format!("{who} took the connection, but does not answer"),
            ProbeError::Status(status, _) if error.is_locked() => {
                let wrong = if has_key { "refuses our API key" } else { "wants an API key" };
                format!("{who} {wrong} (HTTP {}): set COMPLETION_API_KEY", status.as_u16())
            }
            ProbeError::Status(status, _) if status.as_u16() == 404 => {
                format!("{who} does not list models (HTTP 404): check COMPLETION_BASE_URL and RUNTIME_KIND")
            }
            ProbeError::Status(status, said) if said.is_empty() => {
                format!("{who} answers HTTP {}", status.as_u16())
            }
            ProbeError::Status(status, said) => format!("{who} answers HTTP {}: {said}", status.as_u16()),
            ProbeError::TooLong => format!("{who} sends a list of models too long to read"),
            ProbeError::Rubbish => {
                format!(
                    "{who} answers, but with no list of models: check COMPLETION_BASE_URL and RUNTIME_KIND"
                )
            }
            ProbeError::OurServer => format!(
                "at {} is a llamapool server, no LLM runtime: check COMPLETION_BASE_URL \
                 (to chain pools, set RUNTIME_KIND to openai)",
                shown(base)
            ),
            ProbeError::Loading => format!("{who} is still loading its model"),
        };
        Self { reason }
    }

    /// `hint` is what may be a runtime, but is not usable.
    pub(super) fn nothing_found(looked_for: &[(Kind, u16)], hint: Option<Self>) -> Self {
        let places: Vec<String> =
            looked_for.iter().map(|(kind, port)| format!("{} on port {port}", kind.title())).collect();
        let hint = hint.map(|hint| format!(" ({})", hint.reason)).unwrap_or_default();
        let places = places.join(", ");
        Self {
            reason: format!(
                "no LLM runtime found on this machine, looked for {places}: start one, \
                 or set COMPLETION_BASE_URL{hint}"
            ),
        }
    }
}

/// The address as people know it: without credentials, and without a lonely slash.
fn shown(base: &Url) -> String {
    let mut base = base.clone();
    // Both fail only for addresses that cannot have credentials.
    let _ = base.set_username("");
    let _ = base.set_password(None);
    base.as_str().trim_end_matches('/').to_owned()
}

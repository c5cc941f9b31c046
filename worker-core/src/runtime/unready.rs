//! Why there is no usable runtime, in words that tell its owner what to do.

use url::Url;

use super::Kind;
use super::probe_client::ProbeError;

/// Why the runtime cannot be used now, as one sentence.
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
            ProbeError::Refused => format!("{who} refused the connection: is it running?"),
            ProbeError::Unreachable(why) => format!("{who} cannot be reached: {why}"),
            ProbeError::Slow => format!("{who} accepted the connection but does not respond"),
            ProbeError::Status(status, _) if error.is_locked() => {
                let wrong = if has_key { "rejected the API key" } else { "requires an API key" };
                format!("{who} {wrong} (HTTP {}): set COMPLETION_API_KEY", status.as_u16())
            }
            ProbeError::Status(status, _) if status.as_u16() == 404 => {
                format!("{who} does not list models (HTTP 404): check COMPLETION_BASE_URL and RUNTIME_KIND")
            }
            ProbeError::Status(status, message) if message.is_empty() => {
                format!("{who} responded with HTTP {}", status.as_u16())
            }
            ProbeError::Status(status, message) => {
                format!("{who} responded with HTTP {}: {message}", status.as_u16())
            }
            ProbeError::TooLong => format!("{who} sent a list of models that is too long"),
            ProbeError::Rubbish => {
                format!(
                    "{who} responded, but not with a list of models: check COMPLETION_BASE_URL and RUNTIME_KIND"
                )
            }
            ProbeError::OurServer => format!(
                "{} is a llamapool server, not an LLM runtime: check COMPLETION_BASE_URL \
                 (to chain pools, set RUNTIME_KIND to openai)",
                shown(base)
            ),
            ProbeError::Loading => format!("{who} is still loading its model"),
        };
        Self { reason }
    }

    /// `hint` is about a program that may be a runtime, but is not usable.
    pub(super) fn nothing_found(tried: &[(Kind, u16)], hint: Option<Self>) -> Self {
        let ports: Vec<String> =
            tried.iter().map(|(kind, port)| format!("{} on port {port}", kind.title())).collect();
        let hint = hint.map(|hint| format!(" ({})", hint.reason)).unwrap_or_default();
        let ports = ports.join(", ");
        Self {
            reason: format!(
                "no LLM runtime found on this machine; tried {ports}. Start one, \
                 or set COMPLETION_BASE_URL{hint}"
            ),
        }
    }
}

/// The address for display: without credentials, and without a trailing slash.
fn shown(base: &Url) -> String {
    let mut base = base.clone();
    // Both calls fail only for addresses that cannot have credentials.
    let _ = base.set_username("");
    let _ = base.set_password(None);
    base.as_str().trim_end_matches('/').to_owned()
}

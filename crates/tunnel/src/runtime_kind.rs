//! The kind of LLM runtime. Each kind has its own API for listing models.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// The kind of an LLM runtime; in settings, `Auto` means to detect it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuntimeKind {
    /// Not known yet: the worker detects it.
    #[default]
    Auto,
    /// Ollama: `/api/tags`, `/api/ps`, `/api/version`.
    Ollama,
    /// llama.cpp's `llama-server`: `/v1/models`, `/props`.
    LlamaCpp,
    /// LM Studio: `/api/v0/models`.
    LmStudio,
    /// vLLM: `/v1/models` with `max_model_len`, `/version`.
    Vllm,
    /// Anything else that answers `/v1/models` the way OpenAI does.
    #[serde(rename = "openai")]
    OpenAi,
}

impl RuntimeKind {
    /// Every kind, in the order in which settings and help list them.
    pub const ALL: [Self; 6] =
        [Self::Auto, Self::Ollama, Self::LlamaCpp, Self::LmStudio, Self::Vllm, Self::OpenAi];

    /// The name in settings and on the wire, such as `llama_cpp`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Ollama => "ollama",
            Self::LlamaCpp => "llama_cpp",
            Self::LmStudio => "lm_studio",
            Self::Vllm => "vllm",
            Self::OpenAi => "openai",
        }
    }

    /// The product name, for sentences, such as `LM Studio`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Auto => "The LLM runtime",
            Self::Ollama => "Ollama",
            Self::LlamaCpp => "llama.cpp",
            Self::LmStudio => "LM Studio",
            Self::Vllm => "vLLM",
            Self::OpenAi => "The OpenAI-compatible runtime",
        }
    }
}

impl fmt::Display for RuntimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text does not name a kind of runtime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown runtime kind `{0}`; known kinds are auto, ollama, llama_cpp, lm_studio, vllm, openai")]
pub struct UnknownKind(String);

impl FromStr for RuntimeKind {
    type Err = UnknownKind;

    /// Accepts the spellings that people use: case, `-`, `_`, `.` and spaces do not matter.
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let squeezed: String =
            text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        match squeezed.as_str() {
            "auto" => Ok(Self::Auto),
            "ollama" => Ok(Self::Ollama),
            "llamacpp" | "llamaserver" => Ok(Self::LlamaCpp),
            "lmstudio" => Ok(Self::LmStudio),
            "vllm" => Ok(Self::Vllm),
            "openai" | "openaicompatible" => Ok(Self::OpenAi),
            _ => Err(UnknownKind(text.to_owned())),
        }
    }
}

/// A name that is unknown here, sent by a peer of another version, is read as `openai`: a runtime
/// to which requests can at least be relayed.
impl<'de> Deserialize<'de> for RuntimeKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(name.parse().unwrap_or(Self::OpenAi))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_everywhere() {
        for kind in RuntimeKind::ALL {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<RuntimeKind>(&json).unwrap(), kind);
            assert_eq!(kind.name().parse::<RuntimeKind>().unwrap(), kind);
        }
    }

    #[test]
    fn spellings_people_use() {
        for (text, kind) in [
            ("LM Studio", RuntimeKind::LmStudio),
            ("lm-studio", RuntimeKind::LmStudio),
            ("lmstudio", RuntimeKind::LmStudio),
            ("llama.cpp", RuntimeKind::LlamaCpp),
            ("llamacpp", RuntimeKind::LlamaCpp),
            ("vLLM", RuntimeKind::Vllm),
            ("openai-compatible", RuntimeKind::OpenAi),
        ] {
            assert_eq!(text.parse::<RuntimeKind>().unwrap(), kind, "{text}");
        }
        let error = "gpt".parse::<RuntimeKind>().unwrap_err().to_string();
        assert!(error.contains("`gpt`") && error.contains("llama_cpp"), "{error}");
        assert!("".parse::<RuntimeKind>().is_err());
    }

    #[test]
    fn a_kind_of_a_later_version_is_something_we_can_relay_to() {
        assert_eq!(serde_json::from_str::<RuntimeKind>("\"quantum\"").unwrap(), RuntimeKind::OpenAi);
    }
}

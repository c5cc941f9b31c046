//! The LLM runtime next to a worker.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::runtime::{HiddenModels, Kind, NamePattern};
use llamapool_settings::concern;
use llamapool_settings::{Setting, kind};

/// Faster polling adds load without new information.
const SHORTEST_POLL: Duration = Duration::from_secs(1);

/// A shorter timeout would fail on every hiccup of the network.
const SHORTEST_CONNECT: Duration = Duration::from_millis(100);

const KINDS: &[(&str, Kind)] = &[
    ("auto", Kind::Auto),
    ("ollama", Kind::Ollama),
    ("llama_cpp", Kind::LlamaCpp),
    ("lm_studio", Kind::LmStudio),
    ("vllm", Kind::Vllm),
    ("openai", Kind::OpenAi),
];

concern! {
    /// The LLM runtime next to the worker.
    pub struct Runtime: "Runtime" {
        /// URL of the runtime's OpenAI-compatible API, for example `http://127.0.0.1:11434/v1`. If unset, the worker tries
        /// the default ports on this machine: Ollama (11434), LM Studio (1234), llama.cpp (8080), vLLM (8000).
        base_url: Option<Url> = Setting::new("completion_base_url", kind::http_url().optional())
            .formerly("ollama_base_url").formerly("ollama_url")
            .default_words("detected");

        /// API key of the runtime, if it requires one.
        api_key: Option<SecretString> =
            Setting::new("completion_api_key", kind::secret().optional()).formerly("ollama_api_key");

        /// Kind of the runtime; `auto` detects it.
        kind: Kind = Setting::new("runtime_kind", kind::one_of(KINDS)).formerly("api_style").default("auto");

        /// Maximum number of concurrent requests to the runtime.
        max_concurrency: u32 =
            Setting::new("max_concurrency", kind::count(1..=4096).map(|n| n as u32)).default("2");

        /// Hidden models: names of models that this worker does not offer. `*` matches any characters: `*embed*` hides all
        /// embedding models, `*` hides every model.
        withheld: HiddenModels = Setting::new("models_withheld", names().list().map(HiddenModels::new));

        /// Offer the runtime's remote models too: those that it passes on to a service elsewhere, such as Ollama's cloud models (`gpt-oss:120b-cloud`).
        /// Requests for them, including prompts, leave this machine and use its owner's account.
        offer_remote_models: bool = Setting::new("offer_remote_models", kind::switch()).default("false");

        /// How often the worker asks the runtime for its models.
        poll_interval: Duration =
            Setting::new("model_poll_interval", kind::duration().at_least(SHORTEST_POLL)).default("30s");

        /// Longest time without data from the runtime within a request; 0 leaves the limit to the server.
        request_timeout: Option<Duration> =
            Setting::new("request_timeout", kind::duration().or_off()).default("0");

        /// Timeout for connecting to the runtime.
        connect_timeout: Duration =
            Setting::new("connect_timeout", kind::duration().at_least(SHORTEST_CONNECT)).default("10s");

        /// Serve the built-in demo model, which echoes the prompt, instead of a runtime.
        demo: bool = Setting::new("demo", kind::switch()).default("false");
    }
}

fn names() -> kind::Kind<NamePattern> {
    kind::Kind::new("MODELS", "names of models, with * for any characters", NamePattern::read)
        .example("*embed*")
}

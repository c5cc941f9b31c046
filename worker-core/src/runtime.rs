//! The LLM runtime next to the worker: its kind, its address, and its models.
//!
//! [`Kind`] and [`Model`] describe what can be known, [`Target`] where requests go, [`Operation`] which requests are relayed, [`Offered`] for which
//! models. A [`Prober`] asks the runtime (`probe_client`), finds out its kind (`detect`), and lists the models with that kind's own API (`ollama`,
//! `lm_studio`, `llama_cpp`, `vllm`, `openai`; most of them start from `listing`); the result is a [`RuntimeInfo`]. `discovery` probes all default
//! ports at once, and `missing_model` recognises a runtime's error for a model that it no longer has.

mod hidden_models;
mod info;
mod missing_model;
mod offered;
mod operation;
mod target;

mod detect;
mod discovery;
mod listing;
mod llama_cpp;
mod lm_studio;
mod ollama;
mod openai;
mod probe_client;
mod prober;
mod unready;
mod vllm;

pub use discovery::{FoundRuntime, discover};
pub use hidden_models::{HiddenModels, NamePattern};
pub use info::RuntimeInfo;
pub use llamapool_tunnel::model::{MAX_MODELS, MAX_NAME, Model};
pub use llamapool_tunnel::{RuntimeKind as Kind, UnknownKind};
pub use missing_model::{LONGEST_ERROR, may_miss_model, misses_model};
pub use offered::{Offered, mark};
pub use operation::Operation;
pub use prober::Prober;
pub use target::{NotForwarded, Target, endpoint};
pub use unready::Unready;

#[cfg(test)]
mod tests;

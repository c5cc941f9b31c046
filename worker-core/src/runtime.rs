//! The LLM runtime beside the worker: what it is, where it is, and which models it has.
//!
//! [`Kind`] and [`Model`] say what can be known, [`Target`] where requests go. A survey asks (`ask`), finds out
//! the kind (`detect`), and lists the models by that kind's own means (`ollama`, `lm_studio`, `llama_cpp`,
//! `vllm`, `openai`; most of them start from `listing`). `discovery` looks everywhere at once. `lenient` is how answers of strangers are read.

mod kind;
mod model;
mod target;

mod ask;
mod detect;
mod discovery;
mod lenient;
mod listing;
mod llama_cpp;
mod lm_studio;
mod ollama;
mod openai;
mod surveyor;
mod unready;
mod vllm;
mod withheld;

pub use discovery::{FoundRuntime, discover};
pub use kind::{Kind, UnknownKind};
pub(crate) use lenient::{listed, wanted};
pub use model::{MAX_MODELS, MAX_NAME, Model, Survey};
pub use surveyor::Surveyor;
pub use target::{NotForwarded, Target, endpoint};
pub use unready::Unready;
pub use withheld::{NamePattern, Withheld};

#[cfg(test)]
mod tests;

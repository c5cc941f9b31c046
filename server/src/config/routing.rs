//! The choice of a worker.

use llamapool_settings::concern;
use llamapool_settings::{Setting, kind};

/// When a request may use an alias of its model: the same name and size in another quantization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasFallback {
    /// When no worker with the exact model has a free slot.
    Busy,
    /// Only when no ready worker has the exact model.
    Missing,
    /// Never.
    Off,
}

const FALLBACKS: &[(&str, AliasFallback)] =
    &[("busy", AliasFallback::Busy), ("missing", AliasFallback::Missing), ("off", AliasFallback::Off)];

concern! {
    /// The choice of a worker.
    pub struct Routing: "Routing" {
        /// When to use an alias of the model (`llama3:8b-q4_0` for `llama3:8b-fp16`): `busy` if no worker with the exact model has a free slot,
        /// `missing` if no ready worker has it, `off` never.
        alias_fallback: AliasFallback = Setting::new("alias_fallback", kind::one_of(FALLBACKS)).default("busy");

        /// Maximum number of workers that a request is sent to before it fails. After its first byte, a response comes from one worker only. Workers
        /// that refuse a request because they are busy or draining do not count.
        max_attempts: usize = Setting::new("max_attempts", kind::count(1..=100).map(|n| n as usize)).default("3");
    }
}

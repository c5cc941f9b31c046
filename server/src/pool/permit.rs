//! A slot of an upstream, held by one request.

use std::sync::Arc;

use super::catalog::Picked;
use super::{Registry, SlotOutcome, UpstreamId};
use crate::upstream::{Identity, Upstream};

/// Room for one request at an upstream. It is released when dropped, or with an outcome by [`SlotPermit::settle`].
pub struct SlotPermit {
    registry: Registry,
    pub(super) picked: Picked,
    outcome: SlotOutcome,
    /// Whether dropping it no longer releases anything.
    pub(super) is_released: bool,
}

impl SlotPermit {
    pub(super) fn new(registry: Registry, picked: Picked) -> Self {
        Self { registry, picked, outcome: SlotOutcome::default(), is_released: false }
    }

    /// Where to send the request.
    pub fn upstream(&self) -> &Upstream {
        &self.picked.upstream
    }

    /// The name of the upstream.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.picked.identity
    }

    /// The upstream's id in the registry.
    pub fn upstream_id(&self) -> UpstreamId {
        self.picked.id
    }

    /// The model's name at this upstream.
    pub fn model(&self) -> &str {
        &self.picked.model
    }

    /// Releases the slot and records how its request ended.
    pub fn settle(mut self, outcome: SlotOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for SlotPermit {
    fn drop(&mut self) {
        if !self.is_released {
            self.registry.release(self.picked.id, self.outcome);
        }
    }
}

//! The state that others see. [`view`] holds the promised types; a snapshot of them is read from the [`StateSources`], on request as JSON, and
//! by the [`Feed`] as events for dashboards.

mod feed;
mod snapshot;
pub mod view;

pub use feed::Feed;
pub(crate) use snapshot::server_state;
pub use snapshot::{StateSources, snapshot};

//! The state that others see. [`view`] holds the promised types; a snapshot of them is read from the [`StateSources`] by the
//! [`Feed`], which shares it among readers: as JSON on request, and as events for dashboards.

mod feed;
pub(crate) mod offers;
mod snapshot;
pub mod view;

pub use feed::{Detail, Feed};
pub use snapshot::StateSources;
pub(crate) use snapshot::server_state;

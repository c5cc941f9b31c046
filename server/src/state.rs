//! The state that others see: books of what happened ([`ledger`]), the requests that run ([`live`]), and the one [`view`] of it all that JSON, the
//! event stream and the dashboard read.

mod feed;
pub(crate) mod snapshot;
pub mod view;

pub use feed::Feed;
pub use snapshot::snapshot;

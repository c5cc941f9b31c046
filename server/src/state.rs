//! The state that others see: books of what happened ([`ledger`]), the requests that run ([`live`]), and the one [`view`] of it all that JSON, the
//! event stream and the dashboard read.

mod history;
pub mod ledger;
pub mod live;
pub mod view;

mod feed;
pub(crate) mod snapshot;

pub use feed::Feed;
pub use ledger::Ledger;
pub use llamapool_worker_core::usage;
pub use snapshot::snapshot;

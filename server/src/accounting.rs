//! What became of each request: its ticket, the requests in flight, the ledger with its counters, and one log line.

mod account;
mod capped;
mod counters;
mod history;
pub mod in_flight;
pub mod ledger;
pub mod ticket;

pub(crate) use capped::{CappedLabels, OTHER};
pub(crate) use counters::{Counters, Ended, WorkerTally};
pub use ledger::Ledger;

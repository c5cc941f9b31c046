//! The accounting of requests. A [`Ticket`](ticket::Ticket) owns a request from its first byte in to its last byte out and fills in its
//! [`RequestRecord`](record::RequestRecord). When the ticket is dropped, `account` turns the record into an
//! [`EndedRequest`](record::EndedRequest): one log line, one trace, and one entry in the [`Ledger`], which keeps totals, counters and charts.
//!
//! These are domain values. [`state::view`](crate::state::view) holds the JSON types that are promised, `metrics` the promised metrics; both read
//! from here.

mod account;
mod capped;
mod counters;
pub(crate) mod histograms;
pub(crate) mod history;
pub mod in_flight;
pub mod ledger;
mod ledger_view;
pub mod record;
mod samples;
pub mod ticket;
pub mod totals;
mod trace;
pub(crate) mod worker_totals;

pub(crate) use capped::OTHER;
pub(crate) use counters::{Counters, WorkerCounters};
pub(crate) use history::unix_seconds;
pub use ledger::Ledger;
pub(crate) use ledger_view::{LedgerView, Since};
pub(crate) use trace::Trace;

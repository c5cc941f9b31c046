//! Where the request may go: who it is for. Which worker that is, the registry decides in the moment each is tried.

use super::read::Ask;
use crate::pool::ModelQuery;

/// A request and the model that decides over its candidates.
pub(super) struct Plan {
    pub(super) ask: Ask,
    pub(super) want: ModelQuery,
}

pub(super) fn plan(ask: Ask) -> Plan {
    let want = ModelQuery { name: ask.model.name.clone() };
    Plan { ask, want }
}

//! Finds the upstreams that have the model. Which of them gets the request is decided when each is tried.

use super::read::Ask;
use crate::accounting::ticket::Ticket;
use crate::app::App;
use crate::http::error::ApiError;
use crate::pool::{ModelQuery, Shortlist};

/// A request and its candidates. Each of them is claimed only when it is tried.
pub(super) struct Plan {
    pub(super) ask: Ask,
    pub(super) shortlist: Shortlist,
}

/// Makes the plan.
///
/// # Errors
/// 404 if no upstream has the model, 503 if none that has it is ready, or none has said yet what it has.
pub(super) fn route(app: &App, ask: Ask, ticket: &mut Ticket) -> Result<Plan, ApiError> {
    let query = ModelQuery { name: ask.model.name.clone(), session: ask.session.clone() };
    let shortlist = app.registry.shortlist(query);
    if shortlist.is_any_ready() {
        return Ok(Plan { ask, shortlist });
    }
    ticket.record.served_as = app.registry.listed_name(&ask.model.name);
    tracing::debug!(
        request.id = ticket.id(),
        request.model = ask.model.name,
        candidates = ?shortlist.candidates(),
        "No candidate for {} is ready",
        ask.model.name
    );
    let name = ask.model.name;
    if app.registry.is_unknown(&name) {
        return Err(ApiError::UnknownModel(name));
    }
    Err(ApiError::NoUpstreamReady(name))
}

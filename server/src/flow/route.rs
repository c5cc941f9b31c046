//! Finds the upstreams that have the model. Which of them gets the request is decided at each attempt.

use super::read::Ask;
use crate::accounting::ticket::Ticket;
use crate::app::App;
use crate::http::error::ApiError;
use crate::objects::NotYours;
use crate::pool::{ModelQuery, Shortlist};

/// A request and its candidates. A candidate is claimed only when it is tried.
pub(super) struct Plan {
    pub(super) ask: Box<Ask>,
    pub(super) shortlist: Shortlist,
}

/// Makes the plan.
///
/// # Errors
/// 404 if the request continues what another key made, or no upstream has the model, 503 if none that has it is ready, or none has said yet what it has.
pub(super) fn route(app: &App, ask: Box<Ask>, ticket: &mut Ticket) -> Result<Plan, ApiError> {
    let continued = continued(app, &ask)?;
    let only = continued.as_ref().map(|(_, upstream)| upstream.clone());
    let any_model = !ask.names_model;
    let preferred = if any_model { app.objects.last_used(&ask.caller) } else { None };
    let query =
        ModelQuery { name: ask.model.name.clone(), session: ask.session.clone(), only, any_model, preferred };
    let shortlist = app.registry.shortlist(query);
    if shortlist.is_any_ready() {
        return Ok(Plan { ask, shortlist });
    }
    ticket.record.served_as = app.registry.listed_name(&ask.model.name);
    tracing::debug!(
        request.id = ticket.id(),
        request.model = ask.model.name,
        candidates = ?shortlist.candidates(),
        "No worker for {} is ready",
        ask.model.name
    );
    if let Some((id, _)) = continued {
        return Err(ApiError::ObjectAway(id));
    }
    let name = ask.model.name;
    if any_model {
        return Err(ApiError::NoUpstreamReady(name));
    }
    if app.registry.is_unknown(&name) {
        return Err(ApiError::UnknownModel { nearest: app.registry.similar_model(&name), model: name });
    }
    Err(ApiError::NoUpstreamReady(name))
}

/// The object that the request continues, and the id of the upstream that has it; `None` if it continues none, or nothing is known of it.
///
/// # Errors
/// 404 if the object belongs to another key.
fn continued(app: &App, ask: &Ask) -> Result<Option<(String, String)>, ApiError> {
    for id in &ask.links.named {
        match app.objects.origin(id, &ask.caller) {
            Ok(Some(origin)) => return Ok(Some((id.clone(), origin.upstream.id.clone()))),
            Ok(None) => {}
            Err(NotYours) => return Err(ApiError::UnknownObject(id.clone())),
        }
    }
    Ok(None)
}

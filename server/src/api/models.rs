//! The model list, in OpenAI's shape.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::Serialize;

use crate::app::App;
use crate::flow;
use crate::refusal::Refusal;
use crate::roster::Listed;
use crate::ticket::{Outcome, REQUEST_ID, Ticket};

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize)]
struct Model {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: String,
}

impl From<Listed> for Model {
    fn from(listed: Listed) -> Self {
        Self { id: listed.id, object: "model", created: listed.created, owned_by: listed.workers.join(",") }
    }
}

/// Every model of every worker, sorted.
pub(super) async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    answer(&app, &headers, || {
        let data = app.roster.models().into_iter().map(Model::from).collect();
        Ok(List { object: "list", data })
    })
}

/// One model; its id may have slashes.
pub(super) async fn one(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let id = id.strip_suffix('/').unwrap_or(&id);
    answer(&app, &headers, || {
        app.roster.model(id).map(Model::from).ok_or_else(|| Refusal::UnknownModel(id.to_owned()))
    })
}

/// What is behind the key.
fn answer<T: Serialize>(app: &App, headers: &HeaderMap, of: impl FnOnce() -> Result<T, Refusal>) -> Response {
    let mut ticket: Ticket = app.open_ticket(headers);
    ticket.asks_at("/v1/models");
    match app.keys.admit(headers).and_then(|_| of()) {
        Ok(answer) => {
            ticket.facts.outcome = Outcome::Done;
            ticket.facts.status = Some(200);
            ([(REQUEST_ID, ticket.id.clone())], Json(answer)).into_response()
        }
        Err(refusal) => flow::refuse(&refusal, ticket),
    }
}

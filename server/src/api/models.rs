//! The model list, in OpenAI's shape.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounting::record::Outcome;
use crate::accounting::ticket::{REQUEST_ID, Ticket};
use crate::app::App;
use crate::flow;
use crate::http::answers::{Guarded, Malformed, UnknownModel};
use crate::http::error::ApiError;
use crate::http::path_param::PathParam;
use crate::pool::ListedModel;

/// Models.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelList)]
pub(crate) struct List {
    /// `list`.
    object: &'static str,
    /// Sorted by id.
    data: Vec<Model>,
}

/// A model.
#[derive(Serialize, ToSchema)]
pub(crate) struct Model {
    /// Its name in requests.
    id: String,
    /// `model`.
    object: &'static str,
    /// When a worker first had it, Unix seconds.
    created: u64,
    /// The names of the workers that have it, with commas between.
    owned_by: String,
}

impl From<ListedModel> for Model {
    fn from(listed: ListedModel) -> Self {
        Self { id: listed.id, object: "model", created: listed.created, owned_by: listed.workers.join(",") }
    }
}

/// Every model of every worker
#[utoipa::path(
    get, path = "/v1/models", operation_id = "models", tag = "Models",
    responses((status = 200, description = "All of them.", body = List), Guarded),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    answer(&app, &headers, || {
        let data = app.registry.models().into_iter().map(Model::from).collect();
        Ok(List { object: "list", data })
    })
}

/// One model
///
/// The id may have slashes, as they are or as `%2F`.
#[utoipa::path(
    get, path = "/v1/models/{id}", operation_id = "model", tag = "Models",
    params(("id" = String, Path, description = "The model's id.", min_length = 1)),
    responses((status = 200, description = "It is here.", body = Model), Guarded, Malformed, UnknownModel),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    PathParam(id): PathParam<String>,
    headers: HeaderMap,
) -> Response {
    let id = id.strip_suffix('/').unwrap_or(&id);
    answer(&app, &headers, || {
        app.registry.model(id).map(Model::from).ok_or_else(|| ApiError::UnknownModel(id.to_owned()))
    })
}

/// What is behind the key.
fn answer<T: Serialize>(
    app: &App,
    headers: &HeaderMap,
    of: impl FnOnce() -> Result<T, ApiError>,
) -> Response {
    let mut ticket: Ticket = app.open_ticket(headers);
    ticket.asks_at("/v1/models");
    match app.keys.admit(headers).and_then(|_| of()) {
        Ok(answer) => {
            ticket.record.outcome = Outcome::Done;
            ticket.record.status = Some(200);
            ([(REQUEST_ID, ticket.id.clone())], Json(answer)).into_response()
        }
        Err(refusal) => flow::refuse(&refusal, ticket),
    }
}

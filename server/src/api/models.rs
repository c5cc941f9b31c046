//! The list of models, in the shape of OpenAI's API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounting::record::Outcome;
use crate::accounting::ticket::Ticket;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::flow;
use crate::http::ascii_name::ascii_name;
use crate::http::error::ApiError;
use crate::http::path_param::PathParam;
use crate::http::request_id::REQUEST_ID;
use crate::http::responses::{BadPathParam, KeyRequired, ModelNotFound};
use crate::pool::ListedModel;

/// A list of models.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelList)]
pub(crate) struct List {
    /// Always `list`.
    object: &'static str,
    /// Sorted by id.
    data: Vec<Model>,
}

/// A model.
#[derive(Serialize, ToSchema)]
pub(crate) struct Model {
    /// The name to use in requests.
    id: String,
    /// Always `model`.
    object: &'static str,
    /// When a worker first offered it, in Unix seconds.
    created: u64,
    /// `llamapool`. For keys that may read the state: the names of the workers that have it, separated by commas. Commas and what is not ASCII
    /// are percent-encoded in names.
    owned_by: String,
    /// Context length in tokens: the smallest among the workers that have it. `null` if no runtime reports it.
    #[schema(required)]
    context_length: Option<u64>,
    /// The same, under vLLM's name for it.
    #[schema(required)]
    max_model_len: Option<u64>,
}

/// The owner shown to callers that may not see the machines.
const OWNER: &str = "llamapool";

impl Model {
    /// The entry as this caller may see it.
    fn new(listed: ListedModel, caller: &Caller) -> Self {
        let names = || listed.workers.iter().map(|name| ascii_name(name)).collect::<Vec<_>>().join(",");
        let may_see = caller.role().may(Permission::ViewState);
        Self {
            owned_by: if may_see { names() } else { OWNER.to_owned() },
            object: "model",
            created: listed.created,
            context_length: listed.context,
            max_model_len: listed.context,
            id: listed.id,
        }
    }
}

/// List models
///
/// All models of all workers.
#[utoipa::path(
    get, path = "/v1/models", operation_id = "models", tag = "Models",
    responses((status = 200, description = "The list of models.", body = List), KeyRequired),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    respond(&app, &headers, |caller| {
        let data = app.registry.models().into_iter().map(|listed| Model::new(listed, caller)).collect();
        Ok(List { object: "list", data })
    })
}

/// Retrieve a model
///
/// The id may contain slashes, as they are or as `%2F`.
#[utoipa::path(
    get, path = "/v1/models/{id}", operation_id = "model", tag = "Models",
    params(("id" = String, Path, description = "The model's id.", min_length = 1)),
    responses((status = 200, description = "The model.", body = Model), KeyRequired, BadPathParam, ModelNotFound),
    security(("bearer" = []), ("x_api_key" = [])),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    PathParam(id): PathParam<String>,
    headers: HeaderMap,
) -> Response {
    respond(&app, &headers, |caller| {
        // An id may end in a slash, and a URL may contain an extra one.
        let found = app.registry.model(&id).or_else(|| app.registry.model(id.trim_end_matches('/')));
        found.map(|listed| Model::new(listed, caller)).ok_or_else(|| match app.registry.is_unknown(&id) {
            true => ApiError::UnknownModel { nearest: app.registry.similar_model(&id), model: id },
            false => ApiError::NoUpstreamReady(id),
        })
    })
}

/// Checks the key, and settles a ticket with the result.
fn respond<T: Serialize>(
    app: &App,
    headers: &HeaderMap,
    result: impl FnOnce(&Caller) -> Result<T, ApiError>,
) -> Response {
    let mut ticket: Box<Ticket> = app.open_ticket(headers);
    ticket.asks_at("/v1/models");
    ticket.record.caller = app.keys.identify(headers).ok();
    match app.keys.authorize(headers, Permission::ListModels).and_then(|caller| result(&caller)) {
        Ok(body) => {
            ticket.record.outcome = Outcome::Done;
            ticket.record.status = Some(200);
            ([(REQUEST_ID, ticket.id.clone())], Json(body)).into_response()
        }
        Err(error) => flow::refuse(&error, ticket),
    }
}

//! `/v1/models`, `/v1/models/{id}` and `/health`.

use axum::Json;
use axum::extract::Path;
use serde_json::{Value, json};

use super::MODEL;
use super::ask::Fault;

/// The creation date of the model; clients sort by it.
const CREATED: u64 = 1_760_000_000;

pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

pub(super) async fn list() -> Json<Value> {
    Json(json!({ "object": "list", "data": [entry()] }))
}

pub(super) async fn one(Path(id): Path<String>) -> Result<Json<Value>, Fault> {
    if id == MODEL { Ok(Json(entry())) } else { Err(Fault::no_such_model(&id)) }
}

fn entry() -> Value {
    json!({ "id": MODEL, "object": "model", "created": CREATED, "owned_by": "llamapool-demo" })
}

//! The description of the API (OpenAPI 3.1), generated from the code, and the API page that shows it.
//!
//! Handlers are described next to their functions and listed below. [`relayed`] describes the paths that are passed on to a model, and
//! [`responses`] the errors, from [`ApiError`] itself. A test next to the routes checks that the routes and this document agree.

mod page;
mod relayed;

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

pub(crate) use page::{file, page, slash};

use crate::http::dashboard;
use crate::http::error::ApiError;
use crate::http::responses::{self, Event, header};
use crate::{api, workers};

const ABOUT: &str = "Your own machines behind one OpenAI-compatible API.\n\n\
    If the server has API keys, send one as `Authorization: Bearer KEY` or `X-API-Key: KEY`. A key has a role: `user` lists and uses models, \
    `viewer` lists models and reads the state and the metrics, and `admin` does everything. A missing or wrong key is a 401, a role that is not \
    enough a 403.\n\n\
    All paths also work with a slash at the end, and paths below `/v1` also below `/api/v1`. A wrong method is a 405 with the right ones in `Allow`. \
    Every response has an `X-Request-Id`. Errors of the server itself are a JSON object with `error`, whose `code` programs can branch on, and a \
    `Retry-After` if retrying helps. Responses of a model's runtime, including its errors, pass through unchanged. A stream that breaks ends with an \
    event that has `error`, and with an incomplete body.";

/// The handlers, each described next to its function.
#[derive(OpenApi)]
#[openapi(
    info(title = "llamapool", description = ABOUT, license(name = "MIT", identifier = "MIT")),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Models", description = "OpenAI-compatible endpoints, passed on to a machine that has the model."),
        (name = "State", description = "Monitoring and administration."),
        (name = "Health"),
        (name = "Workers", description = "For workers only."),
        (name = "Pages", description = "Web pages. The pages themselves need no key."),
        (name = "Models, below /api", description = "The same endpoints as below /v1."),
    ),
    paths(
        api::files::list,
        api::health::healthz,
        api::join_link::get,
        api::metrics::scrape,
        api::log_level::get,
        api::log_level::put,
        api::models::list,
        api::models::one,
        api::state::whole,
        api::state::models,
        api::state::events,
        api::state::drain_worker,
        api::state::undrain_worker,
        api::state::cancel,
        api::state::drain,
        workers::connect,
        dashboard::page,
        dashboard::asset,
        description,
        page::page,
        page::slash,
        page::file,
    ),
    components(schemas(crate::http::error::Envelope, Event)),
)]
struct Described;

/// The document as JSON.
static JSON: LazyLock<Bytes> =
    LazyLock::new(|| document().to_json().expect("a document is plain data").into());

/// Get this description
#[utoipa::path(
    get, path = "/api/client/openapi.json", operation_id = "openapi", tag = "Pages", security(()),
    responses((status = 200, description = "The OpenAPI document.", content_type = "application/json", body = Object)),
)]
pub(crate) async fn description() -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], JSON.clone()).into_response()
}

/// The whole document.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Described::openapi();
    let paths = &mut document.paths.paths;
    for (path, item) in relayed::paths() {
        paths.entry(path).or_default().merge_operations(item);
    }
    let home = copied(&paths["/state"], |operation| operation.operation_id = Some("home".to_owned()));
    paths.insert("/".to_owned(), home);
    let below_v1 = paths.iter().filter(|(path, _)| path.starts_with("/v1/"));
    let below_api: Vec<_> =
        below_v1.map(|(path, item)| (format!("/api{path}"), copied(item, move_below_api))).collect();
    paths.extend(below_api);
    paths.values_mut().flat_map(operations).for_each(complete);
    let components = document.components.get_or_insert_default();
    components.headers.extend(headers());
    components.parameters.insert("RequestId".to_owned(), request_id().into());
    components.add_security_schemes_from_iter(security_schemes());
    document
}

fn move_below_api(operation: &mut Operation) {
    operation.operation_id = operation.operation_id.take().map(|id| format!("api_{id}"));
    operation.tags = Some(vec!["Models, below /api".to_owned()]);
}

/// A copy of a path's operations, changed.
fn copied(item: &PathItem, change: impl FnMut(&mut Operation)) -> PathItem {
    let mut item = item.clone();
    operations(&mut item).for_each(change);
    item
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten()
}

/// Adds what all responses have in common, and the responses that every path may give.
fn complete(operation: &mut Operation) {
    operation.responses.responses.extend(responses::errors(&[ApiError::Internal]));
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.headers.insert("X-Request-Id".to_owned(), header("RequestId"));
        }
    }
}

fn headers() -> impl Iterator<Item = (String, RefOr<Header>)> {
    let headers = [
        ("RequestId", Type::String, "The request id in logs: the client's own, or a new one."),
        ("RetryAfter", Type::Integer, "Seconds to wait before retrying."),
        ("ShouldRetry", Type::String, "`false` if SDKs must not retry."),
        ("Worker", Type::String, "The worker that served the request."),
        ("Model", Type::String, "The model that served the request, if it is not the requested one."),
    ];
    headers.into_iter().map(|(name, kind, about)| {
        let mut header = Header::new(Object::with_type(kind));
        header.description = Some(about.to_owned());
        (name.to_owned(), header.into())
    })
}

fn request_id() -> Parameter {
    let about = "The request id in logs, in the response and for the model's runtime: 1 to 128 visible ASCII characters. Any other value is replaced.";
    utoipa::openapi::path::ParameterBuilder::new()
        .name("X-Request-Id")
        .parameter_in(ParameterIn::Header)
        .description(Some(about))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = |about| HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    let header = ApiKeyValue::with_description("X-API-Key", "The same key, as some clients send it.");
    [
        (
            "bearer",
            SecurityScheme::Http(bearer(
                "An API key of the server: `API_KEY` (admin), `USER_KEY` or `VIEWER_KEY`.",
            )),
        ),
        ("x_api_key", SecurityScheme::ApiKey(ApiKey::Header(header))),
        ("worker_key", SecurityScheme::Http(bearer("A worker key of the server (`CLIENT_KEY`)."))),
    ]
}

//! The description of the API (OpenAPI 3.1), made from the code, and a page to read it and to try things out.
//!
//! What answers a path of its own is described beside its function, and named in the list below. The paths that are passed on are described by
//! [`relayed`], from the table they are routed by; errors by [`answers`], from the refusals themselves. A test beside the routes shows that they and
//! this document are the same.

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

use crate::http::answers::{self, Event, header};
use crate::http::dashboard;
use crate::http::error::ApiError;
use crate::{api, workers};

const ABOUT: &str = "Your own machines behind one OpenAI-compatible API.\n\n\
    Keys are needed where the server has any: `Authorization: Bearer KEY` or `X-API-Key: KEY`. Paths are the same with a slash at their end; those \
    below `/v1` are there below `/api/v1` too. A path with another method is a 405 that says in `Allow` which ones it takes, and anything else a \
    404. Every answer has an `X-Request-Id`. An error of the server's own is a JSON object with `error`, whose `code` programs branch on; \
    where it is worth trying again there is a `Retry-After`. What a model's runtime says passes through as it is, its errors included; a stream \
    that breaks ends with an event that has `error`, and an unfinished body.";

/// What is described beside its function.
#[derive(OpenApi)]
#[openapi(
    info(title = "llamapool", description = ABOUT, license(name = "MIT", identifier = "MIT")),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Models", description = "What OpenAI's clients use: passed on to a machine that has the model."),
        (name = "State", description = "What happens, and what can be done about it."),
        (name = "Health"),
        (name = "Workers", description = "For the machines that have models."),
        (name = "Pages", description = "For people. No key is needed for the pages themselves."),
        (name = "Models, below /api", description = "The same as below /v1."),
    ),
    paths(
        api::health::healthz,
        api::metrics::scrape,
        api::log_level::get,
        api::log_level::put,
        api::models::list,
        api::models::one,
        api::state::whole,
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

/// The document as it is sent.
static JSON: LazyLock<Bytes> =
    LazyLock::new(|| document().to_json().expect("a document is plain data").into());

/// This description
#[utoipa::path(
    get, path = "/api/client/openapi.json", operation_id = "openapi", tag = "Pages", security(()),
    responses((status = 200, description = "An OpenAPI document.", content_type = "application/json", body = Object)),
)]
pub(crate) async fn description() -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], JSON.clone()).into_response()
}

/// The whole document.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Described::openapi();
    let paths = &mut document.paths.paths;
    paths.extend(relayed::paths());
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

/// The same for another path.
fn copied(item: &PathItem, change: impl FnMut(&mut Operation)) -> PathItem {
    let mut item = item.clone();
    operations(&mut item).for_each(change);
    item
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten()
}

/// What all answers have, and every path may answer.
fn complete(operation: &mut Operation) {
    operation.responses.responses.extend(answers::refused(&[ApiError::Internal]));
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.headers.insert("X-Request-Id".to_owned(), header("RequestId"));
        }
    }
}

fn headers() -> impl Iterator<Item = (String, RefOr<Header>)> {
    let told = [
        ("RequestId", Type::String, "Names the request in logs: the client's own, or a new one."),
        ("RetryAfter", Type::Integer, "Seconds after which it is worth trying again."),
        ("ShouldRetry", Type::String, "`false` where SDKs must not try again."),
        ("Worker", Type::String, "The machine that answered."),
        ("Model", Type::String, "The model that answered, if it is not the one asked for."),
    ];
    told.into_iter().map(|(name, kind, about)| {
        let mut header = Header::new(Object::with_type(kind));
        header.description = Some(about.to_owned());
        (name.to_owned(), header.into())
    })
}

fn request_id() -> Parameter {
    let about = "Names the request in logs, in the answer and for the model's runtime. 1 to 128 visible ASCII characters; anything else is replaced.";
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
        ("bearer", SecurityScheme::Http(bearer("One of the server's `API_KEY`s."))),
        ("x_api_key", SecurityScheme::ApiKey(ApiKey::Header(header))),
        ("worker_key", SecurityScheme::Http(bearer("One of the server's `CLIENT_KEY`s."))),
    ]
}

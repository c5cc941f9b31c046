//! The description of the paths that are passed on to a model. The server describes only the fields that it reads; the rest is defined by the
//! model's runtime.

mod objects;

use serde_json::{Value, json};
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, PathItem};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Ref, Required};

use crate::http::responses;
use crate::protocol::Service;

/// Longest model name that the server accepts, bytes.
const MAX_MODEL: usize = 512;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const FORM: &str = "multipart/form-data";

/// The documentation of one path.
struct ServiceDoc {
    summary: &'static str,
    /// The content type of requests.
    request_type: &'static str,
    /// The content types of responses.
    response_types: &'static [&'static str],
    /// Example fields of a request, besides `model`. In a form, files are `null`.
    example: Value,
}

/// All paths below `/v1`.
pub(super) fn paths() -> impl Iterator<Item = (String, PathItem)> {
    let services = Service::ALL.iter().map(|service| {
        let path = service.path();
        (path.to_owned(), PathItem::new(HttpMethod::Post, operation(path, &doc(path))))
    });
    services.chain(objects::paths())
}

/// The documentation of a path. The titles are those of OpenAI's reference. A test checks that every path has one.
fn doc(path: &str) -> ServiceDoc {
    let json = |summary, response_types, example| ServiceDoc {
        summary,
        request_type: JSON,
        response_types,
        example,
    };
    let form = |summary, response_types, example| ServiceDoc {
        summary,
        request_type: FORM,
        response_types,
        example,
    };
    match path {
        "/v1/chat/completions" => json(
            "Create chat completion",
            &[JSON, EVENTS],
            json!({"messages": [{"role": "user", "content": "Hello"}], "stream": false}),
        ),
        "/v1/completions" => {
            json("Create completion", &[JSON, EVENTS], json!({"prompt": "Once upon a time"}))
        }
        "/v1/responses" => json("Create a model response", &[JSON, EVENTS], json!({"input": "Hello"})),
        "/v1/embeddings" => json("Create embeddings", &[JSON], json!({"input": ["Hello"]})),
        "/v1/rerank" => json(
            "Rerank documents",
            &[JSON],
            json!({"query": "animals", "documents": ["a llama", "a chair"]}),
        ),
        "/v1/moderations" => json("Create moderation", &[JSON], json!({"input": "Hello"})),
        "/v1/images/generations" => json("Create image", &[JSON, EVENTS], json!({"prompt": "a llama"})),
        "/v1/audio/speech" => {
            json("Create speech", &["audio/*", EVENTS], json!({"input": "Hello", "voice": "alloy"}))
        }
        "/v1/images/edits" => {
            form("Create image edit", &[JSON, EVENTS], json!({"image": null, "prompt": "a hat"}))
        }
        "/v1/images/variations" => form("Create image variation", &[JSON], json!({"image": null})),
        "/v1/audio/transcriptions" => {
            form("Create transcription", &[JSON, "text/plain", EVENTS], json!({"file": null}))
        }
        "/v1/audio/translations" => form("Create translation", &[JSON, "text/plain"], json!({"file": null})),
        _ => json("Pass on to a model", &[JSON, EVENTS], json!({})),
    }
}

fn operation(path: &str, doc: &ServiceDoc) -> Operation {
    let id = path.trim_start_matches("/v1/").replace('/', "_");
    let operation = OperationBuilder::new()
        .tag("Models")
        .operation_id(Some(id))
        .summary(Some(doc.summary))
        .description(Some(
            "Passed on unchanged, including the query and unknown fields, to a machine that has the model.",
        ))
        .request_body(Some(request(doc)))
        .response("200", success(doc));
    finished(operation)
}

/// Adds what all operations on relayed paths have in common.
fn finished(operation: OperationBuilder) -> Operation {
    let mut operation = operation
        .response("default", any_other())
        .parameter_ref(Ref::new("#/components/parameters/RequestId"))
        .securities(Some(["bearer", "x_api_key"].map(|scheme| SecurityRequirement::new(scheme, [""; 0]))))
        .build();
    operation.responses.responses.extend(responses::model_request_errors());
    operation
}

fn request(doc: &ServiceDoc) -> RequestBody {
    let mut example = json!({"model": "MODEL"});
    let fields = doc.example.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let known = example.as_object_mut().expect("it is an object");
    known.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
    let content = ContentBuilder::new().schema(Some(schema(doc))).example(Some(example)).build();
    RequestBodyBuilder::new().required(Some(Required::True)).content(doc.request_type, content).build()
}

/// The fields that the server reads, and the files of a form.
fn schema(doc: &ServiceDoc) -> Object {
    let model = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("An id from `/v1/models`, or an alias."))
        .min_length(Some(1))
        .max_length(Some(MAX_MODEL));
    let mut fields = ObjectBuilder::new().property("model", model).required("model");
    if doc.request_type == FORM {
        // RFC 7578, 4.2: a name is part of a header, which cannot contain control characters.
        let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[^\\x00-\\x1f\\x7f]*$"));
        fields = fields.property_names(Some(name));
    }
    if doc.request_type == JSON {
        let stream = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Boolean, Type::Null]))
            .description(Some("Whether to stream the response."));
        fields = fields.property("stream", stream);
    }
    let files = doc.example.as_object().into_iter().flatten().filter(|(_, value)| value.is_null());
    for (name, _) in files {
        let file =
            ObjectBuilder::new().schema_type(Type::String).content_media_type("application/octet-stream");
        fields = fields.property(name, file);
    }
    fields.build()
}

fn success(doc: &ServiceDoc) -> Response {
    let mut response = ResponseBuilder::new().description("The response of the model's runtime.");
    for content_type in doc.response_types {
        let content = match *content_type {
            JSON => Content::new(Some(Object::with_type(Type::Object))),
            EVENTS => Content::new(Some(Ref::from_schema_name("Event"))),
            _ => Content::new(Some(Object::with_type(Type::String))),
        };
        response = response.content(*content_type, content);
    }
    with_origin(response.build())
}

fn any_other() -> Response {
    with_origin(
        ResponseBuilder::new().description("Any other response of the model's runtime, unchanged.").build(),
    )
}

/// Adds the headers that name the worker and the model.
fn with_origin(mut response: Response) -> Response {
    response.headers.insert("X-Llamapool-Worker".to_owned(), super::header("Worker"));
    response.headers.insert("X-Llamapool-Model".to_owned(), super::header("Model"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_own_title() {
        for service in Service::ALL {
            assert_ne!(doc(service.path()).summary, doc("").summary, "{}", service.path());
        }
    }
}

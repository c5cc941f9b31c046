//! The paths that are passed on to whoever has the model. What is in their bodies is between client and runtime, but for the little that the server
//! looks at.

use serde_json::{Value, json};
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, PathItem};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Ref, Required};

use crate::http::answers;
use crate::protocol::Service;

/// Longest name that the server takes for a model.
const MAX_MODEL: usize = 512;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const FORM: &str = "multipart/form-data";

/// What there is to say of one path.
struct Told {
    summary: &'static str,
    /// The content type of its requests.
    takes: &'static str,
    /// Those of its answers.
    gives: &'static [&'static str],
    /// Fields of a request, to begin with. Of a form, those that are files are `null`.
    example: Value,
}

/// All paths below `/v1`.
pub(super) fn paths() -> impl Iterator<Item = (String, PathItem)> {
    Service::ALL.iter().map(|service| {
        let path = service.path();
        (path.to_owned(), PathItem::new(HttpMethod::Post, operation(path, &told(path))))
    })
}

/// The words for a path. One that is new has a plain description until it gets its own; the tests ask for that.
fn told(path: &str) -> Told {
    let json = |summary, gives, example| Told { summary, takes: JSON, gives, example };
    let form = |summary, gives, example| Told { summary, takes: FORM, gives, example };
    match path {
        "/v1/chat/completions" => json(
            "Answer in a conversation",
            &[JSON, EVENTS],
            json!({"messages": [{"role": "user", "content": "Hello"}], "stream": false}),
        ),
        "/v1/completions" => {
            json("Go on with a text", &[JSON, EVENTS], json!({"prompt": "Once upon a time"}))
        }
        "/v1/responses" => json("Answer (Responses API)", &[JSON, EVENTS], json!({"input": "Hello"})),
        "/v1/embeddings" => json("Turn texts into vectors", &[JSON], json!({"input": ["Hello"]})),
        "/v1/rerank" => json(
            "Sort documents by how well they fit a query",
            &[JSON],
            json!({"query": "animals", "documents": ["a llama", "a chair"]}),
        ),
        "/v1/moderations" => json("Say what is wrong with a text", &[JSON], json!({"input": "Hello"})),
        "/v1/images/generations" => json("Draw", &[JSON, EVENTS], json!({"prompt": "a llama"})),
        "/v1/audio/speech" => {
            json("Speak", &["audio/*", EVENTS], json!({"input": "Hello", "voice": "alloy"}))
        }
        "/v1/images/edits" => {
            form("Change an image", &[JSON, EVENTS], json!({"image": null, "prompt": "a hat"}))
        }
        "/v1/images/variations" => form("Draw it again, differently", &[JSON], json!({"image": null})),
        "/v1/audio/transcriptions" => {
            form("Write down what is said", &[JSON, "text/plain", EVENTS], json!({"file": null}))
        }
        "/v1/audio/translations" => {
            form("Write down what is said, in English", &[JSON, "text/plain"], json!({"file": null}))
        }
        _ => json("Passed on", &[JSON, EVENTS], json!({})),
    }
}

fn operation(path: &str, told: &Told) -> Operation {
    let id = path.trim_start_matches("/v1/").replace('/', "_");
    let mut operation = OperationBuilder::new()
        .tag("Models")
        .operation_id(Some(id))
        .summary(Some(told.summary))
        .description(Some(
            "Passed on as it is, query and unknown fields included, to a machine that has the model.",
        ))
        .request_body(Some(request(told)))
        .response("200", whole(told))
        .response("default", other())
        .parameter_ref(Ref::new("#/components/parameters/RequestId"))
        .securities(Some(["bearer", "x_api_key"].map(|scheme| SecurityRequirement::new(scheme, [""; 0]))))
        .build();
    operation.responses.responses.extend(answers::of_the_flow());
    operation
}

fn request(told: &Told) -> RequestBody {
    let mut example = json!({"model": "MODEL"});
    let fields = told.example.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let known = example.as_object_mut().expect("it is one");
    known.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
    let content = ContentBuilder::new().schema(Some(fields_of(told))).example(Some(example)).build();
    RequestBodyBuilder::new().required(Some(Required::True)).content(told.takes, content).build()
}

/// The fields that the server looks at; and the files of a form.
fn fields_of(told: &Told) -> Object {
    let model = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A model of `/v1/models`, or another name of it."))
        .min_length(Some(1))
        .max_length(Some(MAX_MODEL));
    let mut fields = ObjectBuilder::new().property("model", model).required("model");
    if told.takes == FORM {
        // RFC 7578, 4.2: a name is part of a header, which has no control characters.
        let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[^\\x00-\\x1f\\x7f]*$"));
        fields = fields.property_names(Some(name));
    }
    if told.takes == JSON {
        let stream = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Boolean, Type::Null]))
            .description(Some("Whether the answer is to come in pieces."));
        fields = fields.property("stream", stream);
    }
    let files = told.example.as_object().into_iter().flatten().filter(|(_, value)| value.is_null());
    for (name, _) in files {
        let file =
            ObjectBuilder::new().schema_type(Type::String).content_media_type("application/octet-stream");
        fields = fields.property(name, file);
    }
    fields.build()
}

fn whole(told: &Told) -> Response {
    let mut response = ResponseBuilder::new().description("The answer of the model's runtime.");
    for content_type in told.gives {
        let content = match *content_type {
            JSON => Content::new(Some(Object::with_type(Type::Object))),
            EVENTS => Content::new(Some(Ref::from_schema_name("Event"))),
            _ => Content::new(Some(Object::with_type(Type::String))),
        };
        response = response.content(*content_type, content);
    }
    signed(response.build())
}

fn other() -> Response {
    signed(
        ResponseBuilder::new()
            .description("Whatever else the model's runtime says, in its own words.")
            .build(),
    )
}

/// With the headers that say who answered.
fn signed(mut response: Response) -> Response {
    response.headers.insert("X-Llamapool-Worker".to_owned(), super::header("Worker"));
    response.headers.insert("X-Llamapool-Model".to_owned(), super::header("Model"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_words_of_its_own() {
        for service in Service::ALL {
            assert_ne!(told(service.path()).summary, told("").summary, "{}", service.path());
        }
    }
}

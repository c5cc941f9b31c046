//! The description of the paths of objects that a model's runtime keeps.

use http::Method;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Object, Required};

use super::{JSON, ServiceDoc, finished, success};
use crate::protocol::ObjectService;

/// All paths of objects.
pub(super) fn paths() -> impl Iterator<Item = (String, PathItem)> {
    ObjectService::ALL.iter().map(|object| {
        let path = object.service.path();
        let mut item = PathItem::default();
        for method in object.methods {
            let operation = operation(path, method);
            let only = PathItem::new(http_method(method), operation);
            item.merge_operations(only);
        }
        (path.to_owned(), item)
    })
}

fn http_method(method: &Method) -> HttpMethod {
    match *method {
        Method::GET => HttpMethod::Get,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Post,
    }
}

/// The name and the title of an operation. The titles are those of OpenAI's reference.
fn name(path: &str, method: &Method) -> (&'static str, &'static str) {
    match (path, method.as_str()) {
        ("/v1/responses/{id}", "GET") => ("response", "Get a model response"),
        ("/v1/responses/{id}", _) => ("delete_response", "Delete a model response"),
        ("/v1/responses/{id}/cancel", _) => ("cancel_response", "Cancel a response"),
        ("/v1/responses/{id}/input_items", _) => ("response_input_items", "List input items"),
        ("/v1/chat/completions/{id}", "GET") => ("chat_completion", "Get chat completion"),
        ("/v1/chat/completions/{id}", "DELETE") => ("delete_chat_completion", "Delete chat completion"),
        ("/v1/chat/completions/{id}", _) => ("update_chat_completion", "Update chat completion"),
        _ => ("chat_completion_messages", "Get chat messages"),
    }
}

fn operation(path: &str, method: &Method) -> Operation {
    let (id, title) = name(path, method);
    let doc = ServiceDoc { summary: title, request_type: JSON, response_types: &[JSON], example: ().into() };
    let object_id = ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The id of the object, as the response that made it has it."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1))))
        .build();
    let mut operation = OperationBuilder::new()
        .tag("Models")
        .operation_id(Some(id))
        .summary(Some(title))
        .description(Some("Passed on unchanged to the machine that made the object."))
        .parameter(object_id)
        .response("200", success(&doc));
    if method == Method::POST {
        let content = utoipa::openapi::content::ContentBuilder::new()
            .schema(Some(Object::with_type(Type::Object)))
            .build();
        let body = utoipa::openapi::request_body::RequestBodyBuilder::new().content(JSON, content).build();
        operation = operation.request_body(Some(body));
    }
    finished(operation)
}

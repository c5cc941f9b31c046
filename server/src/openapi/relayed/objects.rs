//! The description of the paths of objects that a model's runtime keeps.

use http::Method;
use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Object, Required};

use super::{FORM, JSON, ServiceDoc, finished, success};
use crate::protocol::{FILES, ObjectService, Service};

/// All paths of objects.
pub(super) fn paths() -> impl Iterator<Item = (String, PathItem)> {
    let creating = Service::CREATING.iter().map(|service| (service.path(), &[Method::POST][..]));
    let existing = ObjectService::ALL.iter().map(|object| (object.service.path(), object.methods));
    creating.chain(existing).map(|(path, methods)| {
        let mut item = PathItem::default();
        for method in methods {
            item.merge_operations(PathItem::new(http_method(method), operation(path, method)));
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
        ("/v1/chat/completions/{id}/messages", _) => ("chat_completion_messages", "Get chat messages"),
        ("/v1/conversations", _) => ("create_conversation", "Create a conversation"),
        ("/v1/conversations/{id}", "GET") => ("conversation", "Retrieve a conversation"),
        ("/v1/conversations/{id}", "DELETE") => ("delete_conversation", "Delete a conversation"),
        ("/v1/conversations/{id}", _) => ("update_conversation", "Update a conversation"),
        ("/v1/conversations/{id}/items", "GET") => ("conversation_items", "List items"),
        ("/v1/conversations/{id}/items", _) => ("create_conversation_items", "Create items"),
        ("/v1/conversations/{id}/items/{item}", "GET") => ("conversation_item", "Retrieve an item"),
        ("/v1/conversations/{id}/items/{item}", _) => ("delete_conversation_item", "Delete an item"),
        ("/v1/files", _) => ("upload_file", "Upload file"),
        ("/v1/files/{id}", "GET") => ("file", "Retrieve file"),
        ("/v1/files/{id}", _) => ("delete_file", "Delete file"),
        _ => ("file_content", "Retrieve file content"),
    }
}

fn operation(path: &str, method: &Method) -> Operation {
    let (id, title) = name(path, method);
    let is_upload = path == FILES;
    let doc = ServiceDoc {
        summary: title,
        request_type: if is_upload { FORM } else { JSON },
        response_types: if id == "file_content" { &["*/*"] } else { &[JSON] },
        example: if is_upload { json!({"file": null}) } else { ().into() },
    };
    let about = if path.contains('{') {
        "Passed on unchanged to the machine that made the object. If nothing is known of the object, machines are asked in turn until one has it."
    } else {
        "Passed on unchanged to the machine that served this key's last request; if it is not ready or makes no such objects, to another one."
    };
    let mut operation = OperationBuilder::new()
        .tag("Models")
        .operation_id(Some(id))
        .summary(Some(title))
        .description(Some(about))
        .response("200", success(&doc));
    for (wanted, about) in IDS.iter().filter(|(name, _)| path.contains(&format!("{{{name}}}"))) {
        operation = operation.parameter(id_parameter(wanted, about));
    }
    if method == Method::POST {
        operation = operation.request_body(Some(body(&doc)));
    }
    finished(operation)
}

/// The ids in paths.
const IDS: [(&str, &str); 2] = [
    ("id", "The id of the object, as the response that made it has it."),
    ("item", "The id of the item, as the list of items has it."),
];

fn id_parameter(name: &str, about: &str) -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1))))
        .build()
}

/// Any JSON object, or a form with a file.
fn body(doc: &ServiceDoc) -> RequestBody {
    let schema = if doc.request_type == FORM {
        let file =
            ObjectBuilder::new().schema_type(Type::String).content_media_type("application/octet-stream");
        ObjectBuilder::new().property("file", file).build()
    } else {
        Object::with_type(Type::Object)
    };
    let content = ContentBuilder::new().schema(Some(schema)).build();
    RequestBodyBuilder::new().content(doc.request_type, content).build()
}

//! Errors in the shape of OpenAI's API.

use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;

/// An error as OpenAI's clients expect it.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct Envelope<'a> {
    error: Error<'a>,
}

/// The error event of a Responses stream.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'static str,
    message: &'a str,
    param: Option<&'static str>,
    sequence_number: u64,
    error: &'a Error<'a>,
}

/// The details of an error.
#[derive(Serialize, ToSchema)]
#[schema(as = ErrorDetail)]
struct Error<'a> {
    /// The description of the error.
    message: String,
    /// The class of the error: `invalid_request_error`, `authentication_error`, `permission_error`, `not_found_error`, `server_error` or
    /// `service_unavailable_error`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The field of the request that is invalid.
    #[schema(required)]
    param: Option<&'static str>,
    /// The code that programs branch on.
    #[schema(required)]
    code: Option<&'static str>,
    /// The same as `X-Request-Id`, and as in the server's log. Errors of a model's runtime do not have it.
    #[schema(required = false)]
    request_id: &'a str,
}

impl ApiError {
    /// The body of a response, and the data of an error event in streams of chat and completions.
    pub fn openai_json(&self, request_id: &str) -> String {
        serde_json::to_string(&Envelope { error: self.openai_error(request_id) }).expect("plain data")
    }

    /// The data of an error event in a stream of the Responses API: it has a type, the details at the top level and a number, as OpenAI's schema
    /// requires, and repeats the details in `error`, where SDKs look.
    pub fn openai_responses_json(&self, request_id: &str, sequence_number: u64) -> String {
        let error = self.openai_error(request_id);
        let event = Event {
            kind: "error",
            code: error.code.unwrap_or(Self::INVALID),
            message: &error.message,
            param: error.param,
            sequence_number,
            error: &error,
        };
        serde_json::to_string(&event).expect("plain data")
    }

    fn openai_error<'a>(&self, request_id: &'a str) -> Error<'a> {
        Error {
            message: self.to_string(),
            kind: self.kind(),
            param: self.param(),
            code: self.code(),
            request_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_shape_that_sdks_read() {
        let check = |error: ApiError, kind: &str, param: Option<&str>, code: &str| {
            let json: serde_json::Value = serde_json::from_str(&error.openai_json("req-1")).unwrap();
            let json = &json["error"];
            assert_eq!((&json["type"], &json["code"]), (&kind.into(), &code.into()));
            assert_eq!(json["param"].as_str(), param);
            assert_eq!((&json["request_id"], &json["message"]), (&"req-1".into(), &error.to_string().into()));
        };
        check(ApiError::unknown_model("gpt-9\""), "not_found_error", Some("model"), "model_not_found");
        let forbidden = ApiError::InsufficientPermissions("no".into());
        check(forbidden, "permission_error", None, "insufficient_permissions");
    }

    /// `ResponseErrorEvent` in OpenAI's schema requires these five. The AI SDK refuses a code that is null, and newer versions read `error`.
    #[test]
    fn an_error_event_of_the_responses_api_has_what_the_schema_requires() {
        for error in [ApiError::Backend("lost".into()), ApiError::invalid("no")] {
            let json: serde_json::Value =
                serde_json::from_str(&error.openai_responses_json("req-1", 9)).unwrap();
            assert_eq!((&json["type"], &json["sequence_number"]), (&"error".into(), &9.into()));
            assert_eq!(json["message"], error.to_string());
            assert!(
                json["code"].is_string() && json["param"].is_null() && json.get("param").is_some(),
                "{json}"
            );
            assert_eq!(
                (&json["error"]["message"], &json["error"]["request_id"]),
                (&json["message"], &"req-1".into())
            );
        }
    }
}

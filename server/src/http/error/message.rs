//! The messages of errors, for the people who read them.

use std::fmt::{Display, Formatter, Result};

use super::ApiError;

impl Display for ApiError {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Invalid { message, .. } | Self::InsufficientPermissions(message) | Self::Backend(message) => {
                out.write_str(message)
            }
            Self::NotFound(message) | Self::Unauthorized(message) | Self::NotSupported(message) => {
                out.write_str(message)
            }
            Self::BodyTooLarge(limit) => write!(out, "The request body is larger than {limit} bytes."),
            Self::UnsupportedEncoding(encoding) => write!(
                out,
                "The body's Content-Encoding `{encoding}` is not supported. Send it as gzip, deflate or zstd, or without an encoding."
            ),
            Self::HeadersTooLarge(limit) => {
                write!(out, "The request's headers are larger than {limit} bytes.")
            }
            Self::TooManyHeaders(most) => write!(out, "The request has more than {most} header lines."),
            Self::UnknownTransferCoding(coding) => {
                write!(out, "The transfer coding `{coding}` is not supported. Send the body as `chunked`, or with its length.")
            }
            Self::RequestTimeout => out.write_str("The request took too long to arrive."),
            Self::UnknownPath { asked, nearest: None } => write!(out, "Unknown URL: {asked}."),
            Self::UnknownPath { asked, nearest: Some(nearest) } => {
                write!(out, "Unknown URL: {asked}. Did you mean {nearest}?")
            }
            Self::UnknownMethod(allow) => write!(out, "This URL accepts only {}.", allow.replace(',', ", ")),
            Self::NotWebSocket => out.write_str("Workers connect to this URL with a WebSocket."),
            Self::ForeignOrigin => out.write_str(
                "Cross-origin request denied. To allow it, add the page's origin to `allowed_origins`.",
            ),
            Self::ForeignHost => out.write_str(
                "Unknown host name. A server without API keys that listens on loopback accepts only localhost, \
                 IP addresses, and the sites in `allowed_origins`.",
            ),
            Self::UnknownObject(id) => write!(
                out,
                "`{id}` was not found: it does not exist, is too old, or was created with another API key."
            ),
            Self::ObjectAway(id) => write!(
                out,
                "The machine that has `{id}` is not ready. Try again later, or start over without `{id}`."
            ),
            Self::UnknownModel { model, nearest } => {
                write!(out, "The model `{model}` does not exist on this server. ")?;
                if let Some(nearest) = nearest {
                    write!(out, "Did you mean `{nearest}`? ")?;
                }
                out.write_str("GET /v1/models lists the available models.")
            }
            Self::NoUpstreamReady(model) if model.is_empty() => {
                out.write_str("No worker is ready. Try again soon.")
            }
            Self::NoUpstreamReady(model) => {
                write!(out, "No worker with the model `{model}` is ready. Try again soon.")
            }
            Self::QueueFull(model) if model.is_empty() => {
                out.write_str("All workers are busy and the queue is full. Try again soon.")
            }
            Self::QueueFull(model) => write!(
                out,
                "All workers with the model `{model}` are busy and the queue is full. Try again soon."
            ),
            Self::QueueTimeout(model) if model.is_empty() => {
                out.write_str("No worker became free in time. Try again soon.")
            }
            Self::QueueTimeout(model) => {
                write!(out, "No worker with the model `{model}` became free in time. Try again soon.")
            }
            Self::Overloaded => out.write_str("The server has too many open requests. Try again soon."),
            Self::Draining => out.write_str("The server is shutting down and accepts no new requests."),
            Self::RepeatedLoss(last) => write!(
                out,
                "Two machines failed while they served this request, so it is not sent to another one. Is it larger than their memory allows? The \
                 last error: {last}"
            ),
            Self::Timeout(limit) => {
                write!(out, "The model's runtime sent nothing for {} s.", limit.as_secs_f32())
            }
            Self::Cancelled => out.write_str("The request was cancelled by an administrator."),
            Self::Internal => {
                out.write_str("Internal server error. For details, look up the request id in the server's log.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_model_is_told_of_no_model() {
        for error in [ApiError::NoUpstreamReady, ApiError::QueueFull, ApiError::QueueTimeout] {
            let message = error(String::new()).to_string();
            assert!(message.contains(" worker") && !message.contains("model"), "{message}");
        }
    }

    #[test]
    fn accepted_methods_are_listed_with_spaces() {
        let message = ApiError::UnknownMethod("GET,HEAD".into()).to_string();
        assert_eq!(message, "This URL accepts only GET, HEAD.");
    }
}

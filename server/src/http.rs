//! What all HTTP responses of the server share: errors in the shape of the caller's API, checks of the head, request ids, CORS, the origin guard,
//! spellings of paths, path parameters, unread bodies, and the dashboard's files.
//!
//! These modules know the settings and the APIs, but neither the request flow nor the handlers, which are above them.

pub(crate) mod ascii_name;
pub(crate) mod cors;
pub(crate) mod dashboard;
pub mod error;
pub(crate) mod head;
pub(crate) mod origin_guard;
pub(crate) mod path_param;
pub mod request_id;
pub(crate) mod responses;
pub(crate) mod spelling;
pub(crate) mod unread;

//! What every HTTP response of the server has in common: errors in the shape of the API that was asked, CORS, the origin guard, path parameters,
//! and the files of the dashboard.

pub(crate) mod answers;
pub(crate) mod cors;
pub(crate) mod dashboard;
pub mod error;
pub(crate) mod origin_guard;
pub(crate) mod path_param;

//! What is allowed: no more open requests, and no more memory for their bodies, than the server has.

use crate::app::App;
use crate::auth::Caller;
use crate::body_memory::BodyMemoryPermit;
use crate::http::error::ApiError;

/// A request that may be read: it has a caller who may ask, and there is room. Made by [`limit`] only.
pub(super) struct Admitted {
    pub(super) share: BodyMemoryPermit,
}

/// Lets a request on.
///
/// # Errors
/// 503 if too many are open.
pub(super) fn limit(app: &App, _: Caller) -> Result<Admitted, ApiError> {
    if app.open_requests() > app.config.limits.max_requests {
        return Err(ApiError::Overloaded);
    }
    Ok(Admitted { share: app.body_memory.permit() })
}

//! Limits the number of open requests, and the memory for their bodies.

use crate::app::App;
use crate::auth::Caller;
use crate::body_memory::BodyMemoryPermit;
use crate::http::error::ApiError;

/// A request whose body may be read: its caller is known, and there is memory for the body. Only [`limit`] makes one.
pub(super) struct Admitted {
    pub(super) caller: Caller,
    pub(super) memory: BodyMemoryPermit,
}

/// Admits a request.
///
/// # Errors
/// 503 if too many requests are open.
pub(super) fn limit(app: &App, caller: Caller) -> Result<Admitted, ApiError> {
    if app.open_requests() > app.config.limits.max_requests {
        return Err(ApiError::Overloaded);
    }
    Ok(Admitted { caller, memory: app.body_memory.permit() })
}

//! What is allowed: no more open requests than the server can hold.

use super::read::Ask;
use crate::app::App;
use crate::refusal::Refusal;

/// A request that may go on. Made by [`limit`] only.
pub(super) struct Admitted(pub(super) Ask);

/// Lets a request on.
///
/// # Errors
/// 503 if too many are open.
pub(super) fn limit(app: &App, ask: Ask) -> Result<Admitted, Refusal> {
    if app.open_requests() > app.config.limits.max_requests {
        Err(Refusal::Overloaded)
    } else {
        Ok(Admitted(ask))
    }
}

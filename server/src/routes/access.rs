//! Access to paths: the decision that every route states, and the check before its handlers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::app::App;
use crate::auth::Permission;
use crate::http::error::ApiError;
use crate::http::origin_guard;

/// Who may use a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everyone, without a key.
    Public,
    /// Workers. The handshake checks the worker's key.
    Workers,
    /// Callers with this permission. The check runs before the handler.
    Needs(Permission),
    /// Callers with this permission. The handler checks it, because the request has a ticket that records a refusal.
    Ticketed(Permission),
}

impl Access {
    /// The handlers, with the check before them if they do not have their own.
    pub(super) fn guard(self, app: &Arc<App>, handlers: MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>> {
        match self {
            Self::Needs(permission) => {
                handlers.route_layer(middleware::from_fn_with_state((app.clone(), permission), check))
            }
            Self::Public | Self::Workers | Self::Ticketed(_) => handlers,
        }
    }
}

async fn check(
    State((app, permission)): State<(Arc<App>, Permission)>,
    request: Request,
    next: Next,
) -> Response {
    match authorize(&app, permission, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.response_to(request.headers()),
    }
}

/// Checks the key and its role; and the origin, if the request changes something.
fn authorize(app: &App, permission: Permission, request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    app.keys.authorize(headers, permission)?;
    match permission {
        Permission::Administer => origin_guard::check_write(&app.config, headers, !app.keys.is_open()),
        Permission::ListModels | Permission::UseModels | Permission::ViewState => Ok(()),
    }
}

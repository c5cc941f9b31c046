//! The caller of a request.

use std::sync::Arc;

use super::role::{Permission, Role};
use crate::http::error::ApiError;

/// What is known about an API key, without the key itself.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The name in logs and traces: the first 8 hexadecimal digits of the key's SHA-256.
    pub name: Arc<str>,
    /// What the key may be used for.
    pub role: Role,
}

/// An authenticated caller. Only [`Keyring`](super::Keyring) makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The API key used; `None` on a server without API keys.
    pub key: Option<Arc<KeyInfo>>,
}

impl Caller {
    /// The caller of a server without API keys.
    pub(crate) const ANONYMOUS: Self = Self { key: None };

    /// The role of the key. Without API keys, anyone who reaches the server administers it.
    pub fn role(&self) -> Role {
        self.key.as_ref().map_or(Role::Admin, |key| key.role)
    }

    /// The name of the key, for logs and traces.
    pub fn key_name(&self) -> Option<Arc<str>> {
        self.key.as_ref().map(|key| key.name.clone())
    }

    /// Checks the caller's role.
    ///
    /// # Errors
    /// 403 if the role does not include the permission.
    pub fn require(&self, permission: Permission) -> Result<(), ApiError> {
        if self.role().may(permission) {
            return Ok(());
        }
        let needed: Vec<_> = permission.roles().iter().map(|role| format!("`{}`", role.as_str())).collect();
        Err(ApiError::InsufficientPermissions(format!(
            "This API key has the role `{}`, but this request needs a key with the role {}.",
            self.role().as_str(),
            needed.join(" or ")
        )))
    }
}

//! Roles of API keys, and what each of them may do.

/// What an API key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Applications: lists and uses models.
    User,
    /// Monitoring: reads the state and the metrics, and lists models. A viewer cannot use models, so a key on a wall display costs no compute.
    Viewer,
    /// Operators: everything, including draining and cancelling.
    Admin,
}

/// The permission that a path requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Read the list of models.
    ListModels,
    /// Send requests to models.
    UseModels,
    /// Read the state, the metrics and the log level.
    ViewState,
    /// Drain, cancel, and change the log level.
    Administer,
}

impl Role {
    /// The name used in settings, documentation and error messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Viewer => "viewer",
            Self::Admin => "admin",
        }
    }

    /// Whether the role includes a permission.
    pub fn may(self, permission: Permission) -> bool {
        permission.roles().contains(&self)
    }
}

impl Permission {
    /// The roles that include this permission, the least powerful first.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::ListModels => &[Role::User, Role::Viewer, Role::Admin],
            Self::UseModels => &[Role::User, Role::Admin],
            Self::ViewState => &[Role::Viewer, Role::Admin],
            Self::Administer => &[Role::Admin],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_its_permissions() {
        const ALL: [Permission; 4] =
            [Permission::ListModels, Permission::UseModels, Permission::ViewState, Permission::Administer];
        let check =
            |role: Role, expect: [bool; 4]| assert_eq!(ALL.map(|asked| role.may(asked)), expect, "{role:?}");
        check(Role::User, [true, true, false, false]);
        check(Role::Viewer, [true, false, true, false]);
        check(Role::Admin, [true, true, true, true]);
    }
}

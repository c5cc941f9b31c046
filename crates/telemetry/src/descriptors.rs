//! File descriptors: a relay needs one per connection, and the default limit is far lower than what systems allow.

/// Raises this process's limit on open files to the maximum that the system allows. If that fails, fewer connections are possible.
pub fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, ..limit };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!("The limit on open files stays at {:?}: {error}", limit.current);
        }
    }
}

/// The limit on open files, if there is one.
pub fn limit() -> Option<usize> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok())
    }
    #[cfg(not(unix))]
    {
        None
    }
}

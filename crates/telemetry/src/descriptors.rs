//! File descriptors: a relay needs one for each connection, and systems give a process far fewer than it may have.

/// Raises the number of files this process may open to what the system allows it. A wish: where it is not granted, there are fewer connections.
pub fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, ..limit };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!("The limit of open files stays at {:?}: {error}", limit.current);
        }
    }
}

/// How many files this process may open, if the system limits that.
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

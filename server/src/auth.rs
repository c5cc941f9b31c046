//! Authentication and authorization: API keys and their roles, and the keys of workers.
//!
//! Read [`role`](Role) first: it says what each role may do. A [`Keyring`] turns a request's headers into a [`Caller`], who has a role.
//! Workers have keys of their own, [`WorkerKeys`], which open the tunnel and nothing else.

mod caller;
mod credentials;
mod keyring;
mod role;

pub use caller::{Caller, KeyInfo};
pub use keyring::{Keyring, WorkerKeys};
pub use role::{Permission, Role};

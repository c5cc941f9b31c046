//! Who calls: API keys and worker keys.

mod keyring;

pub(crate) use keyring::drop_credentials;
pub use keyring::{Caller, Keyring};

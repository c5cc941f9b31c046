//! TLS as everything here uses it: ring, the system's trust store, and the user's own CA beside it.

use std::path::Path;
use std::sync::Arc;

/// Makes ring the process's crypto provider. Call it once at start; later calls do nothing.
pub fn install() {
    // An error means that one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client configuration that trusts what the system trusts, and the certificates in the PEM file `extra_ca`.
///
/// Costly in time and memory (it may read the whole trust store): build it when it is needed, and keep it.
///
/// # Errors
/// When the file cannot be read or holds no certificate, or when the system's trust store cannot be used.
pub fn client_config(_extra_ca: Option<&Path>) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    anyhow::bail!("not yet written")
}

//! TLS for all programs: ring, the system's trust store, and the user's own CA in addition.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

/// Makes ring the process's crypto provider. Call it at start; further calls do nothing.
pub fn install() {
    // An error means that one is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client configuration that trusts what the system trusts, and the certificates in the PEM file `extra_ca`: as authorities, and as server
/// certificates.
///
/// Costly in time and memory (it may read the whole trust store): build it only when needed, and keep it.
/// ALPN is not set: each caller adds its protocols.
///
/// # Errors
/// The file cannot be read or contains no certificate, or the system's trust store cannot be used.
pub fn client_config(extra_ca: Option<&Path>) -> anyhow::Result<Arc<ClientConfig>> {
    let extra = extra_ca.map(certificates).transpose()?.unwrap_or_default();
    let provider = provider();
    let verifier = verifier(extra, Arc::clone(&provider)).context("use the system's certificates")?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("set up TLS")?
        .dangerous() // .dangerous() // required for any verifier but the built-in one; ours is the operating system's
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A configuration that trusts nothing and costs nothing, for clients that require one but never use TLS.
#[must_use]
pub fn unused_config() -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default TLS versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// A configuration that accepts any certificate, to look at one that is not trusted. Nothing must be sent over such a connection.
#[cfg(feature = "inspect")]
pub(crate) fn looking_config() -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default TLS versions")
        .dangerous() // .dangerous() // the caller closes the connection after the handshake
        .with_custom_certificate_verifier(Arc::new(looking::Anybody))
        .with_no_client_auth()
}

#[cfg(feature = "inspect")]
mod looking;
mod named;

use named::Named;

fn provider() -> Arc<CryptoProvider> {
    install();
    Arc::clone(CryptoProvider::get_default().expect("installed in the line above"))
}

fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    if extra.is_empty() {
        return Ok(Arc::new(Verifier::new(provider)?));
    }
    let system = Verifier::new_with_extra_roots(extra.clone(), provider)?;
    Ok(Arc::new(Named { system, certificates: extra }))
}

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .with_context(|| format!("read the CA file {}", file.display()))?;
    anyhow::ensure!(!found.is_empty(), "the CA file {} contains no PEM certificate", file.display());
    Ok(found)
}

#[cfg(test)]
mod tests;

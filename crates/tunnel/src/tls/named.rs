//! Trust in the certificates that the user has named. The libraries accept them as authorities only; OpenSSL, and so curl, also accepts them as
//! the certificates of servers, for example self-signed ones.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// The object identifier of a common name, 2.5.4.3, in DER.
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];

/// The object identifier of alternative names, 2.5.29.17.
const ALTERNATIVE_NAMES: &[u8] = &[0x06, 0x03, 0x55, 0x1D, 0x11];

/// The system's verifier, and the named certificates as a fallback.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) system: Verifier,
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(Error::InvalidCertificate(error))
                if !is_final(&error) && self.certificates.contains(end_entity) =>
            {
                for_this_server(end_entity, server_name)
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}

/// Errors that naming the certificate does not fix. Dates are checked before the issuer, so any other error means that they are valid.
fn is_final(error: &CertificateError) -> bool {
    use CertificateError::{BadEncoding, Expired, ExpiredContext, NotValidYet, NotValidYetContext, Revoked};
    matches!(
        error,
        Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } | Revoked | BadEncoding
    )
}

fn for_this_server(
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
) -> Result<ServerCertVerified, Error> {
    match verify_server_name(&ParsedCertificate::try_from(certificate)?, name) {
        Err(_)
            if common_name(certificate).is_some_and(|common| common.eq_ignore_ascii_case(&name.to_str())) => {
        }
        verified => verified?,
    }
    Ok(ServerCertVerified::assertion())
}

/// The common name of a certificate without alternative names, as `openssl req -x509 -subj /CN=host` makes it.
fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let contains =
        |bytes: &[u8], wanted: &[u8]| bytes.windows(wanted.len()).position(|piece| piece == wanted);
    if contains(certificate, ALTERNATIVE_NAMES).is_some() {
        return None;
    }
    let mut store = RootCertStore::empty();
    store.add(certificate.clone().into_owned()).ok()?;
    let subject = &store.roots.first()?.subject;
    let at = contains(subject, COMMON_NAME)? + COMMON_NAME.len();
    // The string's type, its length in one byte, and the string.
    let [_, length, rest @ ..] = &subject[at..] else { return None };
    std::str::from_utf8(rest.get(..usize::from(*length))?).ok().map(str::to_owned)
}

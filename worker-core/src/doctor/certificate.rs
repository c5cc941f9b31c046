//! The certificate that the server shows: whether it is trusted, until when, and if not, whose it is.

use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::notes::{Finding, failed, ok, warning};
use llamapool_tunnel::dial::{DialError, Steps, Wire};

/// Whoever renews certificates by a machine has done it by then.
const SOON: Duration = Duration::from_secs(7 * DAY);

const DAY: u64 = 24 * 60 * 60;

/// What of a certificate matters here.
pub(super) struct Facts {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) until: SystemTime,
}

pub(super) async fn check(steps: &Steps<'_>, wire: Wire) -> (Finding, Option<Wire>) {
    match steps.secure(wire).await {
        Ok(wire) => (trusted(facts(&wire).as_ref(), SystemTime::now()), Some(wire)),
        Err(error @ DialError::Tls(_)) => {
            // A second connection, on which nothing is said, to see whose certificate it is.
            let shown = async { steps.look(steps.open().await.ok()?).await.ok() }.await;
            (not_trusted(&error, shown.as_ref().and_then(facts).as_ref(), SystemTime::now()), None)
        }
        Err(error) => (failed(error.to_string(), "Check that the server's port is the one for TLS."), None),
    }
}

pub(super) fn trusted(facts: Option<&Facts>, now: SystemTime) -> Finding {
    let Some(facts) = facts else { return ok("the certificate is trusted") };
    let left = facts.until.duration_since(now).unwrap_or_default();
    let days = left.as_secs() / DAY;
    let found = format!("the certificate of {} is trusted, for {days} more days", facts.subject);
    if left < SOON { warning(found, "Renew the server's certificate.") } else { ok(found) }
}

pub(super) fn not_trusted(error: &DialError, facts: Option<&Facts>, now: SystemTime) -> Finding {
    let Some(facts) = facts else {
        return failed(error.to_string(), "Check that the server's port is the one for TLS.");
    };
    let found = format!("{error} (shown: {}, issued by {})", facts.subject, facts.issuer);
    let fix = match () {
        () if facts.until < now => {
            "The certificate has expired: renew it at the server; or this machine's clock is wrong."
        }
        () if facts.subject == facts.issuer => {
            "It vouches for itself: save it as a file (PEM) and name that file in ca_file, or get the server a \
             certificate from an authority."
        }
        () => {
            "If it is from an authority of your own, name the file of that authority's certificate (PEM) in ca_file. \
             If it is for another name, use that name in server_url."
        }
    };
    failed(found, fix)
}

fn facts(wire: &Wire) -> Option<Facts> {
    let Wire::Secured(stream) = wire else { return None };
    read(stream.get_ref().1.peer_certificates()?.first()?)
}

pub(super) fn read(certificate: &CertificateDer<'_>) -> Option<Facts> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let until = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or_default();
    Some(Facts {
        subject: printable(&certificate.subject().to_string()),
        issuer: printable(&certificate.issuer().to_string()),
        until: SystemTime::UNIX_EPOCH + Duration::from_secs(until),
    })
}

/// Strangers' words, fit for a terminal.
fn printable(name: &str) -> String {
    const LONGEST: usize = 120; // characters; more is no name
    let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if name.is_empty() { "nobody by name".to_owned() } else { name }
}

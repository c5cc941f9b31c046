//! The server's certificate: whether it is trusted and until when; if not, for whom and by whom it was issued.

use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::notes::{Finding, failed, ok, warning};
use llamapool_tunnel::dial::{DialError, Steps, Wire};

/// By this time, automatic renewal should have happened.
const SOON: Duration = Duration::from_secs(7 * DAY);

const DAY: u64 = 24 * 60 * 60;

/// The relevant facts of a certificate.
pub(super) struct Facts {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) from: SystemTime,
    pub(super) until: SystemTime,
}

pub(super) async fn check(steps: &Steps<'_>, wire: Wire) -> (Finding, Option<Wire>) {
    match steps.secure(wire).await {
        Ok(wire) => (trusted(facts(&wire).as_ref(), SystemTime::now()), Some(wire)),
        Err(error @ DialError::Tls(_)) => {
            // Reads the certificate over a second connection, on which nothing is sent.
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
        () if facts.from > now => {
            "The certificate is not valid yet: this machine's clock is probably wrong. Set date and time, or switch time \
             synchronization (NTP) on; if they are right, the server's clock was wrong when the certificate was made."
        }
        () if facts.subject == facts.issuer => {
            "It is self-signed: save it as a PEM file and set ca_file to that file, or get the server a certificate \
             from a certificate authority."
        }
        () => {
            "If a CA of your own issued it, set ca_file to the PEM file of that CA's certificate. If it is for another \
             name, use that name in server_url."
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
    let at = |timestamp| {
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(timestamp).unwrap_or_default())
    };
    Some(Facts {
        subject: printable(&certificate.subject().to_string()),
        issuer: printable(&certificate.issuer().to_string()),
        from: at(certificate.validity().not_before.timestamp()),
        until: at(certificate.validity().not_after.timestamp()),
    })
}

/// Text from an unverified peer, made safe for a terminal.
fn printable(name: &str) -> String {
    const LONGEST: usize = 120; // characters; longer texts are not names
    let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if name.is_empty() { "no name".to_owned() } else { name }
}

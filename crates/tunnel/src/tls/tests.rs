use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

#[test]
fn the_systems_trust_alone() {
    let config = client_config(None).unwrap();
    assert!(config.alpn_protocols.is_empty());
}

#[test]
fn a_ca_file_is_added() {
    let ca = rcgen::generate_simple_self_signed(["ca.test".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), ca.cert.pem()).unwrap();
    client_config(Some(file.path())).unwrap();
}

#[test]
fn a_bad_ca_file_is_named() {
    let missing = client_config(Some(Path::new("/no/such.pem"))).unwrap_err();
    assert!(format!("{missing:#}").contains("/no/such.pem"), "{missing:#}");

    let file = tempfile::NamedTempFile::new().unwrap();
    for content in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(file.path(), content).unwrap();
        assert!(client_config(Some(file.path())).is_err(), "{content:?}");
    }
}

/// Whether a client that was given the file `named` accepts a server with this certificate for `localhost`.
async fn is_taken(named: &str, shown: &rcgen::Certificate, key: &rcgen::KeyPair) -> Result<(), String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), named).unwrap();
    let client = TlsConnector::from(client_config(Some(file.path())).unwrap());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = rustls::ServerConfig::builder().with_no_client_auth();
    let server =
        TlsAcceptor::from(Arc::new(server.with_single_cert(vec![shown.der().clone()], key).unwrap()));
    let (near, far) = tokio::io::duplex(64 * 1024);
    let name = ServerName::try_from("localhost").unwrap();
    let (taken, _) = tokio::join!(client.connect(name, near), server.accept(far));
    taken.map(drop).map_err(|error| error.to_string())
}

fn params(names: &[&str], common_name: &str) -> CertificateParams {
    let mut params =
        CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// A certificate made by `openssl req -x509` is its own issuer, and marked as an authority.
fn authority(names: &[&str], common_name: &str) -> CertificateParams {
    let mut params = params(names, common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

#[tokio::test]
async fn a_named_certificate_is_trusted_when_it_is_shown() {
    let key = KeyPair::generate().unwrap();
    for good in [params(&["localhost"], "x"), authority(&["localhost"], "x"), authority(&[], "LocalHost")] {
        let shown = good.self_signed(&key).unwrap();
        assert_eq!(is_taken(&shown.pem(), &shown, &key).await, Ok(()));
    }
    // Issued by an authority that is not trusted.
    let other = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority(&[], "my CA"), &other);
    let shown = params(&["localhost"], "x").signed_by(&key, &issuer).unwrap();
    assert_eq!(is_taken(&shown.pem(), &shown, &key).await, Ok(()));
}

#[tokio::test]
async fn naming_a_certificate_does_not_mend_all() {
    let key = KeyPair::generate().unwrap();
    let named = authority(&["localhost"], "x").self_signed(&key).unwrap();
    let other = KeyPair::generate().unwrap();
    let unknown = authority(&["localhost"], "x").self_signed(&other).unwrap();
    is_taken(&named.pem(), &unknown, &other).await.unwrap_err();

    let elsewhere = authority(&["other.test"], "localhost").self_signed(&key).unwrap();
    is_taken(&elsewhere.pem(), &elsewhere, &key).await.unwrap_err();
    let elsewhere = authority(&[], "other.test").self_signed(&key).unwrap();
    is_taken(&elsewhere.pem(), &elsewhere, &key).await.unwrap_err();

    let mut expired = authority(&["localhost"], "x");
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let expired = expired.self_signed(&key).unwrap();
    is_taken(&expired.pem(), &expired, &key).await.unwrap_err();
    let mut early = authority(&["localhost"], "x");
    early.not_before = rcgen::date_time_ymd(2990, 1, 1);
    let early = early.self_signed(&key).unwrap();
    is_taken(&early.pem(), &early, &key).await.unwrap_err();
}

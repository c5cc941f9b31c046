//! TLS in front of a server, with a certificate that only this test's own authority vouches for.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::connect_proxy::HIDDEN;
use tempfile::NamedTempFile;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_util::task::AbortOnDropHandle;

/// A running TLS front for the names `localhost` and [`HIDDEN`].
pub struct TlsFront {
    /// Where it listens.
    pub addr: SocketAddr,
    authority: NamedTempFile,
    _accept: AbortOnDropHandle<()>,
}

impl TlsFront {
    /// TLS in front of `target`.
    pub async fn before(target: SocketAddr) -> Self {
        let (config, authority) = certificate();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let accept = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut wires = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                wires.spawn(async move {
                    // A client that does not trust us ends here.
                    let (Ok(mut near), Ok(mut far)) =
                        (acceptor.accept(near).await, TcpStream::connect(target).await)
                    else {
                        return;
                    };
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        }));
        Self { addr, authority, _accept: accept }
    }

    /// The file with the authority's certificate (PEM).
    pub fn authority(&self) -> &Path {
        self.authority.path()
    }
}

fn certificate() -> (ServerConfig, NamedTempFile) {
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(rcgen::DnType::CommonName, "llamapool test authority");
    let authority_key = rcgen::KeyPair::generate().expect("keys can be made");
    let authority_cert = authority.self_signed(&authority_key).expect("an authority vouches for itself");
    let authority = rcgen::Issuer::new(authority, authority_key);

    let mut server =
        rcgen::CertificateParams::new(["localhost".to_owned(), HIDDEN.to_owned()]).expect("valid names");
    server.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let key = rcgen::KeyPair::generate().expect("keys can be made");
    let cert = server.signed_by(&key, &authority).expect("an authority signs");

    let file = NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), authority_cert.pem()).expect("a temporary file takes text");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("the key fits the certificate");
    (config, file)
}

//! Releases, as GitHub's interface tells of them: on loopback, and signed with a key that only tests have. What is newer is a real program of this workspace, made to
//! say that it is.

use std::env::consts::{ARCH, OS};
use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use zipsign_api::SigningKey;
use zipsign_api::sign::copy_and_sign_tar;

use crate::process::binary;
use crate::wait::until;

/// Of this workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A release server with one release.
pub struct Releases {
    /// Where it is.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    open: watch::Sender<bool>,
    _serve: AbortOnDropHandle<()>,
}

/// What it answers with.
#[derive(Clone)]
struct Shelf {
    release: Value,
    archive: Bytes,
    asked: Arc<Mutex<Vec<String>>>,
    open: watch::Receiver<bool>,
}

impl Releases {
    /// One that offers `version`, with one archive of this name.
    pub async fn offering(version: &str, name: &str, archive: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (open, is_open) = watch::channel(true);
        let assets = json!([
            { "name": "SHA256SUMS", "url": format!("{url}/assets/1") },
            { "name": name, "url": format!("{url}/assets/2") },
        ]);
        let release = json!({
            "tag_name": format!("v{version}"), "name": version, "created_at": "2026-01-01T00:00:00Z", "body": "What is new",
            "html_url": format!("https://example.com/v{version}"), "assets": assets,
        });
        let shelf = Shelf { release, archive: archive.into(), asked: Arc::clone(&asked), open: is_open };
        let releases = Router::new().route("/latest", get(described)).route("/tags/{tag}", get(described));
        let router = Router::new()
            .nest("/repos/llamapool/llamapool/releases", releases)
            // GitHub sends on to its storage.
            .route("/assets/2", get(async || Redirect::temporary("/storage")))
            .route("/storage", get(fetched))
            .with_state(shelf);
        let serve = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, asked, open, _serve: AbortOnDropHandle::new(serve) }
    }

    /// One that offers this program, made newer and well signed.
    pub async fn newer(program: &str) -> Self {
        Self::good(program, &newer(program)).await
    }

    /// One that offers these bytes as a newer version of the program, well signed.
    pub async fn good(program: &str, content: &[u8]) -> Self {
        let name = name(program, &newer_version());
        Self::offering(&newer_version(), &name, archive(program, content, &name, &key())).await
    }

    /// What makes a debug build of a program look here.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        environment(&self.url)
    }

    /// Answers no more until it is [`Self::open`] again.
    pub fn hold(&self) {
        self.open.send_replace(false);
    }

    /// Lets archives go.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until an archive is asked for.
    pub async fn until_fetched(&self) {
        let asked = async || {
            let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.iter().any(|path| path == "/storage").then_some(())
        };
        until("somebody to fetch the archive", asked).await;
    }
}

/// What makes a debug build of a program look for releases there.
pub fn environment(url: &str) -> [(&'static str, String); 2] {
    let key: String = key().verifying_key().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    [("LLAMAPOOL_TEST_RELEASES", url.to_owned()), ("LLAMAPOOL_TEST_KEY", key)]
}

async fn described(State(shelf): State<Shelf>, request: Request) -> Response {
    shelf.note(&request);
    let tag = shelf.release["tag_name"].as_str().expect("it was put there");
    let path = request.uri().path();
    if path.ends_with("/latest") || path.ends_with(&format!("/{tag}")) {
        Json(shelf.release).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn fetched(State(mut shelf): State<Shelf>, request: Request) -> Bytes {
    shelf.note(&request);
    // An error means that the test is over.
    let _ = shelf.open.wait_for(|open| *open).await;
    shelf.archive
}

impl Shelf {
    fn note(&self, request: &Request) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.uri().path().to_owned());
    }
}

/// The secret half of the key that tests believe in.
pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// An archive with this program in it, signed under this name.
pub fn archive(program: &str, content: &[u8], name: &str, key: &SigningKey) -> Vec<u8> {
    let mut signed = Cursor::new(Vec::new());
    let mut plain = Cursor::new(unsigned(program, content, name));
    copy_and_sign_tar(&mut plain, &mut signed, std::slice::from_ref(key), Some(name.as_bytes()))
        .expect("signed");
    signed.into_inner()
}

/// The same without a signature.
pub fn unsigned(program: &str, content: &[u8], name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut head = tar::Header::new_gnu();
    head.set_size(content.len() as u64);
    head.set_mode(0o755);
    let folder = name.strip_suffix(".tar.gz").unwrap_or(name);
    tar.append_data(&mut head, format!("{folder}/{program}"), content).expect("a tar takes files");
    tar.into_inner().and_then(GzEncoder::finish).expect("a tar in memory")
}

/// What releases call the archive with this program for this system.
pub fn name(program: &str, version: &str) -> String {
    let machine = if cfg!(target_os = "macos") { "universal" } else { ARCH };
    format!("{program}-{version}-{OS}-{machine}.tar.gz")
}

/// A version that is newer, and as long: see [`newer`].
pub fn newer_version() -> String {
    format!("9{}", &VERSION[1..])
}

/// The program of this workspace, with another version in it. It says and does all else as before.
pub fn newer(program: &str) -> Vec<u8> {
    let mut content = lean(&binary(program));
    let mut at = 0;
    while let Some(found) = content[at..].windows(VERSION.len()).position(|bytes| bytes == VERSION.as_bytes())
    {
        content[at + found] = b'9';
        at += found + VERSION.len();
    }
    content
}

/// The program without what debuggers want, which is most of it.
pub fn lean(program: &Path) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lean = folder.path().join("lean");
    let done = Command::new("strip").arg("-o").arg(&lean).arg(program).status();
    assert!(
        done.is_ok_and(|status| status.success()),
        "there is no strip, which comes with every C compiler"
    );
    std::fs::read(lean).expect("strip has written it")
}

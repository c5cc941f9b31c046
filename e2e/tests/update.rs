//! `update` of both programs, from a release server that this test plays.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Output;

use flate2::Compression;
use flate2::write::GzEncoder;
use llamapool_e2e::process::{binary, clean_command};
use llamapool_e2e::secs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use zipsign_api::SigningKey;
use zipsign_api::sign::copy_and_sign_tar;

const PROGRAMS: [&str; 2] = ["llamapool-server", "llamapool-worker"];

/// The secret half of this test's key.
fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// An archive with a program that says that it is 9.9.9, signed under this name.
fn archive(program: &str, name: &str) -> Vec<u8> {
    let content = format!("#!/bin/sh\necho '{program} version=9.9.9 sha=x date=y'\n");
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut head = tar::Header::new_gnu();
    head.set_size(content.len() as u64);
    tar.append_data(&mut head, program, content.as_bytes()).expect("a tar takes files");
    let plain = tar.into_inner().and_then(GzEncoder::finish).expect("a tar in memory");
    let mut signed = Cursor::new(Vec::new());
    copy_and_sign_tar(&mut Cursor::new(plain), &mut signed, &[key()], Some(name.as_bytes())).expect("signed");
    signed.into_inner()
}

/// The release 9.9.9, with one archive that is there.
fn release(program: &str, archive: &str) -> Vec<u8> {
    let release = serde_json::json!({ "tag_name": "v9.9.9", "html_url": "https://example.com/9.9.9", "assets": [
        { "name": name(program), "browser_download_url": archive },
    ]});
    release.to_string().into_bytes()
}

fn name(program: &str) -> String {
    format!("{program}-9.9.9-{}-{}.tar.gz", std::env::consts::OS, std::env::consts::ARCH)
}

/// A server that answers every request with this.
async fn answering(body: Vec<u8>) -> (String, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/latest", listener.local_addr().expect("an address"));
    let serve = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = socket.read(&mut head).await;
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = socket.write_all(&[head.as_bytes(), &body].concat()).await;
        }
    });
    (url, AbortOnDropHandle::new(serve))
}

/// A copy of the program in a folder of its own.
fn copied(program: &str, folder: &Path) -> PathBuf {
    let copy = folder.join(program);
    std::fs::copy(binary(program), &copy).expect("a copy");
    copy
}

async fn run(program: PathBuf, args: &[&str], releases: &str) -> (Output, String) {
    let key: String = key().verifying_key().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let env = [("LLAMAPOOL_TEST_RELEASES", releases.to_owned()), ("LLAMAPOOL_TEST_KEY", key)];
    let mut command = clean_command(program, &env);
    command.args(args).kill_on_drop(true);
    let output = tokio::time::timeout(secs(20), command.output()).await.expect("it ends").expect("it starts");
    let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    (output, said)
}

/// Says whether there is a newer release, and takes nothing that is not signed.
#[tokio::test]
async fn only_what_is_signed_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    for program in PROGRAMS {
        let copy = copied(program, folder.path());
        let before = std::fs::read(&copy).unwrap();
        let (bad, _bad) = answering(archive(program, "another-name.tar.gz")).await;
        let (releases, _releases) = answering(release(program, &bad)).await;

        let (output, said) = run(copy.clone(), &["update", "--check"], &releases).await;
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("can be updated to 9.9.9"), "{said}");
        let (output, said) = run(copy.clone(), &["update"], &releases).await;
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("not signed by the makers of llamapool"), "{said}");
        let (output, said) = run(copy.clone(), &["update", "--roll-back"], &releases).await;
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(std::fs::read(&copy).unwrap(), before, "it is what it was");
    }
}

/// A good release takes the program's place, and the one before is kept.
#[tokio::test]
async fn a_good_release_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    for program in PROGRAMS {
        let copy = copied(program, folder.path());
        let before = std::fs::read(&copy).unwrap();
        let (good, _good) = answering(archive(program, &name(program))).await;
        let (releases, _releases) = answering(release(program, &good)).await;
        let (output, said) = run(copy.clone(), &["update"], &releases).await;
        assert!(
            output.status.code() == Some(0) && said.contains(&format!("{program} is 9.9.9 now")),
            "{said}"
        );
        let (_, said) = run(copy.clone(), &["--version"], "").await;
        assert!(said.contains("version=9.9.9"), "{said}");
        let kept = folder.path().join(format!(".{program}.old"));
        assert_eq!(std::fs::read(&kept).unwrap(), before);
    }
}

/// An older release is no update; a server that is away is told.
#[tokio::test]
async fn no_downgrade_and_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let copy = copied("llamapool-worker", folder.path());
    let (releases, _serve) = answering(br#"{"tag_name": "v0.0.1"}"#.to_vec()).await;
    let (output, said) = run(copy.clone(), &["update"], &releases).await;
    assert!(output.status.code() == Some(0) && said.contains("is the newest version"), "{said}");
    let (output, said) = run(copy, &["update"], "http://127.0.0.1:1/latest").await;
    assert!(output.status.code() == Some(1) && said.contains("cannot be reached"), "{said}");
}

/// What a package manager has installed is its to update.
#[tokio::test]
async fn a_package_managers_program_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let cellar = folder.path().join("Cellar/llamapool");
    std::fs::create_dir_all(&cellar).unwrap();
    let copy = copied("llamapool-worker", &cellar);
    let (output, said) = run(copy, &["update"], "http://127.0.0.1:1/latest").await;
    assert!(output.status.code() == Some(1) && said.contains("brew upgrade llamapool"), "{said}");
}

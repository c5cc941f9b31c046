//! Updates from a release server that may send anything: only a signed, complete, newer and working program is installed.

#![cfg(unix)] // programs are shell scripts here

use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, header};
use axum::response::Redirect;
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio_util::task::AbortOnDropHandle;
use zipsign_api::SigningKey;
use zipsign_api::sign::copy_and_sign_tar;

use super::*;

const PROGRAM: &str = "llamapool-worker";

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

/// A program that prints this for `--version`.
fn script(said: &str) -> String {
    format!("#!/bin/sh\necho '{said}'\n")
}

fn program(version: &str) -> String {
    script(&format!("{PROGRAM} version={version} sha=x date=y"))
}

/// An archive with one file, signed for this name.
fn archive(file: &str, content: &str, name: &str, key: &SigningKey) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut head = tar::Header::new_gnu();
    head.set_size(content.len() as u64);
    head.set_mode(0o644);
    let folder = name.strip_suffix(".tar.gz").unwrap_or(name);
    tar.append_data(&mut head, format!("{folder}/{file}"), content.as_bytes()).unwrap();
    let plain = tar.into_inner().unwrap().finish().unwrap();
    let mut signed = Cursor::new(Vec::new());
    copy_and_sign_tar(&mut Cursor::new(plain), &mut signed, std::slice::from_ref(key), Some(name.as_bytes()))
        .unwrap();
    signed.into_inner()
}

/// The name of the archive with this version for this system.
fn name(version: &str) -> String {
    format!("{}.tar.gz", releases::folder(PROGRAM, version))
}

/// A release server with one release, and a program to update.
struct Rig {
    dir: tempfile::TempDir,
    updater: Updater,
    base: String,
    _serve: AbortOnDropHandle<()>,
}

impl Rig {
    /// A server that offers `version` with one archive.
    async fn offering(version: &str, asset: &str, archive: Vec<u8>) -> Self {
        let length = archive.len();
        Self::answering(version, asset, archive, length).await
    }

    /// The same, with a wrong length for the archive.
    async fn answering(version: &str, asset: &str, archive: Vec<u8>, length: usize) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let release = serde_json::json!({
            "tag_name": format!("v{version}"), "created_at": "2026-01-01T00:00:00Z", "body": "What is new",
            "html_url": "https://example.com/release",
            "assets": [
                {"name": "SHA256SUMS", "url": format!("{base}/sums")},
                {"name": asset, "url": format!("{base}/archive")},
            ],
        });
        let described = get(move || async move { axum::Json(release) });
        let download = get(move || async move {
            let body = Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(archive)]));
            Response::builder().header(header::CONTENT_LENGTH, length).body(body).unwrap()
        });
        let router = Router::new()
            .route("/repos/llamapool/llamapool/releases/latest", described.clone())
            .route("/repos/llamapool/llamapool/releases/tags/{tag}", described)
            .route("/archive", get(|| async { Redirect::temporary("/storage") }))
            .route("/storage", download);
        let serve = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let dir = tempfile::tempdir().unwrap();
        let exe = dir.path().join(PROGRAM);
        fs::write(&exe, program(build::VERSION)).unwrap();
        fs::set_permissions(&exe, fs::Permissions::from_mode(0o755)).unwrap();
        let source = Source::unencrypted(&base.parse().unwrap());
        let updater = Updater::with(PROGRAM, &exe, source, key(1).verifying_key().to_bytes());
        Self { dir, updater, base, _serve: AbortOnDropHandle::new(serve) }
    }

    /// A server that offers 9.9.9 with this program in it, correctly signed.
    async fn good(content: &str) -> Self {
        let name = name("9.9.9");
        Self::offering("9.9.9", &name, archive(PROGRAM, content, &name, &key(1))).await
    }

    fn exe(&self) -> PathBuf {
        self.dir.path().join(PROGRAM)
    }

    async fn stage(&self) -> Result<Staged, UpdateError> {
        let release = self.updater.check().await?.expect("a newer release");
        self.updater.stage(&release).await
    }

    /// The program is unchanged, and only the lock and the record of the attempt are next to it.
    #[track_caller]
    fn assert_untouched(&self) {
        assert_eq!(fs::read_to_string(self.exe()).unwrap(), program(build::VERSION));
        let mut names: Vec<_> =
            fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| name != ".llamapool-worker.update-lock" && name != ".llamapool-worker.tried");
        assert_eq!(names, [PROGRAM]);
    }
}

#[tokio::test]
async fn a_good_update() {
    let rig = Rig::good(&program("9.9.9")).await;
    let release = rig.updater.check().await.unwrap().unwrap();
    assert_eq!((release.version.as_str(), release.notes.as_str()), ("9.9.9", "What is new"));
    let staged = rig.updater.stage(&release).await.unwrap();
    assert_eq!(fs::read_to_string(rig.exe()).unwrap(), program(build::VERSION), "staged is not applied");
    let applied = staged.apply().await.unwrap();
    assert_eq!(fs::read_to_string(rig.exe()).unwrap(), program("9.9.9"));
    assert_eq!(fs::metadata(rig.exe()).unwrap().permissions().mode() & 0o777, 0o755);
    drop(applied);

    // A later process: the update still has to be confirmed.
    let pending = Applied::pending(&rig.exe()).unwrap().expect("the version before is kept");
    pending.confirm().unwrap();
    assert!(Applied::pending(&rig.exe()).unwrap().is_none());
    assert_eq!(swap::tried(&rig.exe()), None);
    assert_eq!(fs::read_to_string(rig.exe()).unwrap(), program("9.9.9"));
}

#[tokio::test]
async fn an_update_that_turns_out_bad_is_rolled_back() {
    let rig = Rig::good(&program("9.9.9")).await;
    let release = rig.updater.check().await.unwrap().unwrap();
    assert!(!rig.updater.has_failed(&release));
    rig.stage().await.unwrap().apply().await.unwrap().roll_back().unwrap();
    rig.assert_untouched();
    assert!(rig.updater.has_failed(&release), "it does not come again by itself");
    assert_eq!(taken_back(&rig.exe()).as_deref(), Some("9.9.9"));
    drop(rig.stage().await.unwrap().apply().await.unwrap());
    Applied::pending(&rig.exe()).unwrap().unwrap().roll_back().unwrap();
    rig.assert_untouched();
}

#[tokio::test]
async fn what_is_staged_and_not_wanted_goes() {
    let rig = Rig::good(&program("9.9.9")).await;
    let staged = rig.stage().await.unwrap();
    assert!(matches!(rig.stage().await, Err(UpdateError::Busy(_))), "one at a time");
    drop(staged);
    rig.assert_untouched();
}

#[tokio::test]
async fn a_program_that_does_not_work_is_not_taken() {
    for content in [
        "#!/bin/sh\nexit 1\n",
        "#!/no/such/interpreter\n",
        "no program at all",
        &program("9.9.8"),
        &script("llamapool-server version=9.9.9"),
        &script(""),
    ] {
        let rig = Rig::good(content).await;
        let refused = rig.stage().await.unwrap_err();
        assert!(matches!(refused, UpdateError::DoesNotWork(_)), "{content}: {refused}");
        rig.assert_untouched();
    }
}

#[tokio::test]
async fn a_program_that_works_only_before_it_is_in_its_place_is_rolled_back() {
    let content = format!("#!/bin/sh\ncase $0 in *.new) echo '{PROGRAM} version=9.9.9';; *) exit 1;; esac\n");
    let rig = Rig::good(&content).await;
    let refused = rig.stage().await.unwrap().apply().await.unwrap_err();
    assert!(refused.to_string().contains("the previous version was restored"), "{refused}");
    rig.assert_untouched();
}

#[tokio::test]
async fn what_is_not_signed_by_us_is_not_taken() {
    let (good, version) = (name("9.9.9"), program("9.9.9"));
    let plain = {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(b"no tar, no signature").unwrap();
        gz.finish().unwrap()
    };
    let mut changed = archive(PROGRAM, &version, &good, &key(1));
    changed[20] ^= 1;
    for (what, bytes) in [
        ("another key", archive(PROGRAM, &version, &good, &key(2))),
        ("signed as an older version", archive(PROGRAM, &version, &name("0.0.9"), &key(1))),
        ("signed as another program", archive(PROGRAM, &version, &good.replace("worker", "server"), &key(1))),
        ("changed on the way", changed),
        ("not signed", plain),
        ("nothing", Vec::new()),
        ("half of it", archive(PROGRAM, &version, &good, &key(1))[..100].to_vec()),
    ] {
        let rig = Rig::offering("9.9.9", &good, bytes).await;
        let refused = rig.stage().await.unwrap_err();
        assert!(matches!(refused, UpdateError::NotSigned), "{what}: {refused}");
        rig.assert_untouched();
    }
}

#[tokio::test]
async fn a_download_that_breaks_off_leaves_nothing() {
    let name = name("9.9.9");
    let whole = archive(PROGRAM, &program("9.9.9"), &name, &key(1));
    let length = whole.len();
    let rig = Rig::answering("9.9.9", &name, whole[..length / 2].to_vec(), length).await;
    let refused = rig.stage().await.unwrap_err();
    assert!(matches!(refused, UpdateError::Unreachable(_)), "{refused}");
    rig.assert_untouched();
}

#[tokio::test]
async fn an_older_or_equal_release_is_no_update() {
    for version in [build::VERSION, "0.0.1", &format!("{}-rc.1", build::VERSION)] {
        let name = name(version);
        let rig = Rig::offering(version, &name, archive(PROGRAM, &program(version), &name, &key(1))).await;
        assert_eq!(rig.updater.check().await.unwrap(), None, "{version}");
        let release = Release { version: version.to_owned(), notes: String::new(), page: String::new() };
        assert!(
            matches!(rig.updater.stage(&release).await, Err(UpdateError::Unusable(_))),
            "also if asked to"
        );
        rig.assert_untouched();
    }
}

#[tokio::test]
async fn releases_without_what_we_need() {
    let version = program("9.9.9");
    let rig = Rig::offering("9.9.9", "llamapool-worker-9.9.9-amiga-m68k.tar.gz", Vec::new()).await;
    assert!(rig.stage().await.unwrap_err().to_string().contains("it has no llamapool-worker-9.9.9"));
    let name = name("9.9.9");
    let rig = Rig::offering("9.9.9", &name, archive("README", &version, &name, &key(1))).await;
    assert!(rig.stage().await.unwrap_err().to_string().contains("its archive contains no llamapool-worker"));
    rig.assert_untouched();
    let rig = Rig::offering("nonsense", &name, Vec::new()).await;
    assert!(matches!(rig.updater.check().await, Err(UpdateError::Unusable(_))));
}

/// The tag determines which release is downloaded; its description may be of another one.
#[tokio::test]
async fn a_release_is_not_passed_off_as_another() {
    let old = name("0.0.9");
    let rig = Rig::offering("0.0.9", &old, archive(PROGRAM, &program("0.0.9"), &old, &key(1))).await;
    let release = Release { version: "9.9.9".to_owned(), notes: String::new(), page: String::new() };
    let refused = rig.updater.stage(&release).await.unwrap_err();
    assert!(refused.to_string().contains(&format!("it has no {}", name("9.9.9"))), "{refused}");
    rig.assert_untouched();
}

#[tokio::test]
async fn a_description_without_end_is_not_read() {
    let rig = Rig::good(&program("9.9.9")).await;
    let endless = vec![b' '; 2 << 20];
    let router = Router::new().fallback(move || async move { endless });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let _serve =
        AbortOnDropHandle::new(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
    let updater =
        Updater { source: Source::unencrypted(&base.parse().unwrap()), exe: rig.exe(), ..rig.updater };
    assert!(updater.check().await.unwrap_err().to_string().contains("too large"));
}

#[tokio::test]
async fn nothing_comes_unencrypted() {
    let rig = Rig::good(&program("9.9.9")).await;
    let release = rig.updater.check().await.unwrap().unwrap();
    let strict = Updater { source: Source::at(&rig.base.parse().unwrap()), exe: rig.exe(), ..rig.updater };
    assert!(matches!(strict.check().await, Err(UpdateError::Unusable(_))));
    assert!(strict.stage(&release).await.unwrap_err().to_string().contains("https"));
}

#[test]
fn keys_are_read() {
    let digits: String = key(1).verifying_key().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(read_key(&digits), Some(key(1).verifying_key().to_bytes()));
    for wrong in ["", "00", &digits[1..], "zz", &"é".repeat(32)] {
        assert_eq!(read_key(wrong), None, "{wrong}");
    }
}

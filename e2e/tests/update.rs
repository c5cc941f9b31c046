//! `update` of both programs, from a release server that this test plays: what is good is taken, and of all else nothing is left.

use std::path::{Path, PathBuf};

use llamapool_e2e::process::{binary, clean_command};
use llamapool_e2e::releases::{self, Releases, archive, key, name, newer_version, unsigned};
use llamapool_e2e::secs;
use tempfile::TempDir;
use zipsign_api::SigningKey;

const SERVER: &str = "llamapool-server";
const WORKER: &str = "llamapool-worker";

/// A program in a folder of its own.
struct Installed {
    folder: TempDir,
    program: &'static str,
    before: Vec<u8>,
}

/// What a command said, and its exit code.
struct Said {
    text: String,
    code: Option<i32>,
}

impl Installed {
    fn new(program: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::copy(binary(program), folder.path().join(program)).expect("a copy");
        Self { before: std::fs::read(binary(program)).expect("the program"), folder, program }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.program)
    }

    /// Calls it with these arguments, where releases are those of this server.
    async fn run(&self, args: &[&str], url: &str) -> Said {
        run(self.path(), args, &releases::environment(url)).await
    }

    /// Updates it, which has to fail, for this reason.
    async fn assert_refused(&self, what: &str, url: &str, why: &str) {
        let said = self.run(&["update"], url).await;
        assert!(said.code == Some(1) && said.text.contains(why), "{what}: {}", said.text);
        self.assert_untouched(what);
    }

    /// It is what it was, and nothing lies beside it but the lock.
    fn assert_untouched(&self, what: &str) {
        assert!(std::fs::read(self.path()).expect("the program") == self.before, "{what}: it was replaced");
        let names = std::fs::read_dir(self.folder.path()).expect("its folder");
        let names =
            names.map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"));
        let left: Vec<_> =
            names.filter(|name| name != self.program && !name.ends_with(".update-lock")).collect();
        assert_eq!(left, [""; 0], "{what}");
    }
}

async fn run(program: PathBuf, args: &[&str], env: &[(&str, String)]) -> Said {
    let mut command = clean_command(program, env);
    command.args(args).kill_on_drop(true);
    let output = tokio::time::timeout(secs(60), command.output()).await.expect("it ends").expect("it starts");
    let text = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    Said { text, code: output.status.code() }
}

/// A newer program takes the older one's place, which is kept; and gives it back.
#[tokio::test]
async fn there_and_back() {
    for program in [SERVER, WORKER] {
        let (here, releases, newer) =
            (Installed::new(program), Releases::newer(program).await, newer_version());
        let said = here.run(&["update", "--check"], &releases.url).await;
        let wanted = format!("can be updated to {newer}. https://example.com/v{newer}");
        assert!(said.code == Some(0) && said.text.contains(&wanted), "{}", said.text);
        here.assert_untouched("it was asked only");

        let said = here.run(&["update"], &releases.url).await;
        assert!(
            said.code == Some(0) && said.text.contains(&format!("{program} was updated to {newer}")),
            "{}",
            said.text
        );
        let said = here.run(&["--version"], &releases.url).await;
        assert!(said.text.starts_with(&format!("{program} version={newer} ")), "{}", said.text);
        let kept = here.folder.path().join(format!(".{program}.old"));
        assert!(std::fs::read(kept).expect("it was kept") == here.before, "what is kept is what was there");
        let said = here.run(&["update"], &releases.url).await;
        assert!(
            said.code == Some(0) && said.text.contains(&format!("{newer} is the latest version")),
            "{}",
            said.text
        );

        let said = here.run(&["update", "--roll-back"], &releases.url).await;
        assert!(said.code == Some(0) && said.text.contains("was restored"), "{}", said.text);
        assert!(std::fs::read(here.path()).expect("the program") == here.before, "it is back");
        let said = here.run(&["update", "--roll-back"], &releases.url).await;
        assert!(said.code == Some(1) && said.text.contains("no previous version"), "{}", said.text);
    }
}

/// Signatures count, names and sums do not.
#[tokio::test]
async fn only_what_is_signed_as_what_it_is_is_taken() {
    let (here, version) = (Installed::new(WORKER), newer_version());
    let (script, asset) = (saying(&version), name(WORKER, &version));
    let signed = |name: &str, key: &SigningKey| archive(WORKER, script.as_bytes(), name, key);
    let mut changed = signed(&asset, &key());
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for (what, archive) in [
        ("signed by somebody else", signed(&asset, &SigningKey::from_bytes(&[8; 32]))),
        ("not signed", unsigned(WORKER, script.as_bytes(), &asset)),
        ("an older version under another name", signed(&name(WORKER, "0.0.1"), &key())),
        ("another program under another name", signed(&name(SERVER, &version), &key())),
        ("changed on the way", changed),
        ("half of it", signed(&asset, &key())[..middle].to_vec()),
        ("no archive", b"<html>Log in to the network of this hotel</html>".to_vec()),
    ] {
        let releases = Releases::offering(&version, &asset, archive).await;
        here.assert_refused(what, &releases.url, "no valid llamapool signature").await;
    }
}

/// What is signed may be of no use all the same.
#[tokio::test]
async fn only_what_works_here_is_taken() {
    let (here, version) = (Installed::new(SERVER), newer_version());
    for (what, script, why) in [
        ("it ends badly", "#!/bin/sh\nexit 3\n", "does not work here: it ended with exit status: 3"),
        ("no program", "no program", "does not work here: it cannot be started"),
        (
            "it says another version",
            "#!/bin/sh\necho llamapool-server version=1.0.0\n",
            "it is another program or version",
        ),
    ] {
        let releases = Releases::good(SERVER, script.as_bytes()).await;
        here.assert_refused(what, &releases.url, why).await;
    }
    let asset = name(SERVER, &version);
    let releases = Releases::offering(&version, &asset, archive("README", b"Hello", &asset, &key())).await;
    here.assert_refused("no program in it", &releases.url, "its archive contains no llamapool-server").await;
    let other = format!("{SERVER}-{version}-amiga-m68k.tar.gz");
    let releases = Releases::offering(&version, &other, archive(SERVER, b"", &other, &key())).await;
    here.assert_refused("another system's", &releases.url, &format!("it has no {asset}")).await;
    let releases = Releases::offering("tomorrow", &asset, Vec::new()).await;
    here.assert_refused("no version", &releases.url, "its tag is not a version").await;
}

/// An older release is no update, and a server that is away is told.
#[tokio::test]
async fn no_downgrade_and_no_server() {
    let here = Installed::new(WORKER);
    let asset = name(WORKER, "0.0.1");
    let archive = archive(WORKER, saying("0.0.1").as_bytes(), &asset, &key());
    let releases = Releases::offering("0.0.1", &asset, archive).await;
    let said = here.run(&["update"], &releases.url).await;
    assert!(said.code == Some(0) && said.text.contains("is the latest version"), "{}", said.text);
    here.assert_untouched("an older release");
    here.assert_refused("no server", "http://127.0.0.1:1", "cannot reach the releases: ").await;
    let nowhere = format!("{}/nowhere", releases.url);
    here.assert_refused("nothing there", &nowhere, "cannot reach the releases: HTTP 404").await;
}

#[tokio::test]
async fn one_at_a_time() {
    let (here, releases) = (Installed::new(WORKER), Releases::newer(WORKER).await);
    releases.hold();
    let first = async {
        let said = here.run(&["update"], &releases.url).await;
        assert_eq!(said.code, Some(0), "{}", said.text);
    };
    let second = async {
        releases.until_fetched().await;
        here.assert_refused("while another is under way", &releases.url, "is in progress").await;
        releases.open();
    };
    tokio::join!(first, second);
    let said = here.run(&["--version"], &releases.url).await;
    assert!(said.text.contains(&newer_version()), "{}", said.text);
}

/// What a package manager has installed is its to update.
#[tokio::test]
async fn a_package_managers_program_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let cellar = folder.path().join("Cellar/llamapool");
    std::fs::create_dir_all(&cellar).unwrap();
    let copy = cellar.join(WORKER);
    std::fs::copy(binary(WORKER), &copy).unwrap();
    let said = run(copy, &["update"], &[]).await;
    assert!(said.code == Some(1) && said.text.contains("brew upgrade llamapool"), "{}", said.text);

    let here = Installed::new(SERVER);
    // Not every system has it.
    if let Some(records) = dpkg_records(&here.path()) {
        let mut env = releases::environment("http://127.0.0.1:1").to_vec();
        env.push(("DPKG_ADMINDIR", records.path().display().to_string()));
        let said = run(here.path(), &["update"], &env).await;
        assert!(
            said.code == Some(1) && said.text.contains("apt install --only-upgrade llamapool-server"),
            "{}",
            said.text
        );
        here.assert_untouched("dpkg has installed it");
    }
}

/// A program that says that it is the worker in this version.
fn saying(version: &str) -> String {
    format!("#!/bin/sh\necho '{WORKER} version={version} sha=x date=y'\n")
}

/// dpkg's records, in which this file is that of a package.
fn dpkg_records(file: &Path) -> Option<TempDir> {
    std::process::Command::new("dpkg").arg("--version").output().ok()?;
    let records = tempfile::tempdir().expect("a temporary folder");
    let status = "Package: llamapool\nStatus: install ok installed\nVersion: 0.1.0\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n";
    let file = file.canonicalize().expect("it is there");
    std::fs::write(records.path().join("status"), status).expect("the folder takes files");
    std::fs::create_dir(records.path().join("info")).expect("the folder takes folders");
    std::fs::write(records.path().join("info/format"), "1\n").expect("the folder takes files");
    let list = records.path().join("info/llamapool.list");
    std::fs::write(list, format!("{}\n", file.display())).expect("the folder takes files");
    Some(records)
}
